"""Linear nodes of NIR as links: what each makes of the drive that reaches it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.exchange.nir_graphs.drives import Drive
from workbench.network import Conv, Conv1d, Dense, GlobalPool, Identity, Operation, Pool, Shape

Array = NDArray[Any]
MOST_FILLED = 1 << 24  # numbers that are not in the file, such as those of a pool that becomes a convolution
WHOLE, ROUNDED = 1e-3, 2e-7  # ticks, and share, by which a delay may miss a whole number, written in float32
LONGEST = 1 << 31  # ticks


@dataclass(frozen=True)
class LinearNode:
    """A node of a file, its name, whether all that follows it is flattened first, and seconds of a tick."""

    name: str
    node: Any
    flattened_next: bool
    tick_s: float
    metadata: bool

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the workbench wrote beside the node."""
        return self.node.metadata.get("workbench", {}) if self.metadata else {}

    def refuse(self, fact: str, cure: str) -> ValueError:
        """The error that names the node."""
        return ValueError(f"node {self.name!r} ({type(self.node).__name__}): {fact}; {cure}")


def read_map(linear: LinearNode, drive: Drive) -> Drive:
    """What is left of a drive behind a linear node; ValueError, with node and cure, where there is no such edge."""
    return READERS[type(linear.node).__name__](linear, drive)


def _pass(linear: LinearNode, drive: Drive) -> Drive:
    return drive


def _read_flatten(linear: LinearNode, drive: Drive) -> Drive:
    begin, end = (_spread(value, 1)[0] for value in (linear.node.start_dim, linear.node.end_dim))
    axes = len(drive.shape)
    begin, end = (place + axes if place < 0 else place for place in (begin, end))
    if not 0 <= begin <= end < axes:
        raise linear.refuse(f"its axes {begin} .. {end} are not those of the shape {drive.shape}", "mend the file")
    middle = math.prod(drive.shape[begin : end + 1])
    shape = (*drive.shape[:begin], middle, *drive.shape[end + 1 :])
    dense = [path.made_dense() for path in drive.paths] if len(shape) == 1 else [None]
    if None in dense:
        return replace(drive, shape=shape)
    return replace(drive, shape=shape, paths=tuple(path for path in dense if path is not None))


def _read_delay(linear: LinearNode, drive: Drive) -> Drive:
    """The drive of so many ticks ago, split into channels where these differ."""
    seconds = np.asarray(linear.node.delay, dtype=np.float64)
    ticks = seconds / linear.tick_s
    whole = np.round(ticks)
    missed = np.abs(ticks - whole) > WHOLE + ROUNDED * whole
    if not np.isfinite(ticks).all() or (whole < 0).any() or missed.any():
        worst = float(seconds.flat[int(np.argmax(np.abs(ticks - whole)))])
        raise linear.refuse(
            f"a delay of {worst:g} s is no whole number of ticks of {linear.tick_s:g} s, or negative",
            "give the tick_s= with which the file was made",
        )
    if (whole > LONGEST).any():
        raise linear.refuse(f"a delay of {whole.max():g} ticks is longer than any recording", "mend the file")
    _require_size(linear, whole, drive)
    if (whole == whole.flat[0]).all():
        return replace(drive, paths=tuple(replace(p, delay=p.delay + int(whole.flat[0])) for p in drive.paths))
    channels = drive.per_channel(torch.from_numpy(whole))
    if channels is None:
        raise linear.refuse("its delays differ within a channel", "an edge here has one; give each channel one delay")
    later = [(int(d), (channels == d).float()) for d in sorted(set(channels.tolist()))]
    paths = (replace(p.times(mask), delay=p.delay + ticks) for p in drive.paths for ticks, mask in later)
    return replace(drive, paths=tuple(paths))


def _read_scale(linear: LinearNode, drive: Drive) -> Drive:
    values = torch.from_numpy(np.array(linear.node.scale, dtype=np.float32))
    _require_size(linear, linear.node.scale, drive)
    if bool((values == 1).all()) and "gain" not in linear.notes:
        return replace(drive, paths=tuple(path.then(Identity()) for path in drive.paths))
    return scale_drive(linear, drive, values)


