"""Processors differ: with fewer instructions, in a process of its own, the same numbers come out, kernels included."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.processor_check import check

ROOT = Path(__file__).parents[2]
COUNT = 9
KINDS = {
    "as it is": {},
    "AVX2": {"DNNL_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "NUMBA_CPU_NAME": "haswell"},
    "SSE alone": {"DNNL_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default", "NUMBA_CPU_NAME": "generic"},
}
if platform.machine() != "x86_64":  # elsewhere the names of processors are others
    KINDS = {"as it is": {}, "the least": {"ATEN_CPU_CAPABILITY": "default", "NUMBA_CPU_NAME": "generic"}}


@pytest.fixture(scope="module")
def answers():
    """What each kind of processor answers."""
    found = {}
    for kind, settings in KINDS.items():
        answer = subprocess.run(
            [sys.executable, "-W", "ignore:precision", "-m", "tests.support.processor_check", str(COUNT)],
            cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert (answer.returncode, answer.stderr) == (0, ""), kind
        found[kind] = json.loads(answer.stdout)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_processor_gives_the_same_spikes_and_counts(answers, kind):
    assert answers[kind]["digests"] == check(COUNT)


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_give_the_same_spikes_on_every_processor(answers, kind):
    digests = answers[kind]["digests"]
    assert digests["dense"] == digests["events"] == digests["auto"]
    assert len(set(digests["dense"])) == COUNT


@pytest.mark.parametrize("kind", KINDS)
def test_every_processor_learns_the_same_but_for_rounding(answers, kind):
    np.testing.assert_allclose(answers[kind]["losses"], answers["as it is"]["losses"], rtol=0.05)
    np.testing.assert_allclose(answers[kind]["losses"][:2], answers["as it is"]["losses"][:2], rtol=1e-3)
