"""Repeated positions: any attribute that takes the same values at every position separates; none is mixed in silence.

The values follow from how the images are made; what an attribute means is in PS3.3 C.8.3.1 (MR), C.8.13 (Enhanced MR).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.repeats import Stamp, loaded, numbers, refusals, write_repeats
from tests.dicom.reports import found, report_at, series_at, untimed
from voxelry.testing import SECRETS, synthetic_series


def setting(keyword: str, *values: object) -> Stamp:
    """The attribute has one value in each volume; None leaves it out."""

    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        if values[volume] is not None:
            setattr(dataset, keyword, values[volume])
        elif keyword in dataset:
            delattr(dataset, keyword)

    return stamp


def private(group: int, creator: str, element: int, vr: str, *values: object) -> Stamp:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.private_block(group, creator, create=True).add_new(element, vr, values[volume])

    return stamp


def all_of(*stamps: Stamp) -> Stamp:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        for one in stamps:
            one(volume, place, dataset)

    return stamp


SEPARATORS: dict[str, tuple[int, Stamp]] = {
    "FlipAngle": (3, setting("FlipAngle", "2", "5", "15")),
    "RepetitionTime": (3, setting("RepetitionTime", "50", "500", "5e3")),
    "ScanOptions": (2, setting("ScanOptions", "FS", "PFP")),
    "VelocityEncodingDirection": (2, setting("VelocityEncodingDirection", [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])),
    "ImageComments": (2, setting("ImageComments", "label", "control")),
    "absent": (2, setting("ImageComments", None, "phase map")),
    "KVP": (2, setting("KVP", "80", "140")),
    "ReceiveCoilName": (3, setting("ReceiveCoilName", "C1", "C2", "C3")),
    "GE": (4, private(0x0043, "GEMS_PARM_01", 0x2F, "SS", 0, 1, 2, 3)),
    "Philips": (2, private(0x2005, "Philips MR Imaging DD 001", 0x11, "CS", "M", "P")),
    "spectral": (3, private(0x0053, "GEHC_CT_ADVAPP_001", 0x75, "DS", "40", "70", "140")),
}


@pytest.mark.parametrize("name", SEPARATORS)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"])
def test_what_differs_at_every_position_separates(tmp_path: Path, name: str, syntax: str) -> None:
    volumes, stamp = SEPARATORS[name]
    write_repeats(tmp_path, volumes, stamp, transfer_syntax=syntax)
    assert sorted(numbers(tmp_path)) == list(range(1, volumes + 1))
    (separated,) = [one for one in report_at(tmp_path).problems if one.code == "separated"]
    assert separated.numbers["attributes"] != ["InstanceNumber"]


def test_an_attribute_within_a_sequence_separates(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        item = Dataset()
        item.FlipAngle = (3.0, 20.0)[volume]
        dataset.MRTimingAndRelatedParametersSequence = [item]

    write_repeats(tmp_path, 2, stamp)
    assert loaded(tmp_path) == [(1, "FlipAngle 3"), (2, "FlipAngle 20")]


def test_a_private_sequence_separates(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        item = Dataset()
        item.private_block(0x2005, "ACME", create=True).add_new(0x0E, "CS", "MP"[volume])
        dataset.private_block(0x2005, "ACME OF ALL", create=True).add_new(0x0F, "SQ", [item])

    write_repeats(tmp_path, 2, stamp)
    assert loaded(tmp_path) == [(1, "(2005,100E) M"), (2, "(2005,100E) P")]


def test_a_creator_may_reserve_another_block_in_each_file(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        if place % 2:
            dataset.private_block(0x0019, "OTHER", create=True).add_new(0x01, "IS", "7")
        dataset.private_block(0x0019, "ACME", create=True).add_new(0x01, "IS", ("7", "9")[volume])

    write_repeats(tmp_path, 2, stamp)
    assert loaded(tmp_path) == [(1, "(0019,1001) 7"), (2, "(0019,1001) 9")]


def test_files_that_only_pydicom_reads_are_compared_as_well(tmp_path: Path) -> None:
    stamp = private(0x0043, "GEMS_PARM_01", 0x2F, "SS", 0, 1)
    write_repeats(tmp_path, 2, stamp, transfer_syntax="1.2.840.10008.1.2.2")
    assert loaded(tmp_path) == [(1, "(0043,102F) 0"), (2, "(0043,102F) 1")]


def test_two_attributes_separate_together(tmp_path: Path) -> None:
    stamp = all_of(
        setting("EchoTime", "1.5", "1.5", "3.5", "3.5"),
        setting("ImageType", *([["ORIGINAL", "PRIMARY", kind] for kind in ("REAL", "IMAGINARY")] * 2)),
    )
    write_repeats(tmp_path, 4, stamp)
    assert loaded(tmp_path) == [
        (2, "EchoTime 1.5, ImageType ORIGINAL\\PRIMARY\\IMAGINARY"),
        (1, "EchoTime 1.5, ImageType ORIGINAL\\PRIMARY\\REAL"),
        (4, "EchoTime 3.5, ImageType ORIGINAL\\PRIMARY\\IMAGINARY"),
        (3, "EchoTime 3.5, ImageType ORIGINAL\\PRIMARY\\REAL"),
    ]


def test_an_echo_and_a_private_attribute_separate_together(tmp_path: Path) -> None:
    stamp = all_of(
        setting("EchoTime", "1.5", "1.5", "3.5", "3.5"),
        private(0x2005, "Philips MR Imaging DD 001", 0x11, "CS", "M", "P", "M", "P"),
    )
    write_repeats(tmp_path, 4, stamp)
    assert numbers(tmp_path) == [1, 2, 3, 4]
    assert loaded(tmp_path)[0][1] == "EchoTime 1.5, (2005,1011) M"


@pytest.mark.parametrize(
    ("keyword", "spellings"),
    [
        ("EchoTime", [("4.6", "11.5"), ("4.60", "1.15e1")]),
        ("FlipAngle", [("5", "15"), ("5.0", "15.000")]),
        ("RepetitionTime", [("100", "200"), ("1e2", "2.0E+2")]),
        ("AcquisitionTime", [("120000", "120100"), ("120000.000", "1201")]),
    ],
)
def test_values_are_compared_as_what_they_mean(tmp_path: Path, keyword: str, spellings: list[tuple[str, str]]) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        setattr(dataset, keyword, spellings[place % 2][volume])

    write_repeats(tmp_path, 2, stamp)
    assert numbers(tmp_path) == [1, 2]


def test_several_values_are_compared_as_numbers(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        first = ("1", "2")[volume]
        words = f"{first}\\3.50" if place % 2 else f"{first}.0\\3.5"
        dataset.private_block(0x0019, "ACME", create=True).add_new(0x10, "DS", words)

    write_repeats(tmp_path, 2, stamp)
    assert sorted(numbers(tmp_path)) == [1, 2]


def uneven(folder: Path, edit: Callable[[int, Dataset], None]) -> None:
    """At each of four positions three images of two kinds: two of the first and one of the second, or the other way."""
    kinds = [(0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0)]
    order = [(place, kind) for place, own in enumerate(kinds) for kind in own]
    pixels = np.stack([np.full((4, 4), 100 * (kind + 1) + k, np.uint16) for k, (_, kind) in enumerate(order)])

    def stamp(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        edit(order[k][1], dataset)

    offsets = tuple(3.0 * place for place, _ in order)
    synthetic_series(folder, pixels=pixels, offsets=offsets, modality="MR", rescale=None, bits_stored=16, edit=stamp)


def test_what_an_order_would_mix_forbids_it_by_name(tmp_path: Path) -> None:
    uneven(tmp_path, lambda kind, dataset: setattr(dataset, "FlipAngle", (2, 5)[kind]))
    assert numbers(tmp_path) == []
    problem = found(report_at(tmp_path), "repeated_positions")
    assert "volumes by the order of their numbers would mix Flip Angle (0018,1314)" in problem.message
    assert problem.numbers["attributes"] == ["FlipAngle"]


def test_a_private_attribute_forbids_it_as_well(tmp_path: Path) -> None:
    def edit(kind: int, dataset: Dataset) -> None:
        dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", kind)

    uneven(tmp_path, edit)
    (words,) = refusals(tmp_path)
    assert "would mix (0043,102F)" in words


def test_those_who_ask_for_parts_get_none_that_is_mixed(tmp_path: Path) -> None:
    uneven(tmp_path, lambda kind, dataset: setattr(dataset, "FlipAngle", (2, 5)[kind]))
    volumes = voxelry.load(tmp_path, on_irregular="split").volumes
    assert sum(len(volume.array) for volume in volumes) == 12
    for volume in volumes:
        assert len(np.unique(volume.array // 100)) == 1
        assert volume.label.startswith("FlipAngle")


def test_lost_images_cost_their_own_volumes_only(tmp_path: Path) -> None:
    stamp = setting("FlipAngle", "2", "5", "15")
    write_repeats(tmp_path, 3, stamp, slices=8, lost=[(0, 3), (1, 5)])
    assert loaded(tmp_path) == [(3, "FlipAngle 15")]
    assert all(words.startswith("1 slice missing") for words in refusals(tmp_path))


def test_what_is_new_in_each_image_says_nothing(tmp_path: Path) -> None:
    """Windows, SAR, heart rates and a maker's counter differ from image to image, and the order of numbers holds."""

    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.WindowCenter, dataset.WindowWidth = str(40 + (7 * place + 3 * volume) % 4), "400"
        dataset.SAR, dataset.HeartRate = str(1 + (volume + place) % 3), str(60 + (volume * place) % 2)
        dataset.private_block(0x0019, "ACME", create=True).add_new(0x10, "DS", str(31 * volume + 1000 * place))
        dataset.private_block(0x0019, "ACME", create=True).add_new(0x11, "IS", str(place))

    write_repeats(tmp_path, 5, stamp, slices=6, numbering="by position")
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]
    assert found(report_at(tmp_path), "order_alone").numbers["attribute"] == "InstanceNumber"


