"""Two peers that learn the spiking network itself: the same layers without delays, by surrogate gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import workbench as wb
from benchmarks.engine.networks import K
from benchmarks.engine.peers import load
from workbench.evaluation import find_loss
from workbench.model import average_answers
from workbench.training.fitting import GRADIENT_NORM

BETA = 0.9  # of snnTorch's leak, as in its tutorials
Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Learner:
    """A network that learns and how it is run: ticks (steps, batch, *shape) to drives (steps, batch, classes).

    It answers from step `first` on; frames have so many steps.
    """

    layers: nn.Module
    forward: Forward
    first: int = 0
    ticks_per_frame: int = K


class Layers(nn.Module):
    """The maps, batch norms and neurons of a network without cycles, everything within the tick.

    Every edge is a module of `conv` or `linear`, every hidden node a module of `norm` and one of `neuron`.
    """

    def __init__(self, network: wb.Network, conv: Any, linear: Any, norm: Any, flatten: Any, neuron: Any) -> None:
        super().__init__()
        self.network = network
        self.maps = nn.ModuleList()
        for edge in network.edges:
            operation, source, target = edge.operation, network.shapes[edge.source], network.shapes[edge.target]
            if isinstance(operation, wb.Conv):
                kernel, stride = operation.kernel, operation.stride
                self.maps.append(conv(source[0], target[0], kernel, stride, padding=kernel // 2, bias=False))
            else:
                self.maps.append(nn.Sequential(flatten(), linear(torch.Size(source).numel(), target[0])))
        self.norms = nn.ModuleDict({node: norm(network.shapes[node][0]) for node in network.hidden})
        self.neurons = nn.ModuleDict({node: neuron() for node in network.hidden})

    def forward(self, arrived: Tensor) -> Tensor:
        """The drive of the output."""
        network = self.network
        reached = dict.fromkeys(network.inputs, arrived)
        for node in (*network.hidden, network.output):
            positions = network.incoming(node)
            drive = sum(self.maps[position](reached[network.edges[position].source]) for position in positions)
            reached[node] = drive if node == network.output else self.neurons[node](self.norms[node](drive))
        return reached[network.output]


def make_spikingjelly(network: wb.Network) -> Learner:
    """SpikingJelly in its multi-step mode, all ticks of a layer at once: `LIFNode`, no gradient through its reset."""
    layer, neuron = load("spikingjelly.activation_based.layer"), load("spikingjelly.activation_based.neuron")
    functional = load("spikingjelly.activation_based.functional")
    lif = partial(neuron.LIFNode, detach_reset=True)
    layers = Layers(network, layer.Conv2d, layer.Linear, layer.BatchNorm2d, layer.Flatten, lif)
    functional.set_step_mode(layers, "m")

    def forward(ticks: Tensor) -> Tensor:
        functional.reset_net(layers)
        drive: Tensor = layers(ticks)
        return drive

    return Learner(layers, forward)


def make_snntorch(network: wb.Network) -> Learner:
    """snnTorch: `Leaky` with its default surrogate, tick by tick."""
    snntorch = load("snntorch")
    leaky = partial(snntorch.Leaky, beta=BETA, init_hidden=True)
    layers = Layers(network, nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.Flatten, leaky)

    def forward(ticks: Tensor) -> Tensor:
        for neuron in layers.neurons.values():
            neuron.reset_mem()
        return torch.stack([layers(tick) for tick in ticks])

    return Learner(layers, forward)


LEARNERS: dict[str, Callable[[wb.Network], Learner]] = {"SpikingJelly": make_spikingjelly, "snnTorch": make_snntorch}


def learn(learner: Learner, optimizer: torch.optim.Optimizer, ticks: Tensor, labels: Tensor) -> None:
    """A step by the loss of `wb.train`: the mean cross-entropy of the mean drive up to the end of every frame."""
    k = learner.ticks_per_frame
    answers = average_answers(learner.forward(ticks), learner.first, k)
    loss = find_loss(answers[(k - 1 - learner.first) % k :: k], labels)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    nn.utils.clip_grad_norm_(learner.layers.parameters(), GRADIENT_NORM)
    optimizer.step()
