"""A plan tells what the conversion then does: the same files, shapes, companions and refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import voxelry
from tests.workflows.unlike_volumes import unlike_volumes
from voxelry import ConversionPlan
from voxelry.core.errors import ParameterError
from voxelry.testing import OBLIQUE, bad_files, synthetic_report, synthetic_series, write


def tree(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*")) if folder.exists() else []


def agrees(source: Path, target: Path, **asked: Any) -> ConversionPlan:
    """The plan, after it was held against what is made."""
    before = tree(target.parent)
    plan = voxelry.plan_conversion(source, target, **asked)
    assert tree(target.parent) == before  # nothing is written
    report = voxelry.convert(source, target, **asked)
    expected = [(one.path, one.format, one.shape, one.fresh) for one in report.written]
    assert [(one.path, one.format, one.shape, one.state != "kept") for one in plan.files] == expected
    for planned, made in zip(plan.files, report.written, strict=True):
        if made.fresh:
            assert planned.files == made.files
            if made.made:
                assert sorted((planned.path, *planned.companions)) == sorted(made.made)
            assert set(planned.warnings) <= set(made.warnings)
    assert {name: problem.code for name, problem in plan.skipped.items()} == {
        name: problem.code for name, problem in report.skipped.items()
    }
    assert plan.complete == report.complete
    return plan


FORMATS = ("nifti", "nrrd", "metaimage", "npz", "hdf5", "zarr", "dicom", "png")


def a_study(folder: Path) -> None:
    """Echoes with parts, a localizer, a gap, a tilted stack, pictures in colour, a report, texts."""
    parts: list[Mapping[str, object]] = [
        {"ImageType": ["ORIGINAL", "PRIMARY", part], "EchoTime": te, "SeriesNumber": 1}
        for te in (5, 7)
        for part in "MP"
    ]
    unlike_volumes(folder / "parts", parts)
    unlike_volumes(folder / "times", [{"TemporalPositionIdentifier": t, "SeriesNumber": 2} for t in (1, 2)], seed=2)
    unlike_volumes(folder / "scout", [{"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}], seed=3)
    synthetic_series(folder / "gap", offsets=(0, 3, 9, 12, 15), seed=4)
    synthetic_series(folder / "tilt", shear=(0.0, 0.8, 0.0), seed=5, orientation=OBLIQUE)
    colour = np.arange(3 * 8 * 10 * 3, dtype=np.uint8).reshape(3, 8, 10, 3)
    synthetic_series(folder / "colour", slices=3, pixels=colour, photometric="RGB", bits_stored=8, seed=6, rescale=None)
    write(synthetic_report(), folder / "report.dcm")
    bad_files(folder / "bad")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_plan_is_what_is_made(tmp_path: Path, format_: str) -> None:
    a_study(tmp_path / "in")
    plan = agrees(tmp_path / "in", tmp_path / "out" / "first", format=format_)
    assert len(plan.files) >= 5
    assert plan.skipped
    again = agrees(tmp_path / "in", tmp_path / "out" / "first", format=format_)
    assert {file.state for file in again.files} == ({"new"} if format_ == "png" else {"kept"})
    assert {
        one.state for one in agrees(tmp_path / "in", tmp_path / "out" / "first", format=format_, overwrite=True).files
    } == ({"new"} if format_ in ("png", "dicom") else {"replaced"})


CHOICES = st.fixed_dictionaries({
    "format": st.sampled_from(["nifti", "nrrd", "zarr"]),
    "on_irregular": st.sampled_from(["error", "split", "resample"]),
    "straighten": st.booleans(),
    "leave_out": st.sets(st.sampled_from(["localizer", "derived", "map", "screen"])).map(sorted),
    "name": st.sampled_from(["{modality}-{series_number}", "a/{label}", "x_{entities}_y", "{series_uid}"]),
})  # fmt: skip


@settings(max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(asked=CHOICES, options=st.sampled_from([{}, {"sidecar": False}, {"reorient": "RAS"}]))
def test_whatever_is_asked_for(
    tmp_path_factory: pytest.TempPathFactory, asked: dict[str, Any], options: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("plan")
    a_study(folder / "in")
    given_options = options if asked["format"] == "nifti" else {}
    agrees(folder / "in", folder / "out" / "all", **asked, options=given_options)


def test_files_of_others_are_left_alone_in_the_plan_too(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    (tmp_path / "out.nii.gz").write_text("mine")
    plan = agrees(tmp_path / "in", tmp_path / "out.nii.gz")
    assert [problem.code for problem in plan.skipped.values()] == ["exists"]
    beside = tmp_path / "beside.json"
    beside.write_text("mine")
    assert [problem.code for problem in agrees(tmp_path / "in", tmp_path / "beside.nii").skipped.values()] == ["exists"]


def test_a_file_of_another_format(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    voxelry.convert(tmp_path / "in", tmp_path / "one.nrrd")
    assert agrees(tmp_path / "one.nrrd", tmp_path / "two.nii").files[0].shape == (5, 16, 20)
    (tmp_path / "folder").mkdir()
    (tmp_path / "one.nrrd").rename(tmp_path / "folder" / "one.nrrd")
    (file,) = voxelry.plan_conversion(tmp_path / "folder", tmp_path / "out", format="nifti").files
    assert (file.path.name, file.shape, file.bytes) == ("one.nii.gz", (), None)


def test_what_a_plan_says_of_a_file(tmp_path: Path) -> None:
    a_study(tmp_path / "in")
    plan = voxelry.plan_conversion(tmp_path / "in", tmp_path / "out", format="nifti")
    by_entities = {file.entities: file for file in plan.files if file.entities}
    phase = by_entities["echo-2_part-phase"]
    assert (phase.modality, phase.series_number, phase.shape, phase.bytes) == ("MR", "1", (3, 8, 10), 3 * 8 * 10 * 2)
    assert phase.companions == (phase.path.with_name("mr-1_echo-2_part-phase.json"),)
    assert [file.kinds for file in plan.files if "localizer" in file.kinds] == [("localizer",)]
    (times,) = [file for file in plan.files if file.shape[:1] == (2,) and len(file.shape) == 4]
    assert times.volumes == ("TemporalPositionIdentifier 1", "TemporalPositionIdentifier 2")
    assert plan.bytes == sum(file.bytes or 0 for file in plan.files)
    json.dumps([file.record for file in plan.files])
    with pytest.raises(ParameterError, match="a plan is of volumes"):
        voxelry.plan_conversion(tmp_path / "in", tmp_path / "out.stl", format="stl")


@pytest.mark.corpus
@pytest.mark.parametrize("name", [
    "single", "ct_head_phantom", "ct_irregular_stacks", "mr_localizer_three_planes", "mr_fmri_repeated_positions",
    "mixed_kinds_in_one_series", "zip_duplicate_and_missing_slices", "mr_axial_oblique", "rt_objects",
    "encapsulated_frames",
])  # fmt: skip
def test_real_series_too(corpus: Path, tmp_path: Path, name: str) -> None:
    agrees(corpus / name, tmp_path / "out" / "nifti", format="nifti")


def test_the_terminal_shows_it(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from voxelry.cli.program import app

    a_study(tmp_path / "in")
    asked = ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--format", "nifti", "--plan"]
    shown = CliRunner().invoke(app, asked)
    assert shown.exit_code == 3  # a series has a gap
    assert "mr-1_echo-1_part-mag.nii.gz + .json" in shown.stdout
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert [file["state"] for file in told["files"]] == ["new"] * len(told["files"])
    assert told["bytes"] == sum(file["bytes"] for file in told["files"])
    assert not (tmp_path / "out").exists()
