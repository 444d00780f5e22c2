"""Sharing work among torch's parallel, the memory of lists, and the instructions for many numbers at a time."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from numba import njit

from tests.support.many_threads import run_at_once
from workbench.engine.event_driven.spike_lists import SpikeLists
from workbench.engine.kernels import buffer_pool, parallel
from workbench.engine.kernels.event_kernels import NODE_COLUMNS, STEPS, UNITS
from workbench.engine.kernels.fire_kernels import UNROLL
from workbench.engine.kernels.simd import (
    LANES,
    WIDTH,
    add_scaled,
    count_ones,
    count_trailing_zeros,
    is_active,
    load,
    reach,
    store,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["the threads of torch", "a pool"])
def four_threads(request, monkeypatch, several_threads):
    """Four threads, of OpenMP or of our own."""
    if request.param == "a pool":
        monkeypatch.setattr(parallel, "find_parallel", lambda: None)
    elif parallel.find_parallel() is None:
        pytest.skip("torch's OpenMP library here has no GNU interface")


@pytest.mark.parametrize("numbers", [0, parallel.MIN_PARALLEL_SIZE])
def test_every_lane_is_done_once(numbers, four_threads):
    for lanes in range(1, 40):
        done = np.zeros(lanes, int)

        def add(first, last, array):
            array[first:last] += 1

        parallel.parallel_for(add, lanes, numbers, done)
        assert done.tolist() == [1] * lanes


@pytest.mark.parametrize("threads", [2, 3, 4])
def test_as_many_threads_work_at_the_same_time_as_torch_is_told(threads, four_threads):
    torch.set_num_threads(threads)
    meeting, met = threading.Barrier(threads, timeout=60), set()

    def integrate(first, last):
        met.add(threading.get_ident())
        meeting.wait()

    parallel.parallel_for(integrate, threads * parallel.PIECES, parallel.MIN_PARALLEL_SIZE)
    assert len(met) == threads
    assert threading.get_ident() in met


def test_one_thread_does_it_all_itself(four_threads):
    torch.set_num_threads(1)
    calls = []
    parallel.parallel_for(
        lambda first, last: calls.append((first, last, threading.get_ident())), 7, 100 * parallel.MIN_PARALLEL_SIZE
    )
    assert calls == [(0, 7, threading.get_ident())]
    assert parallel.divide(1, 100 * parallel.DIVIDED * parallel.MIN_PARALLEL_SIZE) == 1


def test_an_exception_is_raised_where_the_work_was_shared_out(four_threads):
    done = []

    def fail(first, last):
        done.append(first)
        if first == 1:
            raise ValueError("the second part is broken")

    with pytest.raises(ValueError, match="the second part is broken"):
        parallel.parallel_for(fail, 3, parallel.MIN_PARALLEL_SIZE)
    assert sorted(done) == [0, 1, 2]


def test_an_interrupt_is_raised_when_all_is_done(four_threads):
    done, before = np.zeros(64, int), signal.signal(signal.SIGINT, signal.default_int_handler)

    def add(first, last):
        if first == 0:
            signal.raise_signal(signal.SIGINT)
        done[first:last] += 1

    try:
        with pytest.raises(KeyboardInterrupt):
            parallel.parallel_for(add, 64, parallel.MIN_PARALLEL_SIZE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.tolist() == [1] * 64


def test_many_callers_share_a_pool(four_threads):
    def add(first, last, array):
        array[first:last] += 1

    def work():
        for _ in range(50):
            done = np.zeros(64, int)
            parallel.parallel_for(add, 64, parallel.MIN_PARALLEL_SIZE, done)
            assert done.tolist() == [1] * 64

    run_at_once(work, 6)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_makes_a_pool_of_its_own():
    code = (
        "import os, torch; from workbench.engine.kernels import parallel\n"
        "parallel.find_parallel = lambda: None\n"
        "torch.set_num_threads(4)\n"
        "def run(): parallel.parallel_for(lambda first, last: None, 64, 1 << 20)\n"
        "run()\n"
        "child = os.fork()\n"
        "run()\n"
        "os._exit(0) if child == 0 else print(os.waitpid(child, 0)[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


class Owner:
    """Whoever owns borrowed buffers."""


def test_memory_is_lent_to_one_at_a_time_and_comes_back():
    first, second = Owner(), Owner()
    one, two = buffer_pool.borrow(first, 100), buffer_pool.borrow(second, 100)
    assert all(len(array) >= 100 for array in (*one, *two))
    assert not np.shares_memory(one[0], two[0])
    del first
    third = Owner()
    assert buffer_pool.borrow(third, 50)[0] is one[0]


def test_what_is_too_large_is_not_kept(monkeypatch):
    monkeypatch.setattr(buffer_pool, "LARGEST", 1000)
    before = list(buffer_pool._spare)
    buffer_pool.borrow(Owner(), max(len(arena[0]) for arena in [*before, (range(1000),)]) + 1)
    assert all(any(arena is known for known in before) for arena in buffer_pool._spare)


@pytest.mark.parametrize("seed", range(60))
def test_lists_hold_what_is_not_zero_and_give_it_back(seed):
    rng = np.random.default_rng(seed)
    units, steps, batch = int(rng.integers(1, 300)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
    values = rng.choice(
        [0.0, -0.0, 1.0, -3.0, 1e-42],
        (steps, batch, units),
        p=[[0.5, 0.2, 0.1, 0.1, 0.1], [0.0, 0.0, 0.9, 0.1, 0.0], [0.98, 0.0, 0.02, 0.0, 0.0]][seed % 3],
    )
    activity = torch.tensor(values, dtype=torch.float32)
    regions = np.zeros((1, NODE_COLUMNS), np.int64)
    regions[0, UNITS], regions[0, STEPS] = units, steps
    lists = SpikeLists(regions, batch, np.array([[0, units]]))
    lists.append(0, 0, activity)
    assert torch.equal(lists.fill(0, 0, steps, (units,)), activity)
    assert lists.count(0, 0, steps) == int((activity != 0).sum())


@pytest.mark.parametrize("seed", range(40))
def test_there_is_room_for_every_unit_of_a_band_in_every_step(seed):
    rng = np.random.default_rng(seed)
    nodes, bands, batch = rng.integers(1, 5, 3)
    regions = np.zeros((nodes, NODE_COLUMNS), np.int64)
    regions[:, UNITS], regions[:, STEPS] = rng.integers(1, 50, nodes), rng.integers(0, 6, nodes)
    inner = np.sort(rng.integers(0, regions[:, UNITS, None] + 1, (nodes, bands - 1)))
    cuts = np.concatenate([np.zeros((nodes, 1), np.int64), inner, regions[:, UNITS, None]], axis=1)
    lists, needed, begin = SpikeLists(regions, int(batch), cuts), 0, 0
    for node, (units, steps) in enumerate(regions[:, [UNITS, STEPS]]):
        for lane in range(batch * bands):
            offsets = lists.offsets[begin : begin + steps + 1]
            begin += steps + 1
            assert set(offsets) == {needed}
            band = lane % bands
            needed += UNROLL + steps * (units if band == 0 else cuts[node, band + 1] - cuts[node, band])
    assert begin == len(lists.offsets)
    assert len(lists.units) >= needed


@njit
def add_to(row, target, weights, weight, value, lanes):
    numbers = load(row, np.uint64(target), np.uint64(lanes))
    store(
        row,
        np.uint64(target),
        np.uint64(lanes),
        add_scaled(numbers, value, weights, np.uint64(weight), np.uint64(lanes)),
    )


@pytest.mark.parametrize("lanes", range(LANES + 1))
def test_sixteen_numbers_or_fewer_are_added_at_a_time_and_no_other_is_touched(lanes):
    rng = np.random.default_rng(lanes)
    for _ in range(50):
        row, weights = (rng.integers(-99, 99, 40).astype(np.float32) for _ in range(2))
        target, weight = rng.integers(0, len(row) - lanes + 1, 2)  # up to the very end
        expected = row.copy()
        expected[target : target + lanes] += 3 * weights[weight : weight + lanes]
        add_to(row, target, weights, weight, np.float32(3), lanes)
        assert row.tolist() == expected.tolist()


@njit
def look_for(row, begin, limits):
    some, whole = load(row, np.uint64(begin), np.uint64(LANES)), np.uint64(LANES)
    return is_active(row, np.uint64(begin)), reach(some, load(limits, np.uint64(0), whole))


@pytest.mark.parametrize("begin", [0, 5, 36])
def test_what_is_active_and_what_reaches_a_limit_is_found(begin):
    row, limits = np.zeros(100, np.float32), np.arange(LANES, dtype=np.float32) / 2
    row[begin - 1] = row[(begin + WIDTH) % 100] = 1
    row[begin + 3] = -0.0
    assert look_for(row, begin, limits) == (False, 1)
    for unit in range(begin, begin + WIDTH):
        row[unit] = unit % 9 - 4.5
        active, word = look_for(row, begin, limits)
        assert active
        assert [bool(word >> lane & 1) for lane in range(LANES)] == (row[begin : begin + LANES] >= limits).tolist()
        if unit > begin + LANES:
            row[unit] = 0


@njit
def look_at(word):
    return count_ones(word), count_trailing_zeros(word)


def test_bits_of_a_word_are_counted():
    words = [0, 1, 1 << 63, (1 << 64) - 1, 0b101000, *map(int, np.random.default_rng(0).integers(0, 1 << 63, 50))]
    for word in words:
        ones = f"{word:064b}"
        assert look_at(np.uint64(word)) == (ones.count("1"), len(ones) - len(ones.rstrip("0")))
