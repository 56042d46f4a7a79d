"""MetaImage, as ITK reads and writes it: header and voxels in one file; pairs of .mhd and .raw or .zraw are read.

References
----------
MetaIO documentation, "Reference: Tags of MetaImage" (itk.org/Wiki/MetaIO/Documentation)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import spacing_of
from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, silent
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.block_writing import voxel_blocks, write_blocks, write_deflated
from voxelry.formats.shared.deflate import level_asked
from voxelry.formats.shared.grids import check_affine, contradictions_refused, shared_dtype, shared_grid
from voxelry.formats.shared.streams import ByteSource, beside, read_start

_ELEMENTS = {
    "int8": "MET_CHAR", "uint8": "MET_UCHAR", "int16": "MET_SHORT", "uint16": "MET_USHORT", "int32": "MET_INT",
    "uint32": "MET_UINT", "int64": "MET_LONG_LONG", "uint64": "MET_ULONG_LONG", "float32": "MET_FLOAT",
    "float64": "MET_DOUBLE",
}  # fmt: skip
_DTYPES = {word: dtype for dtype, word in _ELEMENTS.items()} | {"MET_LONG": "int32", "MET_ULONG": "uint32"}
_NAMES = {
    "Position": "Offset", "Origin": "Offset", "Rotation": "TransformMatrix", "Orientation": "TransformMatrix",
    "ElementByteOrderMSB": "BinaryDataByteOrderMSB",
}  # fmt: skip
"""Older names of the same keys."""
_KNOWN = "SpacingKnown"
"""Our own key: MetaImage cannot express an unknown spacing, and its readers take 1 for it."""
_TO_MM = {"um": 0.001, "mm": 1.0, "cm": 10.0, "?": 1.0, "": 1.0}
_MOST_HEADER_BYTES = 1 << 20
_LAST = re.compile(rb"^[ \t]*ElementDataFile[ \t]*[=:]", re.MULTILINE)
_LINE = re.compile(r"\s*([^=:]*?)\s*[=:]\s*(.*?)\s*")
"""A key and its value: MetaIO accepts a colon as separator too."""


class MetaImageFormat:
    """MetaImage: voxels, and their affine in 64 bits.

    The directions of a tilted stack are not perpendicular; they are written unchanged, as ITK does.

    Options: ``compress`` (true: zlib), ``level`` (1, the usual, to 9).
    """

    name = "metaimage"
    suffixes = (".mha", ".mhd")
    description = "MetaImage (ITK), one file, several volumes as a fourth dimension"

    @contradictions_refused()
    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """As `VolumeFormat.read`; voxels may lie in a separate file (``.raw``, ``.zraw``), in either byte order."""
        content = read_start(path, _MOST_HEADER_BYTES)
        fields, start = _fields(content)
        shape = _shape(fields)
        channels = _whole(fields, "ElementNumberOfChannels", 1)
        name = fields["ElementDataFile"]
        place, start = (path, start) if name.upper() == "LOCAL" else (_beside(path, name), 0)
        array_shape = (*shape, channels) if channels > 1 else shape
        start = _start(fields, place, start, math.prod(array_shape) * _dtype(fields).itemsize)
        with ByteSource(place, start=start, wrapper=_wrapper(fields, place, start)) as source:
            array = source.read_array(array_shape, _dtype(fields), progress=progress)
        affine, spacing, warnings = _geometry(fields)
        warnings += _unscaled(fields)
        labels = [f"time point {k}" for k in range(1, len(array) + 1)] if len(array) > 1 else [""]
        return tuple(
            Volume(array=one, affine=affine, spacing=spacing, label=label, warnings=warnings)
            for one, label in zip(array, labels, strict=True)
        )

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """As `VolumeFormat.write`; the voxels are written to the same file for ``.mha`` and for ``.mhd``."""
        level = level_asked(options, self.name)
        first = shared_grid(volumes)
        dtype = shared_dtype(volumes, tuple(_ELEMENTS), "MetaImage")
        before, after = _header(volumes, first, dtype, compress=level is not None)
        blocks = voxel_blocks([volume.array for volume in volumes], dtype)
        with Path(path).open("wb") as file:
            file.write(before.encode())
            if level is None:
                file.write(after.encode())
                write_blocks(file, blocks, progress=progress)
                return
            size_at = file.tell()
            file.write(_size_line(0) + after.encode())
            start = file.tell()
            write_deflated(file, blocks, wrapper="zlib", level=level, progress=progress)
            size = file.tell() - start
            file.seek(size_at)
            file.write(_size_line(size))


def _size_line(size: int) -> bytes:
    return b"CompressedDataSize = %020d\n" % size


def _header(volumes: Sequence[Volume], first: Volume, dtype: np.dtype[Any], *, compress: bool) -> tuple[str, str]:
    """The header's lines before and after the one with the size of the compressed voxels."""
    depth, rows, columns, *samples = first.array.shape
    several = len(volumes) > 1
    sizes = [columns, rows, depth, *([len(volumes)] if several else [])]
    before = [
        "ObjectType = Image",
        f"NDims = {len(sizes)}",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        f"CompressedData = {compress}",
    ]
    spacing: list[float] = [one or 1.0 for one in reversed(first.spacing)]
    after = []
    if first.affine is not None:
        directions = first.affine[:3, [2, 1, 0]]
        spacing = np.linalg.norm(directions, axis=0).tolist()
        matrix = np.eye(len(sizes))
        matrix[:3, :3] = (directions / spacing).T  # One row for each axis of the index.
        offset = [*first.affine[:3, 3].tolist(), *([0.0] if several else [])]
        after += [f"TransformMatrix = {_numbers(matrix.reshape(-1).tolist())}", f"Offset = {_numbers(offset)}"]
    elif None in first.spacing:
        after.append(f"{_KNOWN} = {' '.join(str(one is not None) for one in reversed(first.spacing))}")
    after += [
        f"ElementSpacing = {_numbers([*spacing, *([1.0] if several else [])])}",
        f"DimSize = {' '.join(map(str, sizes))}",
        *(f"ElementNumberOfChannels = {one}" for one in samples),
        f"ElementType = {_ELEMENTS[dtype.name]}",
        "ElementDataFile = LOCAL",
    ]
    return "\n".join(before) + "\n", "\n".join(after) + "\n"


