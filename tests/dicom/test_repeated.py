"""Repeated positions: told apart by what truly separates them, left out where they are copies, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.reports import Edit, found, report_at, series_at, untimed
from voxelry.testing import synthetic_series


def test_dropped_duplicates_are_named_with_their_positions(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    pixels = np.stack([truth.stored[2]])
    synthetic_series(tmp_path, pixels=pixels, position=(-10.0, 20.0, -24.0), first_index=5)
    problem = found(report_at(tmp_path), "duplicate_slices")
    assert problem.numbers["positions_mm"] == [-24.0]
    assert (problem.numbers["identical"], problem.numbers["count"]) == (True, 1)
    assert "at -24.00 mm" in problem.message


def test_repeated_positions_with_other_pixels_are_named(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 3, 6, 9), edit=untimed)
    report = report_at(tmp_path)
    problem = found(report, "repeated_positions")
    assert problem.numbers["positions_mm"] == [-27.0]
    assert (problem.numbers["identical"], problem.numbers["count"]) == (False, 5)
    assert not report.regular


def test_near_duplicates_are_named_as_such(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 3.1, 6, 9))
    problem = found(report_at(tmp_path), "near_duplicate_positions")
    assert problem.numbers["positions_mm"] == [[-27.0, -26.9]]


def phases(folder: Path, count: int, edit: Edit, *, slices: int = 5, interleaved: bool = False) -> None:
    """Slices at five positions, again and again; the last time perhaps fewer."""
    sets = -(-count // slices)
    offsets = tuple(3.0 * (k // sets if interleaved else k % slices) for k in range(count))
    synthetic_series(folder, slices=count, offsets=offsets, modality="MR", rescale=None, edit=edit, shuffled=True)


def test_the_separating_attribute_and_its_values_are_named(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.EchoTime = ("4.6", "11.5", "90")[k // 5]

    phases(tmp_path, 15, edit)
    report = report_at(tmp_path)
    problem = found(report, "separated")
    assert report.words == "regular: 3 stacks, each of 5 slices of 16 x 20, 3 mm apart"
    assert problem.numbers["attributes"] == ["EchoTime"]
    assert problem.numbers["values"] == ["4.6", "11.5", "90"]
    assert problem.numbers["stacks"] == [0, 1, 2]
    assert "3 volumes told apart by Echo Time (0018,0081): 4.6; 11.5; 90" in problem.message


def test_phases_by_number_name_the_time_that_says_the_same(tmp_path: Path) -> None:
    """As in a breast MR of three phases whose Acquisition Numbers are 1, 2 and 2."""

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.AcquisitionNumber = (1, 2, 2)[k // 5]
        dataset.AcquisitionTime = f"{101000 + 100 * (k // 5) + k:06d}"

    phases(tmp_path, 15, edit)
    problem = found(report_at(tmp_path), "separated")
    assert problem.numbers["attributes"] == ["InstanceNumber"]
    assert problem.numbers["values"] == ["1-5", "6-10", "11-15"]
    assert problem.numbers["confirmed_by"] == "AcquisitionTime"
    assert "1010" not in problem.message
    assert "Acquisition Time (0008,0032) says the same" in problem.message


def test_numbers_that_do_not_follow_each_other_are_an_order(tmp_path: Path) -> None:
    phases(tmp_path, 10, untimed, interleaved=True)
    series = series_at(tmp_path)
    assert [stack.label for stack in series.stacks] == ["InstanceNumber order 1", "InstanceNumber order 2"]
    assert found(report_at(tmp_path), "order_alone").numbers["stacks"] == [0, 1]


def test_phases_of_several_echoes_are_told_apart_twice(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.EchoTime = ("5", "10")[k // 5 % 2]

    phases(tmp_path, 30, edit)
    labels = [stack.label for stack in series_at(tmp_path).stacks]
    echo_5 = [f"EchoTime 5, InstanceNumber {run}" for run in ("1-5", "11-15", "21-25")]
    assert labels == [*echo_5, *(f"EchoTime 10, InstanceNumber {run}" for run in ("6-10", "16-20", "26-30"))]
    problem = found(report_at(tmp_path), "separated")
    assert problem.numbers["attributes"] == ["EchoTime", "InstanceNumber"]
    assert len(problem.numbers["values"]) == 6  # type: ignore[arg-type]


def test_a_copy_of_one_slice_spoils_no_echo(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.EchoTime = ("5", "10")[k // 5]

    pixels = np.random.default_rng(0).integers(0, 4000, (10, 8, 8)).astype(np.uint16)
    offsets = tuple(3.0 * (k % 5) for k in range(10))
    synthetic_series(tmp_path, pixels=pixels, offsets=offsets, modality="MR", rescale=None, edit=edit)
    again = np.stack([pixels[1]])
    synthetic_series(
        tmp_path, pixels=again, position=(-10, 20, -27), modality="MR", rescale=None, edit=edit, first_index=10
    )
    volumes = voxelry.load(tmp_path).volumes
    assert [volume.label for volume in volumes] == ["EchoTime 5", "EchoTime 10"]
    np.testing.assert_array_equal(voxelry.stack_volumes(volumes), pixels.reshape(2, 5, 8, 8))
    assert [len(volume.warnings) for volume in volumes] == [1, 0]


def test_the_incomplete_last_phase_is_named(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.TemporalPositionIdentifier = k // 5 + 1

    phases(tmp_path / "a", 13, edit)
    problem = found(report_at(tmp_path / "a"), "incomplete")
    assert problem.message.startswith("incomplete: 3 of 5 positions have Temporal Position Identifier (0020,0100) 3")
    wanted = {"attribute": "TemporalPositionIdentifier", "value": "3", "count": 3, "positions": 5, "stack": 2}
    assert {key: problem.numbers[key] for key in wanted} == wanted
    assert problem.numbers["missing_mm"] == [-21.0, -18.0]
    phases(tmp_path / "b", 13, untimed)
    problem = found(report_at(tmp_path / "b"), "incomplete")
    assert (problem.numbers["attribute"], problem.numbers["value"]) == ("InstanceNumber", "11-13")


def test_one_slice_made_again_is_no_phase(tmp_path: Path) -> None:
    phases(tmp_path, 6, untimed)
    assert found(report_at(tmp_path), "repeated_positions").numbers["count"] == 6


def test_phases_with_equal_empty_slices_are_no_duplicates(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 4000, (15, 8, 8)).astype(np.uint16)
    pixels[[0, 5, 10]] = 0  # air above the patient
    offsets = tuple(3.0 * (k % 5) for k in range(15))
    synthetic_series(tmp_path, pixels=pixels, offsets=offsets, modality="MR", rescale=None, edit=untimed)
    volumes = voxelry.load(tmp_path).volumes
    assert [volume.label for volume in volumes] == ["InstanceNumber 1-5", "InstanceNumber 6-10", "InstanceNumber 11-15"]
    np.testing.assert_array_equal(voxelry.stack_volumes(volumes), pixels.reshape(3, 5, 8, 8))


def test_a_whole_series_sent_twice_is_one_volume(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, modality="MR", rescale=None, edit=untimed)
    synthetic_series(tmp_path, pixels=truth.stored, modality="MR", rescale=None, edit=untimed, first_index=5)
    report = report_at(tmp_path)
    assert report.words == "regular: 5 slices of 16 x 20, 3 mm apart"
    assert found(report, "duplicate_slices").numbers["count"] == 5


@pytest.mark.parametrize(
    ("creator", "tag", "vr", "values"),
    [
        ("SIEMENS MR HEADER", 0x0019100C, "IS", ("0", "1000")),
        ("GEMS_PARM_01", 0x00431039, "IS", (["1000000000", "8"], ["1000001000", "8"])),
        ("Philips Imaging DD 001", 0x20011003, "FL", (0.0, 1000.0)),
    ],
)
def test_b_values_are_also_read_where_makers_put_them(
    tmp_path: Path, creator: str, tag: int, vr: str, values: tuple[object, object]
) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.add_new((tag >> 16 << 16) | 0x0010, "LO", creator)
        dataset.add_new(tag, vr, values[k // 5])

    phases(tmp_path, 10, edit)
    assert [stack.label for stack in series_at(tmp_path).stacks] == ["DiffusionBValue 0", "DiffusionBValue 1000"]


@pytest.mark.parametrize("keyword", ["ContentTime", "AcquisitionTime", "AcquisitionDateTime"])
def test_no_label_holds_a_time_of_day(tmp_path: Path, keyword: str) -> None:
    day = "20200102" if keyword.endswith("DateTime") else ""

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        setattr(dataset, keyword, day + ("101010.5", "101112")[k % 2])

    phases(tmp_path, 10, edit, interleaved=True)
    stacks = series_at(tmp_path).stacks
    assert [stack.label for stack in stacks] == [f"{keyword} +0 s", f"{keyword} +61.5 s"]
    assert "1010" not in json.dumps(report_at(tmp_path).record)


def test_times_that_cannot_be_read_are_an_order(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.add_new("ContentTime", "LO", ("one", "noon")[k % 2])

    phases(tmp_path, 10, edit, interleaved=True)
    assert [stack.label for stack in series_at(tmp_path).stacks] == ["ContentTime order 1", "ContentTime order 2"]


def enhanced(folder: Path, edit: Callable[[Dataset], None], *, phases: int = 3, slices: int = 4) -> None:
    """One enhanced instance with frames at four positions, three times over."""
    offsets = tuple(3.0 * (k % slices) for k in range(phases * slices))
    synthetic_series(
        folder, slices=phases * slices, offsets=offsets, frames="enhanced", modality="MR", edit=lambda _, d: edit(d)
    )


def test_dimensions_tell_enhanced_frames_apart(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        dimension = Dataset()
        dimension.DimensionIndexPointer, dimension.FunctionalGroupPointer = 0x00189089, 0x00189117
        dataset.DimensionIndexSequence.append(dimension)
        for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence[0].DimensionIndexValues = [1, k % 4 + 1, k // 4 + 9]

    enhanced(tmp_path, edit)
    problem = found(report_at(tmp_path), "separated")
    assert problem.numbers["attributes"] == ["DiffusionGradientOrientation"]
    assert problem.numbers["values"] == ["index 9", "index 10", "index 11"]


def test_functional_groups_tell_enhanced_frames_apart(tmp_path: Path) -> None:
    def edit(dataset: Dataset) -> None:
        for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence[0].TemporalPositionIndex = k // 4 + 1

    enhanced(tmp_path, edit)
    stacks = series_at(tmp_path).stacks
    assert [stack.label for stack in stacks] == [f"TemporalPositionIndex {n}" for n in (1, 2, 3)]


def test_an_enhanced_header_spacing_that_disagrees_is_named(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = "7"

    synthetic_series(tmp_path, frames="enhanced", modality="MR", edit=edit)
    assert found(report_at(tmp_path), "header_spacing").numbers["header_mm"] == 7.0


def test_phases_of_a_breast_are_named_by_their_numbers(corpus: Path) -> None:
    report = report_at(corpus / "mr_breast_three_phases")
    problem = found(report, "separated")
    assert problem.numbers["values"] == ["1-60", "61-120", "121-180"]
    assert problem.numbers["confirmed_by"] == "AcquisitionTime"
    volumes = voxelry.load(corpus / "mr_breast_three_phases").volumes
    assert [volume.label for volume in volumes] == [
        f"InstanceNumber {value}" for value in ("1-60", "61-120", "121-180")
    ]
    assert voxelry.stack_volumes(volumes).shape == (3, 60, 256, 256)
