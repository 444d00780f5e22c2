"""Answers: both averages against a plain loop, and the words of refusals."""

import pytest
import torch

from workbench.model.readout import ANSWERS, average_answers


def plain(drive: torch.Tensor, first_response: int, ticks_per_frame: int, answer: str) -> torch.Tensor:
    """The two definitions, step by step."""
    answers = []
    for step in range(first_response, len(drive)):
        begin = first_response if answer == "running" else max(first_response, step + 1 - ticks_per_frame)
        seen = [drive[s] for s in range(begin, step + 1)]
        answers.append(sum(seen) / len(seen))
    return torch.stack(answers)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("seed", range(60))
def test_answers_are_those_of_a_plain_loop(seed, answer):
    generator = torch.Generator().manual_seed(seed)
    steps, batch, classes, k = (int(torch.randint(1, size, (), generator=generator)) for size in (15, 4, 6, 8))
    first = int(torch.randint(0, steps, (), generator=generator))
    drive = torch.randn(steps, batch, classes, generator=generator, dtype=torch.float64)
    before = drive.clone()
    answers = average_answers(drive, first, k, answer)
    assert answers.shape == (steps - first, batch, classes)
    torch.testing.assert_close(answers, plain(drive, first, k, answer))
    assert torch.equal(drive, before)


def test_a_frame_of_one_step_answers_with_the_drive_itself():
    drive = torch.arange(12, dtype=torch.float64).reshape(6, 1, 2)
    assert torch.equal(average_answers(drive, 2, 1, "frame"), drive[2:])


def test_both_answers_are_one_until_a_frame_is_over():
    drive = torch.randn(9, 2, 3)
    running, frame = (average_answers(drive, 1, 4, answer) for answer in ANSWERS)
    assert torch.equal(running[:4], frame[:4])
    assert not torch.equal(running[4:], frame[4:])


def test_what_comes_before_the_first_response_does_not_count():
    drive = torch.randn(7, 2, 3)
    changed = drive.clone()
    changed[:3] = float("nan")
    for answer in ANSWERS:
        assert torch.equal(average_answers(drive, 3, 2, answer), average_answers(changed, 3, 2, answer))


@pytest.mark.parametrize("answer", ["last", "", None, "Running"])
def test_an_unknown_answer_is_refused(answer):
    with pytest.raises(ValueError, match=r"answer=.* is unknown; choose from running, frame"):
        average_answers(torch.zeros(3, 1, 2), 1, 1, answer)


@pytest.mark.parametrize("first", [3, 4, 100])
def test_a_recording_that_ends_before_the_first_response_is_refused(first):
    words = rf"the output answers first at step {first}, but there are only 3 steps; use more frames, or smaller delays"
    with pytest.raises(ValueError, match=words):
        average_answers(torch.zeros(3, 1, 2), first)
