"""What leaves and comes in: files, and networks of others.

model_files    models in safetensors, their graph and options as JSON in the same file
torch_import/  trained modules of torch as networks with numbers
torch_export   ANNs as plain modules of torch
"""

from workbench.exchange.model_files import describe, load_model, read_tensors, save_model, write_tensors
from workbench.exchange.torch_export import to_torch
from workbench.exchange.torch_import import from_torch, read_module

__all__ = [
    "describe",
    "from_torch",
    "load_model",
    "read_module",
    "read_tensors",
    "save_model",
    "to_torch",
    "write_tensors",
]