def scale_drive(linear: LinearNode, drive: Drive, values: Tensor) -> Drive:
    """The drive times a number for each unit, in order; ValueError where these differ within a channel."""
    factor = drive.per_channel(values.flatten())
    if factor is None:
        raise linear.refuse(
            "its numbers differ within a channel",
            "edges and neurons here have one for each; multiply the weights before it, or flatten first",
        )
    paths = tuple(path.times(factor) for path in drive.paths)
    return replace(drive, paths=paths).with_bias(None if drive.bias is None else drive.bias * factor)


def _read_linear(linear: LinearNode, drive: Drive) -> Drive:
    weight = _as_tensor(linear, linear.node.weight)
    if weight.ndim != 2:
        raise linear.refuse(f"its weights have {weight.ndim} axes", "flatten first, and use two axes")
    if weight.shape[1] != math.prod(drive.shape):
        raise linear.refuse(f"its weights take {weight.shape[1]} numbers, not {drive.shape}", "mend the file")
    bias = _as_tensor(linear, linear.node.bias) if hasattr(linear.node, "bias") else None
    if len(drive.shape) == 1 == len(drive.arrival) and _is_eye(weight):
        return _add_bias(linear, drive, bias)
    before = drive.spread_bias()
    link, shape = Dense(len(weight)), (len(weight),)
    after = Drive(tuple(path.then(link, weight) for path in drive.paths), shape)
    return _add_bias(linear, after.with_bias(None if before is None else weight @ before), bias)


