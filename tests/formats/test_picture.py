"""PNG and JPEG bytes that any reader understands."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voxelry.formats.pictures.picture import encode_jpeg, encode_png

pictures = hnp.arrays(
    np.uint8, st.one_of(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.just((7, 9, 3)), st.just((1, 1, 3)))
)


@given(pictures)
def test_png_gives_back_every_pixel(picture: npt.NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(imagecodecs.png_decode(encode_png(picture)), picture)


def test_png_keeps_the_size_of_a_pixel() -> None:
    raw = encode_png(np.zeros((4, 6), np.uint8), spacing=(0.5, 0.25))
    at = raw.index(b"pHYs")
    assert struct.unpack(">IIB", raw[at + 4 : at + 13]) == (4000, 2000, 1)


def test_jpeg_is_near_and_keeps_its_shape() -> None:
    picture = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8)
    for shown in (picture, np.stack([picture] * 3, axis=-1)):
        decoded = imagecodecs.jpeg8_decode(encode_jpeg(shown))
        assert decoded.shape == shown.shape
        np.testing.assert_allclose(decoded.astype(int), shown, atol=6)
