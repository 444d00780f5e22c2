"""What leaves and comes in: files, and networks of others.

model_files        models in safetensors, their graph and options as JSON in the same file
stream_files       streams in the middle of a recording, to go on elsewhere
model_description  everything about a model that is not a tensor
number_checks      the tensors of a file beside those that a model needs
history_tables     the history of a training as plain data
tensor_files       tensors and a description in one file: format, checksum
older_formats      what files of older formats say, in the words of today
plain_values       frozen values out of plain data, field by field
foreign_files      the files of others, and the way that works
torch_import/      trained modules of torch as networks with numbers
torch_export       ANNs as plain modules of torch
nir_graphs/        graphs of NIR, in and out
event_files        address events as files that other tools read
chips              what neuromorphic chips can hold, as data with their sources
chip_requirements  what a chip must hold for an SNN
"""

from workbench.exchange.chip_requirements import requirements
from workbench.exchange.chips import CHIPS, Chip
from workbench.exchange.event_files import write_events
from workbench.exchange.model_description import describe
from workbench.exchange.model_files import ModelFile, describe_model_file, load_model, save_model
from workbench.exchange.nir_graphs import (
    compare_nir,
    from_nir,
    from_nir_data,
    read_nir,
    to_nir,
    to_nir_data,
    write_nir,
)
from workbench.exchange.number_checks import require_layout, require_sound
from workbench.exchange.plain_values import in_field
from workbench.exchange.stream_files import load_stream, save_stream
from workbench.exchange.tensor_files import Layout, TensorHeader, read_header, read_tensors, write_tensors
from workbench.exchange.torch_export import to_torch
from workbench.exchange.torch_import import Example, from_torch, read_module

__all__ = [
    "CHIPS",
    "Chip",
    "Example",
    "Layout",
    "ModelFile",
    "TensorHeader",
    "compare_nir",
    "describe",
    "describe_model_file",
    "from_nir",
    "from_nir_data",
    "from_torch",
    "in_field",
    "load_model",
    "load_stream",
    "read_header",
    "read_module",
    "read_nir",
    "read_tensors",
    "require_layout",
    "require_sound",
    "requirements",
    "save_model",
    "save_stream",
    "to_nir",
    "to_nir_data",
    "to_torch",
    "write_events",
    "write_nir",
    "write_tensors",
]
