"""Linear maps that an edge can carry; each owns its shape rule, its weights and its fan-out, and registers itself.

operation         the interface of all, and their registry
convolution       `Conv`
dense             `Dense`
pooling           `Pool`
identity          `Identity`
chain             `Chain`
convolution_1d    `Conv1d`
global_pooling    `GlobalPool`
projective_field  which units a unit reaches
"""

from workbench.discovery import import_rooms
from workbench.network.operations.operation import (
    OPERATIONS,
    Operation,
    Shape,
    UnknownOptionError,
    operation_from_dict,
    require_operation,
)
from workbench.network.operations.projective_field import ProjectiveField

# isort: off
# in the order in which messages list them
from workbench.network.operations.convolution import Conv, Window
from workbench.network.operations.dense import Dense
from workbench.network.operations.pooling import Pool
from workbench.network.operations.identity import Identity
from workbench.network.operations.chain import Chain
from workbench.network.operations.convolution_1d import Conv1d
from workbench.network.operations.global_pooling import GlobalPool
# isort: on

__all__ = [
    "OPERATIONS",
    "Chain",
    "Conv",
    "Conv1d",
    "Dense",
    "GlobalPool",
    "Identity",
    "Operation",
    "Pool",
    "ProjectiveField",
    "Shape",
    "UnknownOptionError",
    "Window",
    "operation_from_dict",
    "require_operation",
]

import_rooms(__name__, __path__)
