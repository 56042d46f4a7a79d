"""A Volume as numpy and notebooks use it."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import voxelry
from voxelry.core.volume_html import stored_png
from voxelry.testing import synthetic_series
from voxelry.testing.volumes import affines, placed, voxels

VOLUME = placed(voxels((3, 4, 5), "int16"))


def test_numpy_takes_it_as_an_array() -> None:
    assert VOLUME.shape == (3, 4, 5)
    assert VOLUME.dtype == np.int16
    assert np.asarray(VOLUME) is VOLUME.array
    assert not np.asarray(VOLUME).flags.writeable
    copied = np.array(VOLUME)
    copied[0, 0, 0] = 1  # one's own
    assert np.asarray(VOLUME, dtype=np.float64).dtype == np.float64
    assert np.mean(VOLUME) == VOLUME.array.mean()
    np.testing.assert_array_equal(VOLUME.with_array(np.asarray(VOLUME) > 0).array, VOLUME.array > 0)


def test_no_copy_is_a_promise() -> None:
    assert VOLUME.__array__(copy=False) is VOLUME.array
    with pytest.raises(ValueError, match="without a copy"):
        VOLUME.__array__(np.float32, copy=False)


def test_a_lazy_volume_is_read(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    lazy = voxelry.load(tmp_path, lazy=True).volumes[0]
    np.testing.assert_array_equal(np.asarray(lazy), voxelry.load_volume(tmp_path).array)
    with pytest.raises(ValueError, match="without a copy"):
        lazy.__array__(copy=False)
    assert "<img" in lazy._repr_html_()


@given(affines(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_to_lps_and_back_is_the_identity(affine: np.ndarray, index: list[float]) -> None:
    volume = voxelry.Volume(array=np.zeros((2, 3, 4), np.int8), affine=affine)
    np.testing.assert_allclose(volume.to_index(volume.to_lps(index)), index, atol=1e-6)


@given(
    st.one_of(
        hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=300)),
        hnp.arrays(np.uint8, st.tuples(st.integers(1, 200), st.integers(1, 200), st.just(3)), fill=st.integers(0, 255)),
    )
)
def test_others_read_the_picture(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(stored_png(picture)))), picture)


def test_a_notebook_shows_facts_and_a_slice_and_nobody_s_name(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path)
    shown = volume._repr_html_()
    assert "SECRET" not in shown
    for fact in ("5 × 16 × 20", "int16 HU", "3 × 0.8 × 0.7 mm", "LPS"):
        assert fact in shown
    data = re.search(r'src="data:image/png;base64,([^"]+)"', shown)
    assert data is not None
    picture = Image.open(io.BytesIO(base64.b64decode(data[1])))
    assert picture.size == (20, 16)
    width, height = (int(found) for found in re.findall(r'(?:width|height)="(\d+)"', shown))
    assert width / height == pytest.approx(20 * 0.7 / (16 * 0.8), rel=0.02)


def test_what_is_shown_is_escaped() -> None:
    from dataclasses import replace

    bad = replace(VOLUME, label="<script>alert(1)</script>", unit='"><b>', warnings=("<i>",))
    shown = bad._repr_html_()
    assert "<script>" not in shown
    assert "<i>" not in shown
    assert '"><b>' not in shown


@pytest.mark.parametrize(
    "volume",
    [
        voxelry.Volume(array=np.zeros((1, 2, 3), np.uint8)),
        voxelry.Volume(array=np.zeros((2, 3, 4, 3), np.uint16)),
        voxelry.Volume(array=np.full((2, 3, 4), np.nan, np.float32)),
        voxelry.Volume(array=np.ones((2, 500, 4), np.bool_)),
        voxelry.Volume(array=np.ones((2, 3, 4), np.int16), padding=np.array([[1.0, 1.0], [1.0, 1.0]])),
    ],
)
def test_every_volume_can_be_shown(volume: voxelry.Volume) -> None:
    assert "<img" in volume._repr_html_()