def _read_conv(linear: LinearNode, drive: Drive) -> Drive:
    weight, bias = _as_tensor(linear, linear.node.weight), _as_tensor(linear, linear.node.bias)
    axes, groups = (2 if type(linear.node).__name__ == "Conv2d" else 1), _spread(linear.node.groups, 1)[0]
    if weight.ndim != axes + 2:
        raise linear.refuse(f"its weights have {weight.ndim} axes, and {axes + 2} are needed", "mend the file")
    if len(drive.shape) != axes + 1 or drive.flattened:
        raise linear.refuse(f"it needs channels and {axes} axes, and what arrives has {drive.shape}", "mend the file")
    stride, dilation = (_spread(getattr(linear.node, field), axes) for field in ("stride", "dilation"))
    weight = _dilate(linear, weight, dilation)
    kernel = tuple(weight.shape[2:])
    padding = _read_padding(linear, kernel, stride)
    if "kernel" in linear.notes:
        weight, kernel, padding = _crop(linear, weight, padding)
    if "groups" in linear.notes:
        weight, groups = _split_groups(linear, weight)
    if _is_pointwise(kernel, stride, padding) and groups == 1 and _is_eye(weight.flatten(1)):
        return _add_bias(linear, drive, bias)
    named = padding != tuple(size // 2 for size in kernel) or not all(size % 2 for size in kernel)
    options: dict[str, Any] = {"padding": padding} if named or "padding_named" in linear.notes else {}
    if axes == 1:
        named_padding = padding[0] if options else None
        link: Conv = Conv1d(len(weight), kernel[0], stride[0], named_padding, groups)
    else:
        link = Conv(len(weight), kernel, stride, groups=groups, **options)
    pooled = _find_pool(weight, kernel, stride, padding, groups, drive.arrival) if axes == 1 else None
    if pooled is not None:
        after = Drive(tuple(path.then(pooled) for path in drive.paths), pooled.output_shape(drive.arrival))
        shape = after.arrival if len(after.arrival) > 1 else (*after.arrival, 1)
        return _add_bias(linear, replace(after, shape=shape).with_bias(_carry_bias(linear, drive, link, weight)), bias)
    needed = link.weight_shapes(drive.arrival)[0]
    if tuple(weight.shape) != needed:
        raise linear.refuse(f"its weights have shape {tuple(weight.shape)}, and {needed} is needed", "mend the file")
    after = Drive(tuple(path.then(link, weight) for path in drive.paths), link.output_shape(drive.arrival))
    return _add_bias(linear, after.with_bias(_carry_bias(linear, drive, link, weight)), bias)


def _read_pool(linear: LinearNode, drive: Drive) -> Drive:
    if len(drive.shape) != 3 or drive.flattened:
        raise linear.refuse(f"it needs channels, height and width, and what arrives has {drive.shape}", "mend the file")
    kernel, stride, padding = (_spread(getattr(linear.node, f), 2) for f in ("kernel_size", "stride", "padding"))
    sums, channels = type(linear.node).__name__ == "SumPool2d", drive.arrival[0]
    if not any(padding) and kernel == drive.arrival[1:] and stride != kernel and linear.flattened_next:
        whole = GlobalPool(sums=sums)
        paths = tuple(path.then(whole) for path in drive.paths)
        return Drive(paths, (channels, 1, 1)).with_bias(_times(drive.bias, math.prod(kernel) if sums else 1))
    if not any(padding) and kernel == stride:
        pool = Pool(kernel, sums=sums)
        paths = tuple(path.then(pool) for path in drive.paths)
        return Drive(paths, paths[0].shape).with_bias(_times(drive.bias, math.prod(kernel) if sums else 1))
    conv = Conv(channels, kernel, stride, padding=padding, groups=channels)
    if channels * math.prod(kernel) > MOST_FILLED:
        raise linear.refuse(f"its kernel {kernel} is too large where pools overlap", "use a smaller one")
    weight = torch.full((channels, 1, *kernel), 1.0 if sums else 1 / math.prod(kernel))
    paths = tuple(path.then(conv, weight) for path in drive.paths)
    return Drive(paths, paths[0].shape).with_bias(_carry_bias(linear, drive, conv, weight))


def _carry_bias(linear: LinearNode, drive: Drive, link: Conv, weight: Tensor) -> Tensor | None:
    """What a convolution makes of a bias; ValueError where that differs between the places of a channel."""
    if drive.bias is None:
        return None
    if any(window.padding for window in link.windows(drive.arrival)):
        raise linear.refuse(
            "a bias before it is cut off at the padded border, so that it is another at each place",
            "put a neuron between, or the bias behind it",
        )
    groups = len(drive.bias) // weight.shape[1]
    taken = weight.flatten(2).sum(-1).view(groups, -1, weight.shape[1]) @ drive.bias.view(groups, -1, 1)
    return taken.flatten()


def _find_pool(
    weight: Tensor, kernel: Shape, stride: Shape, padding: Shape, groups: int, shape: Shape
) -> Operation | None:
    """The pool along one axis that a convolution of each channel with ones, or with a mean's weights, is."""
    if any(padding) or groups != len(weight) or groups != shape[0]:
        return None
    value = float(weight.flatten()[0])
    if value not in (1.0, float(torch.tensor(1 / kernel[0]))) or not bool((weight == value).all()):
        return None
    sums = value == 1.0
    if kernel == shape[1:] and stride == (1,):
        return GlobalPool(sums=sums)
    return Pool(kernel[0], sums=sums) if stride == kernel else None


def _read_padding(linear: LinearNode, kernel: Shape, stride: Shape) -> Shape:
    padding = linear.node.padding
    padding = padding.decode() if isinstance(padding, bytes) else padding
    if not isinstance(padding, str):
        return _spread(padding, len(kernel))
    if padding == "valid":
        return (0,) * len(kernel)
    if any(size % 2 == 0 for size in kernel) or set(stride) != {1}:
        raise linear.refuse("padding='same' of an even kernel, or with a stride, has no middle", "name the padding")
    return tuple(size // 2 for size in kernel)


def _crop(linear: LinearNode, weight: Tensor, padding: Shape) -> tuple[Tensor, Shape, Shape]:
    """The kernel that was made square, its size and padding."""
    kernel, before = (_spread(linear.notes[key], weight.ndim - 2) for key in ("kernel", "padding"))
    for axis, (size, now, then) in enumerate(zip(kernel, padding, before, strict=True), 2):
        if not 0 <= now - then <= weight.shape[axis] - size or size < 1:
            raise linear.refuse(
                f"its metadata say kernel {kernel}, padding {before}, which it cannot have", "mend them"
            )
        weight = weight.narrow(axis, now - then, size)
    return weight.contiguous(), kernel, before


def _split_groups(linear: LinearNode, weight: Tensor) -> tuple[Tensor, int]:
    """The weights of a convolution in groups that were filled up with zeros, and the number of groups."""
    groups = _spread(linear.notes["groups"], 1)[0]
    if groups < 1 or weight.shape[0] % groups or weight.shape[1] % groups:
        raise linear.refuse(f"its metadata say groups={groups}, which its channels cannot have", "mend them")
    blocks = weight.view(groups, -1, groups, weight.shape[1] // groups, *weight.shape[2:])
    own = torch.stack([blocks[group, :, group] for group in range(groups)])
    return own.reshape(len(weight), -1, *weight.shape[2:]).contiguous(), groups


def _dilate(linear: LinearNode, weight: Tensor, dilation: Shape) -> Tensor:
    """The larger kernel, with zeros between, that sees as far."""
    if set(dilation) == {1}:
        return weight
    sizes = [d * (size - 1) + 1 for d, size in zip(dilation, weight.shape[2:], strict=True)]
    if min(dilation) < 1 or math.prod(weight.shape[:2]) * math.prod(sizes) > MOST_FILLED:
        raise linear.refuse(f"dilation {dilation} makes kernels of {sizes}", "use a smaller one")
    wide = weight.new_zeros(*weight.shape[:2], *sizes)
    places: tuple[Any, ...] = (..., *(slice(None, None, step) for step in dilation))
    wide[places] = weight
    return wide


def _add_bias(linear: LinearNode, drive: Drive, bias: Tensor | None) -> Drive:
    if bias is None:
        return drive
    if tuple(bias.shape) != drive.arrival[:1]:
        raise linear.refuse(f"its bias has shape {tuple(bias.shape)}, for {drive.arrival[0]} channels", "mend the file")
    return drive.with_bias(bias if drive.bias is None else drive.bias + bias)


def _times(bias: Tensor | None, factor: float) -> Tensor | None:
    return None if bias is None else bias * factor


def _is_eye(weight: Tensor) -> bool:
    return weight.ndim == 2 and weight.shape[0] == weight.shape[1] and bool((weight == torch.eye(len(weight))).all())


def _is_pointwise(kernel: Shape, stride: Shape, padding: Shape) -> bool:
    return set(kernel) == {1} and set(stride) == {1} and not any(padding)


def _spread(value: Any, axes: int) -> Shape:
    """A number, or one for each axis, as plain integers."""
    numbers = np.asarray(value).reshape(-1)
    if numbers.dtype.kind not in "iuf" or len(numbers) not in (1, axes) or (numbers != np.round(numbers)).any():
        raise ValueError(f"{numbers.tolist()} are no whole numbers for {axes} axes; mend the file")
    return tuple(int(number) for number in (numbers if len(numbers) == axes else numbers.repeat(axes)))


def _as_tensor(linear: LinearNode, values: Any) -> Tensor:
    numbers = np.asarray(values)
    if numbers.dtype.kind not in "fiub" or not np.isfinite(numbers).all():
        raise linear.refuse("its numbers are not finite", "mend the file")
    return torch.from_numpy(np.array(numbers, dtype=np.float32))


def _require_size(linear: LinearNode, values: Any, drive: Drive) -> None:
    """ValueError unless there is one number for every unit that arrives."""
    if tuple(np.shape(values)) != drive.shape:
        raise linear.refuse(
            f"it has shape {tuple(np.shape(values))}, and what arrives has {drive.shape}", "mend the file"
        )


READERS: Mapping[str, Callable[[LinearNode, Drive], Drive]] = {
    "Affine": _read_linear,
    "AvgPool2d": _read_pool,
    "Conv1d": _read_conv,
    "Conv2d": _read_conv,
    "Delay": _read_delay,
    "Flatten": _read_flatten,
    "Input": _pass,
    "Linear": _read_linear,
    "Output": _pass,
    "Scale": _read_scale,
    "SumPool2d": _read_pool,
}
