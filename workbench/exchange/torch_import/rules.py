"""What the operations of torch do to linear forms, by their names in an exported graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, fx

from workbench.exchange.torch_import.channels import align, choose_channels
from workbench.exchange.torch_import.elimination import Elimination, Rule
from workbench.exchange.torch_import.exported_module import path_of
from workbench.exchange.torch_import.linear_form import (
    Form,
    InexpressibleError,
    Normalisation,
    concatenate,
    flatten,
)
from workbench.exchange.torch_import.linear_maps import Convolution, connect, convolve, dilate, pad_same

RULES: dict[str, Rule] = {}
"""By the name of an operation, without the underscore of one in place, what it does."""

Arguments = Mapping[str, Any]


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule under these names."""

    def enter(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return enter


def take_form(e: Elimination, value: Any, operation: str) -> Form:
    """The argument as a form without a pending norm; InexpressibleError for numbers that do not change."""
    if not isinstance(value, Form):
        raise InexpressibleError(
            f"{operation} of numbers that are no activity", "write it so that the input comes first"
        )
    return e.settled(value)


def seen_shape(node: fx.Node) -> tuple[int, ...]:
    """The shape of what an operation gives, without the batch."""
    return tuple(int(size) for size in node.meta["val"].shape[1:])


def double(value: Any) -> Tensor:
    """Numbers in the precision in which weights are composed."""
    return value.detach().double() if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)


def spread(numbers: Sequence[int] | int, axes: int) -> tuple[int, ...]:
    """One number for each axis."""
    given = [numbers] if isinstance(numbers, int) else list(numbers)
    return tuple(given * axes if len(given) == 1 else given)


