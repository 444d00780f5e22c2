"""What leaves and comes in as files.

model_files        models in safetensors, their graph and options as JSON in the same file
model_description  everything about a model that is not a tensor
number_checks      the tensors of a file beside those that a model needs
history_tables     the history of a training as plain data
tensor_files       tensors and a description in one file: format, checksum
older_formats      what files of older formats say, in the words of today
plain_values       frozen values out of plain data, field by field
foreign_files      the files of others, and the way that works
"""

from workbench.exchange.model_description import describe
from workbench.exchange.model_files import ModelFile, describe_model_file, load_model, save_model
from workbench.exchange.number_checks import require_layout, require_sound
from workbench.exchange.plain_values import in_field
from workbench.exchange.tensor_files import Layout, TensorHeader, read_header, read_tensors, write_tensors

__all__ = [
    "Layout",
    "ModelFile",
    "TensorHeader",
    "describe",
    "describe_model_file",
    "in_field",
    "load_model",
    "read_header",
    "read_tensors",
    "require_layout",
    "require_sound",
    "save_model",
    "write_tensors",
]
