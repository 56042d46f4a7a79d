"""A file that is known to belong to a stack and cannot be used is missing from it; one that may is told."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML, UID, BasicTextSRStorage, JPEGLSLossless

import voxelry
from voxelry.core.errors import DamagedError, IncompleteStackError, PixelDataError, Problem, TruncatedError
from voxelry.dicom.headers.cut_headers import remains_of_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.testing import SyntheticSeries, synthetic_report, synthetic_series, write, zip_bytes, zip_folder
from voxelry.workflows.measure import measure_all

SLICES = 7
Edit = Callable[[int, Dataset], None]


def _cut(_: int, dataset: Dataset) -> None:
    dataset.PixelData = dataset.PixelData[:100]


def _slope(_: int, dataset: Dataset) -> None:
    dataset.RescaleSlope = "0"


def _without_pixels(_: int, dataset: Dataset) -> None:
    del dataset.PixelData


def _called_a_report(_: int, dataset: Dataset) -> None:
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = BasicTextSRStorage
    del dataset.PixelData


def _no_bits(_: int, dataset: Dataset) -> None:
    del dataset.BitsAllocated


def _unknown_syntax(_: int, dataset: Dataset) -> None:
    dataset.PixelData = encapsulate([b"1234"])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML


HEADERS = [_cut, _slope, _without_pixels, _called_a_report, _no_bits, _unknown_syntax]


def _series(folder: Path, damage: Edit, lost: set[int], **more: Any) -> SyntheticSeries:
    def edit(k: int, dataset: Dataset) -> None:
        if k in lost:
            damage(k, dataset)

    return synthetic_series(folder, slices=SLICES, edit=edit, **more)


def _jpeg_ls(lost: set[int]) -> Edit:
    def edit(k: int, dataset: Dataset) -> None:
        data = imagecodecs.jpegls_encode(dataset.pixel_array)
        if k in lost:
            data = data[:40] + bytes(len(data) - 60) + data[-20:]
        dataset.PixelData = encapsulate([bytes(data)])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless

    return edit


def _told(folder: Path) -> tuple[Problem, set[str]]:
    """The stack's problem, and the files that are told for themselves; all ways give the same."""
    report = measure_all(folder)
    assert not report.measurements
    by_code = {problem.code: problem for problem in report.skipped.values()}
    own = {Path(name).name for name, problem in report.skipped.items() if problem.code != "incomplete_stack"}
    return by_code["incomplete_stack"], own


def test_what_the_problem_says_of_differing_slices_is_not_said_twice(tmp_path: Path) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        if k == 2:
            dataset.PixelSpacing = [0.9, 0.7]
        if k == 6:
            del dataset.PixelData

    synthetic_series(tmp_path, slices=SLICES, edit=edit)
    problem, *others = voxelry.load_study(tmp_path).series[0].stacks[0].problems
    assert problem.code == "incomplete_stack"
    assert "0002.dcm has Pixel Spacing" in problem.message
    assert not any("0002.dcm" in one.message for one in others)


def _trigger_time_of_its_own(k: int, dataset: Dataset) -> None:
    dataset.TriggerTime = f"{10.5 * k:g}"


