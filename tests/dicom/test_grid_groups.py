"""What separates images and what is noise; and what is said of slices that are kept apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.dicom.series.hierarchy import Series
from voxelry.testing import AXIAL, synthetic_series, uid

Edit = Callable[[int, Dataset], None]


def of(folder: Path, edit: Edit | None = None, *, slices: int = 12, **more: object) -> Series:
    if not folder.exists():
        synthetic_series(folder, slices=slices, rows=4, columns=5, edit=edit, shuffled=True, **more)  # type: ignore[arg-type]
    [series] = voxelry.load_study(folder).series
    return series


def reference(names: Callable[[int], str]) -> Edit:
    """Frames of reference by slice; an empty name takes the attribute away."""

    def edit(k: int, dataset: Dataset) -> None:
        if names(k):
            dataset.FrameOfReferenceUID = uid("place", names(k))
        else:
            del dataset.FrameOfReferenceUID

    return edit


def codes(series: Series) -> list[str]:
    return [problem.code for problem in series.report.problems]


# --- frames of reference ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        lambda k: str(k),  # one for each slice
        lambda k: str(max(k, 1)),  # nearly so
        lambda k: str(k // 2),  # one for two
        lambda k: "one" if k != 5 else "",  # missing in one
        lambda k: "one" if k < 4 else "",  # missing in most
        lambda k: "one" if k not in (1, 4, 6, 8, 10) else "",  # so that most gaps of the others are two steps
        lambda k: "one" if k not in (1, 4, 6, 8, 10) else str(k),
        lambda k: "one" if k != 5 else "other",  # a UID that occurs once, in the middle
        lambda k: "one" if k != 11 else "other",  # and at the end
        lambda k: "one" if k < 6 else str(k),
    ],
)
def test_frames_of_reference_that_are_noise_separate_nothing(tmp_path: Path, names: Callable[[int], str]) -> None:
    series = of(tmp_path / "in", reference(names))
    [stack] = series.stacks
    assert stack.regular
    assert stack.shape[0] == 12
    assert stack.frame_of_reference_uid is None
    [problem] = series.report.problems
    assert problem.code == "frame_of_reference"
    assert "Frame of Reference UID (0020,0052)" in problem.message
    volume = voxelry.load_volume(tmp_path / "in")
    assert volume.frame_of_reference_uid is None
    assert problem.message in volume.warnings


@pytest.mark.parametrize(
    "names",
    [
        lambda k: "one" if k < 6 else "other",  # they abut
        lambda k: "one" if k % 2 else "other",  # they interleave
        lambda k: "one" if k < 10 else "other",
    ],
)
def test_two_frames_of_reference_with_several_slices_stay_apart(tmp_path: Path, names: Callable[[int], str]) -> None:
    series = of(tmp_path / "in", reference(names))
    assert len(series.stacks) == 2
    assert {stack.frame_of_reference_uid for stack in series.stacks} == {uid("place", "one"), uid("place", "other")}
    assert "several_frames_of_reference" in codes(series)


def test_a_hole_among_frames_of_reference_that_are_noise_is_a_hole(tmp_path: Path) -> None:
    series = of(tmp_path / "in", reference(str), slices=6, offsets=(0, 3, 6, 12, 15, 18))
    [stack] = series.stacks
    assert stack.problem is not None
    assert stack.problem.code == "missing_slices"


def test_time_points_of_one_place_each_with_its_own_uid_are_told_apart_as_ever(tmp_path: Path) -> None:
    """Each position has a UID of its own, and each time point all of them."""

    def edit(k: int, dataset: Dataset) -> None:
        dataset.FrameOfReferenceUID = uid("place", k % 4)
        dataset.TemporalPositionIdentifier = 1 + k // 4

    series = of(tmp_path / "in", edit, slices=8, offsets=(0, 3, 6, 9) * 2)
    assert [stack.shape[0] for stack in series.stacks] == [4, 4]
    assert all(stack.regular for stack in series.stacks)


def test_a_slice_made_again_in_another_place_stays_apart(tmp_path: Path) -> None:
    series = of(
        tmp_path / "in", reference(lambda k: "other" if k == 5 else "one"), slices=6, offsets=(0, 3, 6, 9, 12, 6)
    )
    assert [stack.shape[0] for stack in series.stacks] == [5, 1]


# --- orientation and spacing ------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_orientations_that_differ_by_noise_are_one(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Each within 0.9e-3 of their mean, so that two of them are up to 1.8e-3 apart."""
    noise = np.random.default_rng(seed).uniform(-1, 1, 12)
    noise -= noise.mean()
    noise *= 0.9e-3 / np.abs(noise).max()

    def edit(k: int, dataset: Dataset) -> None:
        angle = noise[k]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, f"{np.cos(angle):.12f}", f"{np.sin(angle):.12f}"]

    folder = tmp_path_factory.mktemp("noise") / "in"
    series = of(folder, edit)
    [stack] = series.stacks
    assert stack.shape[0] == 12
    np.testing.assert_allclose(stack.orientation, [*AXIAL[:5], noise.mean()], atol=1e-5)
    assert "uneven_orientations" in codes(series)


def test_a_true_rotation_is_kept_apart(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, f"{np.cos(k / 50):.12f}", f"{np.sin(k / 50):.12f}"]

    assert len(of(tmp_path / "in", edit, slices=4).stacks) == 4


# --- what differs is named --------------------------------------------------------------------------------------------

