"""What leaves and comes in as files.

model_files  models in safetensors, their graph and options as JSON in the same file
nir_graphs/  graphs of NIR, in and out
event_files  address events as files that other tools read
chips        what neuromorphic chips can hold, as data with their sources
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

__all__ = [
    "CHIPS",
    "Chip",
    "compare_nir",
    "describe",
    "from_nir",
    "from_nir_data",
    "load_model",
    "read_nir",
    "read_tensors",
    "requirements",
    "save_model",
    "to_nir",
    "to_nir_data",
    "write_events",
    "write_nir",
    "write_tensors",
]
