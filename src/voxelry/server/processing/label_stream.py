"""Label maps that are sent: gzip that is read piece by piece, never more of it than the grid holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from isal import igzip_lib, isal_zlib

from voxelry.core.errors import TooLargeError, VoxelryError
from voxelry.server.processing.draft import Draft

MOST_BYTES = 2**33
"""Of all label maps of one draft."""
_PIECE = 2**20
_GZIP = 31
_SLACK = 2**16
_DAMAGED: tuple[type[BaseException], ...] = (EOFError, ValueError, cast("type[Exception]", igzip_lib.IsalError))


class VoxelsError(VoxelryError, ValueError):
    """Label maps that are not what the request says."""

    code: ClassVar[str] = "voxels"


def check_size(draft: Draft, shape: tuple[int, ...]) -> int:
    """The bytes of one label map.

    Raises
    ------
    TooLargeError
        If all of them are more than `MOST_BYTES`.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(draft.dtype).itemsize
    if size * draft.layers > MOST_BYTES:
        raise TooLargeError(
            f"{draft.layers} label maps of {size:,} bytes are more than the {MOST_BYTES:,} that are taken"
        )
    return size


def check_layers(draft: Draft, shape: tuple[int, ...], paths: list[Path]) -> None:
    """Read all label maps once, and refuse what is not exactly as long as the grid, or holds what no segment is.

    Raises
    ------
    VoxelsError, TooLargeError
        In words.
    """
    if len(paths) != draft.layers:
        raise VoxelsError(f"the segments lie in {draft.layers} layers, and {len(paths)} files of layers came")
    size = check_size(draft, shape)
    dtype = np.dtype(draft.dtype).newbyteorder("<")
    is_drawn = False
    for layer, path in enumerate(paths):
        packed = path.stat().st_size
        if packed > size + size // 1000 + _SLACK:
            raise TooLargeError(f"layer {layer}: {packed:,} packed bytes are more than a map of {size:,} needs")
        known = _known_values(draft, layer, dtype)
        for piece in unpacked_pieces(path, size, layer):
            values = np.frombuffer(piece, dtype)
            if not values.any():
                continue
            is_drawn = True
            strange = ~known[values]
            if strange.any():
                value = int(values[strange][0])
                raise VoxelsError(f"layer {layer} holds the value {value}, which is that of no segment in it")
    if not is_drawn:
        raise VoxelsError("nothing is drawn: all voxels are 0")


def _known_values(draft: Draft, layer: int, dtype: np.dtype[Any]) -> npt.NDArray[np.bool_]:
    known = np.zeros(np.iinfo(dtype).max + 1, np.bool_)
    known[[0, *(one.value for one in draft.segments if one.layer == layer)]] = True
    return known


def unpacked_pieces(path: Path, size: int, layer: int) -> Iterator[bytes]:
    """The bytes of a label map in pieces of whole values, which are ``size`` together.

    Raises
    ------
    VoxelsError
        If they are more or fewer, or no gzip.
    """
    unpacker = isal_zlib.decompressobj(wbits=_GZIP)
    left, odd = size, b""
    with path.open("rb") as file:
        packed = file.read(_PIECE)
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(packed, _PIECE)
            except _DAMAGED as error:
                raise VoxelsError(f"layer {layer}: is no gzip, or is damaged") from error
            left -= len(piece)
            if left < 0:
                raise VoxelsError(f"layer {layer}: is longer than the {size:,} bytes of its grid")
            packed = unpacker.unconsumed_tail or file.read(_PIECE)
            if not packed and not piece:  # without more input it may still hold output
                break
            piece = odd + piece
            odd = piece[len(piece) // 2 * 2 :]
            if whole := piece[: len(piece) // 2 * 2]:
                yield whole
        if unpacker.eof and (unpacker.unused_data or file.read(1)):
            raise VoxelsError(f"layer {layer}: something follows the gzip member")
        if odd:
            yield odd
    if left or not unpacker.eof:
        raise VoxelsError(f"layer {layer}: ends {left:,} bytes before the {size:,} of its grid, or its gzip is cut off")


def unpack_into(path: Path, target: Path, shape: tuple[int, ...], dtype: np.dtype[Any], layer: int) -> npt.NDArray[Any]:
    """Unpack a label map into a file that is mapped into memory; what is empty takes no room in it."""
    labels = np.lib.format.open_memmap(target, mode="w+", dtype=dtype, shape=shape)
    flat = labels.reshape(-1).view(np.uint8)
    start = 0
    for piece in unpacked_pieces(path, labels.nbytes, layer):
        values = np.frombuffer(piece, np.uint8)
        if values.any():
            flat[start : start + len(values)] = values
        start += len(values)
    labels.flush()
    found: npt.NDArray[Any] = np.load(target, mmap_mode="r")
    return found