DIFFERENT: dict[str, tuple[Edit, str]] = {
    "Rows": (lambda _, d: (setattr(d, "Rows", 2), setattr(d, "Columns", 10)), "2 where the others have 4"),  # type: ignore[func-returns-value,dict-item]
    "Pixel Spacing": (
        lambda _, d: setattr(d, "PixelSpacing", [0.8016, 0.7]),
        "0.8016\\0.7 where the others have 0.8\\0.7",
    ),
    "Photometric Interpretation": (
        lambda _, d: setattr(d, "PhotometricInterpretation", "MONOCHROME1"),
        "MONOCHROME1 where the others have MONOCHROME2",
    ),
    "SOP Class UID": (
        lambda _, d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
        "Secondary Capture Image Storage where the others have CT Image Storage",
    ),
    "Image Orientation (Patient)": (
        lambda _, d: setattr(d, "ImageOrientationPatient", [1, 0, 0, 0, 0.999, 0.0447]),
        "1\\0\\0\\0\\0.999",
    ),
    "Image Type": (lambda _, d: setattr(d, "ImageType", ["DERIVED", "SECONDARY", "MIP"]), "MIP where the others have"),
}  # fmt: skip


@pytest.mark.parametrize("attribute", DIFFERENT)
@pytest.mark.parametrize("which", [0, 5, 11])
def test_a_slice_that_differs_is_named_with_both_values(tmp_path: Path, attribute: str, which: int) -> None:
    change, both = DIFFERENT[attribute]
    series = of(tmp_path / "in", lambda k, dataset: change(k, dataset) if k == which else None)
    stack, alone = series.stacks
    assert (stack.shape[0], alone.shape[0]) == (11, 1)
    problem = next(one for one in series.report.problems if one.code == "differing_slices")
    assert f"{attribute} (" in problem.message
    assert both in problem.message
    [file] = problem.numbers["files"]  # type: ignore[misc]
    assert Path(str(file)).name in {path.name for path in (tmp_path / "in").iterdir()}
    assert str(file) in problem.message
    if which == 5:
        assert stack.problem is not None
        assert stack.problem.code == "differing_slices"
        assert "missing" not in stack.problem.message
    else:
        assert stack.regular
        assert problem.message in stack.warnings
    assert any(attribute in words for words in alone.warnings)  # it is no volume of its own without a word


def test_several_that_differ_alike_are_said_once(tmp_path: Path) -> None:
    change, _ = DIFFERENT["Pixel Spacing"]
    series = of(tmp_path / "in", lambda k, dataset: change(k, dataset) if k in (3, 6, 7) else None)
    error, *_ = [one for one in series.report.problems if one.code == "differing_slices"]
    assert error.numbers["severity"] == "error"
    assert len(error.numbers["files"]) == error.numbers["count"] == 3  # type: ignore[arg-type]
    assert error.message.count("Pixel Spacing") == 1


def test_what_is_missing_besides_is_still_missing(tmp_path: Path) -> None:
    change, _ = DIFFERENT["Pixel Spacing"]
    series = of(
        tmp_path / "in", lambda k, dataset: change(k, dataset) if k == 3 else None, slices=8,
        offsets=(0, 3, 6, 9, 12, 18, 21, 24),
    )  # fmt: skip
    problem = series.stacks[0].problem
    assert problem is not None
    assert problem.code == "missing_slices"
    assert "2 slices missing" in problem.message
    assert "1 of them is there" in problem.message


def test_every_second_slice_that_differs_is_told(tmp_path: Path) -> None:
    """Both halves are regular, with twice the step."""
    change, _ = DIFFERENT["Photometric Interpretation"]
    series = of(tmp_path / "in", lambda k, dataset: change(k, dataset) if k % 2 else None)
    assert [stack.regular for stack in series.stacks] == [True, True]
    assert "differing_slices" in codes(series)


def test_a_slice_without_a_position_is_told(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        if k == 11:
            del dataset.ImagePositionPatient

    series = of(tmp_path / "in", edit)
    [problem] = [one for one in series.report.problems if one.code == "slices_without_place"]
    assert "Image Position (Patient)" in problem.message


# --- pictures of another kind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        ["DERIVED", "SECONDARY", "MIP"],
        ["DERIVED", "SECONDARY", "PROJECTION IMAGE"],
        ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"],
        ["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ["DERIVED", "SECONDARY", "SCREEN SAVE"],
        ["ORIGINAL", "SECONDARY", "OTHER", "CT_SOM5 PROT"],
        ["DERIVED", "SECONDARY", "DOSE_INFO"],
    ],
)
def test_a_derived_picture_leaves_the_stack_with_a_reason(tmp_path: Path, kind: list[str]) -> None:
    """It lies at a slice's own place, as makers write it: without its kind it would repeat a position."""

    def edit(k: int, dataset: Dataset) -> None:
        if k == 6:
            dataset.ImageType = kind

    series = of(tmp_path / "in", edit, slices=7, offsets=(0, 3, 6, 9, 12, 15, 6))
    assert [stack.shape[0] for stack in series.stacks] == [6, 1]
    assert series.stacks[0].regular
    [problem] = [one for one in series.report.problems if one.code == "other_kind"]
    assert problem.numbers["stacks"] == [1]
    assert "Image Type (0008,0008)" in problem.message


def test_a_series_of_reformats_is_a_stack(tmp_path: Path) -> None:
    series = of(tmp_path / "in", attributes={"ImageType": ["DERIVED", "SECONDARY", "MPR"]})
    [stack] = series.stacks
    assert stack.regular
    assert not series.report.problems


def test_original_and_derived_alone_separate_nothing(tmp_path: Path) -> None:
    """Compressing a slice with loss makes it DERIVED (PS3.3 C.7.6.1.1.2)."""

    def edit(k: int, dataset: Dataset) -> None:
        dataset.ImageType = ["DERIVED" if k == 4 else "ORIGINAL", "PRIMARY", "AXIAL"]

    assert len(of(tmp_path / "in", edit).stacks) == 1
