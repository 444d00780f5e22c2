"""A module's operations one after the other: what is linear is gathered, every activation makes a node."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, fx

from workbench.exchange.torch_import.channels import join_vectors
from workbench.exchange.torch_import.exported_module import ExportedModule, path_of
from workbench.exchange.torch_import.linear_form import (
    Form,
    InexpressibleError,
    Normalisation,
    Part,
    Path,
    count_numbers,
)
from workbench.exchange.torch_import.parallel_paths import merge_parallel
from workbench.network import Shape

Rule = Callable[["Elimination", fx.Node, Mapping[str, Any]], Any]

MOST_COPIES, FREE_NUMBERS = 32, 1 << 22  # of a module's weights, and of such numbers that are never too many


@dataclass(frozen=True, eq=False)
class NodeNumbers:
    """A node of the network to be: the paths into it, its bias or norm, the ceiling of its neuron if it has one."""

    name: str
    shape: Shape
    paths: tuple[Path, ...]
    bias: Tensor
    norm: Normalisation | None = None
    ceiling: float | None = None


@dataclass(eq=False)
class _Box:
    """What a tensor holds at this moment; operations in place change it. `root` says whose memory it views."""

    value: Any
    root: object = field(default_factory=object)


@dataclass(eq=False)
class Elimination:
    """What is known while a module's operations are gone through; `problems` and `notes` are gathered on the way.

    `rules` say by the name of an operation what it does to forms; `cures` what to say of those without a rule.
    """

    module: ExportedModule
    rules: Mapping[str, Rule]
    cures: Mapping[str, tuple[str, str]]
    average_max_pooling: bool = False
    nodes: list[NodeNumbers] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    inputs: dict[str, Shape] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)  # in order, each once
    layers: dict[str, int] = field(default_factory=dict)  # how many weights each layer has, as a map of ours
    notes: dict[str, list[str]] = field(default_factory=dict)  # what was done, to which paths
    _boxes: dict[fx.Node, _Box] = field(default_factory=dict)
    _copied: int = 0

    def run(self) -> Form | None:
        """Go through all operations; the form of what the module returns, or None where there is a problem."""
        for node in self.module.graph.nodes:
            if node.op == "placeholder":
                self._boxes[node] = _Box(self._take_placeholder(node))
            elif node.op == "call_function" and "_assert" not in str(node.target):
                self._visit(node)
            elif node.op == "get_attr":
                self._boxes[node] = _Box(None)
        return self._take_output()

    def note(self, what: str, path: str) -> None:
        """Remember what was done to the layer of a path."""
        self.notes.setdefault(what, []).append(path)

    def value(self, node: Any) -> Any:
        """What an argument of an operation holds: a form, numbers that do not change, or itself."""
        if isinstance(node, fx.Node):
            return self._boxes[node].value
        return [self.value(one) for one in node] if isinstance(node, list | tuple) else node

    def settled(self, form: Form) -> Form:
        """The form without a pending norm, which is put into weights and biases."""
        if form.norm is not None:
            self.note("batch norms folded into weights and biases, as no activation follows them", form.norm.path)
        return form.normalised()

    def name_of(self, node: fx.Node) -> str:
        """How the sum that an operation computes is called: like its module, or like itself in the outermost one."""
        return path_of(node) or str(node.name).rstrip("_")

    def activate(self, form: Form, ceiling: float | None) -> Form:
        """The form behind a ReLU: one node for each of its parts."""
        if ceiling is None and form.norm is None and all(map(self.is_activity, form.parts)):
            return form
        parts: list[Part] = []
        for part, (start, stop) in zip(form.parts, form.bounds(), strict=True):
            name = form.origin if len(form.parts) == 1 else f"{form.origin}.{len(parts)}"
            norm = None if form.norm is None else form.norm.of_channels(start, stop)
            parts.append(self.add_node(self._free(name), part, norm, ceiling))
        return replace(form, parts=tuple(parts), norm=None)

    def add_node(self, name: str, part: Part, norm: Normalisation | None = None, ceiling: float | None = None) -> Part:
        """A new node that answers to a part; what it answers."""
        paths, relayed = merge_parallel(part.paths, self.shapes)
        for number, path in enumerate(relayed):
            paths += self._relay(path, number + 1, name)
        self._copied += count_numbers(paths)
        most = MOST_COPIES * sum(one.numel() for one in self.module.constants.values()) + FREE_NUMBERS
        if self._copied > most:
            raise InexpressibleError(
                f"what arrives at {name!r} comes on {len(paths)} paths without an activation, which need copies of "
                f"weights, {self._copied:,} numbers by now",
                "put a ReLU behind the sums that so many layers read",
            )
        self.shapes[name] = part.shape
        self.nodes.append(NodeNumbers(name, part.shape, tuple(paths), part.bias, norm, ceiling))
        return Form.of_node(name, part.shape).parts[0]

    def _relay(self, path: Path, number: int, target: str) -> list[Path]:
        """The path through nodes between, which repeat its source: x = max(0, x) - max(0, -x)."""
        source, shape = path.source, self.shapes[path.source]
        signs = (1.0, -1.0) if source in self.inputs else (1.0,)
        found = []
        for sign in signs:
            end = "relay" if len(signs) == 1 else "positive" if sign > 0 else "negative"
            name = f"{source}.{end}{number if number > 1 else ''}"
            if name not in self.shapes:
                gain = None if sign > 0 else torch.full((shape[0],), sign, dtype=torch.float64)
                zero = torch.zeros(shape[0], dtype=torch.float64)
                self.shapes[name] = shape
                self.nodes.append(NodeNumbers(name, shape, (Path(source, (), gain),), zero))
            moved = replace(path, source=name)
            channels = path.shape_after(shape)[0]
            found.append(moved if sign > 0 else moved.scaled(torch.full((channels,), sign, dtype=torch.float64)))
        self.note("nodes that repeat others, for a second path between the same two", target)
        return found

    def _free(self, name: str) -> str:
        """The name, or the first of name#2, name#3, ... that no node has."""
        number, free = 1, name
        while free in self.shapes:
            number += 1
            free = f"{name}#{number}"
        return free

    def is_activity(self, part: Part) -> bool:
        """Whether a part is what one node answers, which is never negative, or averages of that."""
        (path, *others) = part.paths
        alone = not others and path.gain is None and not path.weighted and not part.bias.any()
        return alone and path.source not in self.inputs

    def _take_placeholder(self, node: fx.Node) -> Any:
        name = str(node.name)
        if name in self.module.constants:
            return self.module.constants[name]
        value = node.meta["val"]
        shape = tuple(int(size) for size in value.shape[1:])
        self.inputs[name] = self.shapes[name] = shape
        return Form.of_node(name, shape)

    def _visit(self, node: fx.Node) -> None:
        """One operation: by its rule; of numbers alone by torch; else a problem, behind which all goes on."""
        if node.target is operator.getitem:
            held, place = self.value(node.args[0]), node.args[1]
            value = held[place] if isinstance(held, list) and isinstance(place, int) else self._stand_in(node)
            self._boxes[node] = _Box(value, self._boxes[node.args[0]].root)  # type: ignore[index]
            return
        name = self._short_name(node)
        base, in_place = name.rstrip("_"), name.endswith("_")
        first = next(iter(node.all_input_nodes), None)
        try:
            if in_place and first is not None and first.name in self.module.constants:
                raise InexpressibleError(
                    f"change of {self.module.weight_names.get(first.name, first.name)!r} when the module answers",
                    "what it remembers is no part of a frame: write it as a wb.Network whose edges have delays",
                )
            if not any(_holds_form(self.value(one)) for one in node.all_input_nodes):
                value = self._compute(node)
            elif base in self.rules and any(self.value(one) is None for one in node.all_input_nodes):
                value = self._stand_in(node)  # of what was refused before
            elif base in self.rules:
                value = self.rules[base](self, node, self._bind(node))
            else:
                raise InexpressibleError(*self.cures.get(base, (base, self.cures["others"][1])))
        except InexpressibleError as error:
            self.problems[f"{path_of(node) or 'the module itself'}: {error.operation}: {error.cure}"] = None
            value = self._stand_in(node)
        if in_place and first is not None:
            self._overwrite(node, first, value)
        elif base in ("alias", "contiguous", "dropout", "feature_dropout", "alpha_dropout", "to") and first is not None:
            self._boxes[node] = self._boxes[first]
        elif base in VIEWS and first is not None:
            self._boxes[node] = _Box(value, self._boxes[first].root)
        else:
            self._boxes[node] = _Box(value)

    def _overwrite(self, node: fx.Node, first: fx.Node, value: Any) -> None:
        """Change what a tensor holds; others that view its memory must not be read any more."""
        box = self._boxes[first]
        box.value = value
        self._boxes[node] = box
        for other, its in self._boxes.items():
            if its.root is box.root and its is not box and any(user > node for user in other.users):
                where = path_of(node) or "the module itself"
                self.problems[
                    f"{where}: {self._short_name(node)} changes a tensor in place that is also read as {other.name}: "
                    "use the same operation without inplace=True"
                ] = None

    def _stand_in(self, node: fx.Node) -> Any:
        """Something of the shape of what could not be expressed, so that all problems are found at once."""
        value = node.meta.get("val")
        if isinstance(value, Tensor) and value.ndim > 1:
            name, shape = f"?{node.name}", tuple(int(size) for size in value.shape[1:])
            self.shapes[name] = shape
            return Form.of_node(name, shape)
        return None

    def _compute(self, node: fx.Node) -> Any:
        """What an operation on numbers that do not change gives."""
        assert callable(node.target)
        if any(self.value(one) is None for one in node.all_input_nodes):
            return self._stand_in(node)
        with torch.no_grad():
            return node.target(*map(self.value, node.args), **{k: self.value(v) for k, v in node.kwargs.items()})

    def _bind(self, node: fx.Node) -> dict[str, Any]:
        """The arguments of an operation by name, with its defaults."""
        schema = node.target._schema.arguments  # type: ignore[union-attr]
        given = {a.name: self.value(value) for a, value in zip(schema, node.args, strict=False)}
        defaults = {a.name: a.default_value for a in schema if a.has_default_value()}
        return defaults | given | {name: self.value(value) for name, value in node.kwargs.items()}

    def _short_name(self, node: fx.Node) -> str:
        packet = getattr(node.target, "overloadpacket", None)
        return packet.__name__ if packet is not None else getattr(node.target, "__name__", str(node.target))

    def _take_output(self) -> Form | None:
        """The form that is returned, as the last node answers it; its own activation becomes a node before it."""
        returned = next(node for node in self.module.graph.nodes if node.op == "output")
        values = self.value(returned.args[0])
        if len(values) != 1 or not isinstance(values[0], Form):
            self.problems[
                f"the module itself: returns {len(values)} tensors: return one, the logits; others can be computed by "
                "modules of their own"
            ] = None
            return None
        return self._answer(values[0]) if not self.problems else None

    def _answer(self, form: Form) -> Form:
        form = self.settled(form)
        name = self._free("output" if form.origin in self.shapes else form.origin)
        try:
            part = form.parts[0] if form.is_image and len(form.parts) == 1 else join_vectors(form, self.shapes)
            if form.shape != part.shape:
                raise InexpressibleError(
                    f"answer of (batch, {', '.join(map(str, form.shape))})",
                    "return what a linear layer gives, or an average over all places",
                )
            return Form((self.add_node(name, part),), part.shape, name)
        except InexpressibleError as error:
            self.problems[f"{form.origin}: {error.operation}: {error.cure}"] = None
            return form


VIEWS = frozenset(
    ("view", "reshape", "flatten", "squeeze", "unsqueeze", "chunk", "split", "split_with_sizes", "slice", "narrow",
     "select", "permute", "transpose", "t", "expand", "unflatten", "detach")
)  # fmt: skip


def _holds_form(value: Any) -> bool:
    return isinstance(value, Form) or (isinstance(value, list | tuple) and any(map(_holds_form, value)))
