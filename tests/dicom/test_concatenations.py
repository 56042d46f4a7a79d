"""The parts of a concatenation are one object (PS3.3 C.7.6.16.2.2.4), whatever order their files and UIDs are in."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

import voxelry
from voxelry.testing import synthetic_series, uid


def cut(path: Path, folder: Path, ends: Sequence[int], *, number: int | None = 1, total: bool = True) -> list[Path]:
    """An enhanced object cut into parts that end after these frames, as the standard says; its own file goes."""
    whole = pydicom.dcmread(path)
    frame_bytes = whole.Rows * whole.Columns * whole.BitsAllocated // 8
    folder.mkdir(exist_ok=True)
    written = []
    begin = 0
    for part, end in enumerate(ends, 1):
        one = deepcopy(whole)
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = UID(uid("part", -part))
        one.InstanceNumber = number if number is not None else part
        one.ConcatenationUID, one.InConcatenationNumber = uid("concatenation"), part
        one.SOPInstanceUIDOfConcatenationSource = whole.SOPInstanceUID
        one.ConcatenationFrameOffsetNumber = begin
        if total:
            one.InConcatenationTotalNumber = len(ends)
        one.NumberOfFrames = end - begin
        one.PerFrameFunctionalGroupsSequence = whole.PerFrameFunctionalGroupsSequence[begin:end]
        content = whole.PixelData[begin * frame_bytes : end * frame_bytes]
        one.PixelData = content + b"\0" * (len(content) % 2)
        written.append(folder / f"{(part * 7) % 5}-{part}.dcm")
        one.save_as(written[-1], enforce_file_format=True)
        begin = end
    return written


@pytest.mark.parametrize("ends", [(2, 5), (1, 2, 3, 4, 5), (3, 4, 5)])
@pytest.mark.parametrize("number", [1, None])
def test_the_parts_are_one_volume(tmp_path: Path, ends: Sequence[int], number: int | None) -> None:
    truth = synthetic_series(tmp_path / "whole", frames="enhanced")
    cut(truth.paths[0], tmp_path / "in", ends, number=number)
    volume = voxelry.load_volume(tmp_path / "in")
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine, truth.affine, atol=1e-6)
    assert not volume.warnings


def test_dimensions_count_over_all_parts(tmp_path: Path) -> None:
    """Two echoes of five slices, told apart by a dimension alone, cut in the midst of the first."""

    def edit(_: int, dataset: Dataset) -> None:
        pointer = dataset.DimensionIndexSequence[0]
        pointer.DimensionIndexPointer = 0x00209128  # Temporal Position Index
        for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence[0].DimensionIndexValues = [1 + k // 5, 1 + k % 5]

    truth = synthetic_series(tmp_path / "whole", frames="enhanced", slices=10, offsets=(0, 3, 6, 9, 12) * 2, edit=edit)
    cut(truth.paths[0], tmp_path / "in", (3, 8, 10))
    volumes = voxelry.load(tmp_path / "in").volumes
    whole = voxelry.load(tmp_path / "whole").volumes
    assert [volume.label for volume in volumes] == [volume.label for volume in whole]
    for mine, theirs in zip(volumes, whole, strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)


def test_frames_without_positions_are_one_film(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            del group.PlanePositionSequence

    truth = synthetic_series(tmp_path / "whole", frames="enhanced", edit=edit)
    cut(truth.paths[0], tmp_path / "in", (2, 4, 5))
    [stack] = voxelry.load_study(tmp_path / "in").series[0].stacks
    np.testing.assert_array_equal(stack.for_viewing().array, truth.array)


# Without the total, the last part cannot be known to be missing.
@pytest.mark.parametrize(("gone", "total"), [(0, True), (1, True), (2, True), (0, False), (1, False)])
def test_a_part_that_is_not_there_is_named(tmp_path: Path, gone: int, total: bool) -> None:
    truth = synthetic_series(tmp_path / "whole", frames="enhanced", slices=6)
    paths = cut(truth.paths[0], tmp_path / "in", (2, 4, 6), total=total)
    paths[gone].unlink()
    [stack] = voxelry.load_study(tmp_path / "in").series[0].stacks
    assert stack.problem is not None
    assert stack.problem.code == "incomplete_stack"
    assert f"part {gone + 1} of the 3 parts" in stack.problem.message
    assert not voxelry.load(tmp_path / "in").volumes
