"""How long components took: means of factors, what a file may hold, and that no file ever costs a run."""

import json
import math
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from tests.support.exact_models import some_snn
from workbench.engine.event_driven import cost_model, hybrid_state
from workbench.engine.event_driven.hybrid import Hybrid
from workbench.engine.event_driven.measured_speed import (
    FACTORS,
    MACHINES,
    MOST,
    OFTEN,
    WEIGHT,
    MeasuredSpeed,
    find_speed_file,
    keep_speed,
    measured_speed,
    name_machine,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return find_speed_file()


@pytest.fixture
def reading(monkeypatch):
    """What a process that begins now knows; nothing is written when the tests end."""
    monkeypatch.setattr("atexit.register", lambda *known: None)
    return lambda threads=1: measured_speed.__wrapped__(threads).factors


def speed_of(factors: dict[str, float]) -> MeasuredSpeed:
    speed = MeasuredSpeed({})
    for key, factor in factors.items():
        settle(speed, key, factor)
    return speed


def settle(speed: MeasuredSpeed, key: str, factor: float) -> None:
    """Measure this twice: a single time is not believed."""
    for _ in range(2):
        speed.record(key, factor)


def test_a_quicker_measurement_counts_in_full():
    speed = speed_of({"dense a": 45.0})
    speed.record("dense a", 2.0)
    assert speed.factor("dense a") == 2.0


def test_what_was_measured_once_is_neither_believed_nor_kept(path, reading):
    speed = speed_of({"dense a": 2.0})
    speed.record("dense b", 45.0)  # with what is compiled and loaded only once
    assert speed.factor("dense b") is None
    assert speed.usual("dense") == pytest.approx(2.0)
    keep_speed(speed, path, name_machine(1))
    assert reading() == {"dense a": 2.0}
    speed.record("dense b", 1.0)
    assert speed.factor("dense b") == 1.0


def test_a_slower_measurement_counts_for_less_than_those_before():
    speed = speed_of({"dense a": 2.0})
    speed.record("dense a", 8.0)
    assert speed.factor("dense a") == pytest.approx(2.0 ** (1 - WEIGHT) * 8.0**WEIGHT)
    for _ in range(100):
        speed.record("dense a", 8.0)
    assert speed.factor("dense a") == pytest.approx(8.0, rel=1e-3)


def test_the_usual_factor_is_the_geometric_mean_of_a_kind():
    speed = speed_of({"dense a": 2.0, "dense b": 8.0, "events a": 0.5, "denser c": 100.0})
    assert speed.usual("dense") == pytest.approx(4.0)
    assert speed.usual("events") == pytest.approx(0.5)
    assert speed.usual("other") == 1.0


@pytest.mark.parametrize("factor", [0.0, -1.0, 1e-9, 1e9, math.inf])
def test_a_factor_beyond_belief_is_clamped(factor):
    found = speed_of({"dense a": factor}).factor("dense a")
    assert found == FACTORS[factor > 1]


def test_only_the_newest_factors_are_kept():
    speed = speed_of({f"dense {number}": 1.0 for number in range(MOST)})
    speed.record("dense 0", 1.0)  # which makes it the newest
    settle(speed, "events new", 1.0)
    assert len(speed.factors) == MOST
    assert speed.factor("dense 1") is None
    assert speed.factor("dense 0") == speed.factor("events new") == 1.0


def test_what_was_measured_is_there_for_the_next_process(path, reading):
    assert reading() == {}
    keep_speed(speed_of({"dense a": 2.0}), path, name_machine(1))
    assert reading() == {"dense a": 2.0}
    assert reading(2) == {}  # another number of threads is measured for itself


def test_machines_are_kept_side_by_side(path, reading):
    keep_speed(speed_of({"dense a": 2.0}), path, "another machine")
    keep_speed(speed_of({"dense a": 4.0}), path, name_machine(1))
    keep_speed(speed_of({"dense a": 8.0}), path, name_machine(2))
    assert (reading(1), reading(2)) == ({"dense a": 4.0}, {"dense a": 8.0})
    assert json.loads(path.read_text())["another machine"] == {"dense a": 2.0}


def test_only_the_newest_machines_are_kept(path):
    for number in [*range(MACHINES + 2), 3]:
        keep_speed(speed_of({"dense a": 2.0}), path, f"machine {number}")
    kept = [f"machine {number}" for number in [2, *range(4, MACHINES + 2), 3]]
    assert list(json.loads(path.read_text())) == kept


def test_what_was_measured_of_other_kernels_is_not_believed(path, reading, monkeypatch):
    keep_speed(speed_of({"dense a": 2.0}), path, name_machine(1))
    monkeypatch.setattr("workbench.engine.event_driven.measured_speed.digest_sources", lambda: "others")
    assert reading() == {}


def test_nothing_is_written_where_nothing_was_measured(path):
    keep_speed(MeasuredSpeed({"dense a": 2.0}), path, "machine")
    assert not path.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b"3", b'"text"', b'{"machine": 3}', b"{}" * 3, b"[" * 100_000,
        b'{"machine": {"dense a": "fast", "dense b": null, "dense c": [1.0], "dense d": {"a": 1.0}}}',
        b'{"machine": {"dense a": 1e999, "dense b": -1.0, "dense c": 0.0, "dense d": NaN, "dense e": true}}',
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_file_is_no_file_and_is_written_over(path, reading, monkeypatch, content):
    monkeypatch.setattr("workbench.engine.event_driven.measured_speed.name_machine", lambda threads: "machine")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert reading() == {}
    keep_speed(speed_of({"dense a": 2.0}), path, "machine")
    assert reading() == {"dense a": 2.0}


def test_of_a_file_what_can_be_believed_is(path, reading, monkeypatch):
    monkeypatch.setattr("workbench.engine.event_driven.measured_speed.name_machine", lambda threads: "machine")
    path.parent.mkdir(parents=True)
    path.write_text('{"machine": {"dense a": 2.0, "dense b": "slow", "dense c": 1e6}, "other": []}')
    assert reading() == {"dense a": 2.0}


def test_a_folder_in_the_place_of_the_file_costs_nothing(path, reading):
    path.mkdir(parents=True)
    assert reading() == {}
    keep_speed(speed_of({"dense a": 2.0}), path, "machine")
    assert path.is_dir()


def test_a_file_in_the_place_of_the_folder_costs_nothing(path, reading):
    path.parent.write_text("no folder")
    assert reading() == {}
    keep_speed(speed_of({"dense a": 2.0}), path, "machine")
    assert path.parent.read_text() == "no folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_a_folder_that_cannot_be_written_costs_nothing(path):
    path.parent.mkdir(parents=True)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    keep_speed(speed_of({"dense a": 2.0}), path, "machine")
    assert not path.exists()


def test_a_process_keeps_what_it_measured_when_it_ends(tmp_path):
    code = (
        "from tests.support.exact_models import some_snn\n"
        "from workbench.engine.event_driven import hybrid_state\n"
        "hybrid_state.PATIENCE_NS = 0\n"
        "snn, ticks = some_snn(2)\n"
        "snn.run(ticks, block=2)"
    )
    known = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=known, cwd=ROOT, check=True)
    (factors,) = json.loads((tmp_path / "workbench" / "engine_speed.json").read_text()).values()
    assert factors
    assert all(key.startswith(("dense ", "events ")) for key in factors)


