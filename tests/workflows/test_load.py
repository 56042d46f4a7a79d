"""Partial success is a value: every file is in a volume or named with its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voxelry
from voxelry.core.errors import NoPixelDataError, NothingFoundError, NotOneVolumeError, TruncatedError
from voxelry.testing import SECRETS, bad_files, synthetic_instance, synthetic_report, synthetic_series, write
from voxelry.workflows.measure import measure_all


def test_bad_files_are_named_and_spoil_nothing(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "good")
    codes = bad_files(tmp_path / "bad")
    result = voxelry.load(tmp_path)
    assert any(np.array_equal(volume.array, truth.array) for volume in result.volumes)
    for name, code in codes.items():
        problem = result.skipped[str(tmp_path / "bad" / name)]
        assert problem.code == code
        assert name in problem.message
    words = " ".join(problem.message for problem in result.skipped.values())
    assert not any(secret in words for secret in SECRETS)


def test_a_stack_with_a_slice_cut_off_is_no_volume_and_every_file_of_it_is_named(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    cut = truth.paths[2]
    cut.write_bytes(cut.read_bytes()[:-100])
    result = voxelry.load(tmp_path)
    assert not result.volumes
    assert result.skipped[str(cut)].code == "truncated"
    assert {p.code for name, p in result.skipped.items() if name != str(cut)} == {"incomplete_stack"}
    assert len(result.skipped) == 5
    with pytest.raises(TruncatedError, match=cut.name):
        voxelry.load_volume(tmp_path)


def test_the_hierarchy(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a")
    write(synthetic_report(), tmp_path / "report.dcm")
    found = voxelry.index(tmp_path)
    assert sum(len(study.series) for study in found.studies) == len(found.series)
    image = next(series for series in found.series if series.stacks)
    assert (image.modality, len(image.instances), image.stacks[0].shape) == ("CT", 5, (5, 16, 20))
    report = next(series for series in found.series if series.pixelless)
    assert report.problem is not None
    assert report.problem.code == "no_pixel_data"


def test_one_study_or_an_error(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a", seed=1)
    assert voxelry.load_study(tmp_path).series[0].modality == "CT"
    synthetic_series(tmp_path / "b", seed=2)
    with pytest.raises(NotOneVolumeError, match="2 studies"):
        voxelry.load_study(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingFoundError, match="no DICOM"):
        voxelry.load_study(tmp_path / "empty")


def test_exactly_one_volume_or_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingFoundError, match="no DICOM with pixels"):
        voxelry.load_volume(tmp_path / "empty")
    report = write(synthetic_report(), tmp_path / "report.dcm")
    with pytest.raises(NoPixelDataError, match=r"report\.dcm"):
        voxelry.load_volume(report)
    synthetic_series(tmp_path / "a", seed=1)
    synthetic_series(tmp_path / "b", seed=2)
    with pytest.raises(NotOneVolumeError, match=r"2 volumes.*5 x 16 x 20"):
        voxelry.load_volume(tmp_path)


def test_the_same_file_twice_is_one_instance(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "a")
    (tmp_path / "copy").write_bytes(truth.paths[0].read_bytes())
    other = truth.paths[1].read_bytes()
    (tmp_path / "other").write_bytes(other[:-2] + b"\1\1")
    result = voxelry.load(tmp_path)
    assert result.volumes[0].array.shape == (5, 16, 20)
    assert sorted(problem.code for problem in result.skipped.values()) == ["conflict", "duplicate"]


def test_pixels_of_one_file(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "a")
    np.testing.assert_array_equal(voxelry.pixels(truth.paths[2]), truth.array[2])
    enhanced = synthetic_series(tmp_path / "b", frames="enhanced", seed=1)
    np.testing.assert_array_equal(voxelry.pixels(enhanced.paths[0]), enhanced.array)
    with pytest.raises(NotOneVolumeError, match="5 files"):
        voxelry.pixels(tmp_path / "a")


def test_metadata_is_what_all_slices_share(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    metadata = voxelry.load_volume(tmp_path).metadata
    assert metadata["SeriesInstanceUID"] == truth.series_instance_uid
    assert metadata["PixelSpacing"] == [0.8, 0.7]
    assert "ImagePositionPatient" not in metadata
    assert "SOPInstanceUID" not in metadata
    assert "PixelData" not in metadata


def test_work_tells_where_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    told: list[float] = []
    voxelry.load(tmp_path, progress=lambda fraction, _: told.append(fraction))
    assert told[0] == 0
    assert told[-1] == 1
    assert told == sorted(told)

    def stop(fraction: float, _: str) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        voxelry.load(tmp_path, progress=stop)


def test_measuring_everything_says_what_it_could_not(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "grey")
    synthetic_series(tmp_path / "colour", photometric="RGB", rescale=None, seed=1)
    report = measure_all(tmp_path)
    assert len(report.measurements) == 1
    (problem,) = report.skipped.values()
    assert problem.code == "measure"
    assert "colour" in problem.message
    assert report.record()["measurements"][0]["pixels_total"] == 1600


def test_a_single_slice_has_the_extent_of_its_thickness(tmp_path: Path) -> None:
    path = write(synthetic_instance(), tmp_path / "one.dcm")
    measured = voxelry.measure(voxelry.load_volume(path))
    assert measured.spacing == (3.0, 0.8, 0.7)
    assert not measured.warnings
    thin = write(synthetic_instance(attributes={"SliceThickness": None}), tmp_path / "two.dcm")
    assert voxelry.measure(voxelry.load_volume(thin)).volume_mm3 is None


def test_one_volume_that_may_lack_a_slice_says_so(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path)
    (tmp_path / "notes.txt").write_text("words " * 50)
    assert not voxelry.load_volume(tmp_path).warnings
    last = truth.paths[-1]
    last.write_bytes(last.read_bytes()[:600])
    volume = voxelry.load_volume(tmp_path)
    assert volume.array.shape[0] == 4
    assert f"1 file could not be used, so that slices may be missing; the first: {last}: " in volume.warnings[0]
