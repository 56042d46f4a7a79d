"""Which values of a volume are padding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxelry.core.volume import Volume

ends = st.one_of(
    st.floats(-70_000, 70_000), st.integers(-300, 300).map(lambda half: half / 2), st.sampled_from([np.inf, -np.inf])
)


@given(
    hnp.arrays(st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32]), (1, 4, 50)),
    ends,
    ends,
)
def test_padding_is_what_lies_between_its_limits(array: npt.NDArray[np.integer], low: float, high: float) -> None:
    mask = Volume(array=array, padding=np.array([[low, high]])).padding_mask(0)
    assert mask is not None
    values = array[0].astype(np.float64)
    np.testing.assert_array_equal(mask, (values >= low) & (values <= high))


def test_padding_of_float32_is_found_though_its_limit_is_no_float32() -> None:
    array = np.array([[[0.1, 0.2]]], np.float32)
    mask = Volume(array=array, padding=np.array([[0.1, 0.1]])).padding_mask(0)
    assert mask is not None
    assert mask.tolist() == [[True, False]]