# the choice that follows

WORK = 1e9  # steps of recordings in a block: so many that what a call costs counts for nothing


@pytest.fixture
def known(monkeypatch):
    """What is known of this machine: nothing yet."""
    speed = MeasuredSpeed({})
    monkeypatch.setattr(cost_model, "measured_speed", lambda threads: speed)
    return speed


@torch.no_grad()
@pytest.mark.parametrize("seed", range(0, 60, 6))
def test_the_choice_follows_what_was_measured(seed, known):
    snn, _ = some_snn(seed)
    forget(known)
    choice = Hybrid(snn.stream(2)._plan, snn.event_driven_parameters(), 2, "auto", {}).choice
    rates = dict.fromkeys(choice.plan.lead, 0.1)
    nodes = choice.with_tables
    for slow, expected in (("events", frozenset()), ("dense", nodes)):
        forget(known)
        for component in choice.costs:
            for listed in (True, False):
                kind = "events" if listed else "dense"
                settle(known, choice.key_of(component, rates if listed else None), 1e3 if kind == slow else 1e-3)
        assert choice.choose(rates, WORK) == expected
        assert choice.choose(rates, WORK, before=nodes - expected) == expected


@torch.no_grad()
@torch.no_grad()
@pytest.mark.parametrize(("slower", "often"), [(0.1, OFTEN), (1.2, OFTEN), (5.0, 2), (100.0, 0)])
@pytest.mark.parametrize("seed", range(0, 60, 12))
def test_what_is_hardly_measured_is_tried_more_often_the_nearer_it_seems(seed, slower, often, known):
    snn, _ = some_snn(seed)
    forget(known)
    choice = Hybrid(snn.stream(2)._plan, snn.event_driven_parameters(), 2, "auto", {}).choice
    rates = dict.fromkeys(choice.plan.lead, 0.1)
    clock = cost_model._Clock(choice, rates, WORK)
    listed, dense = clock.estimate_ns(choice.with_tables), clock.estimate_ns(frozenset())
    factor = listed / dense / slower  # so that all spike by spike is estimated to take so many times longer
    known.__init__({choice.key_of(component, None): factor for component in choice.costs})
    tries = 0
    while choice.choose(rates, WORK, before=frozenset()):
        tries += 1
        for component in choice.costs:  # as it seemed to be
            known.record(choice.key_of(component, rates), 1.0)
        if tries > OFTEN:
            assert slower < 1  # what is quicker stays chosen
            return
    assert tries == often


