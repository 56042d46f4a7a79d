"""Philips' labels, dynamics, slices excited together and steps: what sidecars and time steps say of them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from tests.dicom.philips_images import FURTHER, IMAGES, IMAGING, philips_images
from voxelry.testing import synthetic_series


def labelled(volume: int, _: int, dataset: Dataset) -> None:
    block = dataset.private_block(0x2005, FURTHER)
    block.add_new(0x29, "CS", "CONTROL" if volume % 2 else "LABEL")


def nothing(_: int, __: int, dataset: Dataset) -> None:
    """As it is."""


def converted(source: Path) -> tuple[dict[str, Any], Any, tuple[str, ...]]:
    """The sidecar, the image and the warnings of the only file."""
    report = voxelry.convert(source, source.parent / "out.nii", overwrite=True)
    [made] = report.written
    told: dict[str, Any] = json.loads((source.parent / "out.json").read_text(encoding="utf-8"))
    image: Any = nib.load(source.parent / "out.nii")
    return told, image, tuple(map(str, made.warnings))


def test_label_and_control_are_in_the_order_of_their_numbers_and_each_is_named(tmp_path: Path) -> None:
    philips_images(tmp_path / "in", labelled)
    told, image, warnings = converted(tmp_path / "in")
    assert told["ASLContext"] == ["label", "control"] * 2
    assert image.header.get_zooms()[3] == told["RepetitionTime"] == 4.0  # two of them in a dynamic of 8 s
    assert "VolumeTiming" not in told
    assert warnings == ()
    means = [float(volume.array.mean()) for volume in voxelry.load(tmp_path / "in").volumes]
    assert np.allclose(np.asarray(image.dataobj).mean(axis=(0, 1, 2)), means)


def test_a_volume_of_several_shots_takes_half_of_a_dynamic(tmp_path: Path) -> None:
    philips_images(tmp_path / "in", labelled, RepetitionTime="1000")
    told, image, _ = converted(tmp_path / "in")
    assert image.header.get_zooms()[3] == told["RepetitionTime"] == 4.0
    assert told["RepetitionTimePreparation"] == 1.0


def test_two_volumes_of_one_dynamic_that_are_no_label_and_control_have_no_step(tmp_path: Path) -> None:
    def numbered(volume: int, _: int, dataset: Dataset) -> None:
        dataset.private_block(0x2005, FURTHER).add_new(0x29, "CS", ("FIRST", "SECOND")[volume % 2])

    philips_images(tmp_path / "in", numbered, RepetitionTime="484.3")
    told, image, warnings = converted(tmp_path / "in")
    assert "VolumeTiming" not in told  # in which no time may come twice
    assert not any("uneven" in words for words in warnings)
    assert image.header.get_zooms()[3] == 0


def test_volumes_that_are_not_in_the_order_of_their_times_have_no_step(tmp_path: Path) -> None:
    def turned_round(volume: int, _: int, dataset: Dataset) -> None:
        dataset.TemporalPositionIdentifier = str(4 - volume)
        dataset.private_block(0x2005, IMAGES).add_new(0xA0, "FL", 4.0 * volume)

    philips_images(tmp_path / "in", turned_round)
    told, image, _ = converted(tmp_path / "in")
    assert image.header.get_zooms()[3] == 0
    assert told["RepetitionTime"] == 4.0  # the scanner's, which is no step of this file


@pytest.mark.parametrize(
    ("attributes", "bands"),
    [
        ({"ParallelReductionFactorOutOfPlane": 3.0, "ParallelAcquisitionTechnique": "MBSENSE"}, 3),
        ({"ParallelReductionFactorOutOfPlane": 2.0, "ParallelAcquisitionTechnique": "SENSE"}, 2),
        ({"ParallelReductionFactorOutOfPlane": 1.0}, None),
        ({"ParallelReductionFactorOutOfPlane": 1.5}, None),
        ({"ParallelReductionFactorOutOfPlane": 2.0, "MRAcquisitionType": "3D"}, None),
        ({"ParallelReductionFactorOutOfPlane": 40.0}, None),
        ({}, None),
    ],
)
def test_slices_excited_together(tmp_path: Path, attributes: dict[str, Any], bands: int | None) -> None:
    philips_images(tmp_path / "in", nothing, volumes=1, **attributes)
    assert converted(tmp_path / "in")[0].get("MultibandAccelerationFactor") == bands


def test_steps_of_partial_fourier_are_named_as_those_of_the_whole(tmp_path: Path) -> None:
    steps: dict[str, Any] = {"MRAcquisitionPhaseEncodingStepsInPlane": 126}
    partial: dict[str, Any] = {"PartialFourier": "YES", "PartialFourierDirection": "PHASE"}
    philips_images(tmp_path / "whole", nothing, volumes=1, **steps)
    philips_images(tmp_path / "partial", nothing, volumes=1, **steps, **partial)
    whole, cut = (converted(tmp_path / name)[0] for name in ("whole", "partial"))
    names = ("PhaseEncodingSteps", "PhaseEncodingStepsNoPartialFourier", "PartialFourierEnabled")
    assert [whole.get(name) for name in names] == [126, None, None]
    assert [cut.get(name) for name in names] == [None, 126, "YES"]
    assert whole["PulseSequenceName"] == "FEEPI"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"ScanOptions": ["PFP", "FS"]}, ("YES", "PHASE")),
        ({"ScanOptions": "PFP", "PartialFourier": "NO"}, (None, None)),
        ({"ScanOptions": "FS"}, (None, None)),
    ],
)
def test_scan_options_tell_partial_fourier(
    tmp_path: Path, attributes: dict[str, Any], told: tuple[str | None, str | None]
) -> None:
    philips_images(tmp_path / "in", nothing, volumes=1, **attributes)
    found = converted(tmp_path / "in")[0]
    assert (found.get("PartialFourierEnabled"), found.get("PartialFourierDirection")) == told


def test_a_velocity_keeps_its_unit(tmp_path: Path) -> None:
    def velocity(_: int, __: int, dataset: Dataset) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "VELOCITY MAP", "P", "PCA"]
        dataset.RescaleType, dataset.ComplexImageComponent = "cm/s", "PHASE"

    philips_images(tmp_path / "in", velocity, volumes=1)
    assert converted(tmp_path / "in")[0]["Units"] == "cm/s"


def test_units_are_those_that_bids_knows(tmp_path: Path) -> None:
    def scaled(unit: str, kind: str) -> Any:
        def edit(_: int, __: int, dataset: Dataset) -> None:
            dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "P", "FFE"]
            dataset.RescaleType = unit

        return edit

    units = {}
    for unit, kind, part in (
        ("normalized", "M_FFE", "MAGNITUDE"), ("milliradials", "PHASE MAP", "PHASE"), ("Hz", "B0 MAP", "REAL"),
    ):  # fmt: skip
        philips_images(tmp_path / unit, scaled(unit, kind), volumes=1, ComplexImageComponent=part)
        units[unit] = converted(tmp_path / unit)[0].get("Units")
    assert units == {"normalized": None, "milliradials": "arbitrary", "Hz": "Hz"}


def test_times_of_zero_stand_for_none(tmp_path: Path) -> None:
    philips_images(tmp_path / "in", nothing, volumes=1, EchoTime="0", InversionTime="0", FlipAngle="0")
    assert not {"EchoTime", "InversionTime", "FlipAngle"} & converted(tmp_path / "in")[0].keys()


@settings(max_examples=15, deadline=None)
@given(content=st.binary(max_size=64), element=st.sampled_from([0x13, 0x20, 0x22, 0x29, 0xA0]))
def test_garbled_private_values_lose_no_image(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, element: int
) -> None:
    folder = tmp_path_factory.mktemp("garbled")

    def garbled(_: int, __: int, dataset: Dataset) -> None:
        for group, creator in ((0x2001, IMAGING), (0x2005, IMAGES), (0x2005, FURTHER)):
            dataset.private_block(group, creator).add_new(element, "UN", content + b"\0" * (len(content) % 2))

    philips_images(folder / "in", garbled, volumes=2, slices=2)
    report = voxelry.convert(folder / "in", folder / "out", format="nifti")
    assert report.complete
    count = sum(int(np.prod(one.shape)) for one in report.written)
    assert count == sum(volume.array.size for volume in voxelry.load(folder / "in").volumes)


REPEATS, DELAYS = 3, 4
SEQUENCE = [(r, c, p) for r in range(REPEATS) for c in range(2) for p in range(DELAYS)]
"""Dynamic, label and delay of each volume in the order of acquisition: the delays of control, then those of label."""
SHUFFLED = random.Random(1).sample(range(1, 200), 3 * len(SEQUENCE))


@pytest.mark.parametrize(
    "number",
    [
        lambda volume, place: 3 * volume + place + 1,
        lambda volume, place: place * len(SEQUENCE) + volume + 1,
        lambda volume, place: SHUFFLED[3 * volume + place],
    ],
    ids=["by volume", "by position", "at random"],
)
def test_several_delays_are_in_the_order_of_acquisition(tmp_path: Path, number: Callable[[int, int], int]) -> None:
    def edit(volume: int, place: int, dataset: Dataset) -> None:
        repeat, control, delay = SEQUENCE[volume]
        dataset.TemporalPositionIdentifier = str(repeat + 1)
        dataset.TriggerTime = str(300.0 + 250 * delay)
        dataset.InstanceNumber = str(number(volume, place))
        dataset.RepetitionTime = "484.3"
        dataset.private_block(0x2005, IMAGES).add_new(0xA0, "FL", 4.0 * repeat)
        dataset.private_block(0x2005, FURTHER).add_new(0x29, "CS", ("CONTROL", "LABEL")[control])
        dataset.PixelData = np.full((dataset.Rows, dataset.Columns), volume, "<u2").tobytes()

    philips_images(tmp_path / "in", edit, volumes=len(SEQUENCE))
    told, image, _ = converted(tmp_path / "in")
    order = (np.asarray(image.dataobj)[0, 0, 0] / 2).astype(int).tolist()
    assert order == list(range(len(SEQUENCE)))
    assert told["ASLContext"] == [("control", "label")[control] for _, control, _ in SEQUENCE]
    assert image.header.get_zooms()[3] == 0  # seconds of one dynamic are shared by its volumes, of unknown times


@pytest.mark.parametrize("jumbled", [True, False])
def test_directions_without_an_order_of_instances_are_in_that_of_their_numbers(tmp_path: Path, jumbled: bool) -> None:
    turns = np.arange(6) * 2.0 + 1
    vectors = np.stack([np.cos(turns), np.sin(turns), np.zeros(6)], axis=1)

    def edit(volume: int, place: int, dataset: Dataset) -> None:
        weighted = volume > 0
        number = (0, 3, 1, 2, 5, 4)[volume]  # the acquired order, and Philips' own
        dataset.TemporalPositionIdentifier = "1"
        dataset.InstanceNumber = str(SHUFFLED[3 * volume + place] if jumbled else 3 * volume + place + 1)
        dataset.DiffusionBValue = 1000.0 if weighted else 0.0
        dataset.DiffusionDirectionality = "DIRECTIONAL" if weighted else "NONE"
        if weighted:
            dataset.DiffusionGradientOrientation = vectors[volume].tolist()
        dataset.private_block(0x2005, IMAGES).add_new(0xA0, "FL", 0.0)
        own = dataset.private_block(0x2005, FURTHER)
        own.add_new(0x12, "IS", "2" if weighted else "1")
        own.add_new(0x13, "IS", str(max(number, 1)))
        dataset.PixelData = np.full((dataset.Rows, dataset.Columns), volume, "<u2").tobytes()

    philips_images(tmp_path / "in", edit, volumes=6)
    _, image, _ = converted(tmp_path / "in")
    order = (np.asarray(image.dataobj)[0, 0, 0] / 2).astype(int).tolist()
    assert order == ([0, 2, 3, 1, 5, 4] if jumbled else [0, 1, 2, 3, 4, 5])
    table = np.loadtxt(tmp_path / "out.bvec")
    expected = vectors[order] * [-1, 1, 1]  # rows run to the patient's back, slices to the head
    expected[0] = 0
    assert np.abs(np.abs(table.T) - np.abs(expected)).max() < 1e-6


def test_dimensions_of_an_enhanced_object_are_not_the_order_of_its_labels(tmp_path: Path) -> None:
    """Philips counts label, then dynamic: all control images come first by its dimensions."""
    count = 2

    def edit(_: int, dataset: Dataset) -> None:
        dataset.Manufacturer, dataset.EchoPlanarPulseSequence = "Philips Medical Systems", "YES"
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            volume, place = divmod(number, count)
            control, repeat = divmod(volume, 3)
            content = group.FrameContentSequence[0]
            content.TemporalPositionIndex, content.InStackPositionNumber = repeat + 1, place + 1
            content.DimensionIndexValues = [1, place + 1, repeat + 1, control + 1]
            first = dataset.PerFrameFunctionalGroupsSequence[place].PlanePositionSequence[0].ImagePositionPatient
            group.PlanePositionSequence[0].ImagePositionPatient = [*first]
            timing, item = Dataset(), Dataset()
            timing.RepetitionTime = "4000"
            group.MRTimingAndRelatedParametersSequence = DicomSequence([timing])
            item.private_block(0x2005, IMAGES, create=True).add_new(0xA0, "FL", 8.0 * repeat)
            item.private_block(0x2005, FURTHER, create=True).add_new(0x29, "CS", ("CONTROL", "LABEL")[control])
            group.private_block(0x2005, FURTHER, create=True).add_new(0x0F, "SQ", DicomSequence([item]))
        pointers = (
            (0x00209056, 0x00209111),
            (0x00209057, 0x00209111),
            (0x00209128, 0x00209111),
            (0x20051029, 0x2005100F),
        )
        organization, found = dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID, []
        for pointer, group_pointer in pointers:
            index = Dataset()
            index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, group_pointer
            index.DimensionOrganizationUID = organization
            found.append(index)
        dataset.DimensionIndexSequence = DicomSequence(found)
        dataset.pop("DimensionOrganizationType", None)

    pixels = np.repeat(np.arange(6, dtype=np.uint16), count)[:, None, None] * np.ones((1, 8, 8), np.uint16)
    synthetic_series(tmp_path / "in", modality="MR", frames="enhanced", rescale=(1.0, 0.0), pixels=pixels, edit=edit)
    told, image, _ = converted(tmp_path / "in")
    assert np.asarray(image.dataobj)[0, 0, 0].tolist() == [0, 3, 1, 4, 2, 5]
    assert told["ASLContext"] == ["control", "label"] * 3
    assert image.header.get_zooms()[3] == told["RepetitionTimePreparation"] == 4.0
