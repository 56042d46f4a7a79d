"""Metadata of enhanced objects: what their functional groups say counts as what others say at the top."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.dicom.frames.group_attributes import frame_number, frame_words
from voxelry.testing import synthetic_series


def item(**values: object) -> Sequence:
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return Sequence([found])


def grouped(_: int, dataset: Dataset) -> None:
    """Repetition time shared, echo time and flip angle by frame, of which the latter differs."""
    dataset.EchoTime = "99"  # which is not that of the frames
    dataset.FlipAngle = "15"
    dataset.MRAcquisitionType = "2D"
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.MRTimingAndRelatedParametersSequence = item(RepetitionTime="2500", EchoTrainLength=7)
    shared.MRModifierSequence = item(InversionTimes=[900.0, 950.0], ParallelReductionFactorInPlane=2.0, Spoiling="RF")
    shared.MRFOVGeometrySequence = item(InPlanePhaseEncodingDirection="COLUMN", PercentPhaseFieldOfView=80.0)
    shared.MRImagingModifierSequence = item(
        TransmitterFrequency=123.25, PixelBandwidth="250", MagnetizationTransfer="NONE"
    )
    shared.MRAveragesSequence = item(NumberOfAverages="2")
    for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        group.MREchoSequence = item(EffectiveEchoTime=30.5)
        group.MRTimingAndRelatedParametersSequence = item(
            RepetitionTime="2500", FlipAngle=str(70 + number), EchoTrainLength=7
        )


def written(folder: Path, **settings: Any) -> Path:
    synthetic_series(folder, modality="MR", rescale=None, frames="enhanced", edit=grouped, **settings)
    return folder


def test_a_volume_has_what_its_frames_share(tmp_path: Path) -> None:
    metadata = voxelry.load_volume(written(tmp_path)).metadata
    expected = {
        "EchoTime": 30.5, "RepetitionTime": 2500.0, "InversionTime": 900.0, "EchoTrainLength": 7,
        "ParallelReductionFactorInPlane": 2.0, "InPlanePhaseEncodingDirection": "COLUMN", "ImagingFrequency": 123.25,
        "PixelBandwidth": 250.0, "NumberOfAverages": 2.0, "SliceThickness": 3.0, "Spoiling": "RF",
    }  # fmt: skip
    assert {keyword: metadata.get(keyword) for keyword in expected} == expected
    assert "FlipAngle" not in metadata  # it differs from frame to frame, and what the top says is no frame's
    assert metadata["Modality"] == "MR"
    assert dict(pickle.loads(pickle.dumps(metadata))) == dict(metadata)
    assert "900" not in repr(metadata)


def test_the_sidecar_has_them_in_the_units_of_bids(tmp_path: Path) -> None:
    written(tmp_path / "in")
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii")
    told = json.loads((tmp_path / "out.json").read_text())
    expected = {
        "RepetitionTime": 2.5, "EchoTime": 0.0305, "InversionTime": 0.9, "PercentPhaseFOV": 80.0, "SpoilingState": True,
        "SpoilingType": "RF", "MTState": False, "InPlanePhaseEncodingDirectionDICOM": "COL", "PhaseEncodingAxis": "j",
    }  # fmt: skip
    assert {name: told.get(name) for name in expected} == expected


@pytest.mark.parametrize("transfer_syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"])
def test_a_frame_s_own_group_has_precedence(tmp_path: Path, transfer_syntax: str) -> None:
    """Also in files that only pydicom can read."""
    written(tmp_path, transfer_syntax=transfer_syntax)
    (series,) = voxelry.index(tmp_path).series
    frames = series.stacks[0].frames
    assert [frame_number(frame, "FlipAngle") for frame in frames] == [70.0, 71.0, 72.0, 73.0, 74.0]
    assert [frame_number(frame, "EchoTime") for frame in frames] == [30.5] * 5
    assert frame_number(frames[0], "InversionTime") == 900.0
    assert frame_words(frames[0], "InPlanePhaseEncodingDirection") == ("COLUMN",)
    assert frame_words(frames[0], "Modality") == ("MR",)
    assert frame_number(frames[0], "SAR") is None


def test_single_frame_objects_have_their_own(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path, modality="MR", rescale=None)
    (found,) = voxelry.index(tmp_path).series
    assert frame_number(found.stacks[0].frames[0], "EchoTime") == 10.0
    assert voxelry.load_volume(series.paths[0].parent).metadata["EchoTime"] == 10.0
