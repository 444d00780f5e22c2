"""What is computed ahead: once, in the background, only while it is wanted."""

import gc
import threading
import time
import weakref

import pytest

from workbench.widgets._background.prefetch import PrefetchCache


class Held:
    """A computation that says when it has begun and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.asked: list[int] = []

    def __call__(self, number: int) -> int:
        self.asked.append(number)
        self.begun.set()
        assert self.go.wait(20)
        return number


def test_a_result_is_computed_once_however_it_is_asked_for() -> None:
    asked: list[int] = []
    square = PrefetchCache(lambda number: asked.append(number) or number**2)
    square.prepare([2, 3])
    assert [square(number) for number in (2, 3, 4, 3)] == [4, 9, 16, 9]
    assert square.submit(4).result() == 16
    assert sorted(asked) == [2, 3, 4]


def test_many_threads_wait_for_one_computation() -> None:
    held = Held()
    ahead = PrefetchCache(held)
    results: list[int] = []
    threads = [threading.Thread(target=lambda: results.append(ahead(1))) for _ in range(4)]
    threads[0].start()
    assert held.begun.wait(20)
    for thread in threads[1:]:
        thread.start()
    held.go.set()
    for thread in threads:
        thread.join()
    assert results == [1] * 4
    assert held.asked == [1]


@pytest.mark.parametrize("keep", [3, 32])
def test_threads_that_begin_together_compute_once(keep: int) -> None:
    asked: list[int] = []
    ahead = PrefetchCache(lambda number: asked.append(number) or number, keep=keep)
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait(20)
        for number in range(200):
            assert ahead(number // 10) == number // 10

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(ahead._results) <= keep
    assert set(asked) == set(range(20))
    assert len(asked) == 20 or keep == 3, "what is kept is computed once"


def test_what_is_no_longer_wanted_is_left_out() -> None:
    go, asked = threading.Event(), []

    def compute(number: int) -> int:
        assert go.wait(20)
        asked.append(number)
        return number

    ahead = PrefetchCache(compute)
    ahead.prepare([0, 1, 2, 3])
    ahead.prepare([9])
    go.set()
    assert ahead.submit(9).result(20) == 9
    assert set(asked) <= {0, 9}, "only what had begun, and what is wanted"


def test_only_so_many_are_kept_and_errors_reach_who_asks() -> None:
    asked: list[int] = []
    inverse = PrefetchCache(lambda number: asked.append(number) or 1 / number, keep=2)
    assert [inverse(number) for number in (1, 2, 4, 1)] == [1, 0.5, 0.25, 1]
    assert asked == [1, 2, 4, 1]
    with pytest.raises(ZeroDivisionError):
        inverse(0)
    with pytest.raises(ZeroDivisionError):
        inverse.submit(0).result()


def test_what_is_released_is_gone_and_can_be_asked_for_again() -> None:
    held = Held()
    ahead = PrefetchCache(held)
    ahead.prepare([0, 1, 2])
    first = ahead.find(0)
    assert held.begun.wait(20)
    threading.Timer(0.1, held.go.set).start()
    ahead.release()
    assert first is not None
    assert first.result() == 0
    assert [ahead.find(number) for number in range(3)] == [None] * 3
    assert held.asked == [0]
    assert ahead(0) == 0
    assert held.asked == [0, 0]


def test_nobody_is_kept_alive_for_what_has_not_begun() -> None:
    class Owner:
        def __init__(self) -> None:
            self.ahead: PrefetchCache[int, int] = PrefetchCache(lambda number: self.compute(number))

        def compute(self, number: int) -> int:
            assert go.wait(20)
            asked.append(number)
            return number

    go, asked = threading.Event(), []
    owner = Owner()
    owner.ahead.prepare(range(5))
    gone = weakref.ref(owner)
    del owner
    go.set()
    for _ in range(1000):
        gc.collect()
        if gone() is None:
            break
        time.sleep(0.01)
    assert gone() is None
