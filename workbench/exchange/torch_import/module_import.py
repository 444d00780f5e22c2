"""A trained torch module as a network with numbers: exported, gone through, built, and compared with the module."""

from __future__ import annotations

import copy
import math
import warnings
from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from workbench.engine import NORM_EPSILON, Neuron, Norm, QuantisedReLU, ReLU
from workbench.exchange.torch_import.cures import CURES
from workbench.exchange.torch_import.elimination import Elimination, NodeNumbers
from workbench.exchange.torch_import.exported_module import Example, ExportedModule, export_module
from workbench.exchange.torch_import.pooling_rules import REPLACED, SINGLE
from workbench.exchange.torch_import.rules import RULES
from workbench.model import Model
from workbench.network import Edge, Network

Delays = str | Mapping[tuple[str, str], int]

FEWEST_BATCHES = 10  # seen by trained statistics, so that further training moves them by a tenth a run, as torch does
TOLERANCE = 1e-4  # of the largest answer: float32 sums in another order
MOST_PATHS = 6  # that are named in one remark


def from_torch(
    module: nn.Module, example: Example, *, delays: Delays = "sequential", max_pooling: str | None = None
) -> Model:
    """A trained module of torch as an ANN in eval mode, whose output at every frame is the module's for that frame.

    `example`: what the module takes, (batch, channels, height, width), (batch, channels, length) or (batch, units); a
    tuple of tensors, or a dict by argument, where it takes several. The graph comes from `torch.export`: convolutions,
    linear layers, batch norms, averages, sums, concatenations and splits of channels are edges and biases; every
    activation (ReLU, ReLU6, a clamp from 0) is a node. It is called like the layer whose sum it answers to ("conv1",
    "layer1.0.conv2"), where branches are added like the module that adds them ("layer1.0"), and where other layers read
    the same sum like its batch norm; a second node of one name gets "#2", parts of a concatenation ".0", ".1". A batch
    norm right before an activation stays one, others are folded. What was folded, widened or copied is in `origin` of
    the model.

    `delays`: "sequential", every edge without delay, the module's own timing; "streaming", every edge 1 frame; or
    {(source, target): frames} of some edges. `max_pooling="average"` puts average pools in the place of max pools,
    which changes the answers: a warning counts them, and says to fine-tune. The module is not changed.

    ValueError that names all that cannot be expressed at once, a line each: path, operation, cure; and where the
    network's answers differ from the module's.

    >>> module = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    >>> ann = wb.from_torch(module, torch.zeros(1, 4))
    >>> ann.network.edges
    (Edge("input", "0", Dense(8), delay=0), Edge("0", "2", Dense(3), delay=0))
    """
    exported, elimination = _eliminate(module, example, max_pooling)
    model = _build(exported, elimination)
    _require_same_answers(exported, model)
    replaced = _name_replaced(elimination)
    if replaced:
        warnings.warn(
            f"wb.from_torch: {replaced}: the answers are no longer those of the module; fine-tune: "
            "ann, history = wb.train(ann, recordings)",
            stacklevel=2,
        )
    return _with_delays(model, delays)


def read_module(module: nn.Module, example: Example, *, max_pooling: str | None = None) -> Network:
    """The graph of a torch module alone, sequential, as `from_torch` reads it; its numbers are not compared.

    A warning counts and names the max pools that `max_pooling="average"` replaced.

    >>> read_module(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU6()), torch.zeros(1, 4)).nodes
    ('input', '0', 'output')
    """
    _, elimination = _eliminate(module, example, max_pooling)
    replaced = _name_replaced(elimination)
    if replaced:
        warnings.warn(replaced, stacklevel=2)
    return _draw_network(elimination)


