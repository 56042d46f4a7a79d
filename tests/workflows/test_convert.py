"""Conversions: one file for what goes together, names that tell nobody's, and nothing half-written."""

from __future__ import annotations

import json
import os
import re
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from tests.workflows.plain_format import PLAIN, SINGLE
from voxelry import ConvertReport, convert
from voxelry.core import registry
from voxelry.core.errors import ExistsError, NothingFoundError, ParameterError
from voxelry.core.value import Value
from voxelry.testing import OBLIQUE, PATIENT_ID, SECRETS, bad_files, synthetic_series, zip_folder
from voxelry.workflows.files.export_names import FIELDS, check_template, file_name, numbered
from voxelry.workflows.files.ledger import LEDGER


@pytest.fixture(autouse=True)
def plain_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside those that are installed, two of the tests' own."""
    own = [
        EntryPoint(name, f"tests.workflows.plain_format:{name.upper()}", registry.GROUP) for name in ("plain", "single")
    ]
    installed = registry.FormatRegistry(lambda: [*entry_points(group=registry.GROUP), *own])
    monkeypatch.setattr(registry, "_INSTALLED", installed)


def names(report: ConvertReport) -> list[str]:
    return [one.path.name for one in report.written]


def phases(folder: Path, count: int = 3) -> None:
    """Volumes of one place and one series."""
    for number in range(count):
        synthetic_series(
            folder / str(number),
            seed=7,
            first_index=0,
            pixels=np.arange(5 * 16 * 20, dtype=np.uint16).reshape(5, 16, 20) % 1000 + number,
            modality="MR",
            rescale=None,
            edit=partial(_phase, number),
        )


def _phase(number: int, index: int, dataset: Dataset) -> None:
    dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.TemporalPositionIdentifier = 4 + number
    dataset.NumberOfAverages = 2 + number
    dataset.InstanceNumber = 5 * number + index + 1


