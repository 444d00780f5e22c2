"""Training with quantised activations: ReLUs become clipped and quantised, with ceilings that are learned."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.engine import QuantisedReLU
from workbench.model import Model

CEILING_PERCENTILE = 0.99


@torch.no_grad()
def with_quantised_relu(model: Model, frames: Tensor, levels: int) -> Model:
    """A copy of an ANN with the neurons `QuantisedReLU(levels)`, its ceilings those it has or measured on frames.

    A ceiling is measured as the 99th percentile of the node's non-zero activities, 1 where there are none.
    """
    bounded = Model(
        model.network,
        norm=model.norm,
        neuron=QuantisedReLU(levels),
        input_factor=model.input_factor,
        input_function=model.input_function,
    )
    for position, gain in model.gains.items():  # of edges without weights, which a module of torch may have brought
        bounded.gains[position] = nn.Parameter(gain.detach().clone())
    bounded.origin = model.origin
    bounded.to(model.device, model.dtype).load_state_dict(model.state_dict(), strict=False)
    bounded.train(model.training).provenance = model.provenance
    known = {node for node, neuron in model.node_neurons.items() if neuron.bounded}
    if not model.bounded:
        for node, activity in model.copy().train().run(frames).items():
            active = activity[activity > 0].double()
            if node in bounded.network.hidden and node not in known and len(active):
                ceiling = active.kthvalue(max(1, round(CEILING_PERCENTILE * len(active)))).values
                bounded.ceiling_parameter(node).copy_(ceiling.log())
    return bounded
