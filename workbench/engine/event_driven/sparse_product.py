"""A linear map of activity that is mostly zero: weights of what is active are added up, the rest is not looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workbench.engine.event_driven.simulator import describe_edge, flatten_units, unflatten_units
from workbench.engine.kernels.parallel import parallel_for
from workbench.engine.kernels.record_kernels import scatter_rows
from workbench.engine.kernels.synapse_layouts import arrange_weights, make_table
from workbench.network import Operation, Shape


class SparseProduct:
    """A map with its weights and gain laid out for spikes; `source` is the shape of what it takes.

    >>> product = SparseProduct(Dense(1), (3,), [torch.tensor([[1.0, 2.0, 4.0]])], None)
    >>> product(torch.tensor([[0.0, 1.0, 1.0]]))
    tensor([[6.]])
    """

    def __init__(self, operation: Operation, source: Shape, weights: Sequence[Tensor], gain: Tensor | None) -> None:
        self.target = operation.output_shape(source)
        table = make_table(operation, source)
        self.runs, self.weights = table.runs, arrange_weights(operation, source, weights, gain)
        self.edge = np.array([0, 0, 0, 0, 0, *describe_edge(table)], np.int64)

    def __call__(self, images: Tensor) -> Tensor:
        """The map of images (images, *source), float32 on a CPU."""
        rows = flatten_units(images).reshape(len(images), -1)
        targets = torch.empty(len(images), math.prod(self.target), dtype=torch.float32)
        where = rows, targets.numpy(), self.edge, self.runs, self.weights
        parallel_for(scatter_rows.compiled(), len(images), targets.numel(), *where)
        return unflatten_units(targets.flatten(), len(images), self.target)