def forget(speed: MeasuredSpeed) -> None:
    """Forget what the conversion of a model has measured."""
    speed.__init__({})


@pytest.mark.parametrize("seed", range(0, 60, 6))
def test_running_measures_every_component_as_it_was_computed(seed, known, monkeypatch):
    monkeypatch.setattr(hybrid_state, "PATIENCE_NS", 0)
    snn, ticks = some_snn(seed)
    forget(known)
    stream = snn.stream(ticks.shape[1], engine="auto")
    for block in ticks.split(3):
        stream.run(block)
    names = {cost.name for cost in stream._hybrid.choice.costs.values()}
    assert {key.split()[1] for key in known.factors} <= names
    assert known.factors
    assert all(FACTORS[0] <= factor <= FACTORS[1] for factor in known.factors.values())


def test_a_network_of_many_components_is_not_timed(known, monkeypatch):
    monkeypatch.setattr(cost_model, "MOST_MEASURED", 1)
    snn, ticks = some_snn(0)
    forget(known)
    assert len(snn.stream(1)._plan.components) > 2
    snn.run(ticks, engine="auto")
    assert known.factors == {}


@pytest.mark.parametrize("engine", ["dense", "events"])
def test_who_names_an_engine_measures_nothing(engine, known):
    snn, ticks = some_snn(0)
    forget(known)
    snn.run(ticks, engine=engine)
    assert known.factors == {}


def test_threads_may_measure_at_once():
    """Panels run models in the background."""
    speed = MeasuredSpeed({})
    errors: list[BaseException] = []

    def measure(name: str) -> None:
        try:
            for number in range(300):
                settle(speed, f"dense {name}{number}", 1.0 + number % 3)
                speed.usual("dense")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=measure, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(speed.factors) == 900
