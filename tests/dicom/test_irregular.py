"""What is made of irregular stacks for those who ask: regular runs, or an even grid."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.affine import index_to_lps
from voxelry.core.errors import (
    GeometryError,
    NotOneVolumeError,
    ParameterError,
    RepeatedPositionsError,
    ShiftedSlicesError,
)
from voxelry.testing import OBLIQUE, synthetic_series

FLAT = np.zeros((1, 4, 4), np.uint16)


def without_times(_: int, dataset: Dataset) -> None:
    for keyword in ("AcquisitionTime", "ContentTime", "AcquisitionDateTime", "AcquisitionNumber"):
        if keyword in dataset:
            del dataset[keyword]


@pytest.mark.parametrize(
    ("offsets", "labels"),
    [
        ((0, 3, 6, 12, 15), ["slices 1-3", "slices 4-5"]),
        ((0, 5, 10, 20), ["slices 1-3", "slice 4"]),
        ((0, 10, 13, 16, 19), ["slice 1", "slices 2-5"]),
        ((0, 3, 6, 11, 16, 21), ["slices 1-2", "slices 3-6"]),
        ((0, 3, 3.1, 6, 9), ["slices 1-2", "slice 3", "slices 4-5"]),
    ],
)
def test_split_gives_the_longest_regular_runs(tmp_path: Path, offsets: tuple[float, ...], labels: list[str]) -> None:
    volumes = voxelry.load(_written(tmp_path, offsets), on_irregular="split").volumes
    assert [volume.label for volume in volumes] == labels
    assert all("of an irregular stack" in volume.warnings[0] for volume in volumes)


def _written(folder: Path, offsets: tuple[float, ...]) -> Path:
    synthetic_series(folder, slices=len(offsets), offsets=offsets, shuffled=True)
    return folder


@settings(max_examples=30)
@given(st.lists(st.sampled_from([1.0, 1.01, 2.0, 2.5, 7.0]), min_size=2, max_size=12))
def test_runs_hold_every_slice_once_and_are_regular(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[float]
) -> None:
    folder = tmp_path_factory.mktemp("series")
    offsets = (0.0, *np.cumsum(gaps).tolist())
    truth = synthetic_series(
        folder, pixels=np.repeat(FLAT, len(offsets), axis=0), offsets=offsets, orientation=OBLIQUE, shuffled=True
    )
    result = voxelry.load(folder, on_irregular="split")
    assert not result.skipped
    assert tuple(uid for volume in result.volumes for uid in volume.instance_uids) == truth.instance_uids
    for volume in result.volumes:
        if len(volume.array) > 1:
            assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(np.asarray(volume.affine))))


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([0.0, 0.0005, 0.05, 1.0, 1.001, 1.03, 2.0, 50.0]), min_size=1, max_size=9),
    st.booleans(),
    st.sampled_from(["ascending", "reversed", "same", "none"]),
    st.randoms(use_true_random=False),
)
def test_whatever_the_positions_every_file_is_used_and_every_affine_is_true(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[float], timed: bool, numbering: Any, random: Random
) -> None:
    folder = tmp_path_factory.mktemp("series")
    offsets = np.cumsum(gaps).tolist()
    random.shuffle(offsets)
    pixels = np.array([[[random.randrange(3)] * 2] * 2 for _ in offsets], np.uint16)
    edit = None if timed else without_times
    synthetic_series(folder, pixels=pixels, offsets=offsets, numbering=numbering, edit=edit, shuffled=True)
    (series,) = voxelry.index(folder).series
    json.dumps(series.report.record, allow_nan=False)
    assert {header for stack in series.stacks for header in stack.headers} == set(series.instances)
    assert not voxelry.load(folder, on_irregular="split").skipped
    for choice in ("error", "split", "resample"):
        for volume in voxelry.load(folder, on_irregular=choice).volumes:
            assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(np.asarray(volume.affine))))


def test_a_regular_stack_is_not_split(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path, on_irregular="split")
    np.testing.assert_array_equal(volume.array, truth.array)
    assert (volume.label, volume.warnings) == ("", ())


def test_slices_at_one_position_are_ranked_by_their_numbers(tmp_path: Path) -> None:
    offsets = (0, 3, 3, 6, 9)
    truth = synthetic_series(tmp_path, offsets=offsets, edit=without_times, shuffled=True)
    volumes = voxelry.load(tmp_path, on_irregular="split").volumes
    assert [v.label for v in volumes] == ["InstanceNumber order 1, slices 1-4", "InstanceNumber order 2, slice 1"]
    np.testing.assert_array_equal(volumes[0].array, truth.array[[0, 1, 3, 4]])
    np.testing.assert_array_equal(volumes[1].array, truth.array[[2]])


def test_load_volume_splits_into_one_or_names_them(tmp_path: Path) -> None:
    with pytest.raises(NotOneVolumeError, match=r"2 volumes.*\(slices 1-3\).*\(slice 4\)"):
        voxelry.load_volume(_written(tmp_path, (0, 5, 10, 20)), on_irregular="split")


def test_an_unknown_choice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="'guess'; it may be error, split, resample"):
        voxelry.load(tmp_path, on_irregular="guess")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'guess'; it may be error, split, resample"):
        voxelry.load_volume(tmp_path, on_irregular="guess")  # type: ignore[arg-type]


# --- an even grid -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offsets", [(0, 2, 4, 8, 10), (0, 2, 4.6, 6, 8), (0, 2, 2.1, 4, 6)])
@pytest.mark.parametrize("shear", [(0.0, 0.0, 0.0), (0.0, 0.25, 0.0)])
def test_values_that_are_linear_along_the_normal_stay_so(
    tmp_path: Path, offsets: tuple[float, ...], shear: tuple[float, float, float]
) -> None:
    values = np.rint(np.array(offsets) * 100 + 200).astype(np.uint16)
    pixels = np.broadcast_to(values[:, None, None], (len(offsets), 6, 5)).copy()
    # A tilt is by the millimetre of height here, so that the positions lie on one slanted line.
    sideways = [np.array(shear) * height for height in offsets]
    synthetic_series(tmp_path, pixels=pixels, offsets=offsets, edit=lambda k, d: _move(d, sideways[k]), shuffled=True)
    with pytest.raises(GeometryError):
        voxelry.load_volume(tmp_path)
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    assert volume.affine is not None
    assert volume.array.dtype == np.int16
    places = index_to_lps(volume.affine, [[k, 0, 0] for k in range(len(volume.array))])
    np.testing.assert_allclose(places[[0, -1], 2], [-30, -30 + offsets[-1]], atol=1e-9)
    np.testing.assert_allclose(np.diff(places[:, 1]), shear[1] * volume.spacing[0], atol=1e-9)  # type: ignore[operator]
    wanted = (places[:, 2] + 30) * 100 + 200 - 1024
    np.testing.assert_allclose(volume.array, np.broadcast_to(wanted[:, None, None], volume.array.shape), atol=0.5)
    assert volume.spacing[0] == pytest.approx(2, rel=0.2)
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(volume.affine)))
    assert volume.instance_uids == ()


def _move(dataset: Dataset, by: npt.NDArray[np.float64]) -> None:
    place = np.array([float(value) for value in dataset.ImagePositionPatient]) + by
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in place]


def test_a_filled_hole_is_named(tmp_path: Path) -> None:
    volume = voxelry.load_volume(_written(tmp_path, (0, 3, 6, 12, 15)), on_irregular="resample")
    assert volume.array.shape[0] == 6
    words = " ".join(volume.warnings)
    assert "resampled: 5 slices were interpolated along their normal onto 6 slices 3 mm apart" in words
    assert "hole between -24.00 and -18.00 mm" in words


def test_slices_that_are_there_keep_their_values(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, offsets=(0, 3, 6, 12, 15), shuffled=True)
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    np.testing.assert_array_equal(volume.array[[0, 1, 2, 4, 5]], truth.array)
    np.testing.assert_array_equal(volume.array[3], np.rint((truth.array[2] + truth.array[3]) / 2))


def test_padding_is_not_mixed_between_slices(tmp_path: Path) -> None:
    pixels = np.full((4, 3, 3), 500, np.uint16)
    pixels[2, 0] = 7
    synthetic_series(tmp_path, pixels=pixels, offsets=(0, 2, 6, 8), padding_value=7, rescale=(1.0, 0.0))
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    assert set(np.unique(volume.array)) == {7, 500}


def test_a_regular_stack_is_not_resampled(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    assert volume.instance_uids == truth.instance_uids
    assert not volume.warnings


def test_what_no_interpolation_mends_is_refused(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "same", offsets=(0, 3, 3, 6, 9), edit=without_times)
    with pytest.raises(RepeatedPositionsError, match="cannot be resampled: 1 of 4 positions"):
        voxelry.load_volume(tmp_path / "same", on_irregular="resample")
    aside = [0.0, 0.0, 2.0, 0.0, 0.0]
    synthetic_series(tmp_path / "aside", edit=lambda k, d: _move(d, np.array([aside[k], 0, 0])), seed=1)
    with pytest.raises(ShiftedSlicesError, match="cannot be resampled: slices lie up to 2 mm sideways"):
        voxelry.load_volume(tmp_path / "aside", on_irregular="resample")
    result = voxelry.load(tmp_path, on_irregular="resample")
    assert {problem.code for problem in result.skipped.values()} == {"repeated_positions", "shifted_slices"}
    synthetic_series(tmp_path / "far", offsets=(0, 3, 6, 9, 3000), seed=2)
    with pytest.raises(GeometryError, match=r"1001 slices 3\.000 mm apart would be made of 5"):
        voxelry.load_volume(tmp_path / "far", on_irregular="resample")


def test_real_irregular_series_in_all_three_ways(corpus: Path) -> None:
    folder = corpus / "ct_irregular_stacks"
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    as_they_are = voxelry.load(folder)
    split = voxelry.load(folder, on_irregular="split")
    resampled = voxelry.load(folder, on_irregular="resample")
    used = sum(len(volume.array) for volume in split.volumes)
    assert used + len(split.skipped) == files
    assert {p.code for p in as_they_are.skipped.values()} >= {"missing_slices", "repeated_positions"}
    assert not {p.code for p in split.skipped.values()} & {"missing_slices", "repeated_positions"}
    assert {p.code for p in resampled.skipped.values()} & {"missing_slices", "repeated_positions"} == {
        "repeated_positions"
    }
    assert sorted(len(v.array) for v in resampled.volumes if v.instance_uids == ()) == [5, 5]
