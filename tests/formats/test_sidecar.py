"""The JSON beside a NIfTI file: BIDS' words and units, and nothing of whose images they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import voxelry
from voxelry.core.value import Value
from voxelry.formats.nifti.sidecar import sidecar, step_seconds
from voxelry.testing import SECRETS, synthetic_series
from voxelry.testing.volumes import placed, voxels


def with_metadata(*each: dict[str, Value]) -> list[voxelry.Volume]:
    return [placed(voxels((2, 3, 4), "int16"), metadata=one) for one in each]


def test_units_are_those_of_bids() -> None:
    metadata: dict[str, Value] = {
        "Manufacturer": "Invented", "ManufacturerModelName": "M1", "RepetitionTime": 2500.0, "EchoTime": 30.0,
        "InversionTime": 900, "FlipAngle": 60.0, "MagneticFieldStrength": 15000.0, "ScanOptions": ["FS", "NPW "],
        "SpacingBetweenSlices": 99.0, "ImageType": "ORIGINAL", "SequenceName": "", "EchoTrainLength": None,
    }  # fmt: skip
    found = sidecar(with_metadata(metadata))
    assert found["ConversionSoftware"] == "Voxelry"
    assert {name: found[name] for name in found if not name.startswith("Conversion")} == {
        "Manufacturer": "Invented", "ManufacturersModelName": "M1", "RepetitionTime": 2.5, "EchoTime": 0.03,
        "InversionTime": 0.9, "FlipAngle": 60.0, "MagneticFieldStrength": 1.5, "ScanOptions": "FS\\NPW",
        "SpacingBetweenSlices": 2.5, "ImageType": ["ORIGINAL"],
    }  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_differs_is_a_list_and_what_one_lacks_is_left_out() -> None:
    found = sidecar(with_metadata({"EchoTime": 4.6, "FlipAngle": 8.0}, {"EchoTime": 9.2}))
    assert found["EchoTime"] == [0.0046, 0.0092]
    assert "FlipAngle" not in found


@pytest.mark.parametrize(
    ("each", "step"),
    [
        ([{"RepetitionTime": 2000.0, "NumberOfTemporalPositions": 2}] * 2, 2.0),
        ([{"RepetitionTime": 2000.0, "NumberOfTemporalPositions": 3}] * 2, None),
        ([{"RepetitionTime": 8.0, "TemporalResolution": 60000.0}] * 2, 60.0),
        ([{"TriggerTime": 0.0}, {"TriggerTime": 40.0}, {"TriggerTime": 80.0}], 0.04),
        ([{"TriggerTime": 0.0}, {"TriggerTime": 40.0}, {"TriggerTime": 180.0}], None),
        ([{"EchoTime": 4.0}, {"EchoTime": 8.0}], None),
        ([{"RepetitionTime": 2000.0, "NumberOfTemporalPositions": 1}], None),
    ],
)
def test_the_time_between_volumes(each: list[dict[str, Value]], step: float | None) -> None:
    assert step_seconds(with_metadata(*each)) == step


def test_no_patient_is_in_it(tmp_path: Path) -> None:
    series = synthetic_series(tmp_path / "series", slices=3)
    volume = voxelry.load_volume(series.paths[0].parent)
    assert any(secret in json.dumps(dict(volume.metadata)) for secret in SECRETS)
    text = json.dumps(sidecar([volume]))
    assert not [secret for secret in SECRETS if secret in text]
    assert "2.25." not in text


@pytest.mark.programs("dcm2niix")
def test_it_agrees_with_dcm2niix(corpus: Path, tmp_path: Path) -> None:
    folder = corpus / "mr_fmri_repeated_positions"
    subprocess.run(
        ["dcm2niix", "-z", "n", "-b", "o", "-f", "a", "-o", str(tmp_path), str(folder)], capture_output=True, check=True
    )
    theirs = json.loads((tmp_path / "a.json").read_text())
    ours = sidecar(voxelry.load(folder).volumes)
    compared = [
        "Modality", "MagneticFieldStrength", "ManufacturersModelName", "RepetitionTime", "EchoTime", "FlipAngle",
        "SequenceVariant", "MRAcquisitionType", "PixelBandwidth", "InPlanePhaseEncodingDirectionDICOM", "ImageType",
        "SpacingBetweenSlices", "SliceThickness", "PatientPosition", "PercentSampling",
    ]  # fmt: skip
    assert {name: ours[name] for name in compared} == {name: theirs[name] for name in compared}
