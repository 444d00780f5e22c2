"""A column in pieces is the array that its pieces make together, whatever part of it is taken, and copies nothing."""

import numpy as np
import pytest

from workbench.events.pieced_column import PiecedColumn, select_parts


def random_column(seed: int) -> tuple[PiecedColumn, np.ndarray]:
    """A column of random arrays, some of them empty, of which random parts were selected twice; and the plain array."""
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(0, 1000, rng.integers(0, 30)).astype(np.int32) for _ in range(rng.integers(1, 6))]
    column, whole = PiecedColumn.join(arrays), np.concatenate(arrays)
    for _ in range(2):
        ends = np.sort(rng.integers(0, len(whole) + 1, (rng.integers(1, 9), 2)))
        parts = [tuple(pair) for pair in ends.tolist()]
        column = column.select(parts)
        whole = np.concatenate([whole[:0], *(whole[begin:end] for begin, end in parts)])
    return column, whole


@pytest.mark.parametrize("seed", range(60))
def test_every_part_is_that_of_the_array(seed):
    column, whole = random_column(seed)
    rng = np.random.default_rng([seed, 1])
    assert len(column) == len(whole) == column.shape[0]
    assert column.dtype == whole.dtype
    np.testing.assert_array_equal(np.asarray(column), whole)
    np.testing.assert_array_equal(column < 500, whole < 500)
    np.testing.assert_array_equal(column + np.ones_like(whole), whole + 1)
    for begin, end in rng.integers(-40, 60, (30, 2)).tolist():
        np.testing.assert_array_equal(column[begin:end], whole[begin:end])
        np.testing.assert_array_equal(column[begin:end:3], whole[begin:end:3])
    if len(whole):
        chosen = rng.integers(0, len(whole), 5)
        np.testing.assert_array_equal(column[chosen], whole[chosen])
        assert column[int(chosen[0])] == whole[chosen[0]]
        assert np.max(column) == whole.max()


def test_a_part_of_one_piece_is_a_view_and_a_selection_keeps_the_sources():
    arrays = [np.arange(10), np.arange(10, 20)]
    column = PiecedColumn.join(arrays)
    assert np.shares_memory(column[12:15], arrays[1])
    assert not np.shares_memory(column[8:12], arrays[0])
    assert column.select([(3, 17)]).sources == column.sources
    assert repr(column.select([(3, 17)])) == "PiecedColumn(14 numbers of int64 in 2 pieces)"


def test_what_is_mapped_is_selected_without_being_read_and_what_is_not_is_copied(tmp_path):
    np.arange(100, dtype=np.int32).tofile(tmp_path / "numbers")
    mapped = np.memmap(tmp_path / "numbers", np.int32, "r")
    found = select_parts(mapped, [(90, 100), (0, 5)])
    assert isinstance(found, PiecedColumn)
    assert np.shares_memory(found[:10], mapped)
    copied = select_parts(np.arange(100), [(90, 100), (0, 5)])
    assert isinstance(copied, np.ndarray)
    np.testing.assert_array_equal(copied, found[:])
