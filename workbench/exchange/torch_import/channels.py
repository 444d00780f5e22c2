"""Some of the channels of a linear form: chosen, put among others, and cut where two forms are to be added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workbench.exchange.torch_import.linear_form import Form, InexpressibleError, Link, Part, Path
from workbench.network import Conv, Conv1d, Dense, Operation, Shape


def choose_channels(form: Form, start: int, stop: int, shapes: Mapping[str, Shape]) -> tuple[Part, ...]:
    """The parts of a form that are its channels from `start` until before `stop`, cut where they are not whole."""
    found = []
    for part, (first, last) in zip(form.parts, form.bounds(), strict=True):
        low, high = max(start, first) - first, min(stop, last) - first
        if low < high:
            found.append(part if (low, high) == (0, part.channels) else _cut(part, low, high, shapes))
    return tuple(found)


def align(one: Form, other: Form, shapes: Mapping[str, Shape]) -> tuple[Form, Form]:
    """Both forms, cut into parts of the same channels."""
    if len(one.parts) == len(other.parts) == 1 and one.parts[0].shape[0] == other.parts[0].shape[0]:
        return one, other
    ends = sorted({end for form in (one, other) for _, end in form.bounds()})
    pairs = list(zip([0, *ends[:-1]], ends, strict=True))
    return tuple(  # type: ignore[return-value]  # of two
        replace(form, parts=tuple(part for a, b in pairs for part in choose_channels(form, a, b, shapes)))
        for form in (one, other)
    )


def join_vectors(form: Form, shapes: Mapping[str, Shape]) -> Part:
    """All parts of a flat form as one; each keeps its units among as many zeros as there are other ones."""
    vectors = [part.as_vector(shapes) for part in form.parts]
    if len(vectors) == 1:
        return vectors[0]
    total = sum(part.channels for part in vectors)
    paths, start = [], 0
    for part in vectors:
        rows = torch.zeros(total, part.channels, dtype=torch.float64)
        rows[start : start + part.channels] = torch.eye(part.channels, dtype=torch.float64)
        paths += [_spread(path, rows, shapes) for path in part.paths]
        start += part.channels
    return Part((total,), tuple(paths), torch.cat([part.bias for part in vectors]))


def _spread(path: Path, rows: Tensor, shapes: Mapping[str, Shape]) -> Path:
    """A path to a vector, whose units become those that the 0/1 rows say."""
    last = path.links[-1] if path.links else None
    if last is not None and isinstance(last.operation, Dense) and last.weight is not None:
        return path.with_link(len(path.links) - 1, Link(Dense(len(rows)), rows @ last.weight, last.layer))
    return path.then(Link(Dense(len(rows)), rows), path.shape_after(shapes[path.source]))


def _cut(part: Part, start: int, stop: int, shapes: Mapping[str, Shape]) -> Part:
    paths = tuple(_cut_path(path, start, stop, shapes[path.source]) for path in part.paths)
    return Part((stop - start, *part.shape[1:]), paths, part.bias[start:stop])


def _cut_path(path: Path, start: int, stop: int, source: Shape) -> Path:
    """The path to some of its channels: by the rows of its last weights, or by a map that chooses at its begin."""
    for place in range(len(path.links) - 1, -1, -1):
        link = path.links[place]
        if link.weight is None:
            continue
        operation = link.operation
        if isinstance(operation, Dense):
            return path.with_link(place, replace(link, operation=Dense(stop - start), weight=link.weight[start:stop]))
        assert isinstance(operation, Conv), "only convolutions and dense maps have weights"
        weight = link.weight
        if operation.groups > 1:
            weight = ungroup(weight, operation.groups)
        some = replace(operation, channels=stop - start, groups=1)
        return path.with_link(place, replace(link, operation=some, weight=weight[start:stop].clone()))
    chosen = torch.eye(source[0], dtype=torch.float64)[start:stop]
    gain = None if path.gain is None else path.gain[start:stop]
    selection = Link(pointwise(stop - start, source), chosen.view(*chosen.shape, *[1] * (len(source) - 1)))
    found = Path(path.source, (selection, *path.links))
    return found if gain is None else found.scaled(gain)


def pointwise(channels: int, source: Shape) -> Operation:
    """The map that mixes channels at every place of a source of this shape."""
    kinds: dict[int, type[Operation]] = {1: Dense, 2: Conv1d, 3: Conv}
    if len(source) not in kinds:
        raise InexpressibleError(f"tensor of shape (batch, {', '.join(map(str, source))})", "use images or signals")
    return kinds[len(source)](channels) if len(source) == 1 else kinds[len(source)](channels, kernel=1)


def ungroup(weight: Tensor, groups: int) -> Tensor:
    """The weights of a convolution in groups as those of one without, between groups zero.

    >>> ungroup(torch.ones(2, 1, 1), 2)[..., 0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = weight.shape[0] // groups, weight.shape[1]
    full = weight.new_zeros(weight.shape[0], columns * groups, *weight.shape[2:])
    for group in range(groups):
        mine = slice(group * rows, (group + 1) * rows)
        full[mine, group * columns : (group + 1) * columns] = weight[mine]
    return full
