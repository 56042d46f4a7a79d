"""Functional groups are read from their bytes exactly as pydicom reads them, whatever repeats among them."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from voxelry.dicom.frames.dimensions import dimension_indices
from voxelry.dicom.frames.frame import Frame, frames_of
from voxelry.dicom.frames.frame_values import values_of_frames
from voxelry.dicom.grouping.group_columns import group_columns
from voxelry.dicom.grouping.nested_attributes import FunctionalGroups, nested_attributes
from voxelry.dicom.headers.attributes import Attributes, dataset_of, item_attributes
from voxelry.dicom.headers.comparable import ABSENT
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import synthetic_series


def echo(milliseconds: float) -> Dataset:
    item = Dataset()
    item.EffectiveEchoTime = milliseconds
    return item


def content(number: int, stack: str) -> Dataset:
    item = Dataset()
    item.FrameAcquisitionDateTime, item.StackID = f"20200102101112.{number:06d}", stack
    item.InStackPositionNumber, item.TemporalPositionIndex = number + 1, number % 3 + 1
    item.DimensionIndexValues = [1, number + 1]
    return item


def private(creator: str, words: str, number: int) -> Dataset:
    item = Dataset()
    block = item.private_block(0x2005, creator, create=True)
    block.add_new(0x0E, "FL", number / 4)
    block.add_new(0x10, "LO", words)
    block.add_new(0x11, "UN", b"\1\2" * 3)
    if number % 2:
        item.SpecificCharacterSet = "ISO_IR 192"
    return item


@st.composite
def groups(draw: st.DrawFn) -> list[Dataset]:
    made = []
    for number in range(draw(st.integers(1, 8))):
        group = Dataset()
        if draw(st.booleans()):
            group.MREchoSequence = [echo(draw(st.sampled_from([4.6, 30.0])))] * draw(st.integers(0, 2))
        if draw(st.booleans()):
            group.FrameContentSequence = [content(number, draw(st.sampled_from("12")))]
        if draw(st.booleans()):
            place = Dataset()
            place.ImagePositionPatient = [0, 0, number]
            group.PlanePositionSequence = [place]
        if draw(st.booleans()):
            inner = Dataset()
            inner.add_new(0x00081140, "SQ", [])
            inner.DiffusionBValue, inner.FrameComments = float(number), draw(st.sampled_from(["", "Tête", "b=1000"]))
            gradient = Dataset()
            gradient.DiffusionGradientOrientation = [0.0, 0.6, 0.8]
            inner.DiffusionGradientDirectionSequence = [gradient]
            group.MRDiffusionSequence = [inner]
        if draw(st.booleans()):
            block = group.private_block(0x2005, draw(st.sampled_from(["ONE", "OTHER"])), create=True)
            block.add_new(0x0F, "SQ", [private("INNER", draw(st.sampled_from(["a", "B C "])), number)])
            block.add_new(0x20, "DS", "3.50")
        made.append(group)
    return made


def read_groups(made: list[Dataset], character_set: str, *, undefined: bool, implicit: bool) -> tuple[Attributes, ...]:
    """The groups as they are read from a file that has them."""
    written = Dataset()
    written.SpecificCharacterSet = character_set
    written.PerFrameFunctionalGroupsSequence = made
    written["PerFrameFunctionalGroupsSequence"].is_undefined_length = undefined
    for group in made:
        group.is_undefined_length_sequence_item = undefined
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, implicit
    write_dataset(file, written, ["iso8859" if character_set == "ISO_IR 6" else "latin_1"])
    sequence = file.getvalue()
    start = sequence.index(b"\x00\x52\x30\x92") + (8 if implicit else 12)
    value = sequence[start : len(sequence) - 8 * undefined]  # without the delimiter at the end
    encoded = {
        0x00080005: (b"" if implicit else b"CS", character_set.encode()),
        0x52009230: (b"" if implicit else b"SQ", value),
    }
    own = item_attributes(Elements(encoded), "PerFrameFunctionalGroupsSequence")
    assert len(own) == len(made)
    return own


FILES = (st.sampled_from(["ISO_IR 6", "ISO_IR 100"]), st.booleans(), st.booleans())


@settings(max_examples=200, deadline=None)
@given(groups(), *FILES)
def test_attributes_are_those_that_pydicom_reads(
    made: list[Dataset], character_set: str, undefined: bool, implicit: bool
) -> None:
    reader = FunctionalGroups()
    own = read_groups(made, character_set, undefined=undefined, implicit=implicit)
    for item in (*own, *own):  # also from what is known of the first time
        assert reader.attributes(item) == nested_attributes(dataset_of(item))


@pytest.mark.parametrize("slope", [1.0, 0.5])
def test_facts_are_shared_by_frames_that_say_the_same(tmp_path: Path, slope: float) -> None:
    pairs = [(1.0, 0.0), (slope, 0.0), (1.0, 0.0), (slope, -4.0)]
    made = synthetic_series(tmp_path, slices=4, frames="enhanced", modality="MR", rescale=pairs)
    frames = list(frames_of(read_header(FileSource.of(made.paths[0]))))
    assert [(frame.slope, frame.intercept) for frame in frames] == pairs
    assert frames[0].facts is frames[2].facts
    assert len({id(frame.facts) for frame in frames}) == len(set(pairs))


@pytest.fixture(scope="module")
def plain_frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    [path] = synthetic_series(tmp_path_factory.mktemp("plain"), slices=1, modality="MR").paths
    [frame] = frames_of(read_header(FileSource.of(path)))
    return frame


def indices_by_pydicom(groups: tuple[Attributes, ...]) -> list[float]:
    for group in map(dataset_of, groups):
        if "FrameContentSequence" in group:
            return [float(number) for number in group.FrameContentSequence[0].DimensionIndexValues]
    return []


@settings(max_examples=200, deadline=None)
@given(made=groups(), shared=groups(), file=st.tuples(*FILES), instances=st.integers(1, 2))
def test_columns_hold_what_each_frame_says(
    plain_frame: Frame, made: list[Dataset], shared: list[Dataset], file: tuple[str, bool, bool], instances: int
) -> None:
    character_set, undefined, implicit = file
    own = read_groups(made, character_set, undefined=undefined, implicit=implicit)
    common = read_groups(shared, character_set, undefined=undefined, implicit=implicit)[0]
    headers = [plain_frame.header, copy(plain_frame.header)]
    frames = [
        replace(plain_frame, header=headers[number % instances], index=number, groups=(group, common))
        for number, group in enumerate(own)
    ]
    said = [{**nested_attributes(dataset_of(common)), **nested_attributes(dataset_of(group))} for group in own]
    expected = {
        attribute: column
        for attribute in {attribute for one in said for attribute in one}
        if len(set(column := [one.get(attribute, ABSENT) for one in said])) > 1
    }
    columns = group_columns(frames)
    differing = {one: list(column.values()) for one, column in columns.items() if len(set(column.values())) > 1}
    assert differing == expected
    assert all(list(column) == frames for column in columns.values())
    assert list(map(list, dimension_indices(frames))) == [indices_by_pydicom(frame.groups) for frame in frames]
    for keyword in (
        "FrameAcquisitionDateTime",
        "TemporalPositionIndex",
        "EffectiveEchoTime",
        "Modality",
        "PhaseVector",
    ):
        assert values_of_frames(frames, keyword) == [frame.value(keyword) for frame in frames]
