"""Chunks of HDF5 datasets on all cores: the standard shuffle and gzip filters, packed and unpacked outside h5py.

h5py packs one chunk at a time under its lock. Here threads do it with ISA-L, and h5py only writes the ready bytes
(``write_direct_chunk``). Every HDF5 reader has these filters, so the files are ordinary HDF5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.progress import Progress, silent
from voxelry.formats.hdf5.hdf5_file import Node, check_dataset, filters, guard_hdf5
from voxelry.parallel import in_parallel

COMPRESSIONS = ("gzip", "none", "lzf", "blosc", "zstd")
"""The first is the default. h5py alone reads the first three; the others need hdf5plugin."""
MOST_CHUNK_BYTES = 1 << 28
"""A larger slice is split into chunks of whole rows: HDF5 refuses chunks of 4 GiB."""
_SLAB_BYTES = 1 << 24
_DEFLATE, _SHUFFLE = 1, 2
_LEVEL = 1

MakePlane = Callable[[tuple[int, ...]], npt.NDArray[Any]]
"""The image at an index (location, or location and phase); shape ``(row, column)`` or ``(row, column, sample)``."""


def shuffle(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """HDF5's shuffle filter: the first bytes of all values, then their second bytes, and so on."""
    flat = np.ascontiguousarray(values).reshape(-1)
    size = flat.dtype.itemsize
    if size == 1:
        return flat.view(np.uint8)
    out = np.empty((size, flat.size), np.uint8)
    if size <= 4:  # Shifts of whole numbers are faster than bytes with a stride.
        plain = flat.view(f"<u{size}")
        for place in range(size):
            np.right_shift(plain, 8 * place, out=out[place], casting="unsafe")
    else:
        out[...] = flat.view(np.uint8).reshape(-1, size).T
    return out.reshape(-1)


def unshuffle(content: npt.NDArray[np.uint8], out: npt.NDArray[Any]) -> None:
    """Undo the shuffle filter into a C-contiguous array of as many bytes."""
    size = out.dtype.itemsize
    flat = out.reshape(-1).view(np.uint8)
    if size == 1:
        flat[:] = content
    elif size == 2:
        parts = content.reshape(2, -1)
        plain = flat.view("<u2")
        np.left_shift(parts[1], 8, out=plain, dtype=np.uint16)
        plain |= parts[0]
    else:
        spread = flat.reshape(-1, size)
        for place, part in enumerate(content.reshape(size, -1)):
            spread[:, place] = part


def create_dataset(
    group: Node, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], *, images: int, compression: str
) -> Node:
    """Create a dataset of images with one chunk per image.

    Parameters
    ----------
    images
        How many leading axes index the images.
    compression
        One of ``COMPRESSIONS``.

    Raises
    ------
    ParameterError
        If the compression is unknown.
    FormatError
        If the compression needs hdf5plugin, which is not installed.
    """
    row_bytes = prod(shape[images + 1 :]) * dtype.itemsize
    rows = max(1, min(shape[images], MOST_CHUNK_BYTES // row_bytes))
    chunks = (*(1,) * images, rows, *shape[images + 1 :])
    native = dtype.newbyteorder("=")
    return group.create_dataset(name, shape, native, chunks=chunks, fillvalue=None, **_filter(compression, dtype))


def _filter(compression: str, dtype: np.dtype[Any]) -> dict[str, Any]:
    shuffled = dtype.itemsize > 1
    if compression == "none":
        return {}
    if compression == "gzip":
        return {"compression": "gzip", "compression_opts": _LEVEL, "shuffle": shuffled}
    if compression == "lzf":
        return {"compression": "lzf", "shuffle": shuffled}
    if compression not in COMPRESSIONS:
        raise ParameterError(f"HDF5 has no compression {compression!r}; there are {', '.join(COMPRESSIONS)}")
    try:
        import hdf5plugin
    except ImportError:
        raise FormatError(
            f"the compression {compression} needs hdf5plugin, to read as well as to write: "
            "install it (pip install 'voxelry[fast]'), or take gzip"
        ) from None
    if compression == "blosc":
        return dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE))
    return {**hdf5plugin.Zstd(clevel=1), "shuffle": shuffled}


def write_images(dataset: Node, plane: MakePlane, *, images: int, words: str, progress: Progress = silent) -> None:
    """Write every image of a dataset that ``create_dataset`` made; ``plane`` is called on several threads."""
    indices = list(product(*(range(count) for count in dataset.shape[:images])))
    rows, step = dataset.shape[images], dataset.chunks[images]
    gzip = _DEFLATE in filters(dataset)
    dtype, row_shape = dataset.dtype, dataset.shape[images + 1 :]

    def make(index: tuple[int, ...]) -> list[tuple[int, Any]]:
        values = np.asarray(plane(index), dtype)
        pieces = [(start, values[start : start + step]) for start in range(0, rows, step)]
        return [(start, _pack(_whole(piece, (step, *row_shape))) if gzip else piece) for start, piece in pieces]

    ready = in_parallel(partial(make, index) for index in indices)
    for done, (index, pieces) in enumerate(zip(indices, ready, strict=True)):
        for start, piece in pieces:
            if gzip:
                dataset.id.write_direct_chunk((*index, start, *(0 for _ in row_shape)), piece)
            else:
                dataset[(*index, slice(start, start + len(piece)))] = piece
        progress((done + 1) / len(indices), words)


