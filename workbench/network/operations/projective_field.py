"""Projective fields: which targets a unit reaches through a linear map."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ProjectiveField:
    """Which targets one source unit reaches: so many target channels, and these positions along every spatial axis.

    `channels` is None where the unit reaches only its own channel; `axes` holds one 0/1 matrix
    (source positions, target positions) per spatial axis. The targets of a unit are their product.
    """

    channels: int | None
    axes: tuple[Tensor, ...]

    def then(self, following: ProjectiveField) -> ProjectiveField:
        """The projective field of this map followed by another one."""
        axes = (
            tuple(((mine @ theirs) > 0).double() for mine, theirs in zip(self.axes, following.axes, strict=False))
            or self.axes
        )
        return ProjectiveField(following.channels or self.channels, axes)
