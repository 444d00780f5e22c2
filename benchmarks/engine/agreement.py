"""Whether contenders give the same drives, bit for bit, and how they differ where they are another model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

import workbench as wb
from benchmarks.engine.contenders import Contender
from benchmarks.engine.networks import lag

SAME = "bit for bit"


def judge(
    contenders: Sequence[Contender], answers: Mapping[str, Tensor | None], model: wb.Model, ticks: Tensor
) -> dict[str, str]:
    """How each answer agrees with the workbench's, in words; RuntimeError where it does not as it should."""
    expected = {reset: expect(model, ticks, reset) for reset in {contender.reset for contender in contenders}}
    words = {}
    for contender in contenders:
        answer = answers.get(contender.name)
        if answer is None:
            words[contender.name] = "does not spike"
            continue
        require_agreement(contender.name, answer, expected[contender.reset])
        words[contender.name] = SAME
        if contender.reset != model.neuron.reset:
            other = count_differing(answer, expect(model, ticks, model.neuron.reset))
            words[contender.name] = (
                f"another model: {other:.1%} of the drives differ; {SAME} those of the workbench with "
                f'`reset="{contender.reset}"`'
            )
    return words


def expect(model: wb.Model, ticks: Tensor, reset: str) -> Tensor:
    """The workbench's drives at the output, of the same model with this reset, without the ticks before the first."""
    other = model.copy()
    other.neuron = replace(model.neuron, reset=reset)
    return other.run(ticks, record=["out"])["out"][lag(model) :]


def require_agreement(name: str, answer: Tensor, expected: Tensor) -> None:
    """RuntimeError unless an answer is the expected one, bit for bit."""
    if answer.shape != expected.shape:
        raise RuntimeError(f"{name} gives drives of shape {tuple(answer.shape)}, not {tuple(expected.shape)}")
    if not torch.equal(answer, expected):
        differing = count_differing(answer, expected)
        raise RuntimeError(
            f"{name} does not give the drives of the workbench: {differing:.2%} differ; its times would say nothing"
        )


def count_differing(answer: Tensor, expected: Tensor) -> float:
    """The part of the values that are not the same.

    >>> count_differing(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 2.0]))
    0.5
    """
    return float((answer != expected).float().mean())
