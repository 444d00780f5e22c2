"""Graphs of NIR run by nirtorch, tick by tick: an executor that knows nothing of the workbench but its metadata."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import networkx
import nir
import nirtorch
import numpy as np
import torch
from torch import Tensor, nn

ENDS = (nir.IF, nir.LIF, nir.Threshold, nir.Output)


class LoopError(Exception):
    """A graph with a loop that nirtorch breaks where there is no delay, so that what it computes is another graph."""


def execute(
    graph: nir.NIRGraph, ticks: Tensor, metadata: bool = True, tick_s: float | None = None
) -> dict[str, Tensor]:
    """Spikes of every neuron, and the drive of the output, (ticks, batch, *shape), of a graph with one input.

    Without `metadata` neurons start at 0, have no floor, spike at most once a tick when they reach the threshold and
    are then reset as NIR says; biases begin with the first tick.
    """
    graph = copy.deepcopy(graph)
    notes = graph.metadata.get("workbench", {})
    tick_s = float(notes.get("tick_s", 1.0)) if tick_s is None else tick_s
    spare = {name for name in graph.outputs if name != _plain(notes.get("output", name))}  # which nir gives dead ends
    graph.nodes = {name: node for name, node in graph.nodes.items() if name not in spare}
    graph.edges = [pair for pair in graph.edges if pair[1] not in spare]
    _note_begins(graph, tick_s, metadata)
    graph.nodes = {name: graph.nodes[name] for name in _order(graph)}
    for part in _find_lags(graph, tick_s, metadata):
        part.begin -= 1  # what it sends arrives one tick later
        if isinstance(part, nir.Delay):
            part.delay = part.delay - tick_s
    module = _build(graph, tick_s, ticks.shape[1], metadata)
    sent: dict[str, list[Tensor]] = {}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.IF | nir.LIF | nir.Threshold):
            module.get_submodule(_called(name)).register_forward_hook(_recorder(sent.setdefault(name, [])))
    (output,) = graph.outputs
    state: Any = None
    with torch.no_grad():
        for now in ticks:
            *parts, state = module(now, state) if state is not None else module(now)
            sent.setdefault(output, []).append(torch.stack([*parts]).sum(0))
    return {name: torch.stack(values) for name, values in sent.items()}


def _recorder(kept: list[Tensor]) -> Any:
    """A hook that keeps what a neuron sends, without its state."""
    return lambda _, __, out: kept.append(out[0] if isinstance(out, tuple) else out)


class Delay(nn.Module):
    """What came so many ticks ago, 0 before."""

    def __init__(self, node: nir.Delay, tick_s: float) -> None:
        super().__init__()
        self.ticks = torch.from_numpy(np.round(node.delay / tick_s).astype(int))

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        most = int(self.ticks.max())
        kept = [*(state or [torch.zeros_like(x)] * most), x]
        late = torch.zeros_like(x)
        for ticks in self.ticks.unique().tolist():
            late = torch.where(self.ticks == ticks, kept[most - ticks], late)
        return late, kept[1:]


class Shifted(nn.Module):
    """A linear map, and its bias from the tick on with which it begins, on the neuron's schedule."""

    def __init__(self, linear: nn.Module, bias: Tensor, node: Any) -> None:
        super().__init__()
        self.linear, self.register = linear, None
        self.bias, self.begin, self.options = bias, node.begin, node.options

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        tick = (state or 0) - self.begin
        return self.linear(x) + self.bias * self._times(tick), (state or 0) + 1

    def _times(self, tick: int) -> float:
        if tick < 0:
            return 0.0
        frame, counts = int(self.options.get("ticks_per_frame", 1)), "emission" in self.options
        if not counts and self.options.get("bias") != b"frame" and self.options.get("bias") != "frame":
            return 1.0
        return float(frame) if tick % frame == (frame - 1 if counts else 0) else 0.0


