"""Every series has a geometry report: one sentence, and each finding in words and in numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry import GeometryReport, Problem, Series, Tolerances
from voxelry.core.geometry import DEFAULT_TOLERANCES
from voxelry.dicom.labels import shown
from voxelry.testing import (
    CORONAL,
    OBLIQUE,
    SECRETS,
    bad_files,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
)

Edit = Callable[[int, Dataset], None]


def series_at(folder: Path, tolerances: Tolerances = DEFAULT_TOLERANCES) -> Series:
    (found,) = voxelry.index(folder, tolerances=tolerances).series
    return found


def report_at(folder: Path, tolerances: Tolerances = DEFAULT_TOLERANCES) -> GeometryReport:
    report = series_at(folder, tolerances).report
    record = json.loads(json.dumps(report.record, allow_nan=False))
    assert record["regular"] == report.regular
    assert record["summary"] == report.words == str(report)
    for problem in record["problems"]:
        assert problem["code"]
        assert problem["message"]
        assert problem["severity"] in ("error", "warning", "note")
        assert (problem["stack"] is None) or problem["stack"] == problem["stacks"][0]
    assert not any(secret in json.dumps(record) for secret in SECRETS)
    return report


def found(report: GeometryReport, code: str) -> Problem:
    (problem,) = [problem for problem in report.problems if problem.code == code]
    return problem


def without(*keywords: str) -> Edit:
    def edit(_: int, dataset: Dataset) -> None:
        for keyword in keywords:
            if keyword in dataset:
                del dataset[keyword]

    return edit


untimed = without("AcquisitionTime", "ContentTime", "AcquisitionDateTime", "AcquisitionNumber")


# --- the grid ---------------------------------------------------------------------------------------------------------


def test_a_regular_series_has_a_sentence_and_no_problem(tmp_path: Path) -> None:
    synthetic_series(tmp_path, orientation=OBLIQUE, shuffled=True)
    assert report_at(tmp_path) == GeometryReport(True, "regular: 5 slices of 16 x 20, 3 mm apart", ())


@settings(max_examples=20)
@given(st.permutations(range(6)), st.sampled_from([(0, 3, 6, 12, 15, 18), (0, 3, 6, 9, 14, 19), (0, 3, 6, 9, 12, 15)]))
def test_file_order_never_matters(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], offsets: tuple[float, ...]
) -> None:
    folder = tmp_path_factory.mktemp("series")
    truth = synthetic_series(folder, slices=6, offsets=offsets)
    before = report_at(folder).record
    for number, k in enumerate(order):
        truth.paths[k].rename(folder / f"moved-{number}")
    assert report_at(folder).record == before


@settings(max_examples=20)
@given(st.integers(1, 8), st.sampled_from([1, 2]))
def test_a_removed_slice_is_always_named(tmp_path_factory: pytest.TempPathFactory, gone: int, count: int) -> None:
    folder = tmp_path_factory.mktemp("series")
    truth = synthetic_series(folder, slices=12, rows=2, columns=2, orientation=OBLIQUE)
    for k in range(gone, gone + count):
        truth.paths[k].unlink()
    report = report_at(folder)
    problem = found(report, "missing_slices")
    assert not report.regular
    assert report.words.startswith(f"irregular: {count} slice")
    assert report.words.endswith(f"({12 - count} slices of 2 x 2)")
    ((low, high),) = np.array(problem.numbers["gaps_mm"])
    assert (problem.numbers["count"], problem.numbers["severity"], problem.numbers["stack"]) == (count, "error", 0)
    assert high - low == pytest.approx(3 * (count + 1), abs=1e-3)


def test_uneven_spacing_has_its_runs(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 6, 11, 16))
    assert found(report_at(tmp_path), "uneven_spacing").numbers["runs"] == [
        {"count": 2, "gap_mm": 3.0, "from_mm": -30.0},
        {"count": 2, "gap_mm": 5.0, "from_mm": -24.0},
    ]


def test_what_the_tolerances_say_goes_all_the_way_down(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 6.03, 9, 12))
    assert found(report_at(tmp_path), "uneven_positions").numbers["deviation_mm"] == pytest.approx(0.03)
    assert not report_at(tmp_path, Tolerances(noticeable=0.02)).problems
    assert not report_at(tmp_path, Tolerances(irregular=0.005)).regular
    strict, relaxed = Tolerances(irregular=0.005), Tolerances(noticeable=0.02)
    assert not voxelry.load(tmp_path, tolerances=strict).volumes
    assert not voxelry.load_volume(tmp_path, tolerances=relaxed).warnings
    assert not voxelry.load_study(tmp_path, tolerances=strict).series[0].stacks[0].regular


def test_the_warnings_of_a_volume_are_the_reports_own_words(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 6.03, 9, 12), attributes={"SpacingBetweenSlices": "7"})
    report = report_at(tmp_path)
    warnings = tuple(p.message for p in report.problems if p.numbers["severity"] == "warning")
    assert voxelry.load_volume(tmp_path).warnings == warnings
    assert len(warnings) == 2


# --- the header beside the positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "agrees", "words"),
    [("18.4", True, "agrees"), ("-18.43", True, "agrees"), ("5", False, "disagrees"), (None, None, "table")],
)
def test_a_tilt_is_compared_with_the_headers(tmp_path: Path, said: str | None, agrees: bool | None, words: str) -> None:
    synthetic_series(tmp_path, shear=(0.0, 1.0, 0.0), attributes={"GantryDetectorTilt": said})
    report = report_at(tmp_path)
    problem = found(report, "tilt")
    assert report.regular
    assert report.words == "regular: 5 slices of 16 x 20, 3 mm apart, tilted by 18.43 degrees"
    assert problem.numbers["tilt_degrees"] == pytest.approx(np.degrees(np.arctan(1 / 3)))
    assert problem.numbers["agrees"] is agrees
    assert words in problem.message


@pytest.mark.parametrize(("kind", "severity"), [("ORIGINAL", "warning"), ("DERIVED", "note")])
def test_a_tilt_that_only_the_header_knows_is_named(tmp_path: Path, kind: str, severity: str) -> None:
    synthetic_series(tmp_path, attributes={"GantryDetectorTilt": "-12", "ImageType": [kind, "PRIMARY", "AXIAL"]})
    problem = found(report_at(tmp_path), "header_tilt")
    assert (problem.numbers["severity"], problem.numbers["header_tilt_degrees"]) == (severity, -12.0)


@pytest.mark.parametrize(("said", "told"), [("3", False), ("-3", False), ("3.05", False), ("2", True), ("?", False)])
def test_a_header_spacing_that_disagrees_is_named(tmp_path: Path, said: str, told: bool) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.add_new(0x00180088, "LO" if said == "?" else "DS", said)

    synthetic_series(tmp_path, edit=edit)
    codes = [problem.code for problem in report_at(tmp_path).problems]
    assert codes == (["header_spacing"] if told else [])


@pytest.mark.parametrize(
    ("lost", "missing", "severity"),
    [
        (("ImagePositionPatient",), ["position"], "warning"),
        (("ImageOrientationPatient",), ["orientation"], "warning"),
        (("PixelSpacing",), ["pixel_spacing"], "note"),
        (("ImagePositionPatient", "PixelSpacing"), ["position", "pixel_spacing"], "warning"),
    ],
)
def test_what_there_is_no_geometry_of_is_named(
    tmp_path: Path, lost: tuple[str, ...], missing: list[str], severity: str
) -> None:
    synthetic_series(tmp_path, edit=without(*lost))
    problem = found(report_at(tmp_path), "no_geometry")
    assert (problem.numbers["missing"], problem.numbers["severity"]) == (missing, severity)
    names = {"ImagePositionPatient": "Image Position", "ImageOrientationPatient": "Image Orientation"}
    assert all(names.get(keyword, "Pixel Spacing") in problem.message for keyword in lost)


def test_images_without_a_place_are_not_called_a_regular_grid(tmp_path: Path) -> None:
    synthetic_series(tmp_path, edit=without("ImagePositionPatient"))
    assert report_at(tmp_path).words == "5 images of 16 x 20 without a place in the patient"


def test_several_orientations_are_named(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a", slices=6)
    synthetic_series(tmp_path / "b", slices=3, orientation=CORONAL, first_index=6)
    report = report_at(tmp_path)
    assert len(found(report, "several_orientations").numbers["orientations"]) == 2  # type: ignore[arg-type]
    assert report.words == "regular: 2 stacks: 6 slices of 16 x 20, 3 mm apart; 3 slices of 16 x 20, 3 mm apart"


# --- repeated positions -----------------------------------------------------------------------------------------------


def test_dropped_duplicates_are_named_with_their_positions(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    pixels = np.stack([truth.stored[2]])
    synthetic_series(tmp_path, pixels=pixels, position=(-10.0, 20.0, -24.0), first_index=5)
    problem = found(report_at(tmp_path), "duplicate_slices")
    assert problem.numbers["positions_mm"] == [-24.0]
    assert (problem.numbers["identical"], problem.numbers["count"]) == (True, 1)
    assert "at -24.00 mm" in problem.message


def test_repeated_positions_with_other_pixels_are_named(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 3, 6, 9), edit=untimed)
    report = report_at(tmp_path)
    problem = found(report, "repeated_positions")
    assert problem.numbers["positions_mm"] == [-27.0]
    assert (problem.numbers["identical"], problem.numbers["count"]) == (False, 5)
    assert not report.regular


def test_near_duplicates_are_named_as_such(tmp_path: Path) -> None:
    synthetic_series(tmp_path, offsets=(0, 3, 3.1, 6, 9))
    problem = found(report_at(tmp_path), "near_duplicate_positions")
    assert problem.numbers["positions_mm"] == [[-27.0, -26.9]]


def phases(folder: Path, count: int, edit: Edit, *, slices: int = 5, interleaved: bool = False) -> None:
    """Slices at five positions, again and again; the last time perhaps fewer."""
    sets = -(-count // slices)
    offsets = tuple(3.0 * (k // sets if interleaved else k % slices) for k in range(count))
    synthetic_series(folder, slices=count, offsets=offsets, modality="MR", rescale=None, edit=edit, shuffled=True)


def test_the_separating_attribute_and_its_values_are_named(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.EchoTime = ("4.6", "11.5", "90")[k // 5]

    phases(tmp_path, 15, edit)
    report = report_at(tmp_path)
    problem = found(report, "separated")
    assert report.words == "regular: 3 stacks, each of 5 slices of 16 x 20, 3 mm apart"
    assert problem.numbers["attributes"] == ["EchoTime"]
    assert problem.numbers["values"] == ["4.6", "11.5", "90"]
    assert problem.numbers["stacks"] == [0, 1, 2]
    assert "3 volumes told apart by Echo Time (0018,0081): 4.6; 11.5; 90" in problem.message


def test_phases_by_number_name_the_time_that_says_the_same(tmp_path: Path) -> None:
    """As in a breast MR of three phases whose Acquisition Numbers are 1, 2 and 2."""

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.AcquisitionNumber = (1, 2, 2)[k // 5]
        dataset.AcquisitionTime = f"{101000 + 100 * (k // 5) + k:06d}"

    phases(tmp_path, 15, edit)
    problem = found(report_at(tmp_path), "separated")
    assert problem.numbers["attributes"] == ["InstanceNumber"]
    assert problem.numbers["values"] == ["1-5", "6-10", "11-15"]
    assert problem.numbers["confirmed_by"] == "AcquisitionTime"
    assert "1010" not in problem.message
    assert "Acquisition Time (0008,0032) says the same" in problem.message


def test_numbers_that_do_not_follow_each_other_are_an_order(tmp_path: Path) -> None:
    phases(tmp_path, 10, untimed, interleaved=True)
    series = series_at(tmp_path)
    assert [stack.label for stack in series.stacks] == ["InstanceNumber order 1", "InstanceNumber order 2"]
    assert found(report_at(tmp_path), "order_alone").numbers["stacks"] == [0, 1]


def test_the_incomplete_last_phase_is_named(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.TemporalPositionIdentifier = k // 5 + 1

    phases(tmp_path / "a", 13, edit)
    problem = found(report_at(tmp_path / "a"), "incomplete")
    assert problem.message.startswith("incomplete: 3 of 5 positions have Temporal Position Identifier (0020,0100) 3")
    wanted = {"attribute": "TemporalPositionIdentifier", "value": "3", "count": 3, "positions": 5, "stack": 2}
    assert {key: problem.numbers[key] for key in wanted} == wanted
    assert problem.numbers["missing_mm"] == [-21.0, -18.0]
    phases(tmp_path / "b", 13, untimed)
    problem = found(report_at(tmp_path / "b"), "incomplete")
    assert (problem.numbers["attribute"], problem.numbers["value"]) == ("InstanceNumber", "11-13")


def test_one_slice_made_again_is_no_phase(tmp_path: Path) -> None:
    phases(tmp_path, 6, untimed)
    assert found(report_at(tmp_path), "repeated_positions").numbers["count"] == 6


def test_phases_with_equal_empty_slices_are_no_duplicates(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(1, 4000, (15, 8, 8)).astype(np.uint16)
    pixels[[0, 5, 10]] = 0  # air above the patient
    offsets = tuple(3.0 * (k % 5) for k in range(15))
    synthetic_series(tmp_path, pixels=pixels, offsets=offsets, modality="MR", rescale=None, edit=untimed)
    volumes = voxelry.load(tmp_path).volumes
    assert [volume.label for volume in volumes] == ["InstanceNumber 1-5", "InstanceNumber 6-10", "InstanceNumber 11-15"]
    np.testing.assert_array_equal(voxelry.stack_volumes(volumes), pixels.reshape(3, 5, 8, 8))


def test_a_whole_series_sent_twice_is_one_volume(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, modality="MR", rescale=None, edit=untimed)
    synthetic_series(tmp_path, pixels=truth.stored, modality="MR", rescale=None, edit=untimed, first_index=5)
    report = report_at(tmp_path)
    assert report.words == "regular: 5 slices of 16 x 20, 3 mm apart"
    assert found(report, "duplicate_slices").numbers["count"] == 5


@pytest.mark.parametrize(
    ("creator", "tag", "vr", "values"),
    [
        ("SIEMENS MR HEADER", 0x0019100C, "IS", ("0", "1000")),
        ("GEMS_PARM_01", 0x00431039, "IS", (["1000000000", "8"], ["1000001000", "8"])),
        ("Philips Imaging DD 001", 0x20011003, "FL", (0.0, 1000.0)),
    ],
)
def test_b_values_are_also_read_where_makers_put_them(
    tmp_path: Path, creator: str, tag: int, vr: str, values: tuple[object, object]
) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        dataset.add_new((tag >> 16 << 16) | 0x0010, "LO", creator)
        dataset.add_new(tag, vr, values[k // 5])

    phases(tmp_path, 10, edit)
    assert [stack.label for stack in series_at(tmp_path).stacks] == ["DiffusionBValue 0", "DiffusionBValue 1000"]


@pytest.mark.parametrize("keyword", ["ContentTime", "AcquisitionTime", "AcquisitionDateTime"])
def test_no_label_holds_a_time_of_day(tmp_path: Path, keyword: str) -> None:
    day = "20200102" if keyword.endswith("DateTime") else ""

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        setattr(dataset, keyword, day + ("101010.5", "101112")[k % 2])

    phases(tmp_path, 10, edit, interleaved=True)
    stacks = series_at(tmp_path).stacks
    assert [stack.label for stack in stacks] == [f"{keyword} +0 s", f"{keyword} +61.5 s"]
    assert "1010" not in json.dumps(report_at(tmp_path).record)


def test_times_that_cannot_be_read_are_an_order() -> None:
    assert shown("ContentTime", ["noon", "one"]) == ["order 1", "order 2"]
    assert shown("AcquisitionDateTime", ["20200102235959+0100", "20200103000001+0100"]) == ["+0 s", "+2 s"]
    assert shown("EchoTime", ["5", "9"]) == ["5", "9"]


# --- series without a stack -------------------------------------------------------------------------------------------


def test_objects_without_pixels_are_named_by_their_kind(tmp_path: Path) -> None:
    write(synthetic_report(), tmp_path / "report.dcm")
    report = report_at(tmp_path)
    assert (report.regular, report.words) == (False, "no image: Basic Text SR Storage")
    assert found(report, "no_pixel_data").numbers["severity"] == "note"


def test_a_header_that_contradicts_itself_is_an_error(tmp_path: Path) -> None:
    write(synthetic_instance(rescale=(0.0, 0.0)), tmp_path / "flat.dcm")
    report = report_at(tmp_path)
    assert "Rescale Slope (0028,1053) is 0" in report.words
    assert found(report, "pixel_data").numbers["severity"] == "error"


def test_every_series_has_a_report_whatever_there_is(tmp_path: Path) -> None:
    bad_files(tmp_path)
    for series in voxelry.index(tmp_path).series:
        assert series.report.words
        assert series.report.regular == (bool(series.stacks) and all(stack.regular for stack in series.stacks))


def test_every_series_of_the_corpus_has_a_report(corpus: Path) -> None:
    seen = voxelry.index(corpus).series
    assert len(seen) > 40
    for series in seen:
        record = json.dumps(series.report.record, allow_nan=False)
        severities = [problem.numbers["severity"] for problem in series.report.problems]
        assert series.report.regular == (bool(series.stacks) and "error" not in severities)
        assert str(series.instances[0].elements.dataset.get("PatientID") or "?unknown") not in record


def test_phases_of_a_breast_are_named_by_their_numbers(corpus: Path) -> None:
    report = report_at(corpus / "mr_breast_three_phases")
    problem = found(report, "separated")
    assert problem.numbers["values"] == ["1-60", "61-120", "121-180"]
    assert problem.numbers["confirmed_by"] == "AcquisitionTime"
    volumes = voxelry.load(corpus / "mr_breast_three_phases").volumes
    assert [volume.label for volume in volumes] == [
        f"InstanceNumber {value}" for value in ("1-60", "61-120", "121-180")
    ]
    assert voxelry.stack_volumes(volumes).shape == (3, 60, 256, 256)


def test_a_real_tilt_agrees_with_its_header(corpus: Path) -> None:
    problem = found(report_at(corpus / "ct_gantry_tilt"), "tilt")
    assert problem.numbers["tilt_degrees"] == pytest.approx(18.5, abs=0.01)
    assert (problem.numbers["header_tilt_degrees"], problem.numbers["agrees"]) == (-18.5, True)
