"""Standardized uptake values of PET: each rule that gives a factor, and each reason to refuse one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from typer.testing import CliRunner

import voxelry
from voxelry.cli.program import app
from voxelry.core.errors import ParameterError
from voxelry.testing import SECRETS, SyntheticSeries, synthetic_series
from voxelry.workflows.measure import measure_all

Edit = Callable[[int, Dataset], None]
PAIRS = [(2.5, 0.0), (3.0, 0.0), (0.5, 0.0)]
DOSE, WEIGHT, HEIGHT = 370e6, 80.0, 1.80
LEFT = DOSE / 2
"""Of the dose when the scan begins, one half-life after the injection."""
BW = 1000 * WEIGHT / LEFT


def isotope(**values: object) -> DicomSequence:
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = "370000000", "3600"
    item.RadiopharmaceuticalStartTime = "110000.00"
    for keyword, value in values.items():
        if value is None:
            delattr(item, keyword)
        else:
            setattr(item, keyword, value)
    return DicomSequence([item])


def pet(
    folder: Path, *, isotopes: Any = None, pairs: Any = PAIRS, edit: Edit | None = None, **more: Any
) -> SyntheticSeries:
    """PET slices of which each has a slope of its own, injected an hour before the scan."""

    def edited(index: int, dataset: Dataset) -> None:
        dataset.RadiopharmaceuticalInformationSequence = isotope() if isotopes is None else isotopes
        if edit is not None:
            edit(index, dataset)

    attributes: dict[str, object] = {
        "Units": "BQML", "CorrectedImage": ["DECY", "ATTN", "SCAT"], "DecayCorrection": "START",
        "PatientWeight": "80", "PatientSize": "1.8", "PatientSex": "M", "SeriesType": ["STATIC", "IMAGE"],
        "SeriesDate": "20200102", "SeriesTime": "120000", "AcquisitionDate": "20200102", "AcquisitionTime": "120000",
        "WindowCenter": "5000", "WindowWidth": "10000",
    }  # fmt: skip
    attributes |= more.pop("attributes", {})
    return synthetic_series(
        folder, rescale=pairs, modality="PT", edit=edited, attributes=attributes,
        **({"slices": 3, "rows": 4, "columns": 5} | more),
    )  # fmt: skip


def factor(folder: Path, kind: Any = "bw", **more: Any) -> float:
    """What the values of a written series are multiplied by, which is one number."""
    series = pet(folder, **more)
    found = voxelry.load_volume(folder, suv=kind).array / np.where(series.array == 0, np.nan, series.array)
    np.testing.assert_allclose(found[np.isfinite(found)], np.nanmean(found), rtol=1e-6)
    return float(np.nanmean(found))


def refusal(folder: Path, kind: Any = "bw", **more: Any) -> str:
    """Why nothing is made of a written series."""
    pet(folder, **more)
    result = voxelry.load(folder, suv=kind)
    assert not result.volumes
    assert {problem.code for problem in result.skipped.values()} == {"suv"}
    said = {problem.message.split(": ", 1)[1] for problem in result.skipped.values()}
    assert len(said) == 1
    words = said.pop()
    assert not [value for value in ("370000000", "3600", "110000", "20200102") if value in words]
    return words


# --- what is converted ------------------------------------------------------------------------------------------------


def test_values_slice_by_slice_and_what_the_sidecar_says(tmp_path: Path) -> None:
    series = pet(tmp_path / "in", shuffled=True)
    report = voxelry.convert(tmp_path / "in", tmp_path / "suv.nii", suv="bw")
    assert report.complete
    assert "these are standardized uptake values by body weight" in report.written[0].warnings
    np.testing.assert_allclose(voxelry.load_volume(tmp_path / "suv.nii").array, series.array * BW, rtol=1e-6)
    words = (tmp_path / "suv.json").read_text()
    told = json.loads(words)
    assert (told["Units"], told["SUVType"], told.get("SUVFormula")) == ("g/mL", "BW", None)
    hidden = [
        "InjectedRadioactivity",
        "InjectionStart",
        "Patient'sWeight",
        "PatientWeight",
        "PatientSize",
        "PatientSex",
    ]
    assert not [name for name in hidden if name in told]
    assert not [secret for secret in (*SECRETS, "370", "11:00", "110000") if secret in words]
    plain = voxelry.load_volume(tmp_path / "in")
    assert (plain.unit, bool(plain.windows)) == ("BQML", True)
    np.testing.assert_allclose(plain.array, series.array)
    volume = voxelry.load_volume(tmp_path / "in", suv="bw")
    assert (volume.unit, volume.windows) == ("g/ml", ())  # the header's window is for activity
    assert (volume.metadata["Units"], volume.metadata["SUVType"], "PatientID" in volume.metadata) == ("GML", "BW", True)
    assert plain.metadata["Units"] == "BQML"
    lazy = voxelry.load_volume(tmp_path / "in", suv="bw", lazy=True)
    np.testing.assert_allclose(np.asarray(lazy.array), series.array * BW, rtol=1e-6)


def test_they_are_measured(tmp_path: Path) -> None:
    """Limits are in their unit, and what is refused is skipped with its reason."""
    series = pet(tmp_path / "in")
    limit = float(np.median(series.array)) * BW
    report = measure_all(tmp_path / "in", lower=limit, suv="bw")
    assert [one.pixels_above_threshold for one in report.measurements] == [int((series.array * BW >= limit).sum())]
    assert [volume.unit for volume in report.volumes] == ["g/ml"]
    pet(tmp_path / "light", attributes={"PatientWeight": "0"})
    answer = CliRunner().invoke(app, ["measure", str(tmp_path / "in"), "--lower", str(limit), "--suv", "bw", "--json"])
    told = json.loads(answer.stdout)["measurements"][0]
    assert told["pixels_above_threshold"] == report.measurements[0].pixels_above_threshold
    refused = measure_all(tmp_path / "light", lower=limit, suv="bw")
    assert not refused.measurements
    assert {problem.code for problem in refused.skipped.values()} == {"suv"}
    with pytest.raises(ParameterError, match="scales of the same images"):
        measure_all(tmp_path / "in", suv="bw", real_world=True)


def test_they_are_not_written_into_headers_of_activity(tmp_path: Path) -> None:
    pet(tmp_path / "in")
    [series] = voxelry.index(tmp_path / "in").series
    volume = voxelry.load_volume(tmp_path / "in", suv="bw")
    with pytest.raises(voxelry.ParameterError, match=r"Units \(0054,1001\) of the template is BQML"):
        voxelry.write_series(volume, series, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    pet(tmp_path / "gml", attributes={"Units": "GML"})
    [series] = voxelry.index(tmp_path / "gml").series
    assert len(voxelry.write_series(volume, series, tmp_path / "out").paths) == len(PAIRS)


def test_an_intercept_is_part_of_the_activity(tmp_path: Path) -> None:
    """It should be 0 in PET, but what it is counts."""
    series = pet(tmp_path / "in", pairs=[(2.5, 10.0), (3.0, -7.0), (0.5, 0.0)])
    np.testing.assert_allclose(voxelry.load_volume(tmp_path / "in", suv="bw").array, series.array * BW, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "sex", "size", "unit", "formula"),
    [
        # by hand: 9270 x 80 / (6680 + 216 x 80 / 1.8^2), 1.1 x 80 - 128 x (80 / 180)^2 and so on, in kilograms
        ("lbm", "M", 61.731_410, "g/mL", "Janmahasatian"),
        ("lbm", "F", 50.092_230, "g/mL", "Janmahasatian"),
        ("lbm-james", "M", 62.716_049, "g/mL", "James (128)"),
        ("lbm-james", "F", 56.365_432, "g/mL", "James (128)"),
        # 0.007184 x 80^0.425 x 180^0.725 = 1.9964 m2: 10,000 cm2 each, as a kilogram is 1000 g
        ("bsa", "O", 19.964_21, "cm^2/mL", "Du Bois"),
    ],
)
def test_lean_body_mass_and_surface(tmp_path: Path, kind: Any, sex: str, size: float, unit: str, formula: str) -> None:
    found = factor(tmp_path / "in", kind, attributes={"PatientSex": sex})
    assert found == pytest.approx(1000 * size / LEFT, rel=1e-5)
    assert voxelry.convert(tmp_path / "in", tmp_path / "suv.nii", suv=kind).complete
    told = json.loads((tmp_path / "suv.json").read_text())
    assert (told["Units"], told["SUVFormula"]) == (unit, formula)
    assert told["SUVType"] == {"lbm": "LBMJANMA", "lbm-james": "LBMJAMES128", "bsa": "BSA"}[kind]


@pytest.mark.parametrize(
    ("attributes", "isotopes", "hours"),
    [
        ({}, None, 1.0),
        ({"RescaleType": "BQML"}, None, 1.0),
        ({"DecayCorrection": "ADMIN"}, None, 0.0),
        ({"DecayCorrection": "ADMIN"}, isotope(RadiopharmaceuticalStartTime=None, RadionuclideHalfLife=None), 0.0),
        # the series' time counts if it is not later than the earliest acquisition
        ({"SeriesTime": "113000"}, None, 0.5),
        ({"SeriesTime": "150000"}, None, 1.0),
        ({"SeriesDate": "20200105"}, None, 1.0),
        ({"SeriesTime": None}, None, 1.0),
        # the date of the injection, where it has one, and whatever its time of day says
        ({}, isotope(RadiopharmaceuticalStartDateTime="20200102103000", RadiopharmaceuticalStartTime="090000"), 1.5),
        ({}, isotope(RadiopharmaceuticalStartDateTime="20200102103000+0100"), 1.5),
        ({"TimezoneOffsetFromUTC": "+0100"}, isotope(RadiopharmaceuticalStartDateTime="20200102093000+0000"), 1.5),
        # before midnight
        (
            {"SeriesTime": "002000", "AcquisitionTime": "002000"},
            isotope(RadiopharmaceuticalStartTime="235000"), 0.5,
        ),
        (
            {"SeriesTime": "002000", "AcquisitionTime": "002000"},
            isotope(RadiopharmaceuticalStartDateTime="20200101235000"), 0.5,
        ),
        ({}, isotope(RadiopharmaceuticalStartTime="130000", RadionuclideHalfLife="36000"), 2.3),
        # into a scan that runs already
        (
            {"SeriesType": ["DYNAMIC", "IMAGE"], "ActualFrameDuration": "3600000"},
            isotope(RadiopharmaceuticalStartTime="123000"), -0.5,
        ),
        # but not into one that is over
        (
            {"SeriesType": ["DYNAMIC", "IMAGE"], "ActualFrameDuration": "3600000"},
            isotope(RadiopharmaceuticalStartTime="140000", RadionuclideHalfLife="36000"), 2.2,
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("frames", ["single", "enhanced"])
def test_decay(tmp_path: Path, frames: Any, attributes: dict[str, object], isotopes: Any, hours: float) -> None:
    """In half-lives, of which one is an hour but where it is said."""
    found = factor(tmp_path / "in", attributes=attributes, isotopes=isotopes, frames=frames)
    assert found == pytest.approx(1000 * WEIGHT / (DOSE * 0.5**hours), rel=1e-6)


def test_the_scan_begins_with_its_earliest_image_whichever_that_is(tmp_path: Path) -> None:
    """Beds are acquired from the feet up, volumes one after the other, and one crosses midnight with an old date."""

    def beds(index: int, dataset: Dataset) -> None:
        dataset.AcquisitionTime = ["121000", "120500", "120000"][index]

    assert factor(tmp_path / "beds", edit=beds, attributes={"SeriesTime": "130000"}) == pytest.approx(BW, rel=1e-6)

    def late(index: int, dataset: Dataset) -> None:
        dataset.AcquisitionTime = ["235500", "000500", "000000"][index]

    night = isotope(RadiopharmaceuticalStartTime="225500")
    found = factor(tmp_path / "late", edit=late, isotopes=night, attributes={"SeriesTime": "235900"})
    assert found == pytest.approx(BW, rel=1e-6)


def test_volumes_of_one_series_have_one_start(tmp_path: Path) -> None:
    """Each volume of a dynamic scan is corrected to the start of the first, in whatever file it is."""
    expected = []
    for number, clock in enumerate(("120000", "121000", "123000")):

        def edit(_: int, dataset: Dataset, number: int = number) -> None:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

        times = {"AcquisitionTime": clock, "SeriesTime": "160000", "FrameReferenceTime": str(number * 600_000)}
        series = pet(tmp_path / "in" / str(number), edit=edit, attributes=times)
        expected.append(series.array * BW)
    volumes = voxelry.load(tmp_path / "in", suv="bw").volumes
    assert len(volumes) == 3
    for volume, values in zip(volumes, expected, strict=True):
        np.testing.assert_allclose(volume.array, values, rtol=1e-6)


def philips(**scales: str) -> Edit:
    def edit(_: int, dataset: Dataset) -> None:
        own = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
        for name, value in scales.items():
            own.add_new({"suv": 0x00, "activity": 0x09}[name], "DS", value)

    return edit


def test_philips_factors_below_zero_are_refused(tmp_path: Path) -> None:
    words = refusal(tmp_path / "in", attributes={"Units": "CNTS"}, edit=philips(suv="-1", activity="-7"))
    assert "(7053,xx00) and (7053,xx09) are missing or not above 0" in words


LBM = 61.731_410 / WEIGHT


@pytest.mark.parametrize(
    ("units", "edit", "attributes", "kind", "expected"),
    [
        ("CNTS", philips(suv="0.0005", activity="7"), {}, "bw", 0.0005),
        ("CNTS", philips(suv="0.0005"), {"PatientWeight": None}, "bw", 0.0005),
        ("CNTS", philips(suv="0.0005"), {}, "lbm", 0.0005 * LBM),
        ("CNTS", philips(activity="7"), {}, "bw", 7 * BW),
        ("CNTS", philips(suv="0", activity="7"), {}, "bw", 7 * BW),
        ("CNTS", philips(suv="", activity="7"), {}, "lbm", 7 * BW * LBM),
        ("GML", None, {}, "bw", 1.0),
        ("GML", None, {"SUVType": "BW", "PatientWeight": None, "AcquisitionTime": None}, "bw", 1.0),
        ("GML", None, {"SUVType": "BW"}, "lbm", LBM),
        ("GML", None, {"DecayCorrection": "ADMIN"}, "bsa", 19.964_21 / WEIGHT),
    ],
)
def test_counts_of_philips_and_values_that_are_suv_already(
    tmp_path: Path, units: str, edit: Edit | None, attributes: dict[str, object], kind: Any, expected: float
) -> None:
    found = factor(tmp_path / "in", kind, edit=edit, attributes={"Units": units} | attributes)
    assert found == pytest.approx(expected, rel=1e-5)


def test_enhanced_objects_by_the_standard_s_own_attributes(tmp_path: Path) -> None:
    """Attenuation Corrected, Decay Corrected and the moment that decay is corrected to; the unit as Rescale Type."""

    def edit(_: int, dataset: Dataset) -> None:
        for keyword in ("CorrectedImage", "DecayCorrection", "Units", "SeriesType", "AcquisitionTime"):
            delattr(dataset, keyword)
        dataset.AttenuationCorrected = dataset.DecayCorrected = "YES"
        dataset.DecayCorrectionDateTime = "20200102120000"
        for group in dataset.PerFrameFunctionalGroupsSequence:
            group.PixelValueTransformationSequence[0].RescaleType = "BQML"

    dated = isotope(RadiopharmaceuticalStartDateTime="20200102110000")
    assert factor(tmp_path / "in", frames="enhanced", edit=edit, isotopes=dated) == pytest.approx(BW, rel=1e-6)

    def not_corrected(index: int, dataset: Dataset) -> None:
        edit(index, dataset)
        dataset.AttenuationCorrected = "NO"

    assert "(0028,0051)" in refusal(tmp_path / "no", frames="enhanced", edit=not_corrected, isotopes=dated)


def mapped(dataset: Dataset, unit: str) -> None:
    """Real World Value Mapping instead of a rescale in a unit, which is how enhanced PET is written."""
    for keyword in ("Units", "RescaleType"):
        dataset.pop(keyword, None)
    code, line = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = unit, "UCUM", unit
    line.MeasurementUnitsCodeSequence = DicomSequence([code])
    line.RealWorldValueSlope, line.RealWorldValueIntercept = 12.0, 0.0
    line.RealWorldValueFirstValueMapped, line.RealWorldValueLastValueMapped = 0, 4095
    line.LUTLabel = line.LUTExplanation = "activity"
    dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence = DicomSequence([line])


@pytest.mark.parametrize(("unit", "expected"), [("Bq/ml", 12 * BW), ("g/ml{SUVbw}", 12.0), ("ug/ml", None)])
def test_enhanced_objects_in_the_unit_of_their_mapping(tmp_path: Path, unit: str, expected: float | None) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        mapped(dataset, unit)

    if expected is None:
        assert "Units (0054,1001) is another word" in refusal(tmp_path / "in", frames="enhanced", edit=edit)
        return
    series = pet(tmp_path / "in", frames="enhanced", edit=edit)
    volume = voxelry.load_volume(tmp_path / "in", suv="bw")
    np.testing.assert_allclose(volume.array, series.stored * expected, rtol=1e-6)
    assert volume.unit == "g/ml"


def test_objects_converted_to_enhanced_keep_their_attributes_in_groups(tmp_path: Path) -> None:
    names = ("CorrectedImage", "DecayCorrection", "Units", "RadiopharmaceuticalInformationSequence", "AcquisitionTime")

    def edit(_: int, dataset: Dataset) -> None:
        item = Dataset()
        for keyword in names:
            setattr(item, keyword, dataset[keyword].value)
            delattr(dataset, keyword)
        shared = dataset.SharedFunctionalGroupsSequence[0]
        shared.UnassignedSharedConvertedAttributesSequence = DicomSequence([item])

    assert factor(tmp_path / "in", frames="enhanced", edit=edit) == pytest.approx(BW, rel=1e-6)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"CorrectedImage": ["DECY", "SCAT"]}, "Corrected Image (0028,0051) lacks ATTN"),
        ({"CorrectedImage": ["ATTN", "SCAT"]}, "Corrected Image (0028,0051) lacks DECY"),
        ({"CorrectedImage": ["DECY"], "AttenuationCorrected": "YES"}, "Corrected Image (0028,0051) lacks ATTN"),
        ({"CorrectedImage": None}, "Corrected Image (0028,0051) is missing"),
        ({"DecayCorrection": "NONE"}, "Decay Correction (0054,1102) is NONE; START or ADMIN is needed"),
        ({"DecayCorrection": None}, "Decay Correction (0054,1102) is missing"),
        ({"DecayCorrection": "SOME NAME"}, "Decay Correction (0054,1102) is another word"),
        ({"Units": None}, "Units (0054,1001) is missing"),
        ({"Units": "PROPCPS"}, "Units (0054,1001) is PROPCPS"),
        ({"Units": "SOME NAME"}, "Units (0054,1001) is another word"),
        ({"RescaleType": "g/ml"}, "Units (0054,1001) and Rescale Type (0028,1054) are two units of the same values"),
        ({"Units": "CNTS"}, "(7053,xx00) and (7053,xx09) are missing"),
        ({"Units": "GML", "SUVType": "LBM"}, "SUV Type (0054,1006) is LBM"),
        ({"Units": "GML", "SUVType": "SOME NAME"}, "SUV Type (0054,1006) is another word"),
        ({"Units": "GML", "CorrectedImage": ["DECY"]}, "lacks ATTN"),
        ({"Units": "GML", "DecayCorrection": "NONE"}, "Decay Correction (0054,1102) is NONE"),
        ({"PatientWeight": None}, "Patient's Weight (0010,1030) is missing or not above 0"),
        ({"PatientWeight": "0"}, "Patient's Weight (0010,1030) is missing or not above 0"),
        ({"PatientWeight": "-80"}, "Patient's Weight (0010,1030) is missing or not above 0"),
        ({"PatientWeight": ""}, "Patient's Weight (0010,1030) is missing or not above 0"),
        ({"PatientWeight": "80000"}, "Patient's Weight (0010,1030) is no weight in kilograms"),
        ({"AcquisitionTime": None}, "Acquisition Time (0008,0032) is missing or malformed"),
        ({"AcquisitionDate": None}, "Acquisition Date (0008,0022) is missing or malformed"),
    ],
)
def test_images_that_are_refused(tmp_path: Path, attributes: dict[str, object], words: str) -> None:
    assert words in refusal(tmp_path / "in", attributes=attributes)


@pytest.mark.parametrize(
    ("kind", "attributes", "words"),
    [
        ("lbm", {"PatientSize": None}, "Patient's Size (0010,1020) is missing or not above 0"),
        ("lbm", {"PatientSize": "0"}, "Patient's Size (0010,1020) is missing or not above 0"),
        ("bsa", {"PatientSize": "180"}, "Patient's Size (0010,1020) is no height in metres"),
        ("lbm", {"PatientSex": "O"}, "Patient's Sex (0010,0040) is missing, or none"),
        ("lbm-james", {"PatientSex": None}, "Patient's Sex (0010,0040) is missing, or none"),
        ("lbm-james", {"PatientWeight": "300"}, "outside what the formula of lean body mass holds for"),
    ],
)
def test_sizes_that_are_refused(tmp_path: Path, kind: Any, attributes: dict[str, object], words: str) -> None:
    assert words in refusal(tmp_path / "in", kind, attributes=attributes)


@pytest.mark.parametrize(
    ("isotopes", "words"),
    [
        (DicomSequence([]), "Radiopharmaceutical Information Sequence (0054,0016) has no items"),
        (DicomSequence([*isotope(), *isotope()]), "Radiopharmaceutical Information Sequence (0054,0016) has 2 items"),
        (isotope(RadionuclideTotalDose="0"), "Radionuclide Total Dose (0018,1074) is missing or not above 0"),
        (isotope(RadionuclideTotalDose=None), "Radionuclide Total Dose (0018,1074) is missing or not above 0"),
        (isotope(RadionuclideTotalDose="370"), "Radionuclide Total Dose (0018,1074) is no dose in Bq"),
        (isotope(RadionuclideHalfLife=None), "Radionuclide Half Life (0018,1075) is missing or not above 0"),
        (isotope(RadiopharmaceuticalStartTime=None), "(0018,1078) is missing and"),
        (isotope(RadiopharmaceuticalStartTime=""), "(0018,1078) is missing and"),
        (isotope(RadiopharmaceuticalStartDateTime="20200102"), "(0018,1078) is malformed, or has no time"),
        (isotope(RadiopharmaceuticalStartDateTime="20200102120001"), "(0018,1078) is later than the scan"),
        (isotope(RadiopharmaceuticalStartDateTime="20100102110000"), "more than 10 times Radionuclide Half Life"),
        (isotope(RadiopharmaceuticalStartTime="120001"), "more than 10 times Radionuclide Half Life"),
    ],
)
def test_doses_and_times_that_are_refused(tmp_path: Path, isotopes: Any, words: str) -> None:
    assert words in refusal(tmp_path / "in", isotopes=isotopes)


def test_files_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    def edit(index: int, dataset: Dataset) -> None:
        dataset.PatientWeight = str(80 + index)

    assert "the files differ in the dose" in refusal(tmp_path / "in", edit=edit)


def test_a_picture_beside_the_images_does_not_spoil_them(tmp_path: Path) -> None:
    series = pet(tmp_path / "in")
    lacking: dict[str, object] = {"CorrectedImage": None, "AcquisitionTime": None}
    pet(tmp_path / "in", rows=9, first_index=50, attributes=lacking)
    result = voxelry.load(tmp_path / "in", suv="bw")
    assert [problem.code for problem in result.skipped.values()] == ["suv"] * 3
    np.testing.assert_allclose(result.volumes[0].array, series.array * BW, rtol=1e-6)


def test_other_modalities_stay_as_they_are(tmp_path: Path) -> None:
    pet(tmp_path / "in" / "pet")
    ct = synthetic_series(tmp_path / "in" / "ct", seed=9)
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti", suv="bw")
    assert report.complete
    of_ct = next(one for one in report.written if one.path.name.startswith("ct"))
    assert [words for words in of_ct.warnings if "no images of PET" in words]
    np.testing.assert_array_equal(voxelry.load_volume(of_ct.path).array, ct.array)


def test_choices_that_there_are_not(tmp_path: Path) -> None:
    pet(tmp_path / "in")
    kind: Any = "ibw"
    with pytest.raises(voxelry.ParameterError, match="bw, lbm, lbm-james, bsa"):
        voxelry.load(tmp_path / "in", suv=kind)
    with pytest.raises(voxelry.ParameterError, match="ask for one"):
        voxelry.convert(tmp_path / "in", tmp_path / "out.nii", suv="bw", real_world=True)
    for name, kind_of_file in (("out", "dicom"), ("out.csv", "csv")):
        with pytest.raises(voxelry.ParameterError, match=f"not written as {kind_of_file}"):
            voxelry.convert(tmp_path / "in", tmp_path / name, format=kind_of_file, suv="bw")


def test_another_kind_is_another_file(tmp_path: Path) -> None:
    pet(tmp_path / "in")
    for kind, written in ((None, 1), ("bw", 0), (None, 1)):
        asked: Any = kind
        report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti", suv=asked)
        assert len(report.written) == written  # what is there has other values, and is not taken for these


def test_the_terminal_says_why(tmp_path: Path) -> None:
    series = pet(tmp_path / "good")
    pet(tmp_path / "bad", attributes={"PatientWeight": "0"})
    run = CliRunner().invoke(app, ["convert", str(tmp_path / "good"), str(tmp_path / "a.nii"), "--suv", "bw"])
    assert run.exit_code == 0, run.output
    np.testing.assert_allclose(voxelry.load_volume(tmp_path / "a.nii").array, series.array * BW, rtol=1e-6)
    for more in ([], ["--plan"]):
        run = CliRunner().invoke(
            app, ["convert", str(tmp_path / "bad"), str(tmp_path / "b.nii"), "--suv", "bw", "--json", *more]
        )
        assert run.exit_code != 0
        assert "Patient's Weight (0010,1030) is missing or not above 0" in run.output
    assert not (tmp_path / "b.nii").exists()


# --- properties -------------------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(times=st.floats(0.125, 8), split=st.sampled_from(["single", "enhanced"]), numbers=st.integers(0, 5))
def test_it_is_linear_in_activity_and_independent_of_files(
    tmp_path_factory: pytest.TempPathFactory, times: float, split: Any, numbers: int
) -> None:
    folder = tmp_path_factory.mktemp("suv")
    plain = pet(folder / "plain", shuffled=True, seed=numbers)
    pairs = [(float(f"{slope * times:.6g}"), 0.0) for slope, _ in PAIRS]
    pet(folder / "times", pairs=pairs, frames=split, seed=numbers)
    first = voxelry.load_volume(folder / "plain", suv="bw").array
    np.testing.assert_allclose(first, plain.array * BW, rtol=1e-6)
    np.testing.assert_allclose(voxelry.load_volume(folder / "times", suv="bw").array, first * times, rtol=1e-5)


# --- real images ------------------------------------------------------------------------------------------------------


def test_a_real_scan_is_what_its_header_gives(corpus: Path, tmp_path: Path) -> None:
    """GE's values are SUV by body weight already, with a slope in each slice; as Bq/ml they are computed by hand."""
    folder = corpus / "ct_mr_pet_rtstruct" / "PET" / "image"
    sources = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    sources.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    suv = np.stack([one.pixel_array * float(one.RescaleSlope) for one in sources])
    np.testing.assert_allclose(voxelry.load_volume(folder, suv="bw").array, suv, rtol=1e-6)
    first = sources[0]
    weight, height = float(first.PatientWeight), 100 * float(first.PatientSize)
    james = 1.10 * weight - 128 * (weight / height) ** 2
    np.testing.assert_allclose(voxelry.load_volume(folder, suv="lbm-james").array, suv * james / weight, rtol=1e-6)

    # the same scan as other makers write it: Bq/ml, decay corrected to the start of the scan
    item = first.RadiopharmaceuticalInformationSequence[0]
    seconds = 2711.0  # from 10:35:00 to 11:20:11
    left = float(item.RadionuclideTotalDose) * 0.5 ** (seconds / float(item.RadionuclideHalfLife))
    (tmp_path / "bqml").mkdir()
    for number, one in enumerate(sources):
        one.Units, one.DecayCorrection = "BQML", "START"
        one.RescaleSlope = f"{float(one.RescaleSlope) * 1e4:.9g}"
        one.save_as(tmp_path / "bqml" / f"{number}.dcm")
    activity = np.stack([one.pixel_array * float(one.RescaleSlope) for one in sources])
    found = voxelry.load_volume(tmp_path / "bqml", suv="bw").array
    np.testing.assert_allclose(found, activity * 1000 * weight / left, rtol=1e-6)
