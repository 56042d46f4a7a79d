"""Every series has a geometry report: one sentence, and each finding in words and in numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.reports import found, report_at, without
from voxelry import GeometryReport, Tolerances
from voxelry.testing import (
    CORONAL,
    OBLIQUE,
    bad_files,
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    write,
)

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


def test_a_real_tilt_agrees_with_its_header(corpus: Path) -> None:
    problem = found(report_at(corpus / "ct_gantry_tilt"), "tilt")
    assert problem.numbers["tilt_degrees"] == pytest.approx(18.5, abs=0.01)
    assert (problem.numbers["header_tilt_degrees"], problem.numbers["agrees"]) == (-18.5, True)
