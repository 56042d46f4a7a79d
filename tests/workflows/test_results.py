"""Results as files: all of them or none, in their place, and a manifest that says what is what."""

from __future__ import annotations

import csv
import json
import math
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK

import voxelry
from voxelry.core.errors import ExistsError, ParameterError, VoxelryError
from voxelry.core.registry import format_named
from voxelry.core.resample import rectify
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Row, StepResult
from voxelry.core.volume import Volume
from voxelry.dicom.series.hierarchy import Series
from voxelry.testing import OBLIQUE, SECRETS, synthetic_series
from voxelry.workflows.process.step_results import save_result


def source(folder: Path, **kwargs: Any) -> tuple[Series, Volume]:
    synthetic_series(folder, **kwargs)
    (series,) = voxelry.index(folder).series
    return series, series.stacks[0].volume()


def segmented(volume: Volume) -> Segmentation:
    labels = (volume.array > np.median(volume.array)).astype(np.uint8)
    return Segmentation(labels=labels, source=volume, segments=(Segment(number=1, label="Bright"),))


def doubled(volume: Volume) -> Volume:
    return replace(volume, array=volume.array.astype(np.int32) * 2)


def faults(path: Path) -> set[str]:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {line for line in lines if line.startswith("Error")}


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return found


# --- volumes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", ["single", "enhanced"])
@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), OBLIQUE])
def test_a_volume_becomes_a_series_of_the_same_study(tmp_path: Path, frames: Any, orientation: Any) -> None:
    series, volume = source(tmp_path / "in", frames=frames, orientation=orientation)
    result = StepResult(volumes=(doubled(volume),))
    saved = save_result(result, tmp_path / "out", source=series, step="double", params={"times": 2}, inputs=[volume])
    (read,) = voxelry.load(tmp_path / "out").volumes
    np.testing.assert_array_equal(read.array, volume.array.astype(np.int32) * 2)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-6)  # type: ignore[arg-type]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "Modality"):
        assert read.metadata[keyword] == volume.metadata[keyword]
    assert read.series_instance_uid != volume.series_instance_uid
    assert all(path.is_file() for path in saved.paths)
    instance = pydicom.dcmread(saved.paths[0])
    assert instance.DerivationDescription.startswith("double (times 2)")
    assert instance.ImageType[0] == "DERIVED"


