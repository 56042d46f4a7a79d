"""Pictures show the windowed slices, pixel for pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import voxelry
from voxelry.core.display import default_window
from voxelry.core.errors import GeometryError, ParameterError
from voxelry.core.intensity import Window, to_display
from voxelry.testing import SAGITTAL, synthetic_instance, synthetic_series, write
from voxelry.workflows.pictures.picture_files import render


def read(path: Path) -> Any:
    return imagecodecs.png_decode(path.read_bytes())


def test_png_files_are_the_windowed_slices(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    volume = voxelry.load_volume(tmp_path / "in")
    window = Window(0, 500)
    files = voxelry.save_pictures(volume, tmp_path / "out", window=window)
    assert [file.name for file in files] == [f"slice-{n:04d}.png" for n in range(5)]
    for file, values in zip(files, volume.array, strict=True):
        np.testing.assert_array_equal(read(file), to_display(values, window))
    assert len(list((tmp_path / "out").iterdir())) == 5


def test_jpg_files_are_near_them(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", pixels=np.linspace(0, 4000, 3 * 64 * 64).reshape(3, 64, 64).astype(np.uint16))
    volume = voxelry.load_volume(tmp_path / "in")
    files = voxelry.save_pictures(volume, tmp_path / "out", "jpg")
    shown = imagecodecs.jpeg8_decode(files[1].read_bytes())
    np.testing.assert_allclose(shown, render(volume, 1).astype(int), atol=4)


def test_patient_planes_of_a_sagittal_series(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", orientation=SAGITTAL)
    volume = voxelry.load_volume(tmp_path / "in")
    files = voxelry.save_pictures(volume, tmp_path / "out", axis="axial")
    assert len(files) == 16
    assert read(files[0]).shape == (20, 5)


def test_colour_stays_colour(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in", slices=2, photometric="RGB", rescale=None)
    files = voxelry.save_pictures(voxelry.load_volume(tmp_path / "in"), tmp_path / "out")
    np.testing.assert_array_equal(np.stack([read(file) for file in files]), truth.array)


def test_monochrome1_is_shown_inverted_and_padding_black(tmp_path: Path) -> None:
    pixels = np.arange(40, dtype=np.uint16).reshape(1, 5, 8) + 100
    pixels[0, 0, :2] = 0
    synthetic_series(tmp_path, pixels=pixels, photometric="MONOCHROME1", padding_value=0, rescale=(1.0, 0.0))
    volume = voxelry.load_volume(tmp_path)
    shown = render(volume, 0)
    assert shown[0, :2].tolist() == [0, 0]
    assert shown[0, 3] > shown[4, 7]
    assert default_window(volume).center > 100


def test_refusals_come_before_anything_is_written(tmp_path: Path) -> None:
    volume = voxelry.Volume(array=np.zeros((2, 4, 4), np.int16))
    with pytest.raises(GeometryError, match="no coronal plane"):
        voxelry.save_pictures(volume, tmp_path / "out", axis="coronal")
    with pytest.raises(ParameterError, match="png, jpg"):
        voxelry.save_pictures(volume, tmp_path / "out", "bmp")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_colour_of_12_bits_is_not_dark(tmp_path: Path) -> None:
    pixels = (np.arange(4 * 4 * 3) * 87).astype(np.uint16).reshape(4, 4, 3)
    dataset = synthetic_instance(pixels, photometric="RGB", rescale=None, bits_stored=12)
    volume = voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(render(volume, 0), pixels >> 4)


@pytest.mark.parametrize("format", ["png", "jpg"])
def test_many_threads_keep_the_order(tmp_path: Path, format: Any) -> None:  # noqa: A002
    array = np.repeat(np.arange(200, dtype=np.int16), 64 * 64).reshape(200, 64, 64)
    volume = voxelry.Volume(array=array)
    told: list[float] = []
    window = Window(100, 200, "LINEAR_EXACT")
    files = voxelry.save_pictures(volume, tmp_path, format, window, progress=lambda fraction, _: told.append(fraction))
    decode = imagecodecs.png_decode if format == "png" else imagecodecs.jpeg8_decode
    shown = [int(decode(file.read_bytes())[32, 32]) for file in files]
    np.testing.assert_allclose(shown, to_display(np.arange(200.0), window), atol=0 if format == "png" else 2)
    assert [file.name for file in files] == sorted(path.name for path in tmp_path.iterdir())
    assert told == sorted(told)
    assert (told[0], told[-1], len(told)) == (0, 1, 201)


def test_whoever_is_told_of_progress_may_stop_it(tmp_path: Path) -> None:
    volume = voxelry.Volume(array=np.zeros((500, 64, 64), np.int16))

    def stop(fraction: float, _: str) -> None:
        if fraction > 0.01:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        voxelry.save_pictures(volume, tmp_path, progress=stop)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert 5 <= len(left) < 500
    assert left == [name for name in left if name.startswith("slice-") and name.endswith(".png")]
    for name in left:
        assert read(tmp_path / name).shape == (64, 64)


def test_a_folder_that_takes_no_files_is_an_error_and_keeps_none(tmp_path: Path) -> None:
    (tmp_path / "slice-0003.png").mkdir()
    (tmp_path / "slice-0003.png" / "mine").touch()
    with pytest.raises(OSError):  # noqa: PT011 - which one is the machine's word
        voxelry.save_pictures(voxelry.Volume(array=np.zeros((8, 4, 4), np.int16)), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_pictures_are_files_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (file,) = voxelry.save_pictures(voxelry.Volume(array=np.zeros((1, 4, 4), np.int16)), tmp_path / "out")
    assert file.stat().st_mode == (tmp_path / "other").stat().st_mode
