"""What leaves and comes in as files.

model_files  models in safetensors, their graph and options as JSON in the same file
nir_graphs/  graphs of NIR, in and out
"""

from workbench.exchange.model_files import describe, load_model, read_tensors, save_model, write_tensors
from workbench.exchange.nir_graphs import compare_nir, from_nir, read_nir, to_nir, write_nir

__all__ = [
    "compare_nir",
    "describe",
    "from_nir",
    "load_model",
    "read_nir",
    "read_tensors",
    "save_model",
    "to_nir",
    "write_nir",
    "write_tensors",
]
