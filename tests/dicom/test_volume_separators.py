"""What tells volumes apart as values that can be sorted, and when volumes were acquired."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.repeats import Stamp, write_repeats
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.volume_separators import separators_of, volume_times


def stacks_at(folder: Path) -> tuple[Stack, ...]:
    (series,) = voxelry.index(folder).series
    return series.stacks


def written(folder: Path, volumes: int, stamp: Stamp) -> tuple[Stack, ...]:
    write_repeats(folder, volumes, stamp)
    return stacks_at(folder)


def test_b_values_are_numbers_in_their_unit(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.DiffusionBValue = (1000.0, 0.0, 50.0)[volume]

    stacks = written(tmp_path, 3, stamp)
    told = [one for stack in stacks for one in separators_of(stack)]
    assert {(one.keyword, one.name, one.unit) for one in told} == {("DiffusionBValue", "Diffusion b-value", "s/mm2")}
    assert sorted(one.value for one in told if one.value is not None) == [0, 50, 1000]
    assert volume_times(stacks) is None


def test_two_attributes_are_two_separators(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.EchoTime = ("4.6", "9.2")[volume % 2]
        dataset.TemporalPositionIdentifier = volume // 2 + 1

    told = [[(one.keyword, one.value, one.unit) for one in separators_of(s)] for s in written(tmp_path, 4, stamp)]
    echoes, times = (
        {value for own in told for key, value, _ in own if key == k} for k in ("EchoTime", "TemporalPositionIdentifier")
    )
    assert (echoes, times) == ({4.6, 9.2}, {1.0, 2.0})
    assert {unit for own in told for key, _, unit in own if key == "EchoTime"} == {"ms"}


def test_words_have_no_number(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", ("M", "P")[volume]]

    told = [one for stack in written(tmp_path, 2, stamp) for one in separators_of(stack)]
    assert [(one.name, one.value, one.unit) for one in told] == [("Image Type", None, "")] * 2
    assert [one.text[-1] for one in told] == ["M", "P"]


def test_times_are_those_of_the_first_slices_and_may_be_uneven(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.TemporalPositionIdentifier = volume + 1
        dataset.AcquisitionTime = f"2359{(10, 30, 57)[volume]:02d}.{place}00000"

    times = volume_times(written(tmp_path, 3, stamp))
    assert times is not None
    assert (times.seconds, times.keyword) == ((0.0, 20.0, 47.0), "AcquisitionTime")


def test_frame_reference_time_comes_first(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.FrameReferenceTime = str((500, 2500)[volume])
        dataset.AcquisitionTime = f"1200{volume:02d}"

    stacks = written(tmp_path, 2, stamp)
    times = volume_times(stacks)
    assert times is not None
    assert (times.seconds, times.keyword) == ((0.0, 2.0), "FrameReferenceTime")


def test_phases_of_a_cycle_have_no_time_of_their_own(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.TriggerTime = str(40 * volume)
        dataset.AcquisitionTime = f"1200{10 * volume + place:02d}"

    stacks = written(tmp_path, 3, stamp)
    assert [separators_of(stack)[0].value for stack in stacks] == [0, 40, 80]
    assert {separators_of(stack)[0].unit for stack in stacks} == {"ms"}
    assert volume_times(stacks) is None


@pytest.mark.corpus
def test_breast_phases_have_their_times(corpus: Path) -> None:
    stacks = stacks_at(corpus / "mr_breast_three_phases")
    assert [separators_of(stack)[0].value for stack in stacks] == [1, 61, 121]
    times = volume_times(stacks)
    assert times is not None
    assert (times.seconds, times.keyword) == ((0.0, 521.0, 949.0), "AcquisitionTime")


@pytest.mark.corpus
def test_ten_times_without_a_clock_are_in_order(corpus: Path) -> None:
    stacks = stacks_at(corpus / "mr_fmri_repeated_positions")
    assert [separators_of(stack)[0].value for stack in stacks] == [15 * n + 1 for n in range(10)]
    assert volume_times(stacks) is None  # all of them say the same time
