"""What frames share is read once: the same as frame by frame, whatever differs among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from voxelry.dicom.frames.diffusion import diffusion_metadata
from voxelry.dicom.frames.dimensions import dimension_indices
from voxelry.dicom.frames.frame import Frame, frames_of
from voxelry.dicom.frames.frame_content import content_columns
from voxelry.dicom.frames.frame_values import values_of_frames
from voxelry.dicom.frames.group_attributes import frame_number, frames_metadata
from voxelry.dicom.frames.shared_frames import of_each_kind
from voxelry.dicom.grouping.group_columns import group_columns
from voxelry.dicom.headers.elements import Elements
from voxelry.testing import synthetic_series
from voxelry.workflows.load.indexing import index

FRAMES = 24
ASKED = ("TemporalPositionIndex", "FrameAcquisitionDateTime", "EffectiveEchoTime", "DiffusionBValue", "FrameType")


def group(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


CONTENT: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"TemporalPositionIndex": 1, "FrameAcquisitionDateTime": "20200102101112.5", "DimensionIndexValues": [1, 2]},
        {"TemporalPositionIndex": 2, "FrameAcquisitionDateTime": "20200102101114.5", "DimensionIndexValues": [1, 2]},
        {"TemporalPositionIndex": 3, "FrameAcquisitionDateTime": "", "StackID": "Ä"},
        {"SpecificCharacterSet": "ISO_IR 192", "StackID": "Ä", "DimensionIndexValues": [2]},
        {},
    ]
)
SEQUENCES = {
    "MREchoSequence": st.sampled_from([group(EffectiveEchoTime=30.0), group(EffectiveEchoTime=5.0), group()]),
    "MRDiffusionSequence": st.sampled_from([group(DiffusionBValue=0.0), group(DiffusionBValue=1000.0)]),
    "MRTimingAndRelatedParametersSequence": st.sampled_from([group(RepetitionTime="2000"), group(RepetitionTime="")]),
    "MRImageFrameTypeSequence": st.just(group(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"])),
    "PixelMeasuresSequence": st.sampled_from([
        group(PixelSpacing=["1", "1"], SliceThickness="3"), group(PixelSpacing=["1", "1"], SliceThickness="30"),
    ]),
    "PlanePositionSequence": st.sampled_from([group(ImagePositionPatient=["0", "0", z]) for z in ("0", "3", "30")]),
}  # fmt: skip


@st.composite
def frame_groups(draw: st.DrawFn) -> list[Dataset]:
    """Few kinds of frames, in any order."""
    kinds = []
    for _ in range(draw(st.integers(1, 4))):
        kind = Dataset()
        for keyword, values in SEQUENCES.items():
            if draw(st.booleans()):
                setattr(kind, keyword, [draw(values)])
        if draw(st.booleans()):
            kind.add_new(0x21110010, "LO", "VOXELRY TEST")
            kind.add_new(0x21111001, "SQ", [group(SliceThickness=draw(st.sampled_from(["1", "2"])))])
        kinds.append(kind)
    found = []
    for _ in range(FRAMES):
        own = Dataset()
        own.update(draw(st.sampled_from(kinds)))
        if draw(st.integers(0, 9)):
            content: dict[str, Any] = draw(CONTENT)
            own.FrameContentSequence = [group(**content)]
        found.append(own)
    return found


def read(groups: Sequence[Dataset], folder: str) -> list[Frame]:
    [path] = synthetic_series(
        Path(folder), pixels=np.zeros((FRAMES, 2, 2), np.uint16), modality="MR", frames="enhanced"
    ).paths
    dataset = pydicom.dcmread(path)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.save_as(path)
    return list(frames_of(index(folder).series[0].instances[0]))


def slowly(frame: Frame) -> Frame:
    """The frame as pydicom reads its own groups, of which nothing is known to be common."""
    own, *shared = frame.groups
    assert isinstance(own, Elements)
    return replace(frame, groups=(Elements(None, own.dataset), *shared), common=None)


@settings(max_examples=40, deadline=None)
@given(frame_groups(), st.data())
def test_together_as_one_by_one(groups: list[Dataset], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        every = read(groups, folder)
    numbers = data.draw(st.lists(st.integers(0, FRAMES - 1), min_size=1, unique=True))
    frames = [every[number] for number in numbers]
    slow = [slowly(frame) for frame in frames]
    for keyword in ASKED:
        assert values_of_frames(frames, keyword) == [frame.value(keyword) for frame in slow]
    assert [tuple(one) for one in dimension_indices(frames)] == [tuple(one) for one in dimension_indices(slow)]
    assert dict(frames_metadata(frames)) == dict(frames_metadata(slow))
    assert dict(diffusion_metadata(frames)) == dict(diffusion_metadata(slow))
    echoes = of_each_kind(frames, lambda frame: frame_number(frame, "EchoTime"))
    assert echoes == [frame_number(frame, "EchoTime") for frame in slow]
    thick = [frame.thickness for frame in frames]
    assert thick == [frame_number(frame, "SliceThickness") for frame in slow]


@settings(max_examples=40, deadline=None)
@given(frame_groups())
def test_columns_of_what_differs(groups: list[Dataset]) -> None:
    with TemporaryDirectory() as folder:
        frames = read(groups, folder)
    slow = [slowly(frame) for frame in frames]
    columns = {one: [column[frame] for frame in frames] for one, column in group_columns(frames).items()}
    general = {one: [column[frame] for frame in slow] for one, column in group_columns(slow).items()}
    differing = {one: column for one, column in general.items() if len(set(column)) > 1}
    assert {one: column for one, column in columns.items() if len(set(column)) > 1} == differing


def test_frame_content_is_read_by_column(tmp_path: Path) -> None:
    groups = [group(FrameContentSequence=[group(TemporalPositionIndex=number + 1)]) for number in range(FRAMES)]
    frames = read(groups, str(tmp_path))
    columns = content_columns(frames[::-1], (0x00209128,))
    assert columns == {0x00209128: [(b"UL", (FRAMES - number).to_bytes(4, "little")) for number in range(FRAMES)]}
    assert len({id(frame.common) for frame in frames}) == 1
    assert frames[0].common is not None
