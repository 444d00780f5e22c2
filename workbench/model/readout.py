"""What a model answers at each step: the drive of its output, averaged over the time seen so far or over a frame."""

from __future__ import annotations

import torch
from torch import Tensor

ANSWERS = ("running", "frame")


def average_answers(drive: Tensor, first_response: int, ticks_per_frame: int = 1, answer: str = "running") -> Tensor:
    """Answers (steps - first_response, batch, classes) from the output's drive (steps, batch, classes).

    "running": the mean drive since the first response. "frame": the mean drive over the last `ticks_per_frame` steps,
    over fewer as long as there are fewer. The same two definitions serve ANN and SNN, so their curves compare.

    >>> average_answers(torch.tensor([0.0, 2.0, 4.0]).view(3, 1, 1), first_response=1).flatten()
    tensor([2., 3.])
    """
    if answer not in ANSWERS:
        raise ValueError(f"answer={answer!r} is unknown; choose from {', '.join(ANSWERS)}")
    responding = drive[first_response:]
    if len(responding) == 0:
        raise ValueError(
            f"the output answers first at step {first_response}, but there are only {len(drive)} steps; use more "
            "frames, or smaller delays on the way to the output"
        )
    total = responding.cumsum(0)
    count = torch.arange(1, len(responding) + 1, dtype=drive.dtype, device=drive.device).view(-1, 1, 1)
    if answer == "frame" and len(responding) > ticks_per_frame:
        total = torch.cat([total[:ticks_per_frame], total[ticks_per_frame:] - total[:-ticks_per_frame]])
        count = count.clamp(max=ticks_per_frame)
    return total / count
