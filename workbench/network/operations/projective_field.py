"""Projective fields: which targets a unit reaches through a linear map."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ProjectiveField:
    """Which targets one source unit reaches: some target channels, and some positions along every spatial axis.

    The targets of a unit are the product of both. `channels` is None where a unit reaches only its own channel, a
    number where it reaches all of so many, else a 0/1 matrix (source channels, target channels), of one row where all
    source channels reach the same. `axes` holds one 0/1 matrix (source positions, target positions) per spatial axis.

    >>> ProjectiveField(torch.eye(2).repeat_interleave(2, 0), ()).count_channels()  # 4 channels in 2 groups
    tensor([1., 1., 1., 1.], dtype=torch.float64)
    """

    channels: Tensor | int | None
    axes: tuple[Tensor, ...]

    def count_channels(self) -> Tensor:
        """How many target channels each source channel reaches, (source channels) or one number for all."""
        return _as_matrix(1 if self.channels is None else self.channels).sum(1)

    def then(self, following: ProjectiveField) -> ProjectiveField:
        """The projective field of this map followed by another one."""
        axes = (
            tuple(_compose(mine, theirs) for mine, theirs in zip(self.axes, following.axes, strict=False)) or self.axes
        )
        if self.channels is None or following.channels is None:
            return ProjectiveField(self.channels if following.channels is None else following.channels, axes)
        mine, theirs = _as_matrix(self.channels), _as_matrix(following.channels)
        return ProjectiveField(_compose(mine, theirs.expand(mine.shape[1], -1)), axes)


def _compose(mine: Tensor, theirs: Tensor) -> Tensor:
    """Who reaches whom in two steps."""
    return (mine @ theirs > 0).double()


def _as_matrix(channels: Tensor | int) -> Tensor:
    """A row of ones for a number of channels that are all reached."""
    return torch.ones(1, channels, dtype=torch.float64) if isinstance(channels, int) else channels.double()