def _localizer(_: int, dataset: Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def _echo_spelled_otherwise(k: int, dataset: Dataset) -> None:
    dataset.EchoTime = "4.60" if k == SLICES - 1 else "46e-1"


@pytest.mark.parametrize("common", [_trigger_time_of_its_own, _localizer, _echo_spelled_otherwise])
@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("lost", [{6}, {1, 3, 5}])
def test_a_lost_slice_is_missed_whatever_else_differs_from_slice_to_slice(
    tmp_path: Path, common: Edit, modality: str, lost: set[int]
) -> None:
    def edit(k: int, dataset: Dataset) -> None:
        common(k, dataset)
        if k in lost:
            del dataset.PixelData

    synthetic_series(tmp_path, slices=SLICES, modality=modality, edit=edit)
    problem, _ = _told(tmp_path)
    assert problem.numbers["count"] == len(lost)


@pytest.mark.parametrize("damage", HEADERS)
@pytest.mark.parametrize(
    ("lost", "inside", "words"),
    [
        ({6}, 0, "1 slice is missing beyond the ends of what is left, at -12.00 mm"),
        ({0, 6}, 0, "2 slices are missing beyond the ends of what is left, at -30.00 mm, -12.00 mm"),
        ({3}, 1, "1 slice is missing within the stack, at -21.00 mm"),
        # What is left is regular, with twice the step: 3 mm would be 6.
        ({1, 3, 5}, 3, "3 slices are missing within the stack, at -27.00 mm, -21.00 mm, -15.00 mm"),
        ({1, 2, 3, 4, 5, 6}, 0, "6 slices are missing beyond the ends of what is left"),
    ],
)
def test_what_the_header_tells_is_missing_from_its_stack(
    tmp_path: Path, damage: Edit, lost: set[int], inside: int, words: str
) -> None:
    truth = _series(tmp_path, damage, lost)
    problem, own = _told(tmp_path)
    names = [truth.paths[k].name for k in sorted(lost)]
    assert own == set(names)
    assert words in problem.message
    assert f"{len(lost)} file{'s' * (len(lost) > 1)} could not be used" in problem.message
    assert names[0] in problem.message
    assert (problem.numbers["count"], problem.numbers["inside"]) == (len(lost), inside)
    assert problem.numbers["positions_mm"] == [-30.0 + 3 * k for k in sorted(lost)]
    (series,) = voxelry.index(tmp_path).series
    (stack,) = series.stacks
    assert stack.problem is not None
    assert stack.problem.message == problem.message
    assert series.report.problems[0].code == "incomplete_stack"
    with pytest.raises(IncompleteStackError, match="could not be used"):
        stack.volume()


@pytest.mark.parametrize("lost", [{6}, {1, 3, 5}])
def test_what_only_a_decoder_finds_is_the_same(tmp_path: Path, lost: set[int]) -> None:
    truth = synthetic_series(tmp_path, slices=SLICES, edit=_jpeg_ls(lost))
    problem, own = _told(tmp_path)
    assert own == {truth.paths[k].name for k in lost}
    assert problem.numbers["positions_mm"] == [-30.0 + 3 * k for k in sorted(lost)]
    assert ("within the stack" in problem.message) == (len(lost) > 1)
    with pytest.raises(PixelDataError, match="lacks"):
        voxelry.load_volume(tmp_path)


def test_the_one_volume_is_refused_with_the_files_own_error(tmp_path: Path) -> None:
    truth = _series(tmp_path, _cut, {6})
    with pytest.raises(TruncatedError, match=rf"{truth.paths[6].name}: .*its stack lacks a slice"):
        voxelry.load_volume(tmp_path)


def test_a_header_that_is_cut_off_still_tells_its_place(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=SLICES)
    content = truth.paths[6].read_bytes()
    end = content.index(b"\x28\x00\x02\x00US")  # Samples per Pixel, behind position and orientation
    truth.paths[6].write_bytes(content[: end + 5])
    problem, own = _told(tmp_path)
    assert own == {truth.paths[6].name}
    assert problem.numbers["positions_mm"] == [-12.0]


def test_half_a_uid_is_none(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=1)
    content = truth.paths[0].read_bytes()
    end = content.index(truth.series_instance_uid.encode()) + len(truth.series_instance_uid) - 2
    truth.paths[0].write_bytes(content[:end])
    source = FileSource.of(truth.paths[0])
    header = remains_of_header(source, source.head(2**20))
    assert header is not None
    assert header.series_instance_uid == ""
    assert header.sop_instance_uid == truth.instance_uids[0]


def _to(content: bytes) -> Callable[[bytes], bytes]:
    return lambda _: content


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:200],
        lambda content: content[:600],
        lambda content: content[:132] + np.random.default_rng(1).bytes(500),
        _to(b""),
        lambda content: bytes(len(content)),
        lambda content: np.random.default_rng(2).bytes(len(content)),
        lambda content: gzip.compress(content)[:150],
    ],
    ids=["cut at 200", "cut at 600", "garbage behind the mark", "empty", "zeros", "garbage", "half a gzip"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_may_be_a_slice_is_told(tmp_path: Path, damage: Callable[[bytes], bytes], *, packed: bool) -> None:
    truth = synthetic_series(tmp_path / "s", slices=SLICES)
    last = truth.paths[6]
    last.write_bytes(damage(last.read_bytes()))
    synthetic_series(tmp_path / "elsewhere", slices=3, seed=1)
    path = zip_folder(tmp_path / "all.zip", tmp_path / "s") if packed else tmp_path / "s"
    volume = voxelry.load_volume(path)
    assert volume.array.shape[0] == 6
    assert volume.warnings[0].startswith("1 file could not be used, so that slices may be missing; the first: ")
    assert last.name in volume.warnings[0]
    assert voxelry.measure(volume).warnings[0] == volume.warnings[0]
    other = voxelry.load_volume(tmp_path / "elsewhere")
    assert not other.warnings
    (series, beside) = sorted(voxelry.index(tmp_path).series, key=lambda one: -len(one.instances))[:2]
    assert [problem.code for problem in series.report.problems] == ["perhaps_incomplete"]
    assert not beside.report.problems


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"words " * 100),
        ("0099.dcm", b"words " * 100),
        (".DS_Store", b"\0\0\0\1Bud1" + bytes(range(200))),
        ("DICOMDIR", bytes(128) + b"DICM" + b"\2\0\0\0UL\4\0\1\0"),
        ("empty", b""),
    ],
)
def test_what_is_no_slice_is_not_missed(tmp_path: Path, name: str, content: bytes) -> None:
    synthetic_series(tmp_path, slices=SLICES)
    (tmp_path / name).write_bytes(content)
    report = write(synthetic_report(seed=0), tmp_path / "report.dcm")
    (tmp_path / "cut_report.dcm").write_bytes(report.read_bytes()[:420])  # behind its SOP class
    assert not voxelry.load_volume(tmp_path).warnings