def test_trigger_times_of_each_slice_pair_phases(tmp_path: Path) -> None:
    """A cine whose trigger times differ from slice to slice: numbers run against them."""

    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        dataset.TriggerTime = f"{(40 + 4 * place) * volume + place:.2f}"

    write_repeats(tmp_path, 6, stamp)
    assert numbers(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert not any(one.code == "order_alone" for one in report_at(tmp_path).problems)


def test_a_slice_of_another_acquisition_is_no_part_of_the_first(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.AcquisitionNumber = volume + 1

    write_repeats(tmp_path, 2, stamp, slices=5, lost=[(1, place) for place in (0, 1, 3, 4)])
    assert loaded(tmp_path) == [(1, "AcquisitionNumber 1"), (2, "AcquisitionNumber 2")]


def test_no_label_repeats_what_may_be_a_patients(tmp_path: Path) -> None:
    """Free texts with words of the patient's own, with dates, or long ones are counted."""

    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        family = str(dataset.PatientName).split("^")[0]
        dataset.ImageComments = (f"{family} before", "taken 2020-01-01")[volume]

    write_repeats(tmp_path, 2, stamp)
    assert sorted(label for _, label in loaded(tmp_path)) == ["ImageComments text 1", "ImageComments text 2"]
    record = json.dumps(report_at(tmp_path).record)
    assert not any(secret in record for secret in SECRETS)


@pytest.mark.parametrize(("vr", "values"), [("LO", ("20200101", "20200102")), ("SL", (1577836800, 1577923200))])
def test_no_label_repeats_a_makers_date(tmp_path: Path, vr: str, values: tuple[object, object]) -> None:
    write_repeats(tmp_path, 2, private(0x0027, "ACME", 0x41, vr, *values))
    assert loaded(tmp_path) == [(1, "(0027,1041) value 1"), (2, "(0027,1041) value 2")]


def test_three_values_of_which_two_are_at_each_position_are_not_mixed(tmp_path: Path) -> None:
    stamp = setting("FlipAngle", "2", "5", "15")
    write_repeats(tmp_path, 3, stamp, slices=9, lost=[(place % 3, place) for place in range(9)])
    assert numbers(tmp_path) == []
    labels = [stack.label for stack in series_at(tmp_path).stacks]
    assert labels == ["FlipAngle 2", "FlipAngle 5", "FlipAngle 15"]


def enhanced(folder: Path, volumes: int, stamp: Stamp, *, slices: int = 4, dimensions: tuple[int, ...] = ()) -> None:
    """One enhanced instance, volume by volume; ``stamp`` writes into each frame's functional groups."""

    def edit(_: int, dataset: Dataset) -> None:
        dataset.DimensionIndexSequence = list(dataset.DimensionIndexSequence) if dimensions else []
        for pointer in dimensions:
            item = Dataset()
            item.DimensionIndexPointer = pointer
            dataset.DimensionIndexSequence.append(item)
        for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            if not dimensions:
                del group.FrameContentSequence[0].DimensionIndexValues
            stamp(k // slices, k % slices, group)

    pixels = np.stack([
        np.full((4, 4), 100 * (volume + 1) + place, np.uint16) for volume in range(volumes) for place in range(slices)
    ])  # fmt: skip
    offsets = tuple(3.0 * place for _ in range(volumes) for place in range(slices))
    synthetic_series(
        folder, pixels=pixels, offsets=offsets, frames="enhanced", modality="MR", rescale=None, bits_stored=16,
        edit=edit,
    )  # fmt: skip


def test_stack_ids_separate(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, group: Dataset) -> None:
        group.FrameContentSequence[0].StackID = "BA"[volume]

    enhanced(tmp_path, 2, stamp)
    assert loaded(tmp_path) == [(2, "StackID A"), (1, "StackID B")]


def test_magnitude_and_phase_of_the_frame_type_sequence_separate(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, group: Dataset) -> None:
        item = Dataset()
        item.ComplexImageComponent = ("MAGNITUDE", "PHASE")[volume]
        group.MRImageFrameTypeSequence = [item]

    enhanced(tmp_path, 2, stamp)
    assert loaded(tmp_path) == [(1, "ComplexImageComponent MAGNITUDE"), (2, "ComplexImageComponent PHASE")]


def test_a_dimension_comes_first_and_shows_what_it_counts(tmp_path: Path) -> None:
    """An object's own dimension says which echo it is, whatever a private attribute says."""

    def stamp(volume: int, place: int, group: Dataset) -> None:
        echo, kind = Dataset(), Dataset()
        echo.EffectiveEchoTime = 5.0 * (volume // 2 + 1)
        kind.ComplexImageComponent = ("MAGNITUDE", "PHASE")[volume % 2]
        group.MREchoSequence, group.MRImageFrameTypeSequence = [echo], [kind]
        group.FrameContentSequence[0].DimensionIndexValues = [1, place + 1, volume // 2 + 1]

    enhanced(tmp_path, 4, stamp, dimensions=(0x00189082,))
    assert loaded(tmp_path) == [
        (1, "EffectiveEchoTime 5, ComplexImageComponent MAGNITUDE"),
        (2, "EffectiveEchoTime 5, ComplexImageComponent PHASE"),
        (3, "EffectiveEchoTime 10, ComplexImageComponent MAGNITUDE"),
        (4, "EffectiveEchoTime 10, ComplexImageComponent PHASE"),
    ]


@pytest.mark.parametrize("shared", [True, False])
def test_instances_of_one_organization_share_its_dimensions(tmp_path: Path, shared: bool) -> None:
    """PS3.3 C.7.6.17: what has the same Dimension Organization UID is counted together, over all instances."""

    def edit(number: int, dataset: Dataset) -> None:
        item = Dataset()
        item.DimensionIndexPointer = 0x00189082
        dataset.DimensionIndexSequence.append(item)
        for one in dataset.DimensionIndexSequence:
            one.DimensionOrganizationUID = "1.2.3" if shared else ""
        for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence[0].DimensionIndexValues = [1, k + 1, 2 - number]

    for number in (0, 1):
        pixels = np.stack([np.full((4, 4), 100 * (number + 1) + k, np.uint16) for k in range(4)])
        synthetic_series(
            tmp_path, pixels=pixels, frames="enhanced", modality="MR", rescale=None, bits_stored=16,
            first_index=number, edit=lambda _, dataset, number=number: edit(number, dataset),  # type: ignore[misc]
        )  # fmt: skip
    found = [label for _, label in loaded(tmp_path)]
    by_dimension = ["EffectiveEchoTime index 1", "EffectiveEchoTime index 2"]
    assert found == (by_dimension if shared else ["InstanceNumber order 1", "InstanceNumber order 2"])
    if shared:
        assert numbers(tmp_path) == [2, 1]


@pytest.mark.parametrize("numbering", ["1", None])
def test_equal_numbers_pair_nothing(tmp_path: Path, numbering: str | None) -> None:
    """UIDs have no order: volumes by them would mix phases."""

    def stamp(_: int, __: int, dataset: Dataset) -> None:
        dataset.InstanceNumber = numbering

    write_repeats(tmp_path, 2, stamp)
    assert numbers(tmp_path) == []
    (words,) = refusals(tmp_path)
    assert words.startswith("4 of 4 positions hold more than one slice with different pixels")


def test_ten_volumes_of_a_real_series_stay_told_apart_by_order(corpus: Path) -> None:
    """One private attribute alternates from volume to volume; the order of numbers mixes it nowhere."""
    labels = [stack.label for stack in series_at(corpus / "mr_fmri_repeated_positions").stacks]
    assert labels == [f"InstanceNumber {15 * n + 1}-{15 * n + 15}" for n in range(10)]