class Neuron(nn.Module):
    """An integrate-and-fire neuron by what its node and its metadata say, one tick after the other."""

    def __init__(self, node: Any, tick_s: float) -> None:
        super().__init__()
        self.options = {name: _plain(value) for name, value in node.options.items()}
        self.threshold = float(self.options.get("threshold", node.v_threshold.flat[0]))
        self.share = tick_s / float(node.tau.flat[0]) if isinstance(node, nir.LIF) else 0.0
        factor = float(node.r.flat[0]) * (self.share or tick_s)
        assert math.isclose(factor, 1, rel_tol=1e-6)
        self.begin, self.leaky = node.begin, isinstance(node, nir.LIF)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        now, v, sent = state or (0, torch.full_like(x, self.options.get("start", 0.0) * self.threshold), None)
        tick, held = now - self.begin, self.options
        sent = torch.zeros_like(x) if sent is None else sent
        if tick < 0:
            return torch.zeros_like(x), (now + 1, v, sent)
        frame, mode = int(held.get("ticks_per_frame", 1)), held.get("membrane", "carry")
        if tick % frame == 0 and "emission" not in held:
            v = {"carry": v, "rectify": v.clamp(min=0), "frame": torch.full_like(v, self._start())}[mode]
            sent = torch.zeros_like(sent)
        v = v - self._leak(v) + x
        most = held.get("saturation", math.inf) * self.threshold
        if "emission" in held:
            spikes, v, sent = self._count(v.clamp(-most, most), sent, tick, frame)
            return spikes, (now + 1, v, sent)
        v = v.clamp(held["floor"] * self.threshold if "floor" in held else -most, most)
        burst = held.get("burst", 1)
        least = -sent.clamp(0, burst) if held.get("signed") else torch.zeros_like(v)
        spikes = torch.minimum(torch.maximum((v / self.threshold).floor(), least), torch.full_like(v, burst))
        subtract = held.get("reset", "zero") == "subtract"
        v = v - spikes * self.threshold if subtract else torch.where(spikes != 0, 0.0, v)
        return spikes, (now + 1, v, sent + spikes)

    def _start(self) -> float:
        return float(self.options.get("start", 0.0)) * self.threshold

    def _leak(self, v: Tensor) -> Tensor | float:
        if not self.leaky:
            return 0.0
        grain = 2.0 ** -self.options["resolution"] if "resolution" in self.options else 0.0
        share = 2.0 ** round(math.log2(self.share))
        return (v * share / grain).floor() * grain if grain else v * share

    def _count(self, v: Tensor, count: Tensor, tick: int, frame: int) -> tuple[Tensor, Tensor, Tensor]:
        """A neuron that counts for a frame: what is sent now, the membrane, and the count that is being sent."""
        held = self.options
        if tick % frame == frame - 1:
            count = (v / self.threshold).floor().clamp(0, held.get("cap", frame))
            v = v - count * self.threshold
            if held.get("remainder") == "drop":
                v = torch.full_like(v, self._start())
            elif "floor" in held:
                v = v.clamp(min=held["floor"] * self.threshold)
        place = (tick + 1) % frame
        if held["emission"] == "burst":
            return count * (place == 0), v, count
        due = ((place + 1) * count / frame).ceil() - (place * count / frame).ceil()
        return due, v, count


class PlainNeuron(nn.Module):
    """What NIR says of a neuron, by steps of Euler, firing when its threshold is reached."""

    def __init__(self, node: Any, tick_s: float) -> None:
        super().__init__()
        self.node, self.tick_s = node, tick_s

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        r, threshold, reset = (torch.from_numpy(getattr(self.node, n)).to(x) for n in ("r", "v_threshold", "v_reset"))
        v = torch.zeros_like(x) if state is None else state
        if isinstance(self.node, nir.LIF):
            share, leak_to = (torch.from_numpy(a).to(x) for a in (self.tick_s / self.node.tau, self.node.v_leak))
            v = v + share * (leak_to - v + r * x)
        else:
            v = v + self.tick_s * r * x
        spikes = (v >= threshold).to(x)
        return spikes, torch.where(spikes > 0, reset, v)


class Step(nn.Module):
    """1 where a threshold is reached."""

    def __init__(self, threshold: Tensor) -> None:
        super().__init__()
        self.threshold = threshold

    def forward(self, x: Tensor) -> Tensor:
        return (x >= self.threshold).to(x)


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else value


def _note_begins(graph: nir.NIRGraph, tick_s: float, metadata: bool) -> None:
    """Give every node the tick with which its bias or membrane begins, and the options of its neuron."""
    wires = networkx.DiGraph(graph.edges)
    for source, target in graph.edges:
        node = graph.nodes[source]
        notes = node.metadata.get("workbench", {})
        ticks = round(float(node.delay.flat[0]) / tick_s) if isinstance(node, nir.Delay) else 0
        waits = "emission" in notes and metadata  # one that counts for a frame answers in its last tick
        wires[source][target]["ticks"] = int(notes["ticks_per_frame"]) - 1 if waits else ticks
    reached = networkx.multi_source_dijkstra_path_length(wires, set(graph.inputs), weight="ticks")
    for name, node in graph.nodes.items():
        end = name
        while not isinstance(graph.nodes[end], ENDS):
            end = next(wires.successors(end))
        node.begin = reached[end] if metadata else 0
        node.options = dict(graph.nodes[end].metadata.get("workbench", {})) if metadata else {}


def _order(graph: nir.NIRGraph) -> list[str]:
    """Nodes in an order in which what a Delay sends comes too late only where a loop cannot do without.

    Of loops, connections are cut whose target can still be computed from another; those reached first are kept.
    """
    wires = networkx.DiGraph()
    wires.add_nodes_from(graph.nodes)
    full = networkx.DiGraph(graph.edges)
    delayed = [(a, b) for a, b in graph.edges if isinstance(graph.nodes[a], nir.Delay)]
    wires.add_edges_from(pair for pair in graph.edges if pair not in set(delayed))
    for a, b in sorted(delayed, key=lambda pair: (_joins(graph, full, pair[1]), graph.nodes[pair[0]].begin)):
        if not networkx.has_path(wires, b, a):
            wires.add_edge(a, b)
    return list(networkx.topological_sort(wires))


