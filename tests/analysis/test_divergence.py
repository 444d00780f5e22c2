"""Where two models part: against a search frame by frame, on many pairs of random models."""

from __future__ import annotations

import numpy as np
import pytest

import workbench as wb
from tests.support import tiny
from workbench.analysis import RecordingTrace, find_divergence, trace_recording


def read(trace: RecordingTrace, frame: int) -> str | None:
    """What stands at the end of a frame, counted from 0."""
    ends = np.flatnonzero(np.isclose(trace.costs["frame"], frame + 1))
    return trace.chosen[int(ends[0])]


@pytest.mark.parametrize("recording", range(3))
@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_first_frame_in_which_both_answer_differently(seed: int, recording: int) -> None:
    recordings = tiny.recordings()
    ann, other = tiny.ann(), wb.Model(tiny.network(), seed=seed, norm=None).eval()
    snn = wb.convert(other, recordings, percentile=99.9)
    traces = {name: trace_recording(model, recordings, recording=recording)
              for name, model in {"ANN": ann, "SNN": snn}.items()}  # fmt: skip
    found = find_divergence(traces)
    pairs = [tuple(read(trace, frame) for trace in traces.values()) for frame in range(recordings.frames)]
    apart = [frame for frame, (one, two) in enumerate(pairs) if one and two and one != two]
    if not apart:
        assert found is None
        return
    assert found is not None
    assert (found.frame, found.answers, found.names) == (apart[0], pairs[apart[0]], ("ANN", "SNN"))
    agreeing = apart[-1] + 1 if apart[-1] + 1 < recordings.frames else None
    assert found.agreed_from == agreeing
    assert f"part in frame {apart[0]} ({pairs[apart[0]][0]} against {pairs[apart[0]][1]})" in str(found)
    assert ("end apart" in str(found)) == (agreeing is None)


def test_it_is_asked_of_two_models() -> None:
    trace = trace_recording(tiny.ann(), tiny.recordings(), recording=0)
    with pytest.raises(ValueError, match="3 models; give the traces of two, by name"):
        find_divergence(dict.fromkeys("abc", trace))