def test_one_volume_is_one_file_of_that_name(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in")
    report = convert(tmp_path / "in", tmp_path / "deep" / "out.plain")
    assert [one.path for one in report.written] == [tmp_path / "deep" / "out.plain"]
    assert report.written[0].shape == (5, 16, 20)
    assert report.complete
    assert not report.skipped
    (volume,) = PLAIN.read(str(tmp_path / "deep" / "out.plain"))
    np.testing.assert_array_equal(volume.array, truth.array)
    np.testing.assert_allclose(np.asarray(volume.affine), truth.affine)
    back = convert(tmp_path / "deep" / "out.plain", tmp_path / "again.single")
    np.testing.assert_array_equal(SINGLE.read(str(back.written[0].path))[0].array, truth.array)


@pytest.mark.parametrize("zipped", [False, True])
def test_volumes_of_one_place_are_one_file_in_their_order(tmp_path: Path, zipped: bool) -> None:
    phases(tmp_path / "in")
    source = zip_folder(tmp_path / "in.zip", tmp_path / "in") if zipped else tmp_path / "in"
    report = convert(source, tmp_path / "out.plain")
    assert report.written[0].shape == (3, 5, 16, 20)
    volumes = PLAIN.read(str(tmp_path / "out.plain"))
    assert [volume.label for volume in volumes] == [
        "TemporalPositionIdentifier 4",
        "TemporalPositionIdentifier 5",
        "TemporalPositionIdentifier 6",
    ]
    assert [int(volume.array[0, 0, 0]) for volume in volumes] == [0, 1, 2]
    assert all(
        np.array_equal(mine.array, theirs.array)
        for mine, theirs in zip(volumes, voxelry.load(source).volumes, strict=True)
    )


def test_a_format_that_holds_one_gets_a_file_for_each(tmp_path: Path) -> None:
    phases(tmp_path / "in")
    report = convert(tmp_path / "in", tmp_path / "out.single")
    assert names(report) == [
        "out-TemporalPositionIdentifier_4.single",
        "out-TemporalPositionIdentifier_5.single",
        "out-TemporalPositionIdentifier_6.single",
    ]
    assert [int(SINGLE.read(str(one.path))[0].array[0, 0, 0]) for one in report.written] == [0, 1, 2]
    again = convert(tmp_path / "in", tmp_path / "out.single")
    assert [one.fresh for one in again.written] == [False]
    assert again.written[0].files == 6  # each with its companion


def test_of_volumes_that_get_a_file_each_one_that_fails_spoils_no_other(tmp_path: Path) -> None:
    phases(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "taken").mkdir()
    whole = convert(tmp_path / "in", tmp_path / "taken" / "a.dcm").written
    assert len(whole) == 3
    (tmp_path / "out" / whole[1].path.name).write_bytes(b"mine")
    report = convert(tmp_path / "in", tmp_path / "out" / "a.dcm")
    assert [one.path.name for one in report.written] == [whole[0].path.name, whole[2].path.name]
    assert list(report.skipped) == [str(tmp_path / "out" / whole[1].path.name)]
    (tmp_path / "out" / whole[1].path.name).unlink()
    again = convert(tmp_path / "in", tmp_path / "out" / "a.dcm")
    assert again.complete, again.skipped
    assert len(again.written) == 3
    assert not any(one.fresh for one in convert(tmp_path / "in", tmp_path / "out" / "a.dcm").written)


def test_a_folder_of_studies_has_a_file_for_each_series(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "a", seed=1)
    synthetic_series(tmp_path / "in" / "b", seed=2)
    synthetic_series(tmp_path / "in" / "gap", seed=3, offsets=(0, 3, 6, 12, 15))
    codes = bad_files(tmp_path / "in" / "bad")
    report = convert(tmp_path / "in", tmp_path / "out", format="plain")
    assert len(report.written) == 2
    assert not report.complete
    left = [problem.code for problem in report.skipped.values()]
    assert sorted(left) == sorted([*codes.values(), "missing_slices"])
    assert all(any(name in problem.message for problem in report.skipped.values()) for name in codes)
    split = convert(tmp_path / "in" / "gap", tmp_path / "split", format="plain", on_irregular="split")
    assert [one.shape[0] for one in split.written] == [3, 2]
    assert not any(secret in str(path) for path in tmp_path.rglob("*") for secret in SECRETS)
    assert not any(secret in (tmp_path / "out" / LEDGER).read_text() for secret in SECRETS)


def test_names_come_from_the_template_and_a_patient_only_where_it_asks(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", attributes={"SeriesDescription": "../T1: a/b", "SeriesNumber": 4})
    for template, expected in {
        "{modality}-{series_number}-{label}": "ct-4.plain",
        "{series_description}/{series_number}": "T1_a_b/4.plain",
        "x": "x.plain",
    }.items():
        report = convert(tmp_path / "in", tmp_path / template[:3], format="plain", name=template)
        assert report.written[0].path.relative_to(tmp_path / template[:3]) == Path(expected)
    asked = convert(tmp_path / "in", tmp_path / "patient", format="plain", name="{patient_id}")
    assert asked.written[0].path.stem == PATIENT_ID


@pytest.mark.parametrize("template", ["{nobody}", "../{modality}", "/{modality}", "{modality", "a\\b", "{label!r}"])
def test_templates_that_lead_nowhere_are_refused_before_anything_is_read(tmp_path: Path, template: str) -> None:
    with pytest.raises(ParameterError):
        convert(tmp_path / "missing", tmp_path / "out", format="plain", name=template)


@pytest.mark.slow
@given(st.text(), st.text(), st.lists(st.text()))
def test_whatever_a_header_says_is_a_safe_name(description: str, label: str, more: list[str]) -> None:
    values: dict[str, Value] = {"SeriesDescription": description, "PatientID": more[0] if more else None}
    template = "{series_description}-{label}/{patient_id}"
    check_template(template)
    made = file_name(template, values.get, label)
    parts = made.split("/")
    assert 1 <= len(parts) <= 2
    assert all(re.fullmatch(r"[\w+=.-]+", part) and part.strip(".") for part in parts)
    assert all(len(part) <= 200 for part in parts)


@given(st.lists(st.sampled_from(["a", "A", "a-1", "a-2", "b", "b-01"]), max_size=12))
def test_numbered_names_are_different_for_every_file_system(wanted: list[str]) -> None:
    found = numbered(wanted)
    assert len({name.lower() for name in found}) == len(wanted)
    assert all(name.startswith(asked) for name, asked in zip(found, wanted, strict=True))


def test_no_default_names_a_person() -> None:
    assert {"patient_id", "patient_name"} < set(FIELDS)
    assert file_name("{modality}-{series_number}", {"PatientName": "X", "Modality": "MR"}.get) == "mr"


def test_a_second_run_does_only_what_is_left(tmp_path: Path) -> None:
    first = synthetic_series(tmp_path / "in" / "a", seed=1)
    synthetic_series(tmp_path / "in" / "b", seed=2)
    template = "{series_uid}"
    done = convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    assert [one.fresh for one in done.written] == [True, True]
    stamps = {one.path: one.path.stat().st_mtime_ns for one in done.written}
    again = convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    assert [one.fresh for one in again.written] == [False, False]
    assert {one.path: one.path.stat().st_mtime_ns for one in again.written} == stamps
    gone = next(iter(stamps))
    gone.unlink()
    # Its companion is there still, from the same files, and is made again with it.
    mended = convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    assert sorted(one.fresh for one in mended.written) == [False, True]
    assert gone.is_file()
    gone.unlink()
    gone.with_name(f"{gone.name}.labels").write_text("somebody's own words")
    left = convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    assert {problem.code for problem in left.skipped.values()} == {"exists"}
    gone.with_name(f"{gone.name}.labels").unlink()
    convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    os.utime(first.paths[0], ns=(1, 1))
    changed = convert(tmp_path / "in", tmp_path / "out", format="plain", name=template)
    assert [problem.code for problem in changed.skipped.values()] == ["exists"]
    assert not changed.complete
    assert len(convert(tmp_path / "in", tmp_path / "out", format="plain", name=template, overwrite=True).written) == 2


def test_another_s_file_is_left_alone_unless_it_may_be_replaced(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    target = tmp_path / "out.plain"
    target.write_text("mine")
    report = convert(tmp_path / "in", target)
    assert not report.written
    assert target.read_text() == "mine"
    assert convert(tmp_path / "in", target, overwrite=True).written
    assert len(PLAIN.read(str(target))) == 1


def test_overwriting_takes_no_source_and_nothing_of_others(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "out" / "in")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "notes.txt").write_text("mine")
    source = tmp_path / "out" / "in"
    before = {path: path.read_bytes() for path in source.iterdir()}
    with pytest.raises(ExistsError, match="is the input as well"):
        convert(source, source, format="dicom", overwrite=True)
    for target in (tmp_path / "out", tmp_path / "others", next(iter(before))):
        report = convert(source, target, format="dicom", overwrite=True)
        assert [problem.code for problem in report.skipped.values()] == ["exists"], target
        assert not report.written
    assert {path: path.read_bytes() for path in source.iterdir()} == before
    assert (tmp_path / "others" / "notes.txt").read_text() == (tmp_path / "out" / "notes.txt").read_text() == "mine"
    for _ in range(2):
        assert convert(source, tmp_path / "made", format="dicom", overwrite=True).complete


def test_what_was_made_within_the_source_is_no_source(tmp_path: Path) -> None:
    """Else each run would find twice as much as the one before."""
    synthetic_series(tmp_path / "in")
    before = sorted((tmp_path / "in").iterdir())
    for _ in range(3):
        report = convert(tmp_path / "in", tmp_path / "in" / "made", format="dicom")
        assert report.complete
        assert len(report.written) == 1
        assert len(list((tmp_path / "in" / "made").iterdir())) == len(before)
    assert len(convert(tmp_path / "in", tmp_path / "out", format="dicom").written) == 1
    assert len(convert(tmp_path / "in" / "made", tmp_path / "again", format="dicom").written) == 1  # asked for by name
    assert len(voxelry.load(tmp_path / "in").volumes) == 2  # whoever loads all gets all


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    (tmp_path / "out").mkdir()
    report = convert(tmp_path / "in", tmp_path / "out" / "a.plain", options={"full": True})
    assert [problem.code for problem in report.skipped.values()] == ["not_written"]
    assert "No space left on device" in str(next(iter(report.skipped.values())))
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_wrong_for_all_is_told_at_once(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    for target, form in (("out", None), ("out", "nonsense"), ("out.plain", "single"), ("out.plain", "png")):
        with pytest.raises(ParameterError):
            convert(tmp_path / "in", tmp_path / target, format=form)
    with pytest.raises(ParameterError, match="option"):
        convert(tmp_path / "in", tmp_path / "out.plain", options={"colour": "red"})
    with pytest.raises(ParameterError, match="at least 1"):
        convert(tmp_path / "in", tmp_path / "out.plain", workers=0)
    with pytest.raises(NothingFoundError):
        convert(tmp_path / "missing", tmp_path / "out.plain")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_workers_change_nothing_but_the_time(tmp_path: Path) -> None:
    for seed in range(6):
        synthetic_series(tmp_path / "in" / str(seed), seed=seed)
    told: list[float] = []
    one = convert(tmp_path / "in", tmp_path / "one", format="plain", workers=1)
    many = convert(
        tmp_path / "in", tmp_path / "many", format="plain", workers=4, progress=lambda done, _: told.append(done)
    )
    assert names(one) == names(many)
    for first, second in zip(one.written, many.written, strict=True):
        assert first.path.read_bytes() == second.path.read_bytes()
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.parametrize("workers", [1, 3])
def test_who_stops_it_gets_nothing_half_written_and_goes_on_later(tmp_path: Path, workers: int) -> None:
    for seed in range(6):
        synthetic_series(tmp_path / "in" / str(seed), seed=seed)

    def stop(done: float, words: str) -> None:
        if done > 0.7:  # so far that, of six, three cannot all be still at it
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(tmp_path / "in", tmp_path / "out", format="nrrd", workers=workers, progress=stop)
    assert not list((tmp_path / "out").glob(".*.part"))
    before = len(list((tmp_path / "out").glob("*.nrrd")))
    assert 0 < before < 6
    rest = convert(tmp_path / "in", tmp_path / "out", format="nrrd")
    assert rest.complete, rest.skipped
    assert sorted(one.fresh for one in rest.written) == [False] * before + [True] * (6 - before)


def test_pictures_are_a_format_too(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    report = convert(tmp_path / "in", tmp_path / "out", format="jpg", options={"axis": "coronal", "window": "0,500"})
    assert report.written[0].files == 16
    assert len(list((tmp_path / "out").glob("slice-*.jpg"))) == 16
    one = convert(next((tmp_path / "in").iterdir()), tmp_path / "slice.png")
    assert (tmp_path / "slice.png").read_bytes().startswith(b"\x89PNG")
    assert one.written[0].shape == (1, 16, 20)
    wrongs: list[dict[str, Value]] = [
        {"axis": "oblique"},
        {"window": "wide"},
        {"axis": "axial", "overlays": True},
        {"colour": 1},
    ]
    for wrong in wrongs:
        with pytest.raises(ParameterError):
            convert(tmp_path / "in", tmp_path / "out", format="png", options=wrong)


# --- DICOM ------------------------------------------------------------------------------------------------------------


def test_dicom_becomes_dicom_with_its_own_headers(tmp_path: Path) -> None:
    phases(tmp_path / "in")
    report = convert(tmp_path / "in", tmp_path / "out", format="dicom", options={"compression": "rle"})
    assert [(one.path, one.files) for one in report.written] == [(tmp_path / "out", 15)]
    before, after = voxelry.load(tmp_path / "in").volumes, voxelry.load(tmp_path / "out").volumes
    assert [volume.label for volume in after] == [volume.label for volume in before]
    for mine, theirs in zip(before, after, strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)
        np.testing.assert_allclose(np.asarray(mine.affine), np.asarray(theirs.affine))
    assert after[0].metadata["PatientID"] == PATIENT_ID
    assert after[0].series_instance_uid != before[0].series_instance_uid
    assert (
        not convert(tmp_path / "in", tmp_path / "out", format="dicom", options={"compression": "rle"}).written[0].fresh
    )
    assert convert(tmp_path / "in", tmp_path / "out", format="dicom").skipped


def test_other_formats_become_dicom(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "a.h5")
    convert(tmp_path / "a.h5", tmp_path / "back", format="dicom")
    convert(tmp_path / "a.h5", tmp_path / "one.dcm")
    convert(next((tmp_path / "in").iterdir()), tmp_path / "slice.dcm")
    for name in ("back", "one.dcm"):
        volume = voxelry.load_volume(tmp_path / name)
        np.testing.assert_array_equal(volume.array, truth.array)
        np.testing.assert_allclose(np.asarray(volume.affine), truth.affine)
        assert volume.unit == "HU"
        assert volume.metadata["PatientID"] == PATIENT_ID
    assert voxelry.load_volume(tmp_path / "slice.dcm").array.shape == (1, 16, 20)


def test_volumes_that_no_header_tells_apart_are_a_series_each(tmp_path: Path) -> None:
    phases(tmp_path / "in", 2)
    convert(tmp_path / "in", tmp_path / "a.nii.gz")
    report = convert(tmp_path / "a.nii.gz", tmp_path / "out", format="dicom")
    assert [one.path.relative_to(tmp_path / "out").as_posix() for one in report.written] == [
        "time_point_1",
        "time_point_2",
    ]
    assert [int(voxelry.load_volume(one.path).array[0, 0, 0]) for one in report.written] == [0, 1]
    convert(tmp_path / "a.nii.gz", tmp_path / "mr", format="dicom", options={"modality": "mr"})
    assert {volume.metadata["Modality"] for volume in voxelry.load(tmp_path / "mr").volumes} == {"MR"}


def test_what_dicom_cannot_hold_is_told(tmp_path: Path) -> None:
    array = np.zeros((2, 8, 8), np.float32)
    array[1, 2, 3] = np.nan
    PLAIN.write(
        [voxelry.Volume(array=array, affine=np.eye(4), spacing=(1, 1, 1))], str(tmp_path / "a.plain"), options={}
    )
    refused = convert(tmp_path / "a.plain", tmp_path / "out", format="dicom")
    assert not refused.complete
    assert "finite" in str(next(iter(refused.skipped.values())))
    assert not (tmp_path / "out").exists()
    assert convert(tmp_path / "a.plain", tmp_path / "out", format="dicom", options={"non_finite": -1}).complete
    wrongs: list[dict[str, Value]] = [{"compression": "zip"}, {"non_finite": "x"}, {"nothing": 1}]
    for wrong in wrongs:
        with pytest.raises(ParameterError):
            convert(tmp_path / "a.plain", tmp_path / "no", format="dicom", options=wrong)


def test_nifti_has_a_sidecar_that_names_nobody(tmp_path: Path) -> None:
    phases(tmp_path / "in")
    report = convert(tmp_path / "in", tmp_path / "scan.nii.gz")
    assert sorted(one.name for one in report.written[0].made) == ["scan.json", "scan.nii.gz"]
    text = (tmp_path / "scan.json").read_text("utf-8")
    assert json.loads(text)["NumberOfAverages"] == [2, 3, 4]
    assert not any(secret in text for secret in SECRETS)
    convert(tmp_path / "in", tmp_path / "bare.nii", options={"sidecar": False, "reorient": "RAS"})
    assert not (tmp_path / "bare.json").exists()
    (tmp_path / "mine.json").write_text("mine")
    kept = convert(tmp_path / "in", tmp_path / "mine.nii")
    assert {problem.code for problem in kept.skipped.values()} == {"exists"}
    assert (tmp_path / "mine.json").read_text() == "mine"
    assert not (tmp_path / "mine.nii").exists()


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha", ".h5"])
def test_a_size_that_nobody_knows_is_told(tmp_path: Path, suffix: str) -> None:
    synthetic_series(tmp_path / "in", edit=lambda _, dataset: delattr(dataset, "PixelSpacing"))
    (made,) = convert(tmp_path / "in", tmp_path / f"a{suffix}").written
    (words,) = [words for words in made.warnings if "1 mm" in words]
    assert words.startswith("the distance between rows and columns is unknown")
    synthetic_series(tmp_path / "placed")
    (placed,) = convert(tmp_path / "placed", tmp_path / f"b{suffix}").written
    assert not placed.warnings


def test_a_time_step_alone_makes_no_sidecar(tmp_path: Path) -> None:
    nifti: Any = nibabel.Nifti1Image  # type: ignore[attr-defined, unused-ignore]
    image = nifti(np.zeros((4, 3, 2, 3), np.int16), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(tmp_path / "a.nii")
    (tmp_path / "a.json").write_text("mine")
    assert convert(tmp_path / "a.nii", tmp_path / "a.nii.gz").complete
    assert (tmp_path / "a.json").read_text() == "mine"


FORMATS = (".nii.gz", ".nii", ".nrrd", ".mha", ".npz", ".h5", ".zarr")


@pytest.mark.parametrize("second", FORMATS)
@pytest.mark.parametrize("first", FORMATS)
def test_any_to_any_keeps_values_and_place(tmp_path: Path, first: str, second: str) -> None:
    truth = synthetic_series(tmp_path / "in", shear=(0.0, 0.4, 0.0), orientation=OBLIQUE)
    convert(tmp_path / "in", tmp_path / f"a{first}")
    report = convert(tmp_path / f"a{first}", tmp_path / f"b{second}")
    assert report.complete, report.skipped
    (volume,) = registry.format_for(second).read(str(tmp_path / f"b{second}"))
    np.testing.assert_array_equal(volume.array, truth.array)
    np.testing.assert_allclose(np.asarray(volume.affine), truth.affine, atol=1e-4)


def test_a_pair_of_nifti_is_a_source(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in")
    convert(tmp_path / "in", tmp_path / "a.nii")
    image: Any = nibabel.load(tmp_path / "a.nii")
    pair: Any = nibabel.Nifti1Pair
    pair(np.asarray(image.dataobj), image.affine, image.header).to_filename(tmp_path / "pair.hdr")
    assert convert(tmp_path / "pair.hdr", tmp_path / "b.npz").complete
    np.testing.assert_array_equal(registry.format_for(".npz").read(str(tmp_path / "b.npz"))[0].array, truth.array)


def test_tilted_stacks_are_straightened_on_demand(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", shear=(0.0, 0.9, 0.0))
    report = convert(tmp_path / "in", tmp_path / "a.mha", straighten=True)
    expected = voxelry.rectify(voxelry.load_volume(tmp_path / "in"))
    np.testing.assert_array_equal(registry.format_for(".mha").read(str(tmp_path / "a.mha"))[0].array, expected.array)
    assert any("straightened" in words for words in report.written[0].warnings)