def _numbers(numbers: Sequence[float]) -> str:
    return " ".join(repr(float(number) + 0.0) for number in numbers)


# --- reading ----------------------------------------------------------------------------------------------------------


def _fields(content: bytes) -> tuple[dict[str, str], int]:
    """The header's fields, and the offset of its end."""
    last = _LAST.search(content)
    end = -1 if last is None else content.find(b"\n", last.end())
    if last is None or (end < 0 and len(content) == _MOST_HEADER_BYTES):
        raise FormatError("this is no MetaImage file, or its header ends too early: it names no ElementDataFile")
    end = len(content) if end < 0 else end + 1
    fields: dict[str, str] = {}
    for line in content[:end].decode("utf-8", "replace").splitlines():
        found = _LINE.fullmatch(line)
        if found is not None:
            fields[_NAMES.get(found[1], found[1])] = found[2]
    if fields.get("ObjectType", "Image") != "Image" or "ElementDataFile" not in fields:
        raise FormatError("this is no MetaImage file: its ObjectType is not Image")
    if not _yes(fields, "BinaryData", True):
        raise FormatError("voxels that are written as text are not read")
    return fields, end


def _yes(fields: Mapping[str, str], name: str, usual: bool) -> bool:
    return fields[name][:1] in ("T", "t", "1") if fields.get(name) else usual


def _whole(fields: Mapping[str, str], name: str, usual: int) -> int:
    word = fields.get(name, str(usual))
    if not (word.isdecimal() and len(word) < 19 and int(word) > 0):
        raise FormatError(f"the header's {name} is no whole number above 0")
    return int(word)


def _floats(fields: Mapping[str, str], name: str, count: int) -> npt.NDArray[np.float64] | None:
    """The numbers of a field; None if it is absent."""
    if name not in fields:
        return None
    try:
        found = np.array([float(word) for word in fields[name].split()])
    except ValueError:
        raise FormatError(f"the header's {name} are no numbers") from None
    if len(found) != count or not np.isfinite(found).all():
        raise FormatError(f"the header's {name} are not {count} finite numbers")
    return found


def _shape(fields: Mapping[str, str]) -> tuple[int, int, int, int]:
    """The shape ``(time, slice, row, column)``."""
    words = fields.get("DimSize", "").split()
    count = _whole(fields, "NDims", 3)
    if len(words) != count or not all(word.isdecimal() and 0 < len(word) < 19 and int(word) > 0 for word in words):
        raise FormatError("the header's DimSize contradict its NDims, or there are no voxels")
    sizes = [int(word) for word in words]
    if count > 4:
        raise FormatError(f"MetaImages of {count} dimensions are not read: space and time are four")
    column, row, along, time = sizes + [1] * (4 - count)
    return time, along, row, column


