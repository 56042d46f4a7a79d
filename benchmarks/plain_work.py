"""Races on uncompressed series: loading, headers, tables, pictures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import voxelry
from benchmarks.race import Race, Runner, Target, emptied
from benchmarks.series import BenchmarkSeries
from voxelry.core.intensity import Window
from voxelry.dicom.headers.attributes import integer, number, numbers, text

FLOOR = "floor: preadv, 1 thread"
WINDOW = Window(40.0, 400.0)


def races(series: BenchmarkSeries, scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "load", lambda: load_race(series, scratch)
    yield "headers", lambda: headers_race(series)
    yield "table", lambda: table_race(series)
    yield "pictures", lambda: pictures_race(series, scratch)


def load_race(series: BenchmarkSeries, scratch: Path) -> Race:
    """The race of loading a folder into an int16 array in Hounsfield units."""

    def equal(result: object) -> None:
        if isinstance(result, np.ndarray):
            np.testing.assert_array_equal(result, series.array)

    size = "x".join(map(str, series.array.shape))
    return Race(
        "load",
        f"load {size} to int16 HU",
        Runner("voxelry", lambda: voxelry.load_volume(series.folder).array),
        (
            Runner(FLOOR, lambda: _stored(series)),
            Runner("dicomsdl", lambda: _by_dicomsdl(series), ("dicomsdl",)),
            Runner(
                "dcm2niix to .nii",
                lambda: _by_dcm2niix(series, scratch / "nii"),
                ("dcm2niix",),
                lambda: emptied(scratch / "nii"),
            ),
            Runner("pydicom, plain loop", lambda: by_pydicom(series.paths)),
            Runner("SimpleITK, names known", lambda: by_simpleitk(series.paths), ("SimpleITK",)),
        ),
        (
            Target((FLOOR,), 2.0, at_most=True),
            Target(("dicomsdl",), 1.2),
            Target(("dcm2niix to .nii",), 5.0),
            Target(("pydicom, plain loop",), 7.0),
            Target(("SimpleITK, names known",), 10.0),
        ),
        equal,
    )


def _stored(series: BenchmarkSeries) -> None:
    """The lower limit: read the pixels' bytes at known offsets into a new array; the result is not checked."""
    array = np.empty(series.array.shape, np.int16)
    for path, offset, plane in zip(series.paths, series.offsets, array, strict=True):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.preadv(descriptor, [plane], offset)
        finally:
            os.close(descriptor)


def _by_dicomsdl(series: BenchmarkSeries) -> npt.NDArray[np.int16]:
    import dicomsdl  # type: ignore[import-not-found, unused-ignore]

    array = np.empty(series.array.shape, np.int16)
    for path, plane in zip(series.paths, array, strict=True):
        dataset = dicomsdl.open(str(path))
        dataset.copyFrameData(0, plane)
        plane *= int(dataset.RescaleSlope)
        plane += int(dataset.RescaleIntercept)
    return array


def _by_dcm2niix(series: BenchmarkSeries, target: Path) -> None:
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "volume", "-o", str(target), str(series.folder)]
    subprocess.run(command, check=True, capture_output=True)
    if (target / "volume.nii").stat().st_size < series.array.nbytes:
        raise ValueError("dcm2niix wrote another volume")


def by_pydicom(paths: tuple[Path, ...], plugin: str = "") -> npt.NDArray[np.int16]:
    """As users of pydicom write it: read, sort by position, rescale, stack."""
    import pydicom

    sets = [pydicom.dcmread(path) for path in paths]
    sets.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    slices = []
    for dataset in sets:
        if plugin:
            dataset.pixel_array_options(decoding_plugin=plugin)
        slope, intercept = int(dataset.RescaleSlope), int(dataset.RescaleIntercept)
        slices.append(dataset.pixel_array.astype(np.int16) * np.int16(slope) + np.int16(intercept))
    return np.stack(slices)


