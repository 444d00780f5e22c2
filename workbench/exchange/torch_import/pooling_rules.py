"""What the pools of torch do to linear forms; and max pooling, which is no linear map."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import fx

from workbench.exchange.torch_import.elimination import Elimination
from workbench.exchange.torch_import.exported_module import path_of
from workbench.exchange.torch_import.linear_form import Form, InexpressibleError, require_image
from workbench.exchange.torch_import.linear_maps import average_windows, pool, pool_all
from workbench.exchange.torch_import.rules import Arguments, rule, seen_shape, spread, take_form

OVERLAPPING = "average pools that overlap or are padded as convolutions of each channel, which would learn"
REPLACED, SINGLE = "max pools replaced by average pools", "max pool replaced by an average pool"


@rule("avg_pool1d", "avg_pool2d")
def _average(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form, axes = take_form(e, a["self"], "average pooling"), node.meta["val"].ndim - 2
    kernel, padding = spread(a["kernel_size"], axes), spread(a["padding"], axes)
    stride = spread(a["stride"], axes) if a["stride"] else kernel
    if any(padding) and not a["count_include_pad"]:
        raise InexpressibleError(
            "average pooling with count_include_pad=False",
            "use count_include_pad=True, or no padding: weights are the same at every place",
        )
    result = _pool_windows(e, node, form, kernel, stride, padding)
    divisor = a.get("divisor_override")
    if not divisor:
        return result
    return result.scaled(torch.full((form.channels,), math.prod(kernel) / divisor, dtype=torch.float64))


def _pool_windows(
    e: Elimination,
    node: fx.Node,
    form: Form,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
) -> Form:
    """The average over windows, as a pool where these neither overlap nor are padded."""
    require_image(form, "pooling")
    sizes = zip(form.places, kernel, stride, padding, strict=True)
    expected = tuple((size + 2 * pad - window) // step + 1 for size, window, step, pad in sizes)
    if expected != seen_shape(node)[1:]:
        raise InexpressibleError(
            "pooling with ceil_mode=True whose last windows go over the border",
            f"use ceil_mode=False, or a size that kernel and stride divide: it sees {form.places}",
        )
    if stride == kernel and not any(padding):
        return pool(form, kernel)
    e.note(OVERLAPPING, e.name_of(node))
    return average_windows(form, kernel, stride, padding, e.shapes)


@rule("adaptive_avg_pool1d", "adaptive_avg_pool2d")
def _average_to_size(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form, wanted = take_form(e, a["self"], "adaptive pooling"), seen_shape(node)[1:]
    require_image(form, "adaptive pooling")
    pairs = list(zip(form.places, wanted, strict=True))
    if any(size % target for size, target in pairs):
        raise InexpressibleError(
            f"adaptive pooling from {form.places} to {wanted}, whose windows differ in size",
            "choose an output_size that divides the size, or another size of the example",
        )
    return pool(form, tuple(size // target for size, target in pairs))


@rule("mean", "sum")
def _average_axes(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form, keep = take_form(e, a["self"], "mean"), bool(a.get("keepdim"))
    axes = len(form.shape) + 1
    dims = sorted(dim % axes for dim in (a.get("dim") or range(axes)))
    if form.shape[0] != form.channels or dims[0] < 2:
        raise InexpressibleError("mean over channels or the batch", "use a convolution of kernel 1, or a linear layer")
    if dims == list(range(2, axes)) and (form.is_image or not keep):
        result = pool_all(form, keep)
    elif keep:
        result = pool(form, tuple(size if dim in dims else 1 for dim, size in enumerate(form.places, 2)))
    else:
        raise InexpressibleError("mean over some axes that vanish", "take it over all places, or with keepdim=True")
    if "sum" in str(node.target):
        count = math.prod(form.shape[dim - 1] for dim in dims)
        return result.scaled(torch.full((form.channels,), float(count), dtype=torch.float64))
    return result


@rule("max_pool1d", "max_pool2d")
def _replace_max(e: Elimination, node: fx.Node, a: Arguments) -> Form:
    form, axes = take_form(e, a["self"], "max pooling"), node.meta["val"].ndim - 2
    _require_replacement(e, node)
    kernel = spread(a["kernel_size"], axes)
    stride = spread(a["stride"], axes) if a["stride"] else kernel
    if max(spread(a["dilation"], axes)) > 1:
        raise InexpressibleError("dilated max pooling", "leave out the dilation")
    return _pool_windows(e, node, form, kernel, stride, spread(a["padding"], axes))


@rule("adaptive_max_pool1d", "adaptive_max_pool2d", "max_pool2d_with_indices", "amax")
def _refuse_max(e: Elimination, node: fx.Node, a: Arguments) -> Any:
    raise InexpressibleError("maximum over places", "use average pooling and train again")


def _require_replacement(e: Elimination, node: fx.Node) -> None:
    """Note that a max pool is replaced; or that it has to be, while all goes on as if it were."""
    if e.average_max_pooling:
        e.note(REPLACED, e.name_of(node))
        return
    where = path_of(node) or "the module itself"
    e.problems[
        f'{where}: max pooling, which is no linear map: wb.from_torch(..., max_pooling="average") puts average pooling '
        "in its place, which changes the answers, so fine-tune behind it (wb.train)"
    ] = None
