"""NIfTI-1: one file, plain or gzipped. NIfTI-2 and pairs of .hdr and .img are read as well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.nifti.nifti_header import (
    CODES,
    COLOURS,
    HEADER_BYTES,
    MOST_EXTENSION_BYTES,
    MOST_VOXELS,
    NiftiHeader,
    build_header,
    parse,
)
from voxelry.formats.nifti.sidecar import step_seconds
from voxelry.formats.shared.block_writing import voxel_blocks, write_blocks, write_deflated
from voxelry.formats.shared.deflate import LEVELS, USUAL_LEVEL
from voxelry.formats.shared.grids import contradictions_refused, reoriented, shared_dtype, shared_grid
from voxelry.formats.shared.options import check_options, text_option, whole_option
from voxelry.formats.shared.streams import ByteSource, is_gzip

_INTEGERS = tuple(np.dtype(name) for name in ("int16", "uint16", "int32", "uint32", "int64", "uint64"))
_PIECE = 1 << 16
"""Bytes that are passed over at a time."""


class NiftiFormat:
    """NIfTI: voxels, affine, the time between volumes, and segments of label maps. Other attributes go to the sidecar.

    Names and colours of segments lie in a label table of the header, as Connectome Workbench and TotalSegmentator keep
    them; their codes beside it (`label_table`).

    Options: ``reorient`` (``"RAS"`` or any other of the 48 codes: axes are flipped and swapped, nothing is resampled),
    ``level`` (of gzip: 1, the usual, to 9), ``time_step`` (seconds from one volume to the next, 0 for none; otherwise
    the volumes' metadata tell it).
    """

    name = "nifti"
    suffixes = (".nii.gz", ".nii", ".hdr", ".hdr.gz")
    description = "NIfTI-1, one file, several volumes as time"

    @contradictions_refused()
    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """As `VolumeFormat.read`; also NIfTI-2, big endian and pairs (``.hdr`` beside ``.img``).

        The time between several volumes is Temporal Resolution (0020,0110) in their metadata.
        Scaling is applied without loss: whole numbers if slope and intercept are whole, else float64.
        """
        with ByteSource(path, wrapper="gzip" if is_gzip(path) else "") as source:
            first = source.take(HEADER_BYTES)
            header = parse(first)
            between = _between(source, header, first)
            if not header.apart:
                array = source.read_array(*_stored(header), before=first[header.start :], progress=progress)
        if header.apart:
            other = _image_beside(path)
            with ByteSource(other, wrapper="gzip" if is_gzip(other) else "") as source:
                _skip(source, header.start)
                array = source.read_array(*_stored(header), progress=progress)
        array = _scaled(array, header.slope, header.intercept)
        from voxelry.formats.nifti.label_table import read_label_table

        described, told = read_label_table(between, header.order, len(array))
        one = Volume(array=array[0], affine=header.affine, spacing=header.spacing, warnings=(*header.warnings, *told))
        if len(array) == 1:
            return (replace(one, metadata=described[0]),)
        time: dict[str, Value] = {} if header.step_ms is None else {"TemporalResolution": header.step_ms}
        return tuple(
            replace(one, array=each, label=f"time point {k}", metadata={**time, **own})
            for k, (each, own) in enumerate(zip(array, described, strict=True), 1)
        )

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """As `VolumeFormat.write`; gzipped if the name ends with ``.gz``. A pair (``.hdr``) is not written."""
        check_options(options, ("reorient", "level", "time_step"), self.name)
        if path.lower().endswith((".hdr", ".hdr.gz")):
            raise FormatError("a .hdr file has its voxels in another file; .nii holds both, and is written")
        level = whole_option(options, "level", USUAL_LEVEL, LEVELS)
        code = text_option(options, "reorient")
        self.check_volumes(volumes, options=options)
        first = volumes[0]
        step = _step(volumes, options.get("time_step"))
        datatype, dtype = _datatype(volumes)
        arrays: list[npt.NDArray[Any]] = [volume.array for volume in volumes]
        geometry = first.geometry
        if code:
            turned = [reoriented(np.asarray(array), first.geometry, code) for array in arrays]
            arrays, geometry = [array for array, _ in turned], turned[0][1]
        depth, rows, columns = arrays[0].shape[:3]
        shape = len(arrays), depth, rows, columns
        head = build_header(
            shape,
            datatype,
            geometry.affine,
            geometry.spacing,
            several=len(arrays) > 1,
            step_seconds=step,
            extension=_label_table(volumes),
        )
        blocks = voxel_blocks(arrays, dtype)
        with Path(path).open("wb") as file:
            if path.lower().endswith(".gz"):
                write_deflated(file, blocks, head=head, level=level, progress=progress)
            else:
                file.write(head)
                write_blocks(file, blocks, progress=progress)

    def check_volumes(self, volumes: Sequence[Volume], *, options: dict[str, Value]) -> None:
        """As `ChecksVolumes.check_volumes`."""
        first = shared_grid(volumes)
        _datatype(volumes)
        if text_option(options, "reorient") and not first.geometry.placed:
            raise FormatError("nothing tells where the volume lies, so that it cannot be reoriented")
        longest = max(len(volumes), *first.array.shape[:3])
        if longest > MOST_VOXELS:
            raise FormatError(f"NIfTI-1 counts to {MOST_VOXELS:,} along an axis, and this volume has {longest:,}")


def _label_table(volumes: Sequence[Volume]) -> bytes:
    """The extension that holds the names of labels; empty for volumes that are no labels."""
    if not any("SegmentSequence" in volume.metadata for volume in volumes):
        return b""
    from voxelry.formats.nifti.label_table import label_table

    return label_table(volumes)


def _step(volumes: Sequence[Volume], asked: Value) -> float | None:
    if asked is None:
        return step_seconds(volumes)
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 <= asked < math.inf:
        raise ParameterError(f"time_step is how many seconds pass from one volume to the next, not {asked!r}")
    return float(asked) or None


def _datatype(volumes: Sequence[Volume]) -> tuple[int, np.dtype[Any]]:
    """NIfTI's datatype code, and the dtype that is written."""
    samples = volumes[0].array.shape[3:]
    if not samples:
        dtype = shared_dtype(volumes, tuple(CODES), "NIfTI")
        return CODES[dtype.name], dtype
    dtype = shared_dtype(volumes, ("uint8",), "NIfTI in colour")
    codes = {count: code for code, count in COLOURS.items()}
    if samples[0] not in codes:
        raise FormatError(f"NIfTI holds colours of 3 or 4 samples, not {samples[0]}")
    return codes[samples[0]], dtype


def _stored(header: NiftiHeader) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of the stored voxels."""
    return (*header.shape, *((header.samples,) if header.samples > 1 else ())), header.dtype


def _between(source: ByteSource, header: NiftiHeader, first: bytes) -> bytes:
    """What lies between header and voxels, or behind the header of a pair: extensions. Empty if it is too much.

    Parameters
    ----------
    first
        The bytes that were already read from the source, which stands where the voxels begin afterwards.
    """
    if header.apart:
        rest = source.take(min(source.most, MOST_EXTENSION_BYTES))
        return first[header.size :] + rest
    left = header.start - len(first)
    if left <= 0:
        return first[header.size : header.start]
    if left > MOST_EXTENSION_BYTES or left > source.most:
        _skip(source, left)
        return b""
    rest = source.take(left)
    if len(rest) < left:
        raise FormatError(f"the voxels are said to begin at byte {header.start:,}, after the end of the file")
    return first[header.size :] + rest


def _skip(source: ByteSource, left: int) -> None:
    """Pass over bytes in front of the voxels."""
    begin = left
    if left > source.most:
        raise FormatError(f"the voxels are said to begin {begin:,} bytes further on, after the end of the file")
    while left > 0:
        passed = len(source.take(min(left, _PIECE)))
        if not passed:
            raise FormatError(f"the voxels are said to begin {begin:,} bytes further on, after the end of the file")
        left -= passed


def _image_beside(path: str) -> str:
    """The stored voxels of a pair, from its ``.img``."""
    for ending, images in ((".hdr", (".img", ".img.gz")), (".hdr.gz", (".img.gz", ".img"))):
        if path.lower().endswith(ending):
            for image in images:
                if Path(path[: -len(ending)] + image).is_file():
                    return path[: -len(ending)] + image
    raise FormatError("the voxels lie in another file, .img beside .hdr, and there is none")


def _scaled(stored: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    """The values: stored times slope plus intercept, exact where 64 bits allow it."""
    if (slope, intercept) == (1.0, 0.0) or stored.ndim > 4:
        return stored  # The standard does not scale colour.
    if stored.dtype.kind in "iu" and slope.is_integer() and intercept.is_integer():
        ends = [int(end) * int(slope) + int(intercept) for end in (stored.min(), stored.max())]
        within = (d for d in _INTEGERS if np.iinfo(d).min <= min(ends) and max(ends) <= np.iinfo(d).max)
        if (dtype := next(within, None)) is not None and max(map(abs, (slope, intercept, *ends))) < 2**62:
            whole = np.empty(stored.shape, dtype)
            for place, plane in _planes(stored):
                whole[place] = plane.astype(np.int64) * int(slope) + int(intercept)
            return whole
    values = np.empty(stored.shape, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        for place, plane in _planes(stored):
            values[place] = plane.astype(np.float64) * slope + intercept
    return values


def _planes(array: npt.NDArray[Any]) -> Iterator[tuple[tuple[int, int], npt.NDArray[Any]]]:
    return (((time, k), array[time, k]) for time in range(array.shape[0]) for k in range(array.shape[1]))


FORMAT = NiftiFormat()
