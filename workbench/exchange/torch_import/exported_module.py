"""A module as torch.export sees it: operations in order, with the path of the module that each belongs to."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from io import StringIO
from os import PathLike
from typing import Any

import torch
from torch import Tensor, fx, nn

from workbench.model import Model

Example = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class ExportedModule:
    """The graph of a module in evaluation mode, its `constants` by the names of their placeholders, its `inputs`.

    `twin` is the copy that was exported: the user's module is never touched. `example` is what it was called with.
    """

    twin: nn.Module
    example: tuple[tuple[Tensor, ...], dict[str, Tensor]]
    graph: fx.Graph
    constants: dict[str, Tensor]
    inputs: tuple[str, ...]
    weight_names: dict[str, str]
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the module is called."""
        return type(self.twin).__name__


def _find_cure(given: object) -> str:
    """What to do with something that is no module of torch."""
    if isinstance(given, str | PathLike):
        return (
            "files of torch, Keras and ONNX are not read here, for most can execute anything: build the module in the "
            "script that made the file, load its weights there, and give the module"
        )
    if isinstance(given, Mapping):
        return "a state_dict holds numbers and no layers: module.load_state_dict(...), and give the module"
    if isinstance(given, Model):
        return "it is a model of the workbench already: go on with it, or make a module of it by wb.to_torch"
    return "give module, example"


def export_module(module: nn.Module, example: Example) -> ExportedModule:
    """Export a copy of a module in evaluation mode; ValueError, with path and cure, where that fails."""
    if not isinstance(module, nn.Module) or isinstance(module, Model):
        raise ValueError(f"wb.from_torch takes a torch.nn.Module, not a {type(module).__name__}; {_find_cure(module)}")
    arguments = _take_example(example)
    twin = copy.deepcopy(module).eval().requires_grad_(False)
    with _follow_calls(twin) as where, torch.no_grad(), _without_inner_remarks():
        try:
            exported = torch.export.export(twin, arguments[0], arguments[1], strict=False)
        except Exception as error:  # whatever a module raises is told by its path
            path = where[-1] if where else ""
            raise ValueError(_explain(twin, arguments, path, error)) from error
    signature = exported.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = {}
    for place, name in {**names, **signature.inputs_to_lifted_tensor_constants}.items():
        found = exported.state_dict.get(name, exported.constants.get(name))
        assert isinstance(found, Tensor)
        constants[place] = found.detach().cpu()
    return ExportedModule(
        twin, arguments, exported.graph, constants, tuple(signature.user_inputs), names, tuple(signature.user_outputs)
    )


def path_of(node: fx.Node) -> str:
    """The path of the innermost module that an operation belongs to; empty for the module itself."""
    stack = node.meta.get("nn_module_stack") or {}
    return str([*stack.values()][-1][0]).partition("@")[0] if stack else ""


def _take_example(example: Any) -> tuple[tuple[Tensor, ...], dict[str, Tensor]]:
    if isinstance(example, Tensor):
        arguments: tuple[tuple[Any, ...], dict[str, Any]] = (example,), {}
    elif isinstance(example, Mapping):
        arguments = (), dict(example)
    elif isinstance(example, Sequence) and not isinstance(example, str):
        arguments = tuple(example), {}
    else:
        arguments = (example,), {}
    given = [*arguments[0], *arguments[1].values()]
    if not given or not all(isinstance(one, Tensor) and one.ndim > 1 and one.is_floating_point() for one in given):
        raise ValueError(
            "wb.from_torch: example must be a tensor of floating point numbers as the module takes it, (batch, "
            "channels, height, width), (batch, channels, length) or (batch, units); or a tuple of them, or a dict by "
            "argument"
        )
    if len({len(one) for one in given}) > 1 or not len(given[0]):
        raise ValueError("wb.from_torch: the tensors of an example must have one batch, of at least one; cut them")
    return (
        tuple(one.detach() for one in arguments[0]),
        {name: one.detach() for name, one in arguments[1].items()},
    )


@contextmanager
def _without_inner_remarks() -> Iterator[None]:
    """Keep to itself what torch.export says of its inside; what it raises is told in our words."""
    remarks = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    before = remarks.disabled
    with warnings.catch_warnings(), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        remarks.disabled = True
        try:
            yield
        finally:
            remarks.disabled = before


@contextmanager
def _follow_calls(module: nn.Module) -> Iterator[list[str]]:
    """The paths of the modules that are at work, the innermost last; they stay after an error."""
    stack: list[str] = []
    handles = []
    for path, inner in module.named_modules():

        def enter(_module: nn.Module, _inputs: Any, path: str = path) -> None:
            stack.append(path)

        def leave(_module: nn.Module, _inputs: Any, _output: Any) -> None:
            stack.pop()

        handles += [inner.register_forward_pre_hook(enter), inner.register_forward_hook(leave)]
    try:
        yield stack
    finally:
        for handle in handles:
            handle.remove()


def _explain(twin: nn.Module, arguments: Any, path: str, error: Exception) -> str:
    """Why a module cannot be exported, in words: path, what happened, cure."""
    if _is_guard(error):
        return (
            f"{_called(path)}: what the module computes depends on the numbers it sees (a Python `if`, `while` or "
            "float() on the values of a tensor): a network does the same for every frame; decide by shapes or by "
            "settings of the module, or import each branch as a module of its own"
        )
    with _follow_calls(twin) as where, torch.no_grad():
        try:
            twin(*arguments[0], **arguments[1])
        except Exception as plain:  # the module itself fails, so its own words are the clearest
            first = str(plain).strip().partition("\n")[0]
            return (
                f"{_called(where[-1] if where else '')}: the module cannot be called with this example: {first}; "
                "give an example of the shape, type and device that it takes, with the batch first"
            )
    first = str(error).strip().partition("\n")[0]
    return (
        f"{_called(path)}: torch.export cannot follow the module: {type(error).__name__}: {first}; write this part by "
        "operations of torch on tensors alone"
    )


def _is_guard(error: BaseException | None) -> bool:
    """Whether a way through the module depends on data, here or in what caused the error."""
    while error is not None:
        if "GuardOnDataDependent" in type(error).__name__ or "DataDependent" in type(error).__name__:
            return True
        error = error.__cause__ or error.__context__
    return False


def _called(path: str) -> str:
    return path or "the module itself"
