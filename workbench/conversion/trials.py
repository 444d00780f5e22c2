"""Options of a conversion, tried: how far the answers of the SNN are from those of its ANN, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.conversion.activation_scales import select_scales
from workbench.conversion.frame_clock import can_run_by_frames, has_whole_frames, to_frames
from workbench.conversion.held_back import HeldBack
from workbench.conversion.options import ConversionOptions
from workbench.conversion.rounding import round_in_place
from workbench.conversion.spiking_model import build_snn
from workbench.evaluation import choose_evenly, count_operations
from workbench.events import Recordings
from workbench.model import Model, Scales, average_answers
from workbench.network import Network


@dataclass(frozen=True)
class Trial:
    """Options tried: `error` of its answers in the variance of the ANN's, synaptic operations per recording, and how
    often its last answer is right, and the ANN's is, by recording.
    """

    options: ConversionOptions
    error: float
    operations: float
    right: Sequence[tuple[bool, bool]]

    @property
    def accuracy(self) -> float:
        """The share of last answers that are right."""
        return float(np.mean([ours for ours, _ in self.right]))

    @property
    def gap(self) -> tuple[float, float]:
        """Accuracy less that of the ANN, and its standard error, recording by recording."""
        apart = np.array([float(ours) - float(theirs) for ours, theirs in self.right])
        return float(apart.mean()), float(apart.std() / np.sqrt(len(apart)))


class TrialRuns:
    """Runs of one ANN's conversions on recordings held back, `few` of them or all.

    error = 1 - (sum of SNN's x ANN's answers)^2 / (sum of SNN's^2 x sum of ANN's^2), over recordings, frames and
    classes, the answers less their mean over the classes: the share of the variance of the ANN's answers that the SNN's
    do not explain, whatever their scale, which changes no decision. Neurons that count for a frame are run frame by
    frame: what they answer at the end of every frame is known without the ticks in between, but for the rounding of
    numbers.
    """

    def __init__(
        self,
        folded: Model,
        network: Network,
        ticks_per_frame: int,
        held_back: Sequence[HeldBack],
        grid: tuple[int, int | None],
        batch: int | None,
    ) -> None:
        self.folded, self.network, self.ticks_per_frame, self.batch = folded, network, ticks_per_frame, batch
        self.held_back, self.grid = held_back, grid
        self.by_frames = has_whole_frames(network, ticks_per_frame)
        self.expected = [_answer(folded, part.recordings, batch) for part in held_back]

    @property
    def varies(self) -> bool:
        """Whether the ANN gives different answers to different recordings and classes."""
        return any(_spread(answers) > 0 for answers, _, _ in self.expected)

    @property
    def effective_macs(self) -> float:
        """What the ANN does for a recording where activities are not 0."""
        counts = [len(part.recordings) for part in self.held_back]
        return float(np.average([done for _, _, done in self.expected], weights=counts))

    def run(self, options: ConversionOptions, few: int | None = None) -> Trial:
        """Options tried on about so many of the recordings, evenly spread, or on all."""
        errors, costs, right, counts = [], 0.0, list[tuple[bool, bool]](), []
        for part, (expected, labelled, _) in zip(self.held_back, self.expected, strict=True):
            many = len(part.recordings) if few is None else max(1, few // len(self.held_back))
            some = choose_evenly(len(part.recordings), many, nearest=False)
            snn = self._convert(options, select_scales(options, part.scales))
            found, ours, done = _answer(snn, part.recordings[some], self.batch)
            errors.append(_compare(found, expected[:, some]))
            counts.append(len(some))
            costs += done * len(some)
            right += zip(ours.tolist(), labelled[some].tolist(), strict=True)
        return Trial(options, float(np.average(errors, weights=counts)), costs / sum(counts), right)

    def _convert(self, options: ConversionOptions, scales: Scales) -> Model:
        snn = build_snn(self.folded, self.network, self.ticks_per_frame, scales, options)
        return to_frames(snn) if can_run_by_frames(snn) else round_in_place(snn, *self.grid)


@torch.no_grad()
def _answer(model: Model, recordings: Recordings, batch: int | None) -> tuple[Tensor, np.ndarray, float]:
    """Answers at the end of every frame, less their mean over the classes; whether the last one is right, by recording;
    and operations per recording: synaptic ones, of an ANN effective MACs.
    """
    k, network = model.ticks_per_frame, model.network
    counts = count_operations(model, recordings, batch)
    answers = average_answers(counts.drive.double(), network.first_response[network.output], k)
    last = answers[(k - 1 - network.first_response[network.output]) % k :: k]
    right = last[-1].argmax(1).numpy() == np.asarray(recordings.labels)
    done = float((counts.synaptic if model.spiking else counts.effective).sum()) / len(recordings)
    return last - last.mean(2, keepdim=True), right, done


def _compare(found: Tensor, expected: Tensor) -> float:
    """The error of answers in the frames in which both models answer: the last ones."""
    both = min(len(found), len(expected))
    ours, theirs = found[-both:], expected[-both:]
    size = float(ours.square().sum() * theirs.square().sum())
    return 1 - float((ours * theirs).sum()) ** 2 / size if size else 1.0


def _spread(answers: Tensor) -> float:
    return float(answers.square().mean((1, 2)).mean())
