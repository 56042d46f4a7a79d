"""Races of writing a volume as DICOM files with a template's headers."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import voxelry
from benchmarks.race import Race, Runner, Target
from benchmarks.series import INTERCEPT, BenchmarkSeries
from voxelry.dicom.write.writing import write_series

PYDICOM = "pydicom, read and save"
FLOOR = "floor: one header and the bytes, writev"


def races(series: BenchmarkSeries, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "write", lambda: write_race(series, scratch)


def write_race(series: BenchmarkSeries, scratch: Path) -> Race:
    """The race of values in memory and a template on disk to a file for each slice."""
    array = series.array.copy()
    array[len(array) // 2, :8, :8] = 77
    template = voxelry.index(series.folder).series[0]

    latest: list[Path] = []

    def judge(_: object) -> None:
        if latest[-1].name != "floor" and not np.array_equal(voxelry.load_volume(latest[-1]).array, array):
            raise ValueError("other values than those given")

    def into(name: str, work: Callable[[Path], object]) -> Callable[[], float]:
        """The milliseconds of the work itself, without deleting the last run's files."""

        def run() -> float:
            folder = scratch / name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            latest.append(folder)
            start = time.perf_counter()
            work(folder)
            return (time.perf_counter() - start) * 1000

        return run

    def by_pydicom(folder: Path) -> None:
        import pydicom

        series_uid = pydicom.uid.generate_uid()
        for path, plane in zip(series.paths, array, strict=True):
            dataset = pydicom.dcmread(path)
            dataset.PixelData = (plane - np.int16(INTERCEPT)).astype("<u2").tobytes()
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
            dataset.SeriesInstanceUID = series_uid
            dataset.save_as(folder / path.name)

    def floor(folder: Path) -> None:
        head = series.paths[0].read_bytes()[: series.offsets[0]]
        for path, plane in zip(series.paths, array, strict=True):
            descriptor = os.open(folder / path.name, os.O_WRONLY | os.O_CREAT)
            try:
                os.writev(descriptor, [head, plane.data])
            finally:
                os.close(descriptor)

    def ours(folder: Path) -> None:
        write_series(array, template, folder)

    return Race(
        "write",
        f"volume to {len(array)} DICOM files",
        Runner("voxelry", into("written", ours)),
        (Runner(PYDICOM, into("saved", by_pydicom)), Runner(FLOOR, into("floor", floor))),
        (Target((PYDICOM,), 4.0),),
        judge,
    )
