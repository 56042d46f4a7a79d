"""Zarr's Blosc codec with a check of the unpacked size that a chunk declares."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

_NAME = "voxelry.bounded_blosc"
_SIZE_AT, _HEADER = 4, 16
"""Position of the unpacked size in Blosc's header of 16 bytes."""


def bounded() -> AbstractContextManager[Any]:
    """Within this context, zarr checks the declared sizes of Blosc chunks before it allocates memory."""
    import zarr

    _register()
    chosen: AbstractContextManager[Any] = zarr.config.set({"codecs.blosc": _NAME})
    return chosen


@cache
def _register() -> None:
    from zarr.codecs import BloscCodec
    from zarr.registry import register_codec

    class BoundedBlosc(BloscCodec):
        """A Blosc codec that raises ValueError if a chunk's header declares another size than the chunk's."""

        def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
            header = chunk_bytes.as_numpy_array()[:_HEADER].tobytes()
            claimed = int.from_bytes(header[_SIZE_AT : _SIZE_AT + 4], "little")
            whole = prod(chunk_spec.shape) * chunk_spec.dtype.to_native_dtype().itemsize
            if len(header) < _HEADER or claimed > whole:
                raise ValueError(f"a Blosc chunk claims {claimed} bytes where {whole} are")
            return super()._decode_sync(chunk_bytes, chunk_spec)

    register_codec("blosc", BoundedBlosc, qualname=_NAME)