def _whole(piece: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Pad the last chunk of a split slice: all chunks of an HDF5 dataset have one size."""
    if piece.shape == shape:
        return piece
    padded = np.zeros(shape, piece.dtype)
    padded[: len(piece)] = piece
    return padded


def _pack(values: npt.NDArray[Any]) -> bytes:
    from isal import isal_zlib

    return isal_zlib.compress(shuffle(values), _LEVEL)


def read_images(dataset: Node, *, words: str, progress: Progress = silent) -> npt.NDArray[Any]:
    """All values of a dataset, in the machine's byte order.

    Raises
    ------
    FormatError
        If it is empty, damaged, or declares more than the file can hold; raised before memory is allocated.
    """
    check_dataset(dataset)
    if not dataset.size:
        raise FormatError(f"the HDF5 file's dataset of images has no pixels: its shape is {dataset.shape}")
    out = np.empty(dataset.shape, dataset.dtype.newbyteorder("="))
    images = _images(dataset)
    parts = _read_slabs(dataset, out) if images is None else _read_chunks(dataset, out, images)
    for fraction in parts:
        progress(fraction, words)
    return out


@guard_hdf5
def _images(dataset: Node) -> int | None:
    """The number of leading axes that index images of one gzip chunk each; None for other layouts."""
    shape, chunks = dataset.shape, dataset.chunks
    if chunks is None or not dataset.dtype.isnative:
        return None
    if filters(dataset) not in ([_SHUFFLE, _DEFLATE], [_DEFLATE]):
        return None
    images = next((axis for axis, size in enumerate(chunks) if size != 1), len(chunks))
    return images if images < len(shape) and chunks[images:] == shape[images:] else None


def _read_slabs(dataset: Node, out: npt.NDArray[Any]) -> Iterator[float]:
    step = max(1, _SLAB_BYTES * len(out) // out.nbytes)
    if dataset.chunks is not None:  # Parts begin at chunk borders, so that no chunk is unpacked twice.
        step = max(1, step // dataset.chunks[0]) * dataset.chunks[0]
    for start in range(0, len(out), step):
        part = slice(start, start + step)
        guard_hdf5(dataset.read_direct)(out, part, part)
        yield min(1.0, (start + step) / len(out))


def _read_chunks(dataset: Node, out: npt.NDArray[Any], images: int) -> Iterator[float]:
    shuffled = _SHUFFLE in filters(dataset)
    indices = list(product(*(range(count) for count in out.shape[:images])))
    rest = (0,) * (out.ndim - images)

    def unpack(index: tuple[int, ...], content: bytes | None) -> None:
        target = out[index]
        if content is None:
            guard_hdf5(dataset.read_direct)(out, index, index)
        elif not _unpack(content, target, shuffled):
            raise FormatError(f"the chunk of slice {index[0]} is damaged")

    tasks = (partial(unpack, index, _chunk(dataset, (*index, *rest))) for index in indices)
    for done, _ in enumerate(in_parallel(tasks)):
        yield (done + 1) / len(indices)


@guard_hdf5
def _chunk(dataset: Node, offset: Sequence[int]) -> bytes | None:
    """A chunk's filtered bytes; None if h5py has to read it: the chunk was not written, or not filtered."""
    info = dataset.id.get_chunk_info_by_coord(tuple(offset))
    if info.byte_offset is None or info.filter_mask or not info.size:
        return None
    if info.size > dataset.id.get_storage_size():
        raise FormatError("a chunk is declared larger than its dataset")
    return bytes(dataset.id.read_direct_chunk(tuple(offset))[1])


def _unpack(content: bytes, out: npt.NDArray[Any], shuffled: bool) -> bool:
    """Unpack a chunk into a C-contiguous image; False if it is damaged or has another size."""
    import imagecodecs

    target = out.reshape(-1).view(np.uint8)
    plain: Any = np.empty(out.nbytes, np.uint8) if shuffled else target
    try:
        size = len(
            imagecodecs.deflate_decode(content, out=plain)
        )  # It never writes beyond the buffer that it is given.
    except imagecodecs.DeflateError:
        return False
    if size == len(plain) and shuffled:
        unshuffle(plain, out)
    return size == len(plain)
