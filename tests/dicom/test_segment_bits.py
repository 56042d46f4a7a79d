"""Segments of single bits are read frame by frame: the same voxels as their volumes have, with progress."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voxelry
from tests.dicom.segmentations import segmented
from voxelry.core.errors import TruncatedError
from voxelry.core.progress import silent
from voxelry.dicom.objects.segment_bits import has_plain_bits, slices_of_bits
from voxelry.dicom.objects.segmentation_reading import read_segmentation
from voxelry.testing import synthetic_series


class StoppedError(Exception):
    """Raised by a progress."""


def masks(seed: int, segments: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Segments that overlap, with empty frames before, between and after; the last one has a single voxel."""
    random = np.random.default_rng(seed)
    found = (random.random((*shape, segments)) < 0.3) & (random.random((shape[0], 1, 1, segments)) < 0.5)
    found[..., -1] = False
    found[shape[0] // 2, shape[1] - 1, shape[2] - 1, -1] = True
    found[shape[0] // 2, 0, 0, :-1] = True
    return found


@pytest.mark.parametrize("omit", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_bits_are_those_of_the_volumes_where_frames_begin_within_bytes_too(
    tmp_path: Path, seed: int, omit: bool
) -> None:
    shape = (9, 5, 7)  # 35 bits a frame
    of = synthetic_series(tmp_path / "images", slices=shape[0], rows=shape[1], columns=shape[2])
    mask = masks(seed, 3, shape)
    segmented(tmp_path / "seg.dcm", of, mask.astype(np.uint8), omit_empty_frames=omit)
    series = voxelry.index(tmp_path).series
    (own,) = [one for one in series if one.modality == "SEG"]
    assert len(own.stacks) == 3
    for stack in own.stacks:
        assert has_plain_bits(stack)
        found, first = slices_of_bits(stack, silent)
        whole = np.zeros(stack.shape, np.bool_)
        whole[first : first + len(found)] = found
        np.testing.assert_array_equal(whole, stack.volume().array != 0)
        assert found[0].any()
        assert found[-1].any()
    read = read_segmentation(own.stacks)
    order = np.argsort([float(one.position[2]) for one in own.stacks[0].frames if one.position is not None])
    assert order.tolist() == list(range(shape[0]))
    for number in (1, 2, 3):
        np.testing.assert_array_equal(read.mask(number), mask[..., number - 1])


def test_progress_moves_through_many_frames_and_stops_the_work(tmp_path: Path) -> None:
    shape = (200, 4, 4)
    of = synthetic_series(tmp_path / "images", slices=shape[0], rows=4, columns=4)
    path = segmented(tmp_path / "seg.dcm", of, masks(1, 8, shape).astype(np.uint8), omit_empty_frames=False)
    told: list[tuple[float, str]] = []
    voxelry.load_segmentation(path, progress=lambda *one: told.append(one))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    sorting = {fraction for fraction, words in told if words == "sorting frames"}
    reading = {fraction for fraction, words in told if words == "reading pixels"}
    assert len(sorting) >= 8  # each segment, and each 1,024 frames
    assert len(reading) >= 3 * 8  # each segment at least, and each 64 frames

    for words in ("sorting frames", "reading pixels"):

        def stop(fraction: float, said: str, words: str = words) -> None:
            if said == words and fraction > 0.5:
                raise StoppedError

        with pytest.raises(StoppedError):
            voxelry.load_segmentation(path, progress=stop)


def test_a_file_that_became_shorter_is_told(tmp_path: Path) -> None:
    of = synthetic_series(tmp_path / "images", slices=3, rows=8, columns=8)
    path = segmented(tmp_path / "seg.dcm", of, masks(1, 2, (3, 8, 8)).astype(np.uint8), omit_empty_frames=False)
    (own,) = voxelry.index(path).series
    stacks = own.stacks
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TruncatedError, match="shorter"):
        read_segmentation(stacks)
