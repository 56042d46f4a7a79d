"""Races of converting a folder of DICOM to NIfTI against dcm2niix, and of writing gzipped NIfTI against nibabel."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np

import voxelry
from benchmarks.race import Race, Runner, Target, emptied
from benchmarks.series import BenchmarkSeries
from voxelry.formats.nifti import nifti_format

_PROGRAM = os.environ.get("VOXELRY_DCM2NIIX", "dcm2niix")
_FRAMES_IN_ORDER = "20260724"
"""The release of dcm2niix that is known to sort the frames of `dynamic_work`; that of 20220720 does not."""
PLAIN = "dcm2niix"
GZIP = "dcm2niix, its own gzip"


def races(series: BenchmarkSeries, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "nifti", lambda: plain_race(series, scratch)
    yield "nifti-gz", lambda: gzip_race(series, scratch)
    yield "nifti-gz-size", lambda: size_race(gzip_race(series, scratch))
    yield "nifti-write", lambda: write_race(series, scratch)


def plain_race(series: BenchmarkSeries, scratch: Path, factor: float = 3.0) -> Race:
    """The race of a folder to .nii."""
    return Race(
        "nifti",
        f"folder of {_size(series)} to .nii",
        _ours(series, scratch / "ours", "volume.nii"),
        (_dcm2niix(PLAIN, series, scratch / "plain", "n"),),
        (Target((PLAIN,), factor),),
        lambda path: _check(path, series),
    )


def gzip_race(series: BenchmarkSeries, scratch: Path, factor: float = 8.0) -> Race:
    """The race of a folder to .nii.gz."""
    return Race(
        "nifti-gz",
        f"folder of {_size(series)} to .nii.gz",
        _ours(series, scratch / "ours-gzip", "volume.nii.gz"),
        (_dcm2niix(GZIP, series, scratch / "gzip", "i"),),
        (Target((GZIP,), factor),),
        lambda path: _check(path, series),
    )


def size_race(race: Race) -> Race:
    """The race of the sizes of another race's files."""

    def megabytes(runner: Runner) -> Runner:
        return replace(runner, run=lambda: Path(str(runner.run())).stat().st_size / 1e6)

    peers = tuple(map(megabytes, race.peers))
    target = Target((GZIP,), 1.1, at_most=True)
    return Race("nifti-gz-size", f"{race.work}: size", megabytes(race.ours), peers, (target,), unit="MB")


def write_race(series: BenchmarkSeries, scratch: Path) -> Race:
    """The race of an array in memory to .nii.gz."""
    volume = voxelry.load_volume(series.folder)
    ours, theirs = scratch / "array.nii.gz", scratch / "nibabel.nii.gz"

    def write() -> Path:
        nifti_format.FORMAT.write([volume], str(ours), options={})
        return ours

    def by_nibabel() -> Path:
        import nibabel

        image = nibabel.nifti1.Nifti1Image(series.array.T, np.diag([-1, -1, 1, 1]), dtype=np.int16)  # type: ignore[no-untyped-call, unused-ignore]
        image.to_filename(theirs)  # type: ignore[no-untyped-call, unused-ignore]
        return theirs

    return Race(
        "nifti-write",
        f"{_size(series)} int16 to .nii.gz",
        Runner("voxelry", write),
        (Runner("nibabel", by_nibabel, ("nibabel",)),),
        check=lambda path: _check(path, series),
    )


def _size(series: BenchmarkSeries) -> str:
    return "x".join(map(str, series.array.shape))


def _ours(series: BenchmarkSeries, folder: Path, name: str) -> Runner:
    """Convert as the command ``convert`` does, from files to a file at its final name."""

    def convert() -> Path:
        voxelry.convert(series.folder, folder / name)
        return folder / name

    return Runner("voxelry", convert, before=lambda: emptied(folder))


@cache
def newest_needs() -> tuple[str, ...]:
    """What a race needs whose work an older dcm2niix does otherwise, which then counts as not installed."""
    if which(_PROGRAM) is None:
        return (_PROGRAM,)
    told = subprocess.run([_PROGRAM, "--version"], capture_output=True, text=True, check=False).stdout
    released = re.search(r"v1\.0\.(\d{8})", told)
    return (_PROGRAM,) if released and released[1] >= _FRAMES_IN_ORDER else (f"dcm2niix since {_FRAMES_IN_ORDER}",)


def _dcm2niix(name: str, series: BenchmarkSeries, folder: Path, gzip: str) -> Runner:
    command = [_PROGRAM, "-z", gzip, "-b", "n", "-f", "volume", "-o", str(folder), str(series.folder)]

    def convert() -> Path:
        subprocess.run(command, check=True, capture_output=True)
        (found,) = folder.iterdir()
        return found

    return Runner(name, convert, (_PROGRAM,), lambda: emptied(folder))


def _check(path: object, series: BenchmarkSeries) -> None:
    """The voxels, independent of the directions of rows and of slices."""
    import nibabel

    image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(path))  # type: ignore[no-untyped-call, unused-ignore]
    array = np.asarray(image.dataobj).T
    rows, slices = (
        slice(None, None, -1 if flipped else 1) for flipped in (image.affine[1, 1] > 0, image.affine[2, 2] < 0)
    )
    np.testing.assert_array_equal(array[..., slices, rows, :], series.array)