def _eliminate(module: nn.Module, example: Example, max_pooling: str | None) -> tuple[ExportedModule, Elimination]:
    if max_pooling not in (None, "average"):
        raise ValueError(f'max_pooling={max_pooling!r} is unknown; choose "average", or None to have max pools refused')
    exported = export_module(module, example)
    elimination = Elimination(exported, RULES, CURES, max_pooling == "average")
    elimination.run()
    if elimination.problems:
        lines = "\n".join(f"  {line}" for line in elimination.problems)
        raise ValueError(
            f"{exported.name} holds {len(elimination.problems)} that a network cannot express (path: operation: cure):"
            f"\n{lines}"
        )
    _note_numbers(exported, elimination)
    return exported, elimination


def _note_numbers(exported: ExportedModule, elimination: Elimination) -> None:
    """Remember which parameters have no part in the answer, and which several."""
    places = {node.name: node for node in exported.graph.nodes if node.op == "placeholder"}
    used = {name for place, name in exported.weight_names.items() if places[place].users}
    for name, _ in exported.twin.named_parameters():
        if name not in used and name not in exported.weight_names.values():
            continue
        if name not in used:
            elimination.note("parameters without a part in the answer left out", name)
    for place, name in exported.weight_names.items():
        if len(places[place].users) > 1 and exported.constants[place].ndim > 1:
            elimination.note("weights that several layers share copied for each", name)
    made = Counter[str]()
    for node in _needed(elimination):
        for link in (link for path in node.paths for link in path.links if link.weight is not None):
            made[link.layer] += link.weight.numel() if link.weight is not None else 0
    for layer, count in made.items():
        if count > elimination.layers.get(layer, count):
            elimination.note("layers without an activation copied for each that reads them", layer)


def _needed(elimination: Elimination) -> list[NodeNumbers]:
    """The nodes that the output depends on, in order."""
    needed = {elimination.nodes[-1].name}
    for node in reversed(elimination.nodes):
        if node.name in needed:
            needed |= {path.source for path in node.paths}
    return [node for node in elimination.nodes if node.name in needed]


def _draw_network(elimination: Elimination) -> Network:
    edges = [Edge(path.source, node.name, path.operation, 0) for node in _needed(elimination) for path in node.paths]
    return Network(elimination.inputs, edges, elimination.nodes[-1].name)


def _build(exported: ExportedModule, elimination: Elimination) -> Model:
    """The network with the module's numbers, in its precision and on its device."""
    nodes = _needed(elimination)
    network = _draw_network(elimination)
    neurons: dict[str, Neuron] = {
        node.name: ReLU() if node.ceiling is None else QuantisedReLU(levels=None) for node in nodes[:-1]
    }
    model = Model(network, norm=[node.name for node in nodes if node.norm is not None], neuron=neurons)
    kinds = {one.dtype for one in exported.constants.values() if one.is_floating_point()}
    if kinds - {torch.float32, torch.float64}:
        raise ValueError(f"{exported.name}: its numbers are {', '.join(map(str, kinds))}; give module.float()")
    model = model.double().eval()
    position = 0
    with torch.no_grad():
        for node in nodes:
            for path in node.paths:
                for mine, theirs in zip(model.weights[position].parameters(), path.weights, strict=True):
                    mine.copy_(theirs)
                if path.gain is not None:
                    gain = path.gain.expand(node.shape[0]).reshape(-1, *[1] * (len(node.shape) - 1))
                    model.gains[str(position)] = nn.Parameter(gain.clone())
                position += 1
            _give_numbers(model, node)
    like = next(iter(exported.twin.parameters()), torch.zeros(()))
    model.origin = f"{exported.name}: {_tell(elimination)}" if elimination.notes else exported.name
    return model.to(like.device, torch.float64 if torch.float64 in kinds else torch.float32)


