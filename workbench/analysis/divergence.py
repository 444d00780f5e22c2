"""Where two models part: the first frame in which they answer one recording differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.analysis.recording_trace import RecordingTrace


@dataclass(frozen=True)
class Divergence:
    """Two models answer differently for the first time in `frame`, counted from 0, one `answers[0]`, the other [1].

    What counts is the answer at the end of a frame, of frames in which both answer. `agreed_from` is the frame from
    which on they agree until the end, or None where they end apart.
    """

    names: tuple[str, str]
    frame: int
    answers: tuple[str, str]
    agreed_from: int | None

    def __str__(self) -> str:
        (one, other), (left, right) = self.names, self.answers
        after = f"and agree from frame {self.agreed_from} on" if self.agreed_from is not None else "and end apart"
        return f"{one} and {other} part in frame {self.frame} ({left} against {right}) {after}"


def find_divergence(traces: Mapping[str, RecordingTrace]) -> Divergence | None:
    """Where two models, named, part on one recording; None where they never do in a frame in which both answer.

    ValueError for other numbers of models than two.

    >>> ticks = np.ones((4, 1, 1, 2, 2), dtype=int)
    >>> recordings = Recordings.from_ticks(ticks, labels=[0], classes=("left", "right"), ticks_per_frame=1)
    >>> network = Network({"eye": (1, 2, 2)}, [Edge("eye", "hand", Dense(2))])
    >>> traces = {f"seed {seed}": trace_recording(Model(network, seed=seed), recordings) for seed in (0, 2)}
    >>> str(find_divergence(traces))
    'seed 0 and seed 2 part in frame 1 (left against right) and end apart'
    >>> find_divergence(dict.fromkeys("ab", traces["seed 0"])) is None
    True
    """
    if len(traces) != 2:
        raise ValueError(f"find_divergence: {len(traces)} models; give the traces of two, by name")
    one, other = (_read_answers(trace) for trace in traces.values())
    both = [frame for frame in range(min(len(one), len(other))) if one[frame] and other[frame]]
    apart = [frame for frame in both if one[frame] != other[frame]]
    if not apart:
        return None
    names, first, last = tuple(traces), apart[0], apart[-1]
    return Divergence(
        (names[0], names[1]), first, (str(one[first]), str(other[first])), None if last == both[-1] else last + 1
    )


def describe_divergence(found: Divergence | None, names: tuple[str, str]) -> str:
    """A divergence in words, or that there is none.

    >>> describe_divergence(None, ("ANN", "SNN"))
    'ANN and SNN never part'
    """
    return f"{names[0]} and {names[1]} never part" if found is None else str(found)


def _read_answers(trace: RecordingTrace) -> list[str | None]:
    """The class answered at the end of every frame."""
    return trace.chosen[trace.ticks_per_frame - 1 :: trace.ticks_per_frame]
