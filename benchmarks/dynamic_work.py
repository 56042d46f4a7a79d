"""Races of converting many small volumes against dcm2niix: mosaics of Siemens, and an enhanced object."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from benchmarks.convert_work import GZIP, PLAIN, gzip_race, newest_needs, plain_race, size_race
from benchmarks.race import Race, Runner
from benchmarks.series import BenchmarkSeries, phantom
from benchmarks.start_work import converting_race
from voxelry.testing import AXIAL, synthetic_mosaics, synthetic_series

_TILES = 36
_SLICES = 50
"""Of a volume of the enhanced object."""
_FLOOR = "the bytes read and written"
_WITHIN = {"nii": 4.0, "nii.gz": 10.0}
"""How much faster than dcm2niix a call within a running process is to be."""


def races(scratch: Path, volumes: int, pixels: int) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use.

    Parameters
    ----------
    volumes
        How many mosaics; the enhanced object has two thirds of them.
    pixels
        Rows and columns of a slice.
    """
    for name, make in (
        ("mosaics", lambda: mosaics(scratch, volumes, pixels)),
        ("enhanced", lambda: enhanced(scratch, volumes * 2 // 3, pixels)),
    ):
        place = scratch / f"{name}-converted"
        yield from _four(name, make, place)


def _four(name: str, make: Callable[[], BenchmarkSeries], place: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    def plain() -> Race:
        series = make()
        race = _named(plain_race(series, _made(place), _WITHIN["nii"]), name, name)
        return replace(race, peers=(*race.peers, _floor(series, place / "floor.bin")), check=_unless_floor(race.check))

    def packed() -> Race:
        return _named(gzip_race(make(), _made(place), _WITHIN["nii.gz"]), f"{name}-gz", name)

    yield name, plain
    yield f"{name}-gz", packed
    yield f"{name}-gz-size", lambda: replace(size_race(packed()), name=f"{name}-gz-size")
    yield f"start-{name}", lambda: _process(plain_race(make(), _made(place)), PLAIN, "volume.nii", place, make(), name)
    yield (
        f"start-{name}-gz",
        lambda: _process(gzip_race(make(), _made(place)), GZIP, "volume.nii.gz", place, make(), f"{name}-gz"),
    )


def _process(race: Race, peer: str, file: str, place: Path, series: BenchmarkSeries, name: str) -> Race:
    return _named(converting_race(race, peer, file, place, series), f"start-{name}", name.removesuffix("-gz"))


def _named(race: Race, name: str, kind: str) -> Race:
    peers = tuple(replace(peer, needs=newest_needs()) if peer.name in (PLAIN, GZIP) else peer for peer in race.peers)
    return replace(race, name=name, work=f"{kind}: {race.work}", peers=peers)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _floor(series: BenchmarkSeries, target: Path) -> Runner:
    """What the machine needs for the bytes alone: reading all files, and writing as many voxels."""

    def read_and_write() -> Path:
        for path in series.paths:
            path.read_bytes()
        target.write_bytes(np.ascontiguousarray(series.array).data)
        return target

    return Runner(_FLOOR, read_and_write, before=lambda: target.unlink(missing_ok=True))


def _unless_floor(check: Callable[[object], None]) -> Callable[[object], None]:
    return lambda result: None if str(result).endswith(".bin") else check(result)


@cache
def mosaics(scratch: Path, volumes: int, pixels: int) -> BenchmarkSeries:
    """Write a series of mosaics of a head-like phantom with noise of its own in each volume."""
    array = _in_time(volumes, _TILES, pixels)
    side = round(_TILES**0.5)

    def fill(number: int, dataset: Dataset) -> None:
        tiles = array[number].reshape(side, side, pixels, pixels)
        dataset.PixelData = tiles.transpose(0, 2, 1, 3).astype("<u2").tobytes()

    made = synthetic_mosaics(
        scratch / "mosaics", volumes=volumes, slices=_TILES, rows=pixels, columns=pixels, orientation=AXIAL, edit=fill
    )
    return BenchmarkSeries(scratch / "mosaics", made.paths, (), array)


@cache
def enhanced(scratch: Path, volumes: int, pixels: int) -> BenchmarkSeries:
    """Write one Enhanced MR object of volumes that follow each other in time."""
    array = _in_time(volumes, _SLICES, pixels)

    def edit(_: int, dataset: Dataset) -> None:
        del dataset.DimensionOrganizationType
        in_time = Dataset()
        in_time.DimensionIndexPointer, in_time.FunctionalGroupPointer = 0x00209128, 0x00209111
        in_time.DimensionOrganizationUID = dataset.DimensionIndexSequence[0].DimensionOrganizationUID
        dataset.DimensionIndexSequence.append(in_time)
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            volume, place = divmod(number, _SLICES)
            content, echo = group.FrameContentSequence[0], Dataset()
            content.InStackPositionNumber, content.TemporalPositionIndex = place + 1, volume + 1
            content.DimensionIndexValues = [1, place + 1, volume + 1]
            minutes, seconds = divmod(2 * volume, 60)
            content.FrameAcquisitionDateTime = f"2020010210{minutes:02d}{seconds:02d}.{20 * place:03d}000"
            echo.EffectiveEchoTime = 30.0
            group.MREchoSequence = [echo]

    made = synthetic_series(
        scratch / "enhanced", pixels=array.astype(np.uint16).reshape(-1, pixels, pixels), modality="MR",
        frames="enhanced", rescale=(1.0, 0.0), offsets=np.tile(3.0 * np.arange(_SLICES), volumes).tolist(), edit=edit,
    )  # fmt: skip
    return BenchmarkSeries(scratch / "enhanced", made.paths, (), array)


def _in_time(volumes: int, slices: int, pixels: int) -> npt.NDArray[np.int16]:
    """Values of 12 bits; shape ``(volume, slice, row, column)``."""
    still = phantom(slices, pixels).astype(np.int16) // 2
    random = np.random.default_rng(19)
    found = np.empty((volumes, *still.shape), np.int16)
    for volume in found:
        volume[...] = np.clip(still + random.normal(0, 8, still.shape), 0, 4095)
    return found
