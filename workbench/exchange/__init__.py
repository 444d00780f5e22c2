"""What leaves and comes in as files.

model_files  models in safetensors, their graph and options as JSON in the same file
"""

from workbench.exchange.model_files import describe, load_model, read_tensors, save_model, write_tensors

__all__ = [
    "describe",
    "load_model",
    "read_tensors",
    "save_model",
    "write_tensors",
]
