"""NumPy's .npz: the arrays of volumes and all other attributes of a Volume; nothing is pickled."""

from __future__ import annotations

import errno
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.block_writing import made_blocks, voxel_blocks
from voxelry.formats.shared.grids import check_affine, contradictions_refused, shared_dtype, shared_grid
from voxelry.formats.shared.options import check_options, yes_option
from voxelry.formats.shared.streams import MOST_INFLATION
from voxelry.formats.shared.volume_record import json_text, json_value, recorded_volume, volume_record

_DTYPES = (
    *("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64", "bool"),
)
_PIECE_BYTES = 8 << 20
_MOST_SMALL_BYTES = 256 << 20
"""Most bytes of the members beside the voxels; the metadata of the largest series have a few megabytes."""
_DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError),
    *(ValueError, KeyError, SyntaxError, OverflowError),
)
"""Errors that damaged archives and arrays raise. FormatError is a ValueError too and is re-raised first."""


class NpzFormat:
    """Members ``array``, ``affine`` (LPS), ``spacing``, ``padding`` and ``record`` (JSON), as `numpy.load` gives them.

    ``array`` is ``(slice, row, column[, sample])``, with a leading axis for several volumes, which ``record``
    declares. Option ``compress`` (false): deflate, smaller and slower.
    """

    name = "npz"
    suffixes = (".npz",)
    description = "NumPy arrays, with place and metadata"

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """As `VolumeFormat.read`; a file by others must have exactly one array of three axes or more."""
        try:
            with zipfile.ZipFile(path) as archive:
                names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
                if "record" not in names:
                    return _foreign(archive, names, progress)
                return _own(archive, names, progress)
        except FormatError:
            raise
        except _DAMAGED as error:
            raise FormatError(f"this is no .npz file, or a damaged one: {error}") from None
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            raise FormatError("this is a damaged .npz file: a member begins before the file") from None

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """As `VolumeFormat.write`."""
        check_options(options, ("compress",), self.name)
        method = zipfile.ZIP_DEFLATED if yes_option(options, "compress", False) else zipfile.ZIP_STORED
        first = shared_grid(volumes)
        dtype = shared_dtype(volumes, _DTYPES, "npz")
        several = len(volumes) > 1
        shape = (len(volumes), *first.array.shape) if several else first.array.shape
        record = json_text(
            {
                "several": several,
                "volumes": [
                    {**volume_record(volume), "instance_uids": list(volume.instance_uids)} for volume in volumes
                ],
            }
        )
        small: dict[str, npt.NDArray[Any]] = {
            "spacing": np.array([[math.nan if one is None else one for one in each.spacing] for each in volumes]),
            "padding": np.array([_padding(volume) for volume in volumes]),
            "record": np.array(record),
        }
        if first.affine is not None:
            small["affine"] = np.asarray(first.affine, np.float64)
        with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
            for name, array in small.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
            with archive.open("array.npy", "w", force_zip64=True) as file:
                header = {"descr": dtype.newbyteorder("<").str, "fortran_order": False, "shape": tuple(shape)}
                np.lib.format.write_array_header_1_0(file, header)
                blocks = voxel_blocks([volume.array for volume in volumes], dtype)
                file.writelines(made_blocks(blocks, progress=progress))


def _padding(volume: Volume) -> npt.NDArray[np.float64]:
    return np.full((len(volume.array), 2), np.nan) if volume.padding is None else volume.padding


def _own(archive: zipfile.ZipFile, names: Sequence[str], progress: Progress) -> tuple[Volume, ...]:
    text = _small(archive, "record")
    record = json_value(text.item()) if text.dtype.kind == "U" and text.ndim == 0 else None
    records = record.get("volumes") if isinstance(record, Mapping) else None
    if not isinstance(record, Mapping) or not isinstance(records, list) or not records:
        raise FormatError("the file's record is no description of volumes")
    array = _voxels(archive, "array", progress)
    stacked = array if record.get("several") is True else array[None]
    if stacked.ndim not in (4, 5) or len(stacked) != len(records):
        raise FormatError(f"the file describes {len(records)} volumes and holds an array of shape {array.shape}")
    affine = check_affine(_numbers(archive, "affine", (4, 4))) if "affine" in names else None
    spacing = _numbers(archive, "spacing", (len(records), 3))
    padding = _numbers(archive, "padding", (len(records), stacked.shape[1], 2))
    return tuple(
        recorded_volume(
            stacked[k],
            one,
            affine=affine,
            spacing=_spacing(spacing[k]),
            padding=None if np.isnan(padding[k]).all() else padding[k],
            instance_uids=_uids(one),
        )
        for k, one in enumerate(records)
    )


