"""Random graphs of NIR, as other tools might write them: all kinds of nodes, in fractions that float32 holds."""

from __future__ import annotations

import nir
import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]


class Drawing:
    """A graph while it is drawn: what was added last, its shape, and neurons that loops may come from."""

    def __init__(self, seed: int, shape: Shape) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: dict[str, nir.NIRNode] = {"input": nir.Input(np.array(shape))}
        self.edges: list[tuple[str, str]] = []
        self.last, self.shape = "input", shape

    def add(self, kind: str, node: nir.NIRNode, shape: Shape) -> str:
        name = f"{kind}{len(self.nodes)}"
        self.nodes[name] = node
        self.edges.append((self.last, name))
        self.last, self.shape = name, shape
        return name

    def numbers(self, *shape: int, of: float = 0.2, fine: int = 32) -> NDArray[np.float32]:
        return (np.round(self.rng.normal(of, 1, shape) * fine) / fine).astype(np.float32)

    def choose(self, *values: float, shape: Shape) -> NDArray[np.float32]:
        return np.full(shape, self.rng.choice(values), dtype=np.float32)


def random_graph(seed: int, tick_s: float = 0.125, recurrent: bool = False) -> nir.NIRGraph:
    """A graph of an image to three numbers, by two to four layers; `recurrent`: with a loop that has a Delay."""
    drawing = Drawing(seed, (2, 6, 5))
    for _ in range(drawing.rng.integers(1, 4)):
        _add_map(drawing)
        _add_neuron(drawing, tick_s)
        if drawing.rng.random() < 0.3:
            _add_delay(drawing, tick_s)
    if recurrent:
        _add_loop(drawing, tick_s)
    if len(drawing.shape) > 1:
        flat = int(np.prod(drawing.shape))
        drawing.add("flatten", nir.Flatten({"input": np.array(drawing.shape)}, 0, -1), (flat,))
    drawing.add("affine", nir.Affine(drawing.numbers(3, drawing.shape[0]), drawing.numbers(3)), (3,))
    if drawing.rng.random() < 0.4:
        _add_neuron(drawing, tick_s)
    drawing.add("output", nir.Output(np.array(drawing.shape)), drawing.shape)
    return nir.NIRGraph(drawing.nodes, drawing.edges, type_check=False)


def _add_map(drawing: Drawing) -> None:
    channels, *sides = drawing.shape
    rng = drawing.rng
    if not sides:
        units = int(rng.integers(3, 6))
        kind = nir.Affine(drawing.numbers(units, channels), drawing.numbers(units, of=0.1))
        drawing.add("affine", kind if rng.random() < 0.5 else nir.Linear(drawing.numbers(units, channels)), (units,))
        return
    choice = rng.choice(["conv", "dilated", "same", "grouped", "sum", "average", "overlapping", "scale", "flatten"])
    if choice == "flatten":
        drawing.add("flatten", nir.Flatten({"input": np.array(drawing.shape)}, 0, -1), (int(np.prod(drawing.shape)),))
        _add_map(drawing)
        return
    if choice == "scale":
        scale = np.broadcast_to(rng.choice([0.5, 2.0, 1.5], (channels, 1, 1)), drawing.shape).astype(np.float32)
        drawing.add("scale", nir.Scale(scale.copy()), drawing.shape)
        choice = "conv"
    if choice in ("sum", "average", "overlapping"):
        stride, padding = (1, 1) if choice == "overlapping" else (2, 0)
        kind = nir.AvgPool2d if choice == "average" else nir.SumPool2d
        after = tuple((side + 2 * padding - 2) // stride + 1 for side in sides)
        if min(after) > 0:
            drawing.add(
                "pool", kind(np.array([2, 2]), np.array([stride] * 2), np.array([padding] * 2)), (channels, *after)
            )
            return
        choice = "conv"
    count = 2 * channels if choice == "grouped" else int(rng.integers(2, 4))
    groups = channels if choice == "grouped" else 1
    dilation = 2 if choice == "dilated" and min(sides) > 2 else 1
    padding = "same" if choice == "same" else (1, 1)
    after = tuple(sides) if choice == "same" else tuple(side + 2 - 2 * dilation for side in sides)
    weight = drawing.numbers(count, channels // groups, 3, 3)
    conv = nir.Conv2d(None, weight, (1, 1), padding, (dilation,) * 2, groups, drawing.numbers(count, of=0.05))
    drawing.add("conv", conv, (count, *after))


def _add_neuron(drawing: Drawing, tick_s: float) -> None:
    rng, shape = drawing.rng, drawing.shape
    v_threshold, v_reset = [(1.0, 0.0), (0.5, 0.0), (2.0, 0.0), (0.75, -0.25)][rng.integers(4)]
    reset = np.full(shape, v_reset, dtype=np.float32)
    threshold = np.full(shape, v_threshold, dtype=np.float32)
    choice = rng.choice(["IF", "IF", "LIF", "Threshold"])
    if choice == "Threshold":
        drawing.add("threshold", nir.Threshold(threshold), shape)
    elif choice == "LIF":
        tau = np.full(shape, tick_s * rng.choice([2.0, 4.0, 16.0]), dtype=np.float32)
        leak_to = drawing.choose(0.0, 0.25, shape=shape)
        drawing.add("lif", nir.LIF(tau, drawing.choose(1.0, 4.0, shape=shape), leak_to, threshold, reset), shape)
    else:
        if rng.random() < 0.3 and not v_reset:  # thresholds of channels
            threshold *= rng.choice([0.5, 1.0, 2.0], (shape[0], *[1] * (len(shape) - 1))).astype(np.float32)
        drawing.add("if", nir.IF(drawing.choose(8.0, 4.0, 16.0, shape=shape), threshold, reset), shape)


def _add_delay(drawing: Drawing, tick_s: float) -> None:
    shape = drawing.shape
    ticks = drawing.rng.integers(0, 4, (shape[0], *[1] * (len(shape) - 1)))  # one for each channel
    delay = np.broadcast_to(ticks * tick_s, shape).astype(np.float32)
    drawing.add("delay", nir.Delay(delay.copy()), shape)


def _add_loop(drawing: Drawing, tick_s: float) -> None:
    """A neuron whose spikes come back to it two ticks later."""
    if len(drawing.shape) > 1:
        flat = int(np.prod(drawing.shape))
        drawing.add("flatten", nir.Flatten({"input": np.array(drawing.shape)}, 0, -1), (flat,))
    drawing.add("linear", nir.Linear(drawing.numbers(4, drawing.shape[0])), (4,))
    ones = np.ones(4, dtype=np.float32)
    neuron = drawing.add("if", nir.IF(ones / tick_s, ones, 0 * ones), (4,))
    drawing.add("delay", nir.Delay(2 * tick_s * ones), (4,))
    drawing.add("linear", nir.Linear(drawing.numbers(4, 4)), (4,))
    drawing.edges.append((drawing.last, neuron))
    drawing.last = neuron
