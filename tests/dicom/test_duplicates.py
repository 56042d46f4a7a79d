"""Equal slices: copies are left out, but each phase keeps its own blank slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.reports import found, report_at, untimed
from voxelry.testing import synthetic_series

PHASES, SLICES = 3, 7


def write(folder: Path, pixels: npt.NDArray[np.uint16], *, by_position: bool) -> None:
    """Phases of shape ``(phase, slice, row, column)``, numbered one way or the other."""
    count = len(pixels)
    order = [(phase, place) for phase in range(count) for place in range(SLICES)]
    if by_position:
        order.sort(key=lambda item: item[1])
    synthetic_series(
        folder, pixels=np.stack([pixels[item] for item in order]), offsets=tuple(3.0 * place for _, place in order),
        modality="MR", rescale=None, edit=untimed,
    )  # fmt: skip


def phases(*blank: int) -> npt.NDArray[np.uint16]:
    pixels = np.random.default_rng(0).integers(1, 4000, (PHASES, SLICES, 8, 8)).astype(np.uint16)
    pixels[:, list(blank)] = 0
    return pixels


@pytest.mark.parametrize("blank", [(), (0, 6), (0, 1, 5, 6), (0, 1, 2, 4, 5, 6), (3,)])
@pytest.mark.parametrize("by_position", [False, True])
def test_phases_keep_their_blank_slices(tmp_path: Path, blank: tuple[int, ...], by_position: bool) -> None:
    pixels = phases(*blank)
    write(tmp_path, pixels, by_position=by_position)
    np.testing.assert_array_equal(voxelry.stack_volumes(voxelry.load(tmp_path).volumes), pixels)


def test_blank_slices_of_some_phases_are_kept_as_well(tmp_path: Path) -> None:
    pixels = phases(0)
    pixels[1:, 1] = 7
    write(tmp_path, pixels, by_position=True)
    np.testing.assert_array_equal(voxelry.stack_volumes(voxelry.load(tmp_path).volumes), pixels)


def test_equal_slices_that_are_not_blank_do_not_spoil_sets(tmp_path: Path) -> None:
    """A padded border makes slices beyond the patient equal, and not blank."""
    pixels = phases()
    pixels[:, [0, 6]] = np.pad(np.full((6, 6), 5, np.uint16), 1)
    write(tmp_path, pixels, by_position=True)
    np.testing.assert_array_equal(voxelry.stack_volumes(voxelry.load(tmp_path).volumes), pixels)


@pytest.mark.parametrize("by_position", [False, True])
def test_a_series_sent_twice_with_blank_slices_is_one_volume(tmp_path: Path, by_position: bool) -> None:
    pixels = phases(0, 6)[:1]
    write(tmp_path, np.concatenate([pixels, pixels]), by_position=by_position)
    (volume,) = voxelry.load(tmp_path).volumes
    np.testing.assert_array_equal(volume.array, pixels[0])
    assert found(report_at(tmp_path), "duplicate_slices").numbers["count"] == SLICES


@pytest.mark.parametrize("count", [1, 3])
def test_copies_that_came_another_way_are_copies(tmp_path: Path, count: int) -> None:
    """The same images from two archives: a station's name and a maker's attribute differ, the pixels do not."""
    pixels = phases()[:count].reshape(count * SLICES, 8, 8)

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.StationName = "AB"[k // len(pixels)]
        dataset.private_block(0x0019, "ACME", create=True).add_new(0x10, "IS", k // len(pixels))

    offsets = tuple(3.0 * (k % SLICES) for k in range(2 * len(pixels)))
    both = np.concatenate([pixels, pixels])
    synthetic_series(tmp_path, pixels=both, offsets=offsets, modality="MR", rescale=None, edit=edit)
    volumes = voxelry.load(tmp_path).volumes
    assert len(volumes) == count
    np.testing.assert_array_equal(np.concatenate([volume.array for volume in volumes]), pixels)


def test_one_slice_corrected_makes_no_second_volume_of_a_series_sent_twice(tmp_path: Path) -> None:
    pixels = phases()[:1]
    again = pixels.copy()
    again[0, 3] += 1
    write(tmp_path, np.concatenate([pixels, again]), by_position=True)
    assert not voxelry.load(tmp_path).volumes
    assert found(report_at(tmp_path), "repeated_positions").numbers["positions_mm"] == [-21.0]


def test_phases_sent_twice_keep_one_blank_slice_each(tmp_path: Path) -> None:
    pixels = phases(0, 6)
    write(tmp_path, np.repeat(pixels, 2, axis=0), by_position=True)
    np.testing.assert_array_equal(voxelry.stack_volumes(voxelry.load(tmp_path).volumes), pixels)