@rule("conv1d", "conv2d")
def _convolve(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form, weight = take_form(e, a["input"], "convolution"), a["weight"]
    if not isinstance(weight, Tensor):
        raise InexpressibleError(
            "convolution by a kernel that is computed", "give it weights that do not depend on inputs"
        )
    weight, axes = double(weight), weight.ndim - 2
    dilation, padding = spread(a["dilation"], axes), a["padding"]
    if max(dilation) > 1:
        e.note("dilated convolutions as larger kernels, whose zeros would learn", e.name_of(node))
    if padding == "same":
        weight, pads = pad_same(weight, dilation)
    else:
        weight, pads = dilate(weight, dilation), spread(0 if padding == "valid" else padding, axes)
    convolution = Convolution(weight, spread(a["stride"], axes), pads, int(a["groups"]), e.name_of(node))
    e.layers[convolution.layer] = e.layers.get(convolution.layer, 0) + weight.numel()
    result = convolve(form, convolution, e.shapes, e.name_of(node))
    return result if a["bias"] is None else result.shifted(double(a["bias"]))


@rule("linear")
def _connect(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form = take_form(e, a["input"], "linear layer")
    if not isinstance(a["weight"], Tensor):
        raise InexpressibleError(
            "linear layer whose weights are computed", "give it weights that do not depend on inputs"
        )
    e.layers[e.name_of(node)] = e.layers.get(e.name_of(node), 0) + a["weight"].numel()
    result = connect(form, double(a["weight"]), e.shapes, e.name_of(node))
    return result if a["bias"] is None else result.shifted(double(a["bias"]))


@rule("matmul", "mm", "addmm")
def _multiply_matrix(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    left, right = (a["mat1"], a["mat2"]) if "mat1" in a else (a["self"], a.get("other", a.get("mat2")))
    if not isinstance(right, Tensor) or right.ndim != 2:
        raise InexpressibleError("product of two activities", "use a linear layer: edges multiply by weights alone")
    result = connect(take_form(e, left, "matrix product"), double(right).T, e.shapes, e.name_of(node))
    return result.shifted(double(a["self"]).expand(right.shape[1])) if "mat1" in a else result


@rule("batch_norm")
def _normalise(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form = take_form(e, a["input"], "batch norm")
    if a["training"] or a["running_mean"] is None or a["running_var"] is None:
        raise InexpressibleError(
            "batch norm that takes the statistics of its batch", "give it running statistics: track_running_stats=True"
        )
    if len(a["running_mean"]) != form.channels:
        raise InexpressibleError(
            "batch norm of a flattened image", "put it before the flattening, or behind the linear layer"
        )
    ones = torch.ones(form.channels, dtype=torch.float64)
    numbers = (
        double(ones if a["weight"] is None else a["weight"]),
        double(0 * ones if a["bias"] is None else a["bias"]),
        double(a["running_mean"]),
        double(a["running_var"]),
    )
    path = path_of(node)
    batches = getattr(e.module.twin.get_submodule(path), "num_batches_tracked", None)
    norm = Normalisation(e.name_of(node), *numbers, float(a["eps"]), 0 if batches is None else int(batches))
    before = node.args[0]
    assert isinstance(before, fx.Node)
    own = len(before.users) == 1 and len(form.parts) == 1
    return replace(form, norm=norm, origin=form.origin if own else e.name_of(node))


@rule("relu", "relu6", "hardtanh", "clamp", "clip", "clamp_min", "clamp_max", "threshold")
def _activate(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form = a["self"]
    low, high = _limits(str(getattr(node.target, "overloadpacket", "")).rpartition(".")[2].rstrip("_"), a)
    if not isinstance(form, Form) or isinstance(low, Tensor) or isinstance(high, Tensor):
        raise InexpressibleError("limits that are tensors", "give numbers: torch.clamp(x, 0, 6)")
    if low is None and high is not None and all(map(e.is_activity, form.parts)) and form.norm is None:
        low = 0.0
    if low != 0 or (high is not None and not 0 < high < math.inf):
        raise InexpressibleError(
            f"limits of {low} and {high}",
            "a neuron answers from 0 to a ceiling: use ReLU, ReLU6 or torch.clamp(x, 0, c)",
        )
    named = replace(form, origin=e.name_of(node)) if form.origin in e.inputs else form
    return e.activate(named, None if high is None else float(high))


def _limits(name: str, a: Arguments) -> tuple[Any, Any]:
    """Between what an activation lies."""
    if name == "threshold":
        if a["threshold"] != 0 or a["value"] != 0:
            raise InexpressibleError(f"threshold of {a['threshold']}", "use ReLU, which is threshold(x, 0, 0)")
        return 0, None
    fixed = {"relu": (0, None), "relu6": (0, 6)}
    return fixed[name] if name in fixed else (a.get("min", a.get("min_val")), a.get("max", a.get("max_val")))


@rule("dropout", "feature_dropout", "alpha_dropout")
def _drop_out(e: Elimination, node: fx.Node, a: Arguments) -> Any:
    if a["train"]:
        raise InexpressibleError("dropout that is never off", "use nn.Dropout, or F.dropout(x, p, self.training)")
    return a["input"]


@rule("alias", "contiguous", "detach", "clone", "lift_fresh_copy")
def _pass_on(e: Elimination, node: fx.Node, a: Arguments) -> Any:
    return a["self"]


@rule("to", "_to_copy")
def _change_type(e: Elimination, node: fx.Node, a: Arguments) -> Any:
    before = node.args[0]
    assert isinstance(before, fx.Node)
    if node.meta["val"].dtype != before.meta["val"].dtype:
        raise InexpressibleError(f"change of type to {node.meta['val'].dtype}", "compute in one precision")
    return a["self"]


@rule("flatten", "view", "reshape", "_unsafe_view", "squeeze", "unsqueeze", "unflatten")
def _reshape(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form = take_form(e, a["self"], "reshape")
    before = node.args[0]
    assert isinstance(before, fx.Node)
    if node.meta["val"].ndim < 2 or node.meta["val"].shape[0] != before.meta["val"].shape[0]:
        raise InexpressibleError("reshape of the batch", "keep the batch as the first axis: torch.flatten(x, 1)")
    return flatten(form, seen_shape(node))


@rule("cat", "concat", "concatenate")
def _concatenate(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    forms = [take_form(e, one, "concatenation") for one in a["tensors"]]
    if a["dim"] % node.meta["val"].ndim != 1:
        raise InexpressibleError("concatenation of places", "concatenate channels: torch.cat(tensors, dim=1)")
    return concatenate(forms, seen_shape(node), e.name_of(node))


@rule("chunk", "split", "split_with_sizes")
def _split(e: Elimination, node: fx.Node, a: Arguments) -> list[Form]:
    form, start, found = take_form(e, a["self"], "split"), 0, []
    values = node.meta["val"]
    for value in values:
        if tuple(value.shape[2:]) != form.shape[1:] or a["dim"] % value.ndim != 1:
            raise InexpressibleError("split of places or of the batch", "split channels: dim=1")
        found.append(_some_channels(e, form, start, start + value.shape[1]))
        start += value.shape[1]
    return found


@rule("slice", "narrow")
def _slice(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form = take_form(e, a["self"], "slice")
    dim, shape = a["dim"] % node.meta["val"].ndim, seen_shape(node)
    if dim != 1 and shape == form.shape:
        return form
    if dim != 1 or a.get("step", 1) != 1:
        raise InexpressibleError(
            "slice of places", "slice channels in one piece: x[:, :n]; or use a strided convolution"
        )
    start = int(a["start"] or 0) % (form.shape[0] + 1)
    return form if shape == form.shape else _some_channels(e, form, start, start + shape[0])


def _some_channels(e: Elimination, form: Form, start: int, stop: int) -> Form:
    if form.shape[0] != form.channels:
        raise InexpressibleError("split of a flattened image", "split its channels before it is flattened")
    parts = choose_channels(form, start, stop, e.shapes)
    return replace(form, parts=parts, shape=(stop - start, *form.shape[1:]))


@rule("add", "sub", "rsub")
def _add(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    one, other = a["self"], a["other"]
    signs = [1.0, float(a.get("alpha", 1))]
    name = str(node.target)
    if "sub" in name:
        signs = [-signs[1], 1.0] if "rsub" in name else [1.0, -signs[1]]
    one, other = _signed(e, one, signs[0]), _signed(e, other, signs[1])
    if not isinstance(one, Form):
        one, other = other, one
    if not isinstance(other, Form):
        return one.shifted(per_channel(other, one, "sum"))  # type: ignore[no-any-return]
    if one.shape != other.shape:
        raise InexpressibleError(
            f"sum of (batch, {', '.join(map(str, one.shape))}) and (batch, {', '.join(map(str, other.shape))})",
            "add tensors of one shape; one number per channel is no image",
        )
    if one.places != other.places and math.prod(one.places) == math.prod(other.places) == 1:
        one, other = (
            replace(form, parts=tuple(part.as_vector(e.shapes) for part in form.parts)) for form in (one, other)
        )
    if [part.shape[1:] for part in one.parts[:1]] != [part.shape[1:] for part in other.parts[:1]]:
        raise InexpressibleError("sum of a flattened image and a vector", "add them before one is flattened")
    one, other = align(one, other, e.shapes)
    parts = tuple(
        replace(mine, paths=mine.paths + theirs.paths, bias=mine.bias + theirs.bias)
        for mine, theirs in zip(one.parts, other.parts, strict=True)
    )
    return Form(parts, one.shape, e.name_of(node))


def _signed(e: Elimination, value: Any, sign: float) -> Any:
    if not isinstance(value, Form):
        return double(value) * sign
    form = e.settled(value)
    return form if sign == 1 else form.scaled(torch.full((form.channels,), sign, dtype=torch.float64))


@rule("mul", "div", "neg")
def _scale(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    name, one, other = str(node.target), a["self"], a.get("other", -1)
    if isinstance(one, Form) and isinstance(other, Form):
        raise InexpressibleError(
            "product or quotient of two activities", "edges multiply by weights alone: leave out gates and attention"
        )
    if "div" in name and (not isinstance(one, Form) or a.get("rounding_mode")):
        raise InexpressibleError("division by an activity, or rounded", "divide by constants alone")
    form, factor = (one, other) if isinstance(one, Form) else (other, one)
    form = e.settled(form)
    factor = per_channel(factor, form, "product")
    return form.scaled(1 / factor if "div" in name else factor)


def per_channel(value: Any, form: Form, what: str) -> Tensor:
    """A constant as one number per channel; InexpressibleError where it differs from place to place."""
    numbers = double(value)
    if numbers.numel() == 1:
        return numbers.reshape(1).expand(form.channels)
    shape = tuple(numbers.shape)
    if numbers.ndim == len(form.shape) + 1 and shape[0] == 1:
        shape = shape[1:]
    if form.shape[0] != form.channels or shape != (form.channels, *[1] * (len(form.shape) - 1)):
        raise InexpressibleError(
            f"{what} with a constant of shape {tuple(numbers.shape)}", "give one number, or one per channel"
        )
    return numbers.flatten()
