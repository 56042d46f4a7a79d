"""Where windows or tables differ from slice to slice each has its own: in the volume, in pictures, in the formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_voi_lut
from pydicom.sequence import Sequence

import voxelry
from voxelry.core.display import default_voi, plane_voi
from voxelry.core.intensity import VoiTable, Window, to_display
from voxelry.core.planes import AXES, plane
from voxelry.core.registry import step_named
from voxelry.formats.shared.volume_record import recorded_volume, volume_record
from voxelry.testing import SAGITTAL, synthetic_series
from voxelry.workflows.pictures.montage import montage
from voxelry.workflows.pictures.picture_files import render

RAMP = np.tile(np.arange(64, dtype=np.uint16) * 60, (4, 48, 1))


def _window(k: int) -> tuple[str, str]:
    return str(500 + 900 * k), "401"


def _own_window(k: int, dataset: Dataset) -> None:
    dataset.WindowCenter, dataset.WindowWidth = _window(k)


def _frame_window(_: int, dataset: Dataset) -> None:
    for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.WindowCenter, item.WindowWidth = _window(k)
        group.FrameVOILUTSequence = Sequence([item])


def _own_table(k: int, dataset: Dataset) -> None:
    item = Dataset()
    item.add_new(0x00283002, "US", [1024, 100 * k, 12])
    item.add_new(0x00283006, "OW", (np.arange(1024) * 4 + k).clip(0, 4095).astype("<u2").tobytes())
    dataset.VOILUTSequence = Sequence([item])


@pytest.mark.parametrize("frames", ["single", "enhanced"])
def test_each_slice_is_shown_with_its_own_window_as_pydicom_shows_it(tmp_path: Path, frames: Any) -> None:
    edit = _frame_window if frames == "enhanced" else _own_window
    more: dict[str, Any] = {"frames": frames} if frames == "enhanced" else {}
    synthetic_series(tmp_path / "in", pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=edit, **more)
    volume = voxelry.load_volume(tmp_path / "in")
    assert volume.slice_voi == tuple(Window(500 + 900 * k, 401) for k in range(4))
    assert volume.windows == (Window(2300, 401),)  # the middle slice's: the volume's common one
    files = voxelry.save_pictures(volume, tmp_path / "out")
    for k, file in enumerate(files):
        judged = Dataset()
        judged.PhotometricInterpretation, judged.BitsStored, judged.PixelRepresentation = "MONOCHROME2", 16, 0
        judged.WindowCenter, judged.WindowWidth = _window(k)
        levels = apply_voi_lut(volume.array[k].astype(np.uint16), judged) * (255 / 65_535)
        assert np.abs(imagecodecs.png_decode(file.read_bytes()) - levels).max() <= 0.5 + 1e-6
        np.testing.assert_array_equal(render(volume, k), imagecodecs.png_decode(file.read_bytes()))


def test_tables_differ_by_slice_too(tmp_path: Path) -> None:
    synthetic_series(tmp_path, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_own_table)
    volume = voxelry.load_volume(tmp_path)
    assert [voi.first for voi in volume.slice_voi if isinstance(voi, VoiTable)] == [0, 100, 200, 300]
    for k, voi in enumerate(volume.slice_voi):
        assert voi is not None
        np.testing.assert_array_equal(render(volume, k), to_display(volume.array[k], voi))


def test_a_slice_that_proposes_nothing_has_the_common_one(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        _own_window(k, dataset)
        if k == 1:
            del dataset.WindowCenter, dataset.WindowWidth

    synthetic_series(tmp_path, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=edit)
    volume = voxelry.load_volume(tmp_path)
    assert volume.slice_voi[1] is None
    assert plane_voi(volume)[1] == default_voi(volume) == Window(2300, 401)
    assert plane_voi(volume, common=Window(1, 2))[1] == Window(1, 2)


def test_windows_written_otherwise_but_equal_are_one(tmp_path: Path) -> None:
    synthetic_series(
        tmp_path, edit=lambda k, dataset: setattr(dataset, "WindowCenter", "40" if k % 2 else "40.0"), slices=4
    )
    assert voxelry.load_volume(tmp_path).slice_voi == ()


def test_all_slices_alike_are_told_once(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=4)
    assert voxelry.load_volume(tmp_path).slice_voi == ()


def test_a_window_that_is_given_counts_for_all(tmp_path: Path) -> None:
    synthetic_series(tmp_path, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_own_window)
    volume, window = voxelry.load_volume(tmp_path), Window(1000, 300)
    for k in range(4):
        np.testing.assert_array_equal(render(volume, k, window=window), to_display(volume.array[k], window))


def test_planes_along_the_slices_have_their_slices_own_and_those_across_the_common_one(tmp_path: Path) -> None:
    # Ascending along the normal of a sagittal stack is to the right or to the left: planes may count the other way.
    synthetic_series(
        tmp_path, pixels=RAMP, orientation=SAGITTAL, modality="MR", rescale=None, bits_stored=16, edit=_own_window
    )
    volume = voxelry.load_volume(tmp_path)
    for axis in AXES:
        for index, voi in enumerate(plane_voi(volume, axis)):
            same = [k for k in range(4) if np.shares_memory(plane(volume, index, axis=axis), volume.array[k])]
            expected = volume.slice_voi[same[0]] if len(same) == 1 else volume.windows[0]
            assert voi == expected


def test_a_mosaic_shows_each_slice_with_its_own(tmp_path: Path) -> None:
    synthetic_series(tmp_path, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_own_window)
    volume = voxelry.load_volume(tmp_path)
    expected = np.hstack([render(volume, k) for k in range(4)])
    np.testing.assert_array_equal(montage(volume, columns=4), expected)


def test_what_slices_are_shown_with_comes_back_from_a_file(tmp_path: Path) -> None:
    for name, edit in (("windows", _own_window), ("tables", _own_table)):
        synthetic_series(tmp_path / name, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=edit)
        volume = voxelry.load_volume(tmp_path / name)
        again = recorded_volume(volume.array, volume_record(volume), affine=None, spacing=(None, None, None))
        assert again.slice_voi == volume.slice_voi
        assert again.warnings == volume.warnings


@pytest.mark.parametrize(
    "damage",
    [{"distinct": [], "slices": [0]}, {"distinct": 7}, {"distinct": [], "slices": [None] * 9}, [1], {"slices": "x"}],
)
def test_what_is_no_such_record_is_told(damage: Any) -> None:
    array = np.zeros((1, 2, 2), np.int16)
    found = recorded_volume(array, {"slice_voi": damage}, affine=None, spacing=(None, None, None))
    assert found.slice_voi == ()
    assert found.warnings == ("the file's slice_voi are damaged and left out",)


def test_cropped_and_resampled_volumes_keep_what_is_still_theirs(tmp_path: Path) -> None:
    synthetic_series(tmp_path, pixels=RAMP, modality="MR", rescale=None, bits_stored=16, edit=_own_window)
    volume = voxelry.load_volume(tmp_path)

    def made(step: str, **params: Any) -> voxelry.Volume:
        return step_named(step).run([volume], params).volumes[0]

    assert made("crop", start=[1, 0, 0], stop=[3, 9, 9]).slice_voi == volume.slice_voi[1:3]
    assert made("resample", spacing=[1.0, 0.8, 0.7]).slice_voi == ()
    assert made("window").slice_voi == ()
    assert made("gaussian", sigma=1.0).slice_voi == volume.slice_voi
