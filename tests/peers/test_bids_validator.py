"""Converted series, named by templates, are a valid BIDS data set, as BIDS' own validator says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from tests.workflows.unlike_volumes import unlike_volumes
from voxelry.testing import synthetic_diffusion_series, synthetic_epi, synthetic_mosaics, synthetic_series

VALIDATOR = os.environ.get("VOXELRY_BIDS_VALIDATOR", str(Path(sys.executable).with_name("bids-validator-deno")))
"""Installed with the tests' other packages; it brings deno, which runs it, and asks for nothing from outside."""


def converted(source: Path, root: Path, name: str, **options: object) -> list[str]:
    report = voxelry.convert(source, root, format="nifti", name=f"sub-01/{name}", **options)  # type: ignore[arg-type]
    assert report.complete
    return [one.path.name for one in report.written]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Functional mosaics, diffusion, echoes of magnitude and phase, a T1-weighted image and PET."""
    folder = tmp_path_factory.mktemp("bids")
    root = folder / "set"
    root.mkdir()
    described = {"Name": "Converted by Voxelry", "BIDSVersion": "1.10.0", "DatasetType": "raw", "License": "CC0"}
    (root / "dataset_description.json").write_text(json.dumps(described), encoding="utf-8")
    (root / "README.md").write_text("Synthetic images that were converted from DICOM.\n" * 5, encoding="utf-8")

    # What no header tells, for all files of the task.
    (root / "task-rest_bold.json").write_text('{"TaskName": "rest"}', encoding="utf-8")
    synthetic_mosaics(folder / "rest", volumes=3)
    assert converted(folder / "rest", root, "func/sub-01_task-rest_{entities}_bold") == ["sub-01_task-rest_bold.nii.gz"]
    synthetic_diffusion_series(folder / "dwi")
    assert converted(folder / "dwi", root, "dwi/sub-01_{entities}_dwi") == ["sub-01_dwi.nii.gz"]
    for number, maker in enumerate(("Siemens", "Siemens XA", "GE", "UIH", "Philips"), 1):
        synthetic_epi(folder / maker, maker=maker, times=(0.0, 1.0, 0.5, 1.5))  # type: ignore[arg-type]
        name = f"sub-01_task-rest_run-{number}_sbref"
        assert converted(folder / maker, root, f"func/{name}") == [f"{name}.nii.gz"]
    words = {"RepetitionTime": 30.0, "FlipAngle": 15.0, "MagneticFieldStrength": 3.0, "Manufacturer": "SIEMENS"}
    unlike_volumes(
        folder / "echoes",
        [{**words, "ImageType": ["ORIGINAL", "PRIMARY", part], "EchoTime": te} for te in (5.0, 10.0) for part in "MP"],
    )
    assert converted(folder / "echoes", root, "anat/sub-01_{entities}_MEGRE") == [
        f"sub-01_echo-{echo}_part-{part}_MEGRE.nii.gz" for echo in (1, 2) for part in ("mag", "phase")
    ]
    unlike_volumes(folder / "t1", [{**words, "EchoTime": 3.0}], seed=8)
    assert converted(folder / "t1", root, "anat/sub-01_T1w") == ["sub-01_T1w.nii.gz"]
    dynamic_emission(folder / "pet")
    assert converted(folder / "pet", root, "pet/sub-01_{entities}_pet") == ["sub-01_pet.nii.gz"]
    return root


def dynamic_emission(folder: Path) -> None:
    """Two frames of a scanner that fills in what the standard has."""
    nuclide, dose = Dataset(), Dataset()
    nuclide.CodeMeaning = "^18^Fluorine"
    dose.Radiopharmaceutical, dose.RadionuclideCodeSequence = "FDG", DicomSequence([nuclide])
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = "185000000", "6586.2"
    dose.RadiopharmaceuticalStartTime, dose.RadiopharmaceuticalStopTime = "115500", "115510"

    def edit(number: int, dataset: Dataset) -> None:
        frame = number // 3
        dataset.Manufacturer, dataset.ManufacturerModelName = "Philips Medical Systems", "Vereos"
        dataset.Units, dataset.SeriesType, dataset.DecayCorrection = "BQML", ["DYNAMIC", "IMAGE"], "START"
        dataset.AcquisitionDate, dataset.AcquisitionTime = "20200102", f"120{frame}00"
        dataset.ActualFrameDuration, dataset.DecayFactor = "60000", "1.01"
        dataset.AttenuationCorrectionMethod, dataset.ScatterCorrectionMethod = "CT-based", "model"
        dataset.ReconstructionMethod, dataset.ConvolutionKernel = "OSEM 3i33s", "XYZ Gauss4.00"
        dataset.RadiopharmaceuticalInformationSequence = DicomSequence([dose])

    places = [0.0, 3.0, 6.0] * 2
    synthetic_series(folder, slices=6, offsets=places, modality="PT", rescale=(0.5, 0.0), edit=edit)


@pytest.mark.programs(VALIDATOR)
def test_the_set_is_valid(dataset: Path) -> None:
    done = subprocess.run(
        [VALIDATOR, str(dataset), "--format", "json"], capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )  # fmt: skip
    told = json.loads(done.stdout)
    issues = told["issues"]["issues"]
    errors = [(one["code"], one.get("subCode"), one.get("location")) for one in issues if one["severity"] == "error"]
    assert errors == []
    assert done.returncode == 0
    assert told["summary"]["totalFiles"] >= 15