def test_an_entry_of_an_archive_that_is_damaged_is_missing(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 4000, (SLICES, 80, 80)).astype(np.uint16)
    truth = synthetic_series(tmp_path / "s", pixels=pixels)
    content = bytearray(zip_bytes({path.name: path for path in truth.paths}, stored=True))
    content[content.index(truth.paths[6].name.encode()) + 12000] ^= 0xFF  # in its pixels: the checksum tells
    (tmp_path / "all.zip").write_bytes(content)
    skipped = voxelry.load(tmp_path / "all.zip").skipped
    assert sorted({problem.code for problem in skipped.values()}) == ["damaged", "incomplete_stack"]
    with pytest.raises(DamagedError, match=r"0006\.dcm: .*its stack lacks a slice"):
        voxelry.load_volume(tmp_path / "all.zip")


@pytest.mark.parametrize("name", ["zz_copy.dcm", "00_copy.dcm"])
def test_a_damaged_copy_of_a_slice_that_is_there_is_not_missed(tmp_path: Path, name: str) -> None:
    truth = synthetic_series(tmp_path, slices=SLICES)
    (tmp_path / name).write_bytes(truth.paths[3].read_bytes()[:-100])
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert not volume.warnings


def test_which_of_two_slices_belongs_there_cannot_be_told(tmp_path: Path) -> None:
    """Made again with another UID, and damaged: two whole ones with different pixels are no volume either."""
    truth = synthetic_series(tmp_path, slices=SLICES)
    dataset = pydicom.dcmread(truth.paths[2])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.RescaleSlope = "0"
    dataset.save_as(tmp_path / "again.dcm")
    problem, own = _told(tmp_path)
    assert own == {"again.dcm"}
    assert "where the stack has another slice, at -24.00 mm" in problem.message


def test_a_phase_that_is_lost_wholly_spoils_no_other(tmp_path: Path) -> None:
    for phase in range(2):
        _series(
            tmp_path, _cut, set(range(SLICES)) if phase else set(),
            attributes={"EchoTime": 4.5 + phase}, first_index=phase * SLICES, modality="MR",
        )  # fmt: skip
    result = voxelry.load(tmp_path)
    assert [len(volume.array) for volume in result.volumes] == [SLICES]
    (series,) = voxelry.index(tmp_path).series
    assert "unused_files" in [problem.code for problem in series.report.problems]


