"""A lazy array is a NumPy array that reads what it is asked for, and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.lazy import LazyArray

WHOLE = np.arange(7 * 5 * 4, dtype=np.int16).reshape(7, 5, 4)


def lazy(taken: list[int] | None = None) -> LazyArray:
    def read(numbers: Sequence[int]) -> npt.NDArray[np.int16]:
        assert list(numbers) == sorted(numbers)
        if taken is not None:
            taken.extend(numbers)
        return WHOLE[list(numbers)]

    return LazyArray(WHOLE.shape, WHOLE.dtype, read)


def one_index(length: int) -> st.SearchStrategy[int | slice]:
    return st.one_of(st.integers(-length, length - 1), st.slices(length))


@given(st.tuples(one_index(7), one_index(5), one_index(4)), st.integers(0, 3))
def test_it_gives_what_numpy_gives(key: tuple[int | slice, ...], count: int) -> None:
    np.testing.assert_array_equal(lazy()[key[:count]], WHOLE[key[:count]])
    assert lazy()[key[:count]].dtype == WHOLE.dtype


@pytest.mark.parametrize("key", [..., (..., 2), (1, ...), (..., slice(1, 3), 0), (slice(5, 1, -2), ..., 1)])
def test_dots_stand_for_the_axes_that_are_not_named(key: Any) -> None:
    np.testing.assert_array_equal(lazy()[key], WHOLE[key])


def test_only_what_is_asked_for_is_read() -> None:
    taken: list[int] = []
    array = lazy(taken)
    assert (array.shape, array.ndim, array.size, array.nbytes, len(array)) == ((7, 5, 4), 3, 140, 280, 7)
    assert taken == []
    array[5, 2:4]
    array[1:6:2, 0]
    assert taken == [5, 1, 3, 5]


def test_all_of_it_at_once() -> None:
    np.testing.assert_array_equal(np.asarray(lazy()), WHOLE)
    np.testing.assert_array_equal(np.asarray(lazy(), np.float64), WHOLE)
    np.testing.assert_array_equal(np.stack(list(lazy())), WHOLE)
    assert (lazy().min(), lazy().max()) == (0, 139)
    with pytest.raises(ValueError, match="copy"):
        np.array(lazy(), copy=False)


@pytest.mark.parametrize("key", [7, -8, (0, 0, 0, 0), (..., ...)])
def test_beyond_its_ends_is_an_error(key: object) -> None:
    with pytest.raises(IndexError):
        lazy()[key]  # type: ignore[index]


@pytest.mark.parametrize("key", ["a", [1, 2], None, 1.5])
def test_other_indices_are_refused(key: object) -> None:
    with pytest.raises(TypeError, match="whole numbers and slices"):
        lazy()[key]  # type: ignore[index]


def test_its_name_holds_no_values() -> None:
    assert repr(lazy()) == "<LazyArray 7 x 5 x 4 int16, read slice by slice>"