def _dtype(fields: Mapping[str, str]) -> np.dtype[Any]:
    word = fields.get("ElementType", "").removesuffix("_ARRAY")
    if word not in _DTYPES:
        raise FormatError(f"voxels of MetaImage's type {word!r} are not read")
    return np.dtype(_DTYPES[word]).newbyteorder(">" if _yes(fields, "BinaryDataByteOrderMSB", False) else "<")


def _beside(path: str, name: str) -> str:
    """The path of the only file of voxels that a header names."""
    if name.split()[:1] == ["LIST"] or ("%" in name and len(name.split()) > 1):
        raise FormatError("the header's voxels are in a list of files; only one beside it is read")
    return beside(path, name)


def _start(fields: Mapping[str, str], place: str, start: int, voxel_bytes: int) -> int:
    """The offset of the voxels in their file; ``start`` is the offset behind the header."""
    skipped = fields.get("HeaderSize", "0")
    if skipped == "0":
        return start
    if skipped == "-1" and not _yes(fields, "CompressedData", False):  # The voxels end where the file ends.
        return max(0, Path(place).stat().st_size - voxel_bytes)
    if not skipped.isdecimal() or len(skipped) > 18:
        raise FormatError(f"the header's HeaderSize is {skipped}; needed is a number of bytes, or -1 for raw voxels")
    if int(skipped) > Path(place).stat().st_size:
        raise FormatError(f"the header's HeaderSize is {skipped}, beyond the end of the file")
    return int(skipped)


def _wrapper(fields: Mapping[str, str], path: str, start: int) -> str:
    if not _yes(fields, "CompressedData", False):
        return ""
    with Path(path).open("rb") as file:
        file.seek(start)
        return "gzip" if file.read(2) == b"\x1f\x8b" else "zlib"


@np.errstate(over="ignore", invalid="ignore")  # Values that overflow are refused below.
def _geometry(fields: Mapping[str, str]) -> tuple[npt.NDArray[np.float64] | None, Spacing, tuple[str, ...]]:
    """The affine, the spacing, and warnings."""
    count = _whole(fields, "NDims", 3)
    sizes = _floats(fields, "ElementSpacing", count)
    sizes = _floats(fields, "ElementSize", count) if sizes is None else sizes
    matrix, offset = _floats(fields, "TransformMatrix", count * count), _floats(fields, "Offset", count)
    unit = fields.get("DistanceUnits", "mm")
    if unit not in _TO_MM:
        raise FormatError(f"the header's lengths are in a unit that is not read: {unit!r}")
    sizes = None if sizes is None else sizes * _TO_MM[unit]
    offset = None if offset is None else offset * _TO_MM[unit]
    if sizes is None or matrix is None or offset is None or count < 3:
        words = "the file does not say where its voxels lie: it has no TransformMatrix, Offset or third dimension"
        return None, _known_spacing(fields, sizes), (words,)
    turned = matrix.reshape(count, count)
    if count == 4 and (turned[3, :3].any() or turned[:3, 3].any()):
        raise FormatError("the file's fourth dimension leans into space, which no volume can")
    affine = np.eye(4)
    affine[:3, :3] = (turned[:3, :3].T * sizes[:3])[:, ::-1]
    affine[:3, 3] = offset[:3]
    affine = check_affine(affine)
    return affine, spacing_of(affine), ()


def _unscaled(fields: Mapping[str, str]) -> tuple[str, ...]:
    """A warning if the file declares an intensity function of its stored values; it is not applied, as in ITK."""
    slope, offset = (_floats(fields, f"ElementToIntensityFunction{name}", 1) for name in ("Slope", "Offset"))
    if (slope is None or slope[0] == 1) and (offset is None or not offset[0]):
        return ()
    return ("values are as they are stored, without the header's ElementToIntensityFunction, as others read them too",)


def _known_spacing(fields: Mapping[str, str], sizes: npt.NDArray[np.float64] | None) -> Spacing:
    """The spacing of a file without an affine; None for each one that our own key marks as unknown."""
    if sizes is None:
        return None, None, None
    known = [word == "True" for word in fields.get(_KNOWN, "").split()] or [True] * len(sizes)
    found = [
        float(size) if is_known and math.isfinite(size) and size > 0 else None
        for size, is_known in zip(sizes[:3], known, strict=False)
    ]
    column, row, along = (*found, None, None, None)[:3]
    return along, row, column


FORMAT = MetaImageFormat()