def _give_numbers(model: Model, node: NodeNumbers) -> None:
    """Bias or norm of a node, and its ceiling."""
    layer, norm = model.node_layer(node.name), node.norm
    if isinstance(layer, Norm) and norm is not None:
        layer.mean.copy_(norm.mean - node.bias)
        layer.variance.copy_(norm.variance)
        layer.gain.copy_(norm.gain * ((norm.variance + NORM_EPSILON) / (norm.variance + norm.eps)).sqrt())
        layer.bias.copy_(norm.bias)
        layer.runs.fill_(0 if layer.untouched else max(norm.batches, FEWEST_BATCHES))
    else:
        layer.bias.copy_(node.bias)
    if node.ceiling is not None:
        model.ceiling_parameter(node.name).fill_(math.log(node.ceiling))


@torch.no_grad()
def _require_same_answers(exported: ExportedModule, model: Model) -> None:
    """ValueError unless network and module answer the same to the example, and to noise."""
    arguments, options = exported.example
    generator = torch.Generator().manual_seed(0)
    reference = _without_max_pools(exported)

    def noise(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator).to(like)

    calls = [(arguments, options), (tuple(map(noise, arguments)), {name: noise(one) for name, one in options.items()})]
    for given, named in calls:
        expected = reference(*given, **named)
        frames = dict(zip(model.network.inputs, [*given, *named.values()], strict=True))
        answer = model({name: frame.unsqueeze(0).to(model.dtype) for name, frame in frames.items()})[0]
        difference = float((answer - expected).abs().max()) / max(1.0, float(expected.abs().max()))
        if not difference <= TOLERANCE:
            raise ValueError(
                f"{exported.name}: the network's answers differ from the module's by {difference:.2g} of the largest, "
                "though all operations were read; the module may answer by something that its graph does not show, "
                "such as its own hooks or a state that it keeps: leave it out"
            )


def _without_max_pools(exported: ExportedModule) -> nn.Module:
    """The module itself; where it has max pools, what it would be with average pools."""
    kinds = {node.target for node in exported.graph.nodes if "max_pool" in str(node.target)}
    if not kinds:
        return exported.twin
    return AveragedModule(exported)


class AveragedModule(nn.Module):
    """The graph of a module whose max pools are average pools."""

    def __init__(self, exported: ExportedModule) -> None:
        super().__init__()
        self._exported = exported
        self._graph = copy.deepcopy(exported.graph)
        for node in self._graph.nodes:
            if node.op == "call_function" and "max_pool" in str(node.target):
                axes = 1 if "max_pool1d" in str(node.target) else 2
                node.target = (nn.functional.avg_pool1d, nn.functional.avg_pool2d)[axes - 1]
                node.args = node.args[:4]
        self._run = torch.fx.Interpreter(torch.fx.GraphModule(nn.Module(), self._graph)).run

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor:
        """What the module answers."""
        values = iter([*inputs, *named.values()])
        constants = self._exported.constants
        places = [node.name for node in self._graph.nodes if node.op == "placeholder"]
        (answer,) = self._run(*(constants[place] if place in constants else next(values) for place in places))
        assert isinstance(answer, Tensor)
        return answer


def _with_delays(model: Model, delays: Delays) -> Model:
    if isinstance(delays, Mapping):
        return model.with_delays(delays)
    if delays not in ("sequential", "streaming"):
        raise ValueError(
            f'delays={delays!r} is unknown; choose "sequential", "streaming", or {{(source, target): frames}}'
        )
    return model.streaming() if delays == "streaming" else model


def _tell(elimination: Elimination) -> str:
    """What was done, in words."""
    return "; ".join(f"{what} ({_name_some(paths)})" for what, paths in elimination.notes.items())


def _name_replaced(elimination: Elimination) -> str:
    """How many max pools were replaced, and which; empty where there were none."""
    replaced = elimination.notes.get(REPLACED, [])
    what = REPLACED if len(replaced) > 1 else SINGLE
    return f"{len(replaced)} {what} ({_name_some(replaced)})" if replaced else ""


def _name_some(paths: list[str]) -> str:
    found = list(dict.fromkeys(paths))
    more = f" and {len(found) - MOST_PATHS} more" if len(found) > MOST_PATHS else ""
    return ", ".join(found[:MOST_PATHS]) + more
