"""PET and arterial spin labelling in the words of BIDS, and no date in them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from voxelry.testing import SECRETS, csa_header, siemens_protocol, synthetic_mosaics, synthetic_series


def coded(meaning: str) -> DicomSequence:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X-1", "99TEST", meaning
    return DicomSequence([code])


def tracer(**values: object) -> DicomSequence:
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = "370000000", "6586.2"
    item.RadionuclideCodeSequence = coded("^18^Fluorine")
    item.RadiopharmaceuticalCodeSequence = coded("Fluorodeoxyglucose F^18^")
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return DicomSequence([item])


def told(folder: Path) -> dict[str, Any]:
    assert voxelry.convert(folder, folder.with_suffix(".nii")).complete
    words = folder.with_suffix(".json").read_text()
    assert not [secret for secret in SECRETS if secret in words]
    assert not re.search(r"2020-?01-?0[123]|2\.25\.", words)  # no date, no UID
    found: dict[str, Any] = json.loads(words)
    return found


def pet(folder: Path, clocks: list[str], **attributes: object) -> dict[str, Any]:
    """A dynamic series, a volume for each clock."""
    for number, clock in enumerate(clocks):

        def edit(_: int, dataset: Dataset, number: int = number) -> None:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.RadiopharmaceuticalInformationSequence = attributes.get("tracer") or tracer(
                RadiopharmaceuticalStartTime="110000"
            )

        more: dict[str, object] = {
            "Units": "BQML", "DecayCorrection": "START", "AcquisitionTime": clock, "AcquisitionDate": "20200102",
            "ActualFrameDuration": str(30_000 * (number + 1)), "DecayFactor": f"1.{number + 1}",
            "ScatterFractionFactor": f"0.{number + 3}", "FrameReferenceTime": str(1000 * number),
            "ReconstructionMethod": "PSF+TOF 3i21s", "ConvolutionKernel": "XYZ Gauss2.50", "DoseCalibrationFactor": "1",
        }  # fmt: skip
        more |= {keyword: value for keyword, value in attributes.items() if keyword != "tracer"}
        synthetic_series(folder / str(number), slices=2, seed=5, modality="PT", attributes=more, edit=edit)
    return told(folder)


def test_a_dynamic_scan_in_the_words_of_bids(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["120000", "120030", "120130"])
    expected = {
        "Units": "Bq/mL", "TracerName": "Fluorodeoxyglucose F^18^", "TracerRadionuclide": "F18",
        "InjectedRadioactivity": 370.0, "InjectedRadioactivityUnits": "MBq", "RadionuclideHalfLife": 6586.2,
        "TimeZero": "12:00:00", "ScanStart": 0, "InjectionStart": -3600.0, "FrameTimesStart": [0.0, 30.0, 90.0],
        "FrameDuration": [30.0, 60.0, 90.0], "ImageDecayCorrected": True, "ImageDecayCorrectionTime": 0.0,
        "DecayCorrectionFactor": [1.1, 1.2, 1.3], "ScatterFraction": [0.3, 0.4, 0.5], "DoseCalibrationFactor": 1.0,
        "ReconMethodName": "PSF+TOF 3i21s", "ReconMethodParameterLabels": ["iterations", "subsets"],
        "ReconMethodParameterUnits": ["none", "none"], "ReconMethodParameterValues": [3, 21],
        "ReconFilterType": "Gaussian", "ReconFilterSize": 2.5,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"DecayCorrection": "ADMIN"}, (True, -3600.0, -3600.0)),
        ({"DecayCorrection": "NONE"}, (False, None, -3600.0)),
        ({"tracer": tracer(RadiopharmaceuticalStartTime="235000")}, (True, 0.0, -43_800.0)),
        ({"tracer": tracer(RadiopharmaceuticalStartDateTime="20200101235000")}, (True, 0.0, -43_800.0)),
        ({"tracer": tracer(RadiopharmaceuticalStartTime="120010.5")}, (True, 0.0, 10.5)),
        ({"tracer": tracer(RadiopharmaceuticalStartTime="130000")}, (True, 0.0, 3600.0)),
        ({"tracer": tracer(RadiopharmaceuticalStartTime="150000")}, (True, 0.0, -75_600.0)),
        ({"tracer": tracer(), "DecayCorrection": "ADMIN"}, (True, None, None)),
    ],
)
def test_the_moments_of_injection_and_correction(
    tmp_path: Path, attributes: dict[str, object], expected: tuple[object, ...]
) -> None:
    """An injection before midnight is before the scan; what is not said is left out."""
    found = pet(tmp_path / "pet", ["120000"], **attributes)
    names = ("ImageDecayCorrected", "ImageDecayCorrectionTime", "InjectionStart")
    assert tuple(found.get(name) for name in names) == expected


def test_an_injection_behind_midnight_of_a_scan_before_it(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["235950"], tracer=tracer(RadiopharmaceuticalStartTime="000010"))
    assert (found["TimeZero"], found["InjectionStart"]) == ("23:59:50", 20.0)


def test_volumes_of_one_time_have_no_starts(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["120000", "120000"], SeriesType=["DYNAMIC", "IMAGE"])
    assert "FrameTimesStart" not in found


def test_gates_begin_together(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["120000", "120000"], SeriesType=["GATED", "IMAGE"], DecayCorrection="START")
    assert (found["FrameTimesStart"], found["ImageDecayCorrectionTime"]) == ([0, 0], 0)


def test_evenly_spaced_frames_have_no_repetition_time(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["120000", "120100", "120200"], SeriesType=["DYNAMIC", "IMAGE"])
    assert found["FrameTimesStart"] == [0, 60, 120]
    assert "RepetitionTime" not in found


def test_beds_of_a_whole_body_have_no_common_factor(tmp_path: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.DecayFactor = ("1.0", "1.1")[number // 2]
        dataset.FrameReferenceTime = ("60000", "180000")[number // 2]

    synthetic_series(tmp_path / "in", slices=4, modality="PT", rescale=(1.0, 0.0), edit=edit)
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii")
    found = told(tmp_path)
    assert not {"DecayCorrectionFactor", "FrameReferenceTime"} & found.keys()


def test_enhanced_objects_tell_decay_in_their_groups(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.DecayCorrected, dataset.DecayCorrectionDateTime = "YES", "20200102115500"
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.FrameContentSequence[0].FrameAcquisitionDateTime = "20200102120000"
            factors = Dataset()
            factors.DecayFactor, factors.ScatterFractionFactor = "1.05", "0.3"
            group.PETFrameCorrectionFactorsSequence = DicomSequence([factors])

    synthetic_series(tmp_path / "in", modality="PT", frames="enhanced", rescale=(1.0, 0.0), edit=edit)
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii")
    found = told(tmp_path)
    names = ("ImageDecayCorrected", "ImageDecayCorrectionTime", "DecayCorrectionFactor", "ScatterFraction")
    assert [found[name] for name in names] == [True, -300.0, [1.05], [0.3]]


@pytest.mark.parametrize(
    ("words", "name"), [("18F", "F18"), ("F-18", "F18"), ("^11^Carbon", "C11"), ("Gallium-68", "Ga68"), ("odd", "odd")]
)
def test_a_radionuclide_has_one_name(tmp_path: Path, words: str, name: str) -> None:
    assert (
        pet(tmp_path / "pet", ["120000"], tracer=tracer(RadionuclideCodeSequence=coded(words)))["TracerRadionuclide"]
        == name
    )


def test_a_real_scan(corpus: Path, tmp_path: Path) -> None:
    voxelry.convert(corpus / "ct_mr_pet_rtstruct", tmp_path / "out", format="nifti")
    every = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("*.json") if path.name[0] != "."]
    (found,) = [one for one in every if one.get("Modality") == "PT"]
    expected = {
        "Units": "g/mL", "TracerName": "FDG -- fluorodeoxyglucose", "TracerRadionuclide": "F18", "TimeZero": "11:20:11",
        "InjectedRadioactivity": pytest.approx(388.77747), "InjectionStart": -2711.0, "FrameTimesStart": [0.0],
        "ImageDecayCorrectionTime": -2711.0, "FrameDuration": [240.0], "DecayCorrectionFactor": [1.01268],
        "ScatterFraction": [0.154558], "DoseCalibrationFactor": 164.0, "ImageDecayCorrected": True,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected


def labelled_by_ge(_: int, dataset: Dataset) -> None:
    dataset.InversionTime = "2025"
    own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
    own.add_new(0xA3, "CS", "PSEUDOCONTINUOUS")
    own.add_new(0xA4, "LO", "3D pulsed continuous ASL technique")
    own.add_new(0xA5, "IS", "1450")


def labelled_by_siemens(_: int, dataset: Dataset) -> None:
    text = siemens_protocol({"tSequenceFileName": "%SiemensSeq%\\tgse_pasl", "alTI[0]": 700000, "alTI[2]": 1990000})
    content = csa_header({"MrPhoenixProtocol": [text]})
    own = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    own.add_new(0x20, "OB", content + b"\0" * (len(content) % 2))


def labelled_by_the_standard(_: int, dataset: Dataset) -> None:
    item = Dataset()
    item.ArterialSpinLabelingContrast, item.ASLContext, item.ASLPulseTrainDuration = "PULSED", "CONTROL", 800
    item.ASLCrusherFlag = "NO"
    dataset.SharedFunctionalGroupsSequence[0].MRArterialSpinLabelingSequence = DicomSequence([item])


@pytest.mark.parametrize(
    ("maker", "edit", "expected"),
    [
        (
            "GE MEDICAL SYSTEMS", labelled_by_ge,
            {"ArterialSpinLabelingType": "PCASL", "LabelingDuration": 1.45, "PostLabelingDelay": 2.025},
        ),
        (
            "SIEMENS", labelled_by_siemens,
            {"ArterialSpinLabelingType": "PASL", "BolusDuration": 0.7, "InversionTime": 1.99},
        ),
        (
            "Invented", labelled_by_the_standard,
            {
                "ArterialSpinLabelingType": "PASL", "ASLContext": "control", "LabelingDuration": 0.8,
                "VascularCrushing": False,
            },
        ),
        ("Invented", None, {"ArterialSpinLabelingType": None, "PostLabelingDelay": None}),
    ],
)  # fmt: skip
def test_labelling_of_each_maker(tmp_path: Path, maker: str, edit: Any, expected: dict[str, Any]) -> None:
    frames: Any = "enhanced" if edit is labelled_by_the_standard else "single"
    synthetic_series(
        tmp_path / "asl", modality="MR", rescale=None, frames=frames, attributes={"Manufacturer": maker}, edit=edit
    )
    found = told(tmp_path / "asl")
    assert {name: found.get(name) for name in expected} == expected


RESEARCH = (
    ("%CustomerSeq%\\ep2d_pcasl_ve11c", {"adFree[1]": 90.0, "adFree[2]": 200_000.0, "adFree[3]": 82.0},
     {"PostLabelingDelay": 0.2, "LabelingDuration": 1.5088, "LabelingDistance": 90.0}),
    ("%CustomerSeq%\\tgse_pcasl_ve11c", {"adFree[2]": 850_000.0}, {"PostLabelingDelay": None}),
    ("%CustomerSeq%\\ep2d_fairest", {"adFree[4]": 1800.0}, {"PASLType": "FAIR", "PostLabelingDelay": 1.8}),
    ("%SiemensSeq%\\ep2d_pasl", {"alTI[0]": 700_000, "alTI[2]": 1_800_000},
     {"PASLType": "PICORE", "BolusDuration": 0.7, "InversionTime": 1.8}),
    ("%CustomerSeq%\\to_ep2d_VEPCASL", {"alFree[9]": 1400, **{f"alFree[{11 + k}]": 250 * k + 250 for k in range(6)}},
     {"LabelingDuration": 1.4, "PostLabelingDelay": [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]}),
    ("%CustomerSeq%\\jw_tgse_VEPCASL", {f"alFree[{30 + k}]": 250 * k + 250 for k in range(6)},
     {"PostLabelingDelay": [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]}),
)  # fmt: skip
"""Sequence, free parameters, and what they mean."""


def labelled_by(folder: Path, sequence: str, free: dict[str, float]) -> None:
    assigned = {name if name.startswith("alTI") else f"sWipMemBlock.{name}": value for name, value in free.items()}
    text = siemens_protocol({"tSequenceFileName": sequence, "sSliceArray.lSize": 5, **assigned})
    content = csa_header({"MrPhoenixProtocol": [text]})

    def edit(_: int, dataset: Dataset) -> None:
        own = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        own.add_new(0x20, "OB", content + b"\0" * (len(content) % 2))

    synthetic_mosaics(folder, volumes=2, slices=5, protocol=False, edit=edit)


def test_what_a_header_says_of_the_injection_and_its_corrections(tmp_path: Path) -> None:
    item = tracer(
        RadiopharmaceuticalStartTime="115500", RadiopharmaceuticalStopTime="115530", RadiopharmaceuticalVolume="10",
        RadiopharmaceuticalSpecificActivity="52000000000",
    )  # fmt: skip
    more = {"RandomsCorrectionMethod": "DLYD", "ScatterCorrectionMethod": "Model-based"}
    found = pet(tmp_path / "pet", ["120000", "120030"], tracer=item, **more)
    expected = {
        "InjectionStart": -300.0, "InjectionEnd": -270.0, "InjectedVolume": 10.0, "MolarActivity": 52.0,
        "MolarActivityUnits": "GBq/umol", **more,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert found["ModeOfAdministration"] == "bolus"  # of 30 seconds
    unknown = ("InjectedMass", "InjectedMassUnits", "SpecificRadioactivity", "SpecificRadioactivityUnits")
    assert {found[name] for name in unknown} == {"n/a"}
    assert "AcquisitionMode" not in found


@pytest.mark.parametrize(("stop", "mode"), [("115600", "bolus"), ("115601", None), ("", None)])
def test_an_injection_of_more_than_a_minute_may_be_an_infusion(tmp_path: Path, stop: str, mode: str | None) -> None:
    item = tracer(RadiopharmaceuticalStartTime="115500", RadiopharmaceuticalStopTime=stop)
    found = pet(tmp_path / "pet", ["120000"], tracer=item, SeriesType=["WHOLE BODY", "IMAGE"])
    assert found.get("ModeOfAdministration") == mode
    assert found["AcquisitionMode"] == "whole body"


def test_reference_times_are_in_seconds(tmp_path: Path) -> None:
    found = pet(tmp_path / "pet", ["120000"], FrameReferenceTime="90500", SeriesType=["STATIC", "IMAGE"])
    assert found["FrameReferenceTime"] == [90.5]
    assert found["ImageOrientationPatientDICOM"] == [1, 0, 0, 0, 1, 0]


def test_an_injection_does_not_end_before_it_begins(tmp_path: Path) -> None:
    item = tracer(RadiopharmaceuticalStartTime="115500", RadiopharmaceuticalStopTime="115400")
    found = pet(tmp_path / "pet", ["120000", "120030"], tracer=item)
    assert (found["InjectionStart"], found.get("InjectionEnd")) == (-300.0, None)


@pytest.mark.parametrize(("sequence", "free", "expected"), RESEARCH)
def test_labelling_of_research_sequences(
    tmp_path: Path, sequence: str, free: dict[str, float], expected: dict[str, Any]
) -> None:
    labelled_by(tmp_path / "asl", sequence, free)
    found = told(tmp_path / "asl")
    assert found["ArterialSpinLabelingType"] == ("PCASL" if "pcasl" in sequence.lower() else "PASL")
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("sequence", "free", "expected"), RESEARCH)
def test_dcm2niix_says_the_same_of_labelling(
    tmp_path: Path, sequence: str, free: dict[str, float], expected: dict[str, Any]
) -> None:
    """Older versions have other names for it."""
    labelled_by(tmp_path / "asl", sequence, free)
    command = ["dcm2niix", "-z", "n", "-b", "o", "-f", "theirs", "-o", str(tmp_path), str(tmp_path / "asl")]
    subprocess.run(command, capture_output=True, check=True)
    theirs = json.loads((tmp_path / "theirs.json").read_text())
    ours = told(tmp_path / "asl")
    assert theirs["ArterialSpinLabelingType"] == ours["ArterialSpinLabelingType"]
    for name in ("PostLabelingDelay", "LabelingDuration", "LabelingDistance", "BolusDuration", "InversionTime"):
        if name in theirs and name in expected:
            assert ours.get(name) == pytest.approx(theirs[name], rel=1e-5), name