def _joins(graph: nir.NIRGraph, wires: networkx.DiGraph, name: str) -> bool:
    """Whether the neuron that a node leads to gets something else too."""
    while not isinstance(graph.nodes[name], ENDS):
        name = next(wires.successors(name))
    return wires.in_degree(name) > 1


def _find_lags(graph: nir.NIRGraph, tick_s: float, metadata: bool) -> list[Any]:
    """The delays, and the maps behind them, of which nirtorch takes the output of the tick before, in a loop."""
    module, wires = _build(graph, tick_s, metadata=metadata), networkx.DiGraph(graph.edges)
    lagged = {
        str(node.args[1]).removesuffix("_prev_output")
        for node in module.graph.nodes
        if node.op == "call_method" and node.target == "get"
    }
    found = []
    for name in graph.nodes:
        if _called(name) in lagged:
            found.append(graph.nodes[name])
            while not isinstance(graph.nodes[name], nir.Delay):
                (name,) = wires.predecessors(name)
                if isinstance(graph.nodes[name], ENDS):
                    raise LoopError(f"nirtorch breaks a loop behind {name!r}, where there is no delay")
                found.append(graph.nodes[name])
    return found


def _called(name: str) -> str:
    """The name that nirtorch gives a module."""
    return nirtorch.nir_interpreter._sanitize_name(name)


def _build(graph: nir.NIRGraph, tick_s: float, batch: int = 1, metadata: bool = True) -> Any:
    def convolve(kind: type[nn.Module], node: Any) -> nn.Module:
        if isinstance(node.padding, bytes | str):
            padding: Any = node.padding if isinstance(node.padding, str) else node.padding.decode()
        else:
            padding = _ints(node.padding)
        options = {"stride": _ints(node.stride), "padding": padding, "dilation": _ints(node.dilation)}
        weight = torch.from_numpy(node.weight)
        groups, channels = int(node.groups), weight.shape[1] * int(node.groups)
        conv = kind(channels, len(weight), tuple(weight.shape[2:]), groups=groups, bias=False, **options)
        conv.weight.data = weight
        return Shifted(conv, torch.from_numpy(node.bias).view(-1, *[1] * (weight.ndim - 2)), node)

    def dense(node: Any) -> nn.Module:
        linear = nn.Linear(*node.weight.shape[::-1], bias=False)
        linear.weight.data = torch.from_numpy(node.weight)
        return Shifted(linear, torch.from_numpy(node.bias), node) if isinstance(node, nir.Affine) else linear

    mapped: Mapping[Any, Any] = {
        nir.IF: lambda node: (Neuron if metadata else PlainNeuron)(node, tick_s),
        nir.LIF: lambda node: (Neuron if metadata else PlainNeuron)(node, tick_s),
        nir.Threshold: lambda node: Step(torch.from_numpy(node.threshold)),
        nir.Delay: lambda node: Delay(node, tick_s),
        nir.Affine: dense,
        nir.Linear: dense,
        nir.Conv1d: lambda node: convolve(nn.Conv1d, node),
        nir.Conv2d: lambda node: convolve(nn.Conv2d, node),
        nir.Scale: lambda node: Times(torch.from_numpy(node.scale)),
        nir.Flatten: lambda node: nn.Flatten(int(node.start_dim) + 1, -1),
        nir.SumPool2d: lambda node: Pool(node, sums=True),
        nir.AvgPool2d: lambda node: Pool(node, sums=False),
    }
    fitted = {kind: lambda node, make=make: _fit(make(node), node, batch) for kind, make in mapped.items()}
    return nirtorch.nir_to_torch(graph, fitted)


def _fit(module: nn.Module, node: Any, batch: int) -> nn.Module:
    """The module, which gets its own shape where nirtorch gives a single 0 for what a loop has not sent yet."""
    if node.input_type["input"] is None:  # which a file may leave open
        return module
    shape = (batch, *map(int, node.input_type["input"]))
    module.register_forward_pre_hook(
        lambda _, given: (given[0].expand(shape), *given[1:]) if given[0].ndim == 1 else None
    )
    return module


class Times(nn.Module):
    """A number for each unit."""

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Pool(nn.Module):
    """Sums or averages of squares."""

    def __init__(self, node: Any, sums: bool) -> None:
        super().__init__()
        self.where = _ints(node.kernel_size), _ints(node.stride), _ints(node.padding)
        self.divisor = 1 if sums else None

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.avg_pool2d(x, *self.where, divisor_override=self.divisor)


def _ints(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in np.atleast_1d(values))