def by_simpleitk(paths: tuple[Path, ...]) -> npt.NDArray[Any]:
    """Without its search for series: names are given in order."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    return np.asarray(SimpleITK.GetArrayFromImage(reader.Execute())).astype(np.int16, copy=False)


def headers_race(series: BenchmarkSeries) -> Race:
    """The race of reading every file's header and eight of its values."""

    def judge(result: object) -> None:
        if result != expected:
            raise ValueError("other values than pydicom's")

    expected = _headers_of_pydicom(series)
    return Race(
        "headers",
        f"headers of {len(series.paths)} files, 8 values each",
        Runner("voxelry", lambda: _headers(series)),
        (Runner("pydicom", lambda: _headers_of_pydicom(series)),),
        (Target(("pydicom",), 12.0),),
        judge,
    )


def _headers(series: BenchmarkSeries) -> list[tuple[object, ...]]:
    """By the public function, which also finds and groups the files."""
    found: list[tuple[object, ...]] = []
    (one,) = voxelry.index(series.folder).series
    for header in sorted(one.instances, key=lambda header: header.name):
        of = header.elements
        found.append(
            (
                header.sop_instance_uid,
                text(of, "Modality"),
                integer(of, "InstanceNumber"),
                integer(of, "Rows"),
                numbers(of, "PixelSpacing", 2),
                numbers(of, "ImagePositionPatient", 3),
                numbers(of, "ImageOrientationPatient", 6),
                number(of, "RescaleIntercept"),
            )
        )
    return found


def _headers_of_pydicom(series: BenchmarkSeries) -> list[tuple[object, ...]]:
    import pydicom

    found: list[tuple[object, ...]] = []
    for path in series.paths:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        found.append(
            (
                str(dataset.SOPInstanceUID),
                str(dataset.Modality),
                int(dataset.InstanceNumber),
                int(dataset.Rows),
                tuple(float(value) for value in dataset.PixelSpacing),
                tuple(float(value) for value in dataset.ImagePositionPatient),
                tuple(float(value) for value in dataset.ImageOrientationPatient),
                float(dataset.RescaleIntercept),
            )
        )
    return found


def table_race(series: BenchmarkSeries) -> Race:
    """The race of all attributes of all files into a DataFrame."""

    def judge(result: object) -> None:
        rows, columns = getattr(result, "shape", (0, 0))
        if rows != len(series.paths) or columns < 80:
            raise ValueError(f"a table of {rows} rows and {columns} columns")

    return Race(
        "table",
        f"all tags of {len(series.paths)} files to a DataFrame",
        Runner("voxelry", lambda: voxelry.tabulate(series.folder)),
        (Runner("pydicom, loop", lambda: _table_of_pydicom(series)),),
        (Target(("pydicom, loop",), 10.0),),
        judge,
    )


def _table_of_pydicom(series: BenchmarkSeries) -> object:
    import pandas as pd
    import pydicom

    rows = []
    for path in series.paths:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        rows.append({element.keyword or str(element.tag): element.value for element in dataset})
    return pd.DataFrame(rows)


def pictures_race(series: BenchmarkSeries, scratch: Path) -> Race:
    """The race of a windowed PNG file of every slice into a new folder, from a volume in memory."""
    volume = voxelry.load_volume(series.folder)
    # A new folder, because overwriting a file takes longer.
    names = map(str, count())

    def judge(result: object) -> None:
        if len(list(Path(str(result)).iterdir())) != len(series.array):
            raise ValueError("a picture is missing")

    def ours() -> object:
        folder = scratch / "pictures" / next(names)
        voxelry.save_pictures(volume, folder, "png", WINDOW)
        return folder

    return Race(
        "pictures",
        f"PNG files of {len(series.array)} slices",
        Runner("voxelry", ours),
        (Runner("Pillow, default", lambda: _by_pillow(series.array, scratch / "pictures" / next(names)), ("PIL",)),),
        (Target(("Pillow, default",), 8.0),),
        judge,
    )


def _by_pillow(array: npt.NDArray[np.int16], folder: Path) -> Path:
    from PIL import Image  # type: ignore[import-not-found, unused-ignore]

    folder.mkdir(parents=True)
    low = WINDOW.center - WINDOW.width / 2
    for index, plane in enumerate(array):
        # Integer arithmetic, which is the fastest way in numpy.
        grey = (
            np.clip(plane - np.int16(low), 0, int(WINDOW.width)).astype(np.uint32) * 255 // int(WINDOW.width)
        ).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{index:04d}.png")
    return folder
