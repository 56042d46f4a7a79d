"""Folders of NIfTI and other formats, beside DICOM or alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import voxelry
from voxelry.core.registry import format_for
from voxelry.testing import synthetic_series
from voxelry.testing.volumes import placed, voxels
from voxelry.workflows.convert.conversion_report import ConvertReport
from voxelry.workflows.files.ledger import LEDGER

SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".npz", ".h5", ".zarr", ".zarr.zip")


def write(path: Path, *volumes: voxelry.Volume) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    format_for(str(path)).write(volumes, str(path), options={})


def below(report: ConvertReport, folder: Path) -> list[str]:
    return [one.path.relative_to(folder).as_posix() for one in report.written]


@pytest.mark.parametrize("suffix", [".nii.gz", ".zarr", ".nrrd"])
def test_every_file_of_a_known_format_keeps_its_name_and_place(tmp_path: Path, suffix: str) -> None:
    volumes = {f"sub-{n}/{one[1:].replace('.', '-')}": (one, placed(voxels((2, 3, 4 + n), "int16", seed=n)))
               for n, one in enumerate(SUFFIXES)}  # fmt: skip
    for name, (own, volume) in volumes.items():
        write(tmp_path / "in" / f"{name}{own}", volume)
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format=suffix)
    assert report.complete, report.skipped
    assert not report.skipped
    assert below(report, tmp_path / "out") == [f"{name}{suffix}" for name in volumes]
    for one, (_, volume) in zip(report.written, volumes.values(), strict=True):
        (found,) = format_for(str(one.path)).read(str(one.path))
        np.testing.assert_array_equal(found.array, volume.array)
        assert one.shape == volume.array.shape
    again = voxelry.convert(tmp_path / "in", tmp_path / "out", format=suffix)
    assert [(one.fresh, one.shape) for one in again.written] == [(False, one.shape) for one in report.written]


def test_dicom_and_other_files_together(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in" / "study")
    write(tmp_path / "in" / "a.nii.gz", placed(voxels((2, 3, 4), "int16")))
    (tmp_path / "in" / "broken.nrrd").write_text("NRRD0005\ntype: nothing\n\n")
    (tmp_path / "in" / "notes.txt").write_text("notes")
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="mha")
    assert below(report, tmp_path / "out") == ["ct-1.mha", "a.mha"]
    why = {Path(name).name: problem for name, problem in report.skipped.items()}
    assert {name: problem.code for name, problem in why.items()} == {"broken.nrrd": "format", "notes.txt": "not_dicom"}
    assert why["broken.nrrd"].message.startswith(str(tmp_path / "in" / "broken.nrrd"))
    assert not report.complete


def test_several_volumes_of_a_file_become_one_or_several(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.nii", *(placed(voxels((2, 3, 4), "int16", seed=n)) for n in range(3)))
    whole = voxelry.convert(tmp_path / "in", tmp_path / "whole", format="nrrd")
    assert [(one.path.name, one.shape) for one in whole.written] == [("a.nrrd", (3, 2, 3, 4))]
    single = voxelry.convert(tmp_path / "in", tmp_path / "single", format="png")
    assert sum(one.files for one in single.written) == 6
    write(tmp_path / "other" / "b.h5", placed(voxels((2, 3, 4), "int16")), placed(voxels((5, 3, 4), "int16")))
    apart = voxelry.convert(tmp_path / "other", tmp_path / "apart", format="nii")
    assert sorted(one.shape for one in apart.written) == [(2, 3, 4), (5, 3, 4)]


def test_names_by_template_come_from_metadata(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "dicom")
    voxelry.convert(tmp_path / "dicom", tmp_path / "in" / "x.h5")
    write(tmp_path / "in" / "y.nii", placed(voxels((2, 3, 4), "int16")))
    (tmp_path / "in" / "z.npz").write_bytes(b"no zip")
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nrrd", name="all/{modality}")
    assert below(report, tmp_path / "out") == ["all/ct.nrrd", "all/volume-1.nrrd"]
    assert len(report.skipped) == 1


@pytest.mark.parametrize("target", ["in/out", "in/study/out", "in/a.nrrd"])
def test_what_is_written_is_no_source(tmp_path: Path, target: str) -> None:
    """The second run finds what the first one made, and makes nothing of it."""
    synthetic_series(tmp_path / "in" / "study")
    kind = None if target.endswith(".nrrd") else "nrrd"
    first = voxelry.convert(tmp_path / "in", tmp_path / target, format=kind)
    assert len(first.written) == 1
    for _ in range(2):
        again = voxelry.convert(tmp_path / "in", tmp_path / target, format=kind)
        assert [(one.path, one.fresh) for one in again.written] == [(first.written[0].path, False)]
    other = voxelry.convert(tmp_path / "in", tmp_path / "elsewhere", format="nii")
    assert len(other.written) == 1


def test_what_was_made_is_a_source_where_its_dicom_is_not(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "study")
    voxelry.convert(tmp_path / "study", tmp_path / "nifti", format="nii")
    assert (tmp_path / "nifti" / LEDGER).is_file()
    report = voxelry.convert(tmp_path / "nifti", tmp_path / "out", format="nrrd")
    assert below(report, tmp_path / "out") == ["ct-1.nrrd"]


def test_a_link_back_is_no_second_file(tmp_path: Path) -> None:
    write(tmp_path / "in" / "deep" / "a.nii", placed(voxels((2, 3, 4), "int16")))
    (tmp_path / "in" / "deep" / "back").symlink_to(tmp_path / "in")
    (tmp_path / "in" / ".hidden.nii").write_bytes(b"")
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nrrd")
    assert below(report, tmp_path / "out") == ["deep/a.nrrd"]