def _uids(record: Value) -> tuple[str, ...]:
    found = record.get("instance_uids") if isinstance(record, dict) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _spacing(numbers: npt.NDArray[np.float64]) -> Spacing:
    along, row, column = (float(one) if np.isfinite(one) and one > 0 else None for one in numbers)
    return along, row, column


@contradictions_refused()
def _foreign(archive: zipfile.ZipFile, names: Sequence[str], progress: Progress) -> tuple[Volume, ...]:
    """The volume of a file that Voxelry did not write, with the member ``affine`` if it exists."""
    if "array" not in names:
        fitting = [name for name in names if len(_header(archive, name)[0]) in (3, 4)]
        if len(fitting) != 1:
            raise FormatError(f"one array of three or four axes is needed, and the file has {len(fitting)}")
        names = [*names, fitting[0]]
    array = _voxels(archive, "array" if "array" in names else names[-1], progress)
    if array.ndim not in (3, 4):
        raise FormatError(f"an array of three or four axes is needed, and the file's has {array.ndim}")
    several = array.ndim == 4 and not (array.shape[-1] in (3, 4) and array.dtype.itemsize <= 2)
    warnings = ["its first axis is taken for several volumes, as its last is no colour"] if several else []
    affine = None
    if "affine" in names:
        affine = check_affine(_numbers(archive, "affine", (4, 4)))
        warnings.append("the file has no record of Voxelry: its affine is taken to be in LPS millimetres")
    else:
        warnings.append("the file does not say where its voxels lie, nor how large they are")
    one = Volume(array=array[0] if several else array, affine=affine, warnings=tuple(warnings))
    if not several:
        return (one,)
    return tuple(replace(one, array=each, label=f"volume {k}") for k, each in enumerate(array, 1))


# --- arrays of an archive ---------------------------------------------------------------------------------------------


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Parse a member's header: shape, order, dtype and number of bytes."""
    with archive.open(f"{name}.npy") as file:
        return (*_parse(file), file.tell())


def _parse(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if np.lib.format.read_magic(file) == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)


def _checked(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and dtype of a member, checked against the bytes that it can hold."""
    shape, fortran, dtype, start = _header(archive, name)
    member = archive.getinfo(f"{name}.npy")
    if dtype.hasobject or dtype.kind not in "biufU":
        raise FormatError(f"the member {name} is no array of numbers; pickled objects are never read")
    declared = math.prod(shape) * dtype.itemsize
    here = Path(str(archive.filename)).stat().st_size
    possible = min(member.file_size - start, min(member.compress_size, here) * MOST_INFLATION)
    if member.compress_type == zipfile.ZIP_STORED:
        possible = min(possible, here)
    if min(shape, default=1) < 0 or declared > possible:
        raise FormatError(
            f"the member {name} declares {declared:,} bytes and has room for {max(0, possible):,} at most",
            declared_bytes=declared,
            possible_bytes=possible,
        )
    return shape, fortran, dtype


def _voxels(archive: zipfile.ZipFile, name: str, progress: Progress) -> npt.NDArray[Any]:
    shape, fortran, dtype = _checked(archive, name)
    if dtype.kind not in "biuf" or math.prod(shape) == 0:
        raise FormatError(f"the member {name} holds no voxels")
    array = np.empty(math.prod(shape), dtype)
    content = array.view(np.uint8).data
    told = part(progress, 0.0, 1.0)
    done = 0
    with archive.open(f"{name}.npy") as file:
        _parse(file)
        while done < len(content):
            count = file.readinto(content[done : done + _PIECE_BYTES])  # type: ignore[attr-defined]
            if not count:
                raise FormatError(f"the voxels end after {done:,} of {len(content):,} bytes")
            done += count
            told(done / len(content), "reading voxels")
        file.read(1)  # Reading to the end compares the check sum.
    native = array if dtype.isnative else array.byteswap(inplace=True).view(dtype.newbyteorder("="))
    return np.ascontiguousarray(native.reshape(shape, order="F")) if fortran else native.reshape(shape)


def _small(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    shape, _, dtype = _checked(archive, name)
    if math.prod(shape) * dtype.itemsize > _MOST_SMALL_BYTES:
        raise FormatError(f"the member {name} is larger than any description")
    with archive.open(f"{name}.npy") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _numbers(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    found = _small(archive, name)
    if found.shape != shape or found.dtype.kind not in "iuf":
        raise FormatError(f"the member {name} has shape {found.shape} where {shape} is needed")
    return found.astype(np.float64)


FORMAT = NpzFormat()
