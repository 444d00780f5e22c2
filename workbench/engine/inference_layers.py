"""Layers where nothing is learned: images channels last, the bias and the neuron in one pass over the drive."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from workbench.engine.kernels.neuron_scan import can_compile, scan_in_place
from workbench.engine.neurons import Neuron
from workbench.engine.scheduler import Layers


class InferenceLayers:
    """Other layers for the engine that give the same numbers sooner; their spiking nodes pass no gradient on.

    The same bits where numbers lie on a grid; others but for the rounding of sums in another order, which at a
    threshold can move a whole spike.

    `often_silent` are the positions of edges whose source sends nothing in most steps. `neurons` and `biases`
    (channels) are those of the nodes with a compiled scan, which have no norm. Every other node is left to `layers`.
    What arrives is written over by the spikes, so `connect` always gives memory of its own.
    """

    def __init__(
        self,
        layers: Layers,
        neurons: Mapping[str, Neuron],
        biases: Mapping[str, Tensor],
        often_silent: Collection[int] = (),
    ) -> None:
        self.layers, self.neurons, self.biases, self.often_silent = layers, neurons, biases, frozenset(often_silent)
        self.dynamics = {node: neuron.dynamics for node, neuron in neurons.items()}

    def connect(self, position: int, source: Tensor) -> Tensor:
        """The linear map of the edge at this position; of sources that keep silent in some ticks, of the others."""
        if position in self.often_silent:
            active = source.flatten(1).any(1)
            if not active.all():
                return self._connect_some(position, source, active)
        target = self.layers.connect(position, put_channels_last(source))
        return target.clone() if target.data_ptr() == source.data_ptr() else target

    def _connect_some(self, position: int, source: Tensor, active: Tensor) -> Tensor:
        """The linear map in the steps in which the source is active, zeros in the others."""
        some = self.layers.connect(position, put_channels_last(source[active] if active.any() else source[:1]))
        last = some.movedim(2, -1) if some.ndim == 5 else some  # so that images keep their channels last
        target = last.new_zeros(len(source), *last.shape[1:])
        target[active] = last if active.any() else 0
        return target.movedim(-1, 2) if some.ndim == 5 else target

    def normalize(self, node: str, drive: Tensor) -> Tensor:
        """The node's bias, which a spiking node adds when it fires."""
        return drive if node in self.biases else self.layers.normalize(node, drive)

    def fire(self, node: str, drive: Tensor, membrane: Tensor | None, elapsed: int) -> tuple[Tensor, Tensor | None]:
        """The node's neuron, its spikes in the memory of the drive where the scan is compiled."""
        if node not in self.biases:
            return self.layers.fire(node, drive, membrane, elapsed)
        drive, bias = drive.detach(), self.biases[node].detach()
        if (dynamics := self.dynamics[node]) is not None and can_compile(drive, membrane):
            extra_biases = self.neurons[node].extra_biases(elapsed, len(drive))
            return scan_in_place(dynamics, drive, membrane, elapsed, bias, extra_biases)
        return self.layers.fire(node, self.layers.normalize(node, drive), membrane, elapsed)

    def announce(self, node: str, membrane: Tensor, elapsed: int, steps: int) -> Tensor:
        """As the layers do."""
        return self.layers.announce(node, membrane, elapsed, steps)


def put_channels_last(images: Tensor) -> Tensor:
    """The same images (steps, batch, channels, height, width) with their channels next to each other in memory.

    Whatever is no image stays as it is.

    >>> put_channels_last(torch.zeros(2, 3, 16, 5, 4)).stride()
    (960, 320, 1, 64, 16)
    """
    if images.ndim != 5:
        return images
    last = images.movedim(2, -1)
    return images if last.is_contiguous() else last.contiguous().movedim(-1, 2)