def test_two_slices_with_one_uid_are_both_missed(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=SLICES)
    dataset = pydicom.dcmread(truth.paths[6])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(truth.instance_uids[5])
    dataset.save_as(truth.paths[6])
    problem, own = _told(tmp_path)
    assert own == {truth.paths[6].name}
    assert "conflict" in {one.code for one in measure_all(tmp_path).skipped.values()}
    assert problem.numbers["positions_mm"] == [-12.0]


def test_a_damaged_file_of_another_series_is_not_missed(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=SLICES)
    other = synthetic_series(tmp_path / "other", slices=1, seed=1).paths[0]
    (tmp_path / "other.dcm").write_bytes(other.read_bytes()[:-100])
    other.unlink()
    result = voxelry.load(tmp_path)
    assert [len(volume.array) for volume in result.volumes] == [SLICES]
    assert not result.volumes[0].warnings


def test_of_three_phases_only_one_is_incomplete(tmp_path: Path) -> None:
    for phase in range(3):
        _series(
            tmp_path, _slope, {6} if phase == 1 else set(),
            attributes={"TemporalPositionIdentifier": phase + 1}, first_index=phase * SLICES,
        )  # fmt: skip
    result = voxelry.load(tmp_path)
    assert [volume.label for volume in result.volumes] == [
        "TemporalPositionIdentifier 1",
        "TemporalPositionIdentifier 3",
    ]
    assert not [words for volume in result.volumes for words in volume.warnings if "could not" in words]
    lacking = {problem.message for problem in result.skipped.values() if problem.code == "incomplete_stack"}
    assert len(lacking) == 1


def test_an_enhanced_object_that_is_cut_short(tmp_path: Path) -> None:
    whole = synthetic_series(tmp_path, slices=5, frames="enhanced")
    rest = synthetic_series(
        tmp_path, slices=5, frames="enhanced", first_index=5, position=(-10.0, 20.0, -15.0)
    )  # five more slices of the same series
    assert voxelry.load_volume(tmp_path).array.shape[0] == 10
    rest.paths[0].write_bytes(rest.paths[0].read_bytes()[:-100])
    problem, own = _told(tmp_path)
    assert own == {rest.paths[0].name}
    assert problem.numbers["positions_mm"] == [-15.0, -12.0, -9.0, -6.0, -3.0]
    whole.paths[0].unlink()
    (series,) = voxelry.index(tmp_path).series
    assert series.problem is not None
    assert series.problem.code == "truncated"


def test_a_lost_plane_of_another_direction_spoils_no_other_stack(tmp_path: Path) -> None:
    axial = synthetic_series(tmp_path, slices=3)
    _series(tmp_path, _slope, set(range(SLICES)), orientation=(0, 1, 0, 0, 0, -1), first_index=3)
    result = voxelry.load(tmp_path)
    assert [volume.array.shape for volume in result.volumes] == [axial.array.shape]
    (series,) = voxelry.index(tmp_path).series
    assert [problem.code for problem in series.report.problems] == ["unused_files"]


def test_split_never_reaches_across_a_lost_slice(tmp_path: Path) -> None:
    _series(tmp_path, _slope, {1, 3, 5})
    volumes = voxelry.load(tmp_path, on_irregular="split").volumes
    assert [len(volume.array) for volume in volumes] == [1, 1, 1, 1]
    assert all("3 files could not be used" in volume.warnings[0] for volume in volumes)
    (resampled,) = voxelry.load(tmp_path, on_irregular="resample").volumes
    assert any("3 files could not be used" in words for words in resampled.warnings)


def test_what_lies_in_no_place_is_told(tmp_path: Path) -> None:
    nowhere = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
    _series(tmp_path, _slope, {6}, attributes=nowhere)
    volume = voxelry.load_volume(tmp_path)
    assert volume.array.shape[0] == 6
    assert volume.warnings[0].startswith("1 file could not be used, so that slices may be missing")