def test_simpleitk_opens_it_in_the_same_place(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in", orientation=OBLIQUE)
    save_result(StepResult(volumes=(doubled(volume),)), tmp_path / "out", source=series)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    image = reader.Execute()
    for index in [(0, 0, 0), (4, 3, 7), (2, 15, 19)]:
        place = volume.affine @ (*index, 1)  # type: ignore[operator]
        assert image.TransformPhysicalPointToIndex(tuple(map(float, place[:3]))) == index[::-1]
        assert image[index[::-1]] == 2 * volume.array[index]


def test_another_grid_keeps_study_and_place(tmp_path: Path) -> None:
    series, tilted = source(tmp_path / "in", shear=(0.0, 0.7, 0.0), attributes={"PatientName": "Müller^Jörg"})
    straight = rectify(tilted)
    save_result(StepResult(volumes=(straight,)), tmp_path / "out", source=series, step="rectify")
    (read,) = voxelry.load(tmp_path / "out").volumes
    np.testing.assert_allclose(read.affine, straight.affine, atol=1e-6)  # type: ignore[arg-type]
    assert np.abs(read.array - straight.array).max() <= np.ptp(straight.array) / 60000
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientName", "PatientBirthDate", "StudyDate"):
        assert read.metadata[keyword] == tilted.metadata[keyword]
    first = pydicom.dcmread(next((tmp_path / "out").glob("*.dcm")))
    assert {item.ReferencedSOPInstanceUID for item in first.SourceImageSequence} == set(tilted.instance_uids)
    assert first.DerivationDescription.startswith("rectify")


@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dciodvfy_finds_no_fault_that_the_source_had_not(tmp_path: Path, modality: str) -> None:
    series, tilted = source(tmp_path / "in", shear=(0.0, 0.7, 0.0), modality=modality)
    before = faults(Path(series.instances[0].name))
    result = StepResult(volumes=(doubled(tilted), rectify(tilted)), segmentation=segmented(tilted))
    saved = save_result(result, tmp_path / "out", source=series, step="größe \\ 2")
    assert len(saved.outputs) == 3
    for output in saved.outputs:
        assert faults(saved.folder / output.files[0]) <= before


def test_one_stack_of_a_multi_frame_object(tmp_path: Path) -> None:
    def two_echoes(_: int, dataset: pydicom.Dataset) -> None:
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            echo = pydicom.Dataset()
            echo.EffectiveEchoTime = 1.0 if number < 3 else 2.0
            group.MREchoSequence = [echo]
            group.PlanePositionSequence = dataset.PerFrameFunctionalGroupsSequence[number % 3].PlanePositionSequence

    synthetic_series(tmp_path / "in", slices=6, modality="MR", frames="enhanced", edit=two_echoes)
    (series,) = voxelry.index(tmp_path / "in").series
    _, two = series.stacks
    save_result(StepResult(volumes=(doubled(two.volume()),)), tmp_path / "out", source=two)
    (read,) = voxelry.load(tmp_path / "out").volumes
    np.testing.assert_array_equal(read.array, doubled(two.volume()).array)
    assert read.metadata["StudyInstanceUID"] == two.volume().metadata["StudyInstanceUID"]


def test_several_things_lie_side_by_side(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    result = StepResult(
        volumes=(volume, doubled(volume)),
        segmentation=segmented(volume),
        rows=({"label": "a", "mm3": 1.5}, {"label": "b", "mm3": None}),
        files={"surface.stl": b"solid"},
        warnings=("mind the gap",),
    )
    saved = save_result(result, tmp_path / "out", source=series, step="all", inputs=[volume])
    told = manifest(tmp_path / "out")
    assert told == json.loads(json.dumps(saved.manifest))
    assert [(one["kind"], one["path"]) for one in told["outputs"]] == [
        ("volume", "volume-1"),
        ("volume", "volume-2"),
        ("segmentation", "segmentation.dcm"),
        ("rows", "rows.json"),
        ("file", "surface.stl"),
    ]
    assert told["inputs"][0]["series_instance_uid"] == volume.series_instance_uid
    assert told["warnings"][0] == "mind the gap"
    uids = {one["series_instance_uid"] for one in told["outputs"][:3]}
    assert len(uids) == 3
    assert len(voxelry.load(tmp_path / "out").volumes) == 3
    every = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert every == {*saved.paths, tmp_path / "out" / "result.json"}
    text = (tmp_path / "out" / "result.json").read_text()
    assert not any(secret in text or secret in str(path) for secret in SECRETS for path in every)


# --- rows -------------------------------------------------------------------------------------------------------------


def test_rows_say_what_is_unknown(tmp_path: Path) -> None:
    rows: tuple[Row, ...] = (
        {"label": 'a "b", c', "mm3": 1.5, "mean_hu": math.nan, "box": [1, 2], "whole": True},
        {"label": "", "mm3": None, "mean_hu": math.inf, "box": None, "whole": False},
    )
    saved = save_result(StepResult(rows=rows), tmp_path / "out")
    read = json.loads((tmp_path / "out" / "rows.json").read_text())
    assert read[0] == {"label": 'a "b", c', "mm3": 1.5, "mean_hu": None, "box": [1, 2], "whole": True}
    assert read[1]["mean_hu"] is None
    with (tmp_path / "out" / "rows.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines == [
        ["label", "mm3", "mean_hu", "box", "whole"],
        ['a "b", c', "1.5", "nan", "[1, 2]", "true"],
        ["", "", "inf", "", "false"],
    ]
    assert any("mean_hu" in words for words in saved.warnings)


# --- other formats ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nifti", "nrrd", "npz"])
def test_other_formats(tmp_path: Path, name: str) -> None:
    series, volume = source(tmp_path / "in")
    result = StepResult(volumes=(volume,), segmentation=segmented(volume))
    saved = save_result(result, tmp_path / "out", source=series, format=name)
    one, two = saved.outputs
    assert (one.kind, one.format, two.kind) == ("volume", name, "segmentation")
    (read,) = format_named(name).read(str(tmp_path / "out" / two.path))
    np.testing.assert_array_equal(read.array, segmented(volume).labels)
    np.testing.assert_allclose(read.affine, volume.affine, atol=1e-5)  # type: ignore[arg-type]


def test_without_dicom_it_is_nifti(tmp_path: Path) -> None:
    _, volume = source(tmp_path / "in")
    bare = Volume(array=volume.array, affine=volume.affine, spacing=volume.spacing)
    saved = save_result(StepResult(volumes=(bare,)), tmp_path / "out")
    assert [one.path for one in saved.outputs] == ["volume.nii.gz"]
    with pytest.raises(VoxelryError, match="which DICOM"):
        save_result(StepResult(volumes=(bare,)), tmp_path / "dicom", format="dicom")
    with pytest.raises(ParameterError, match="no format"):
        save_result(StepResult(volumes=(bare,)), tmp_path / "other", format="betamax")


# --- all or nothing ---------------------------------------------------------------------------------------------------


def test_nothing_half_written_has_a_name(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    strange = replace(volume, array=np.full(volume.array.shape, np.nan, np.float32))
    with pytest.raises(ParameterError, match="finite"):
        save_result(StepResult(volumes=(volume, strange)), tmp_path / "out", source=series)
    with pytest.raises(ParameterError, match="no name of a file"):
        save_result(StepResult(volumes=(volume,), files={"../a": b""}), tmp_path / "out", source=series)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    (tmp_path / "out").mkdir()
    save_result(StepResult(volumes=(volume,)), tmp_path / "out", source=series)
    before = manifest(tmp_path / "out")
    with pytest.raises(ExistsError):
        save_result(StepResult(volumes=(volume,)), tmp_path / "out", source=series)
    assert manifest(tmp_path / "out") == before
    save_result(StepResult(rows=({"a": 1},)), tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["result.json", "rows.csv", "rows.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    result = StepResult(volumes=(volume, doubled(volume)), segmentation=segmented(volume))
    one, two = (save_result(result, tmp_path / name, source=series, seed="job 7") for name in "ab")
    assert [path.read_bytes() for path in one.paths] == [path.read_bytes() for path in two.paths]
