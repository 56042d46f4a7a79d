"""Peers as judges of what is written: they open it, show the same numbers, and find no fault that was not there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

import voxelry
from tests.peers.reading import by_dcm2niix, by_simpleitk, by_simpleitk_file, differences
from voxelry.core.volume import Volume
from voxelry.dicom.pixels.encode import SYNTAXES
from voxelry.dicom.write.writing import write_series, write_volume
from voxelry.testing import synthetic_series

KNOWN_TO_DCIODVFY = ["explicit", "rle", "jpeg-ls", "jpeg-2000"]
"""HTJ2K is younger than it."""


def faults(path: Path) -> set[str]:
    """What dicom3tools' dciodvfy calls an error."""
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {line for line in lines if line.startswith("Error")}


def faults_of(paths: Iterable[Path]) -> set[str]:
    return set().union(*map(faults, paths))


def bare(*, unit: str = "", lowest: int = -1000) -> Volume:
    affine = np.diag([3.0, 0.8, 0.7, 1.0])[:, [2, 1, 0, 3]]  # index (slice, row, column) to x, y, z
    affine[:3, 3] = -10, 20, -30
    array = np.random.default_rng(5).integers(lowest, 2000, (6, 16, 20)).astype(np.int16)
    return Volume(array=array, affine=affine, unit=unit)


@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize("syntax", KNOWN_TO_DCIODVFY)
@pytest.mark.parametrize("kind", ["single", "enhanced"])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_dciodvfy_finds_no_fault_in_bare_volumes(tmp_path: Path, modality: str, kind: Any, syntax: Any) -> None:
    volume = bare(unit="HU" if modality == "CT" else "")
    target = tmp_path / "out" / "a.dcm" if kind == "enhanced" else tmp_path / "out"
    written = write_volume(volume, target, attributes={"Modality": modality}, kind=kind, transfer_syntax=syntax)
    assert faults_of(written.paths) == set()


@pytest.mark.programs("dciodvfy")
def test_dciodvfy_finds_no_fault_in_fractions_and_captures(tmp_path: Path) -> None:
    volume = bare()
    fractions = Volume(array=volume.array * np.float32(0.37), affine=volume.affine)
    for number, modality in enumerate(("CT", "MR", "OT")):
        written = write_volume(fractions, tmp_path / f"{number}", attributes={"Modality": modality})
        assert faults_of(written.paths) == set()


@pytest.mark.corpus
@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize(
    "name", ["ct_lung_bases", "mr_liver_coronal", "ct_mr_pet_rtstruct", "mr_localizer_three_planes", "rt_objects"]
)
@pytest.mark.parametrize("changed", [False, True])
def test_dciodvfy_finds_no_fault_that_the_template_had_not(
    tmp_path: Path, corpus: Path, name: str, changed: bool
) -> None:
    for number, series in enumerate(one for one in voxelry.index(corpus / name).series if one.stacks):
        arrays = [stack.for_viewing().array for stack in series.stacks]
        values = [array * np.float64(0.31) for array in arrays] if changed else arrays
        written = write_series(values, series, tmp_path / f"{number}")
        before = [Path(frame.header.name) for stack in series.stacks for frame in stack.frames]
        assert len(before) == len(written.paths)
        step = max(1, len(before) // 4)
        assert faults_of(written.paths[::step]) <= faults_of(before[::step])


def written_in(folder: Path, kind: str, syntax: Any, *, signed: bool) -> tuple[Volume, list[Path]]:
    """A volume, and the files that were made of it."""
    if kind == "template":
        synthetic_series(folder / "in", slices=6, signed=signed, bits_stored=16 if signed else 12)
        (series,) = voxelry.index(folder / "in").series
        volume = series.stacks[0].volume()
        return volume, list(write_series(volume, series, folder / "out", transfer_syntax=syntax).paths)
    volume = bare(unit="HU", lowest=-1000 if signed else 0)
    if kind == "single":
        return volume, list(write_volume(volume, folder / "out", transfer_syntax=syntax).paths)
    target = folder / "out" / "all.dcm"
    return volume, list(write_volume(volume, target, kind="enhanced", transfer_syntax=syntax).paths)


@pytest.mark.parametrize("syntax", ["explicit", "rle", "jpeg-ls", "jpeg-2000"])  # its GDCM knows no HTJ2K
@pytest.mark.parametrize("kind", ["template", "single", "enhanced"])
@pytest.mark.parametrize("signed", [False, True])
def test_simpleitk_shows_the_same_numbers(tmp_path: Path, kind: str, syntax: Any, signed: bool) -> None:
    volume, paths = written_in(tmp_path, kind, syntax, signed=signed)
    assert differences(volume, by_simpleitk(paths) if len(paths) > 1 else by_simpleitk_file(paths[0])) == []


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(
    ("kind", "syntax"),
    # Debian's knows neither JPEG-LS nor HTJ2K, and reads several compressed frames of one file wrong, or not at all.
    [(kind, syntax) for kind in ("template", "single") for syntax in ("explicit", "rle", "jpeg-2000")]
    + [("enhanced", "explicit")],
)
@pytest.mark.parametrize("signed", [False, True])
def test_dcm2niix_shows_the_same_numbers(tmp_path: Path, kind: str, syntax: Any, signed: bool) -> None:
    volume, _ = written_in(tmp_path, kind, syntax, signed=signed)
    (nifti,) = by_dcm2niix(tmp_path / "out")
    assert differences(volume, nifti) == []


@pytest.mark.programs("dcmdump")
@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize("kind", ["template", "single", "enhanced"])
@pytest.mark.parametrize("signed", [False, True])
def test_pydicom_and_dcmdump_show_the_same_numbers(tmp_path: Path, kind: str, syntax: Any, signed: bool) -> None:
    volume, paths = written_in(tmp_path, kind, syntax, signed=signed)
    for path in paths:
        done = subprocess.run(["dcmdump", str(path)], check=True, capture_output=True)
        assert not done.stderr
        assert b"BitsAllocated\n" in done.stdout
    sets = [pydicom.dcmread(path) for path in paths]
    if syntax == "htj2k":  # pydicom decodes it by pylibjpeg only, which is no part of this project
        return
    shown = np.concatenate([np.atleast_3d(one.pixel_array.T).T for one in sets]).astype(np.int64)
    first = sets[0]
    transform = first
    if kind == "enhanced":
        transform = first.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    np.testing.assert_array_equal(shown * int(transform.RescaleSlope) + int(transform.RescaleIntercept), volume.array)
