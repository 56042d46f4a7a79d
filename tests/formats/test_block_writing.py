"""Blocks that threads write at their places are the voxels in order, whatever the file and the arrays are."""

from __future__ import annotations

import os
import threading
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.lazy import LazyArray
from voxelry.formats.shared import block_writing
from voxelry.formats.shared.block_writing import made_blocks, voxel_blocks, write_blocks, write_deflated

SHAPES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 7)), max_size=12)


@given(shapes=SHAPES, lazy=st.booleans(), limit=st.sampled_from([1, 64, 500]), most=st.integers(1, 4))
def test_the_bytes_are_those_of_the_arrays(
    tmp_path_factory: pytest.TempPathFactory, shapes: list[tuple[int, int, int]], lazy: bool, limit: int, most: int
) -> None:
    random = np.random.default_rng(3)
    arrays = [random.integers(-9, 9, shape).astype(np.int16) for shape in shapes]
    given_ = [_lazy(array) for array in arrays] if lazy else arrays
    whole = b"".join(array.astype("<i4").tobytes() for array in arrays)
    shares: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_writing, "BLOCK_BYTES", limit)
        patch.setattr(block_writing, "_READ_BYTES", limit)
        patch.setattr(block_writing, "_MOST_PARTS", most)
        blocks = voxel_blocks(given_, np.dtype(np.int32))  # type: ignore[arg-type]
        assert max((len(block.parts) for block in blocks), default=0) <= most
        path = tmp_path_factory.mktemp("blocks") / "voxels"
        with path.open("wb") as file:
            file.write(b"head")
            write_blocks(file, blocks, progress=lambda share, _: shares.append(share))
            file.write(b"tail")
    assert path.read_bytes() == b"head" + whole + b"tail"
    assert b"".join(made_blocks(blocks)) == whole
    packed = BytesIO()
    write_deflated(packed, blocks, head=b"head", wrapper="zlib")
    assert zlib.decompress(packed.getvalue()) == b"head" + whole
    assert shares == sorted(shares)
    assert shares[-1:] == [1.0] * bool(whole) or not whole


def _lazy(array: np.ndarray) -> LazyArray:
    return LazyArray(array.shape, array.dtype, lambda numbers: array[list(numbers)])


def test_a_pipe_gets_them_in_order() -> None:
    array = np.arange(30_000, dtype=np.int16).reshape(30, 10, 100)
    reading, writing = os.pipe()
    found: list[bytes] = []

    def read() -> None:
        with os.fdopen(reading, "rb") as file:
            found.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    with os.fdopen(writing, "wb") as file:
        write_blocks(file, voxel_blocks([array], array.dtype))
    thread.join()
    assert found == [array.tobytes()]


def test_an_error_of_one_block_is_the_caller_s(tmp_path: Path) -> None:
    def read(numbers: object) -> np.ndarray:
        raise OSError("gone")

    blocks = voxel_blocks([LazyArray((3, 4, 5), np.int16, read)], np.dtype(np.int16))  # type: ignore[list-item]
    with (tmp_path / "voxels").open("wb") as file, pytest.raises(OSError, match="gone"):
        write_blocks(file, blocks)
