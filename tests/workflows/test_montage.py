"""Many planes in one picture, and pictures that move: each plane is what `render` makes of it."""

from __future__ import annotations

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxelry
from voxelry.core.errors import FormatError, GeometryError, ParameterError
from voxelry.core.intensity import Window
from voxelry.core.planes import plane_count
from voxelry.core.registry import format_named
from voxelry.core.value import Value
from voxelry.formats.pictures.animation import encode_animation
from voxelry.testing import synthetic_series
from voxelry.testing.volumes import placed
from voxelry.workflows.pictures.montage import montage, planes
from voxelry.workflows.pictures.picture_files import render

AXES = st.sampled_from([None, "axial", "coronal", "sagittal"])


def noise(*shape: int) -> npt.NDArray[Any]:
    return np.random.default_rng(3).integers(0, 255, shape, endpoint=True).astype(np.uint8)


def frames_of(content: bytes) -> tuple[list[npt.NDArray[np.uint8]], list[float]]:
    """By Pillow: the pictures as RGB, and how long each is shown, ms."""
    from PIL import Image, ImageSequence

    with Image.open(BytesIO(content)) as image:
        every = [
            (np.array(one.convert("RGB")), float(one.info.get("duration", 0))) for one in ImageSequence.Iterator(image)
        ]
    return [picture for picture, _ in every], [duration for _, duration in every]


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 7)),
    axis=AXES,
    every=st.integers(1, 4),
    columns=st.none() | st.integers(1, 12),
    colour=st.booleans(),
)
def test_every_tile_is_a_plane(
    shape: tuple[int, int, int], axis: Any, every: int, columns: int | None, colour: bool
) -> None:
    volume = placed(noise(*shape, 3) if colour else noise(*shape))
    window = None if colour else Window(128, 256)
    picture = montage(volume, axis=axis, window=window, every=every, columns=columns)
    shown = [render(volume, k, axis=axis, window=window) for k in range(0, plane_count(volume, axis), every)]
    height, width = shown[0].shape[:2]
    across = picture.shape[1] // width
    assert across == (min(columns, len(shown)) if columns else across)
    assert picture.shape[0] == math.ceil(len(shown) / across) * height
    for number in range(across * (picture.shape[0] // height)):
        row, column = divmod(number, across)
        tile = picture[row * height : (row + 1) * height, column * width : (column + 1) * width]
        if number < len(shown):
            np.testing.assert_array_equal(tile, shown[number])
        else:
            assert not tile.any()


def test_a_mosaic_is_about_as_wide_as_high() -> None:
    assert montage(placed(noise(16, 10, 10))).shape == (40, 40)
    assert montage(placed(noise(16, 10, 40))).shape == (80, 80)


def test_one_window_is_for_all() -> None:
    """Slices of different brightness stay different, whatever their own values are."""
    array = np.zeros((2, 4, 4), np.int16)
    array[0, 0], array[1, 0] = 100, 1000
    first, second = planes(placed(array))
    assert first.max() < second.max()


@pytest.mark.parametrize("wrong", [{"every": 0}, {"columns": 0}])
def test_nothing_is_no_picture(wrong: dict[str, int]) -> None:
    with pytest.raises(ParameterError):
        montage(placed(noise(2, 3, 4)), **wrong)  # type: ignore[arg-type]
    with pytest.raises(GeometryError):
        montage(voxelry.Volume(array=noise(2, 3, 4)), axis="axial")


@pytest.mark.parametrize("kind", ["gif", "webp", "apng"])
@pytest.mark.parametrize("colour", [False, True])
def test_moving_pictures_are_exact(kind: Any, colour: bool) -> None:
    pictures = noise(5, 12, 16, 3) if colour else noise(5, 12, 16)
    if colour and kind == "gif":
        pictures = pictures // 128 * 255  # of no more colours than it has
    found, durations = frames_of(encode_animation(iter(pictures), kind, seconds=0.25))
    expected = pictures if colour else np.repeat(pictures[..., None], 3, axis=-1)
    np.testing.assert_array_equal(np.array(found), expected)
    if kind != "webp":  # of which Pillow tells no durations
        assert durations == [250] * 5


def test_more_pixels_than_a_format_counts_are_refused() -> None:
    with pytest.raises(FormatError, match="16,383"):
        encode_animation(iter([np.zeros((1, 20_000), np.uint8)]), "webp", seconds=1)


# --- by ``convert`` ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg"])
def test_a_picture_s_name_shows_the_whole_volume(tmp_path: Path, suffix: str) -> None:
    series = synthetic_series(tmp_path / "in", slices=6)
    target = tmp_path / f"out{suffix}"
    options: dict[str, Value] = {"columns": 2, "every": 2, "axis": "axial", "window": "40,400"}
    report = voxelry.convert(tmp_path / "in", target, options=options)
    assert report.complete, report.skipped
    picture = imagecodecs.imread(str(target))
    expected = montage(
        voxelry.load_volume(series.paths[0].parent), axis="axial", window=Window(40, 400), every=2, columns=2
    )
    assert picture.shape == expected.shape
    if suffix == ".png":
        np.testing.assert_array_equal(picture, expected)
    assert not voxelry.convert(tmp_path / "in", target, options=options).written[0].fresh
    assert voxelry.convert(tmp_path / "in", target).skipped


@pytest.mark.parametrize("kind", ["gif", "webp", "apng"])
def test_a_moving_picture_shows_every_plane(tmp_path: Path, kind: str) -> None:
    synthetic_series(tmp_path / "in")
    report = voxelry.convert(
        tmp_path / "in", tmp_path / f"a.{kind}", options={"axis": "sagittal", "every": 5, "fps": 4}
    )
    assert report.complete, report.skipped
    volume = voxelry.load_volume(tmp_path / "in")
    expected = [render(volume, k, axis="sagittal") for k in range(0, 20, 5)]
    found, _ = frames_of((tmp_path / f"a.{kind}").read_bytes())
    np.testing.assert_array_equal(np.array(found)[..., 0], expected)


@pytest.mark.parametrize(("kind", "options"), [("gif", {}), ("png", {"mosaic": True}), ("jpg", {"mosaic": True})])
def test_a_folder_gets_a_picture_for_each_volume(tmp_path: Path, kind: str, options: dict[str, Value]) -> None:
    for seed in (1, 2):
        synthetic_series(tmp_path / "in" / str(seed), seed=seed)
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format=kind, options=options)
    assert [one.path.name for one in report.written] == [f"ct-1-1.{kind}", f"ct-1-2.{kind}"]
    assert all(one.path.is_file() for one in report.written)


def test_phases_are_a_picture_each(tmp_path: Path) -> None:
    array = noise(2, 3, 4)
    format_named("nifti").write([placed(array), placed(255 - array)], str(tmp_path / "a.nii"), options={})
    report = voxelry.convert(tmp_path / "a.nii", tmp_path / "out.png")
    assert len(report.written) == 2
    assert report.complete


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("a.png", {"columns": 0}), ("a.png", {"every": 0}), ("a.png", {"fps": 3}), ("a.png", {"axis": "oblique"}),
        ("a.gif", {"fps": 0}), ("a.gif", {"fps": "fast"}), ("a.gif", {"columns": 2}), ("a.gif", {"window": "wide"}),
        ("a.png", {"overlays": True, "axis": "axial"}), ("a.png", {"mosaic": "yes"}),
    ],
)  # fmt: skip
def test_wrong_options_are_told_before_anything_is_read(tmp_path: Path, target: str, options: dict[str, Value]) -> None:
    with pytest.raises(ParameterError):
        voxelry.convert(tmp_path / "missing", tmp_path / target, options=options)


def test_a_picture_is_no_volume(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    voxelry.convert(tmp_path / "in", tmp_path / "a.png")
    report = voxelry.convert(tmp_path / "a.png", tmp_path / "a.nii")
    assert "ordinary picture" in str(next(iter(report.skipped.values())))
    assert not report.written
