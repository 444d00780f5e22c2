"""What leaves and comes in: files, and networks of others.

model_files        models in safetensors, their graph and options as JSON in the same file
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
from workbench.exchange.model_files import describe, load_model, read_tensors, save_model, write_tensors
from workbench.exchange.nir_graphs import (
    compare_nir,
    from_nir,
    from_nir_data,
    read_nir,
    to_nir,
    to_nir_data,
    write_nir,
)
from workbench.exchange.torch_export import to_torch
from workbench.exchange.torch_import import Example, from_torch, read_module

__all__ = [
    "CHIPS",
    "Chip",
    "Example",
    "compare_nir",
    "describe",
    "from_nir",
    "from_nir_data",
    "from_torch",
    "load_model",
    "read_module",
    "read_nir",
    "read_tensors",
    "requirements",
    "save_model",
    "to_nir",
    "to_nir_data",
    "to_torch",
    "write_events",
    "write_nir",
    "write_tensors",
]
