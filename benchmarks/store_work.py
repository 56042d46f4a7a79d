"""Races of writing a volume to HDF5 and Zarr against h5py and zarr-python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.race import Race, Runner, Target
from voxelry.core.volume import Volume
from voxelry.formats.hdf5 import hdf5_format
from voxelry.formats.zarr import zarr_format

GZIP = "h5py, gzip 4 + shuffle"
ZARR = "zarr, the ready array"


def races(array: npt.NDArray[np.int16], scratch: Path) -> Iterator[tuple[str, Callable[[], Race]]]:
    """Races by name; each is made on use."""
    yield "hdf5", lambda: hdf5_race(array, scratch)
    yield "hdf5-size", lambda: size_race(hdf5_race(array, scratch), "hdf5-size")
    yield "hdf5-read", lambda: read_race(array, scratch)
    yield "hdf5-normalised", lambda: normalised_race(array, scratch)
    yield "hdf5-normalised-size", lambda: size_race(normalised_race(array, scratch), "hdf5-normalised-size")
    yield "zarr", lambda: zarr_race(array, scratch)


def hdf5_race(array: npt.NDArray[np.int16], scratch: Path) -> Race:
    """The race of int16 to HDF5 by the gzip filter that every reader has."""
    volume, ours, theirs = Volume(array=array), scratch / "ours.h5", scratch / "theirs.h5"

    def write() -> Path:
        hdf5_format.FORMAT.write([volume], str(ours), options={})
        return ours

    return Race(
        "hdf5",
        f"{_size(array)} int16 to HDF5, gzip",
        Runner("voxelry", write),
        (Runner(GZIP, lambda: _by_h5py(array, theirs)),),
        (Target((GZIP,), 8.0),),
        lambda path: _check_hdf5(path, array),
    )


def normalised_race(array: npt.NDArray[np.int16], scratch: Path) -> Race:
    """The race of float32 from 0 to 1, as ``dicom2hdf5`` writes it."""
    stack, ours, theirs = (
        hdf5_format.StoredStack(stored=array[:, None]),
        scratch / "ours-f4.h5",
        scratch / "theirs-f4.h5",
    )
    low, high = np.float32(array.min()), np.float32(array.max())

    def write() -> Path:
        hdf5_format.write_normalised([stack], str(ours))
        return ours

    def by_h5py() -> Path:
        values = array.astype(np.float32)
        values -= low
        values /= high - low
        return _by_h5py(values, theirs)

    def judge(path: object) -> None:
        import h5py

        with h5py.File(str(path)) as file:
            values = file["volume"][...].reshape(array.shape)
        np.testing.assert_array_equal(np.rint(values * (float(high) - float(low)) + float(low)), array)

    return Race(
        "hdf5-normalised",
        f"{_size(array)} as float32 0 to 1 to HDF5, gzip",
        Runner("voxelry", write),
        (Runner(GZIP, by_h5py),),
        (Target((GZIP,), 8.0),),
        judge,
    )


def size_race(race: Race, name: str) -> Race:
    """The race of the sizes of another race's files."""

    def megabytes(runner: Runner) -> Runner:
        return Runner(runner.name, lambda: Path(str(runner.run())).stat().st_size / 1e6, runner.needs)

    peers = tuple(map(megabytes, race.peers))
    return Race(
        name, f"{race.work}: size", megabytes(race.ours), peers, (Target((GZIP,), 1.1, at_most=True),), unit="MB"
    )


def read_race(array: npt.NDArray[np.int16], scratch: Path) -> Race:
    """The race of reading the same file, written by Voxelry."""
    path = scratch / "read.h5"
    hdf5_format.FORMAT.write([Volume(array=array)], str(path), options={})

    def by_h5py() -> npt.NDArray[Any]:
        import h5py

        with h5py.File(path) as file:
            return np.asarray(file["volume"][...])

    return Race(
        "hdf5-read",
        f"{_size(array)} int16 from HDF5, gzip",
        Runner("voxelry", lambda: hdf5_format.FORMAT.read(str(path))[0].array),
        (Runner("h5py", by_h5py),),
        check=lambda found: np.testing.assert_array_equal(np.asarray(found), array),
    )


def zarr_race(array: npt.NDArray[np.int16], scratch: Path) -> Race:
    """The race of writing Zarr with the same chunks, shards and compression."""
    volume, ours, theirs = Volume(array=array), scratch / "ours.zarr", scratch / "theirs.zarr"

    def write() -> Path:
        zarr_format.FORMAT.write([volume], str(ours), options={})
        return ours

    def judge(path: object) -> None:
        import zarr as zarr_python

        np.testing.assert_array_equal(zarr_python.open_group(str(path), mode="r")["0"][...], array)  # type: ignore[index]

    return Race(
        "zarr",
        f"{_size(array)} int16 to Zarr, blosc lz4",
        Runner("voxelry", write),
        (Runner(ZARR, lambda: _by_zarr(array, theirs)),),
        (Target((ZARR,), 1.5, at_most=True),),
        judge,
    )


def _size(array: npt.NDArray[Any]) -> str:
    return "x".join(map(str, array.shape))


def _check_hdf5(path: object, array: npt.NDArray[Any]) -> None:
    import h5py

    with h5py.File(str(path)) as file:
        np.testing.assert_array_equal(file["volume"][...], array)


def _by_h5py(values: npt.NDArray[Any], path: Path) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        chunks = (1, *values.shape[1:])
        file.create_dataset("volume", data=values, chunks=chunks, compression="gzip", compression_opts=4, shuffle=True)
    return path


def _by_zarr(array: npt.NDArray[Any], path: Path) -> Path:
    import zarr as zarr_python
    from zarr.codecs import BloscCodec

    group = zarr_python.open_group(str(path), mode="w")
    group.create_array(
        "0",
        data=array,
        chunks=(1, *array.shape[1:]),
        shards=(min(zarr_format.SLICES_PER_SHARD, len(array)), *array.shape[1:]),
        compressors=[BloscCodec(cname="lz4", clevel=5, shuffle="shuffle", typesize=array.dtype.itemsize)],
        config={"write_empty_chunks": True},
    )
    return path
