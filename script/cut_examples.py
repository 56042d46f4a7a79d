"""Writes web/tests/core/fixtures/serverCuts.json: cuts of small volumes with the values that the server gives.

The page's own sampling is held against them (web/tests/core/sampling), and tests/core/test_cut_examples.py holds the
server's cuts against them: both give the same bits. Run by hand after a change of the formula:
``python script/cut_examples.py``.
"""

from __future__ import annotations

import base64
import json
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.cuts import METHODS, Cut, Method, SlabMode, cut
from voxelry.core.volume import Volume

EXAMPLES = Path(__file__).resolve().parents[1] / "web/tests/core/fixtures/serverCuts.json"
DTYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")
SHAPES = ((5, 6, 7), (1, 6, 7), (5, 1, 7), (5, 6, 1))
SLABS: tuple[tuple[SlabMode | None, int], ...] = ((None, 1), ("max", 4), ("min", 3), ("mean", 5))


def packed(values: npt.NDArray[Any]) -> str:
    """Base64 of the little-endian bytes."""
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def example(
    random: np.random.Generator, dtype: str, shape: tuple[int, ...], method: Method, slab: int
) -> dict[str, Any]:
    """A cut about the middle of a volume on a sheared grid, larger than the volume."""
    if dtype[0] == "f":
        array = random.normal(0, 100, shape).astype(dtype)
    else:
        array = random.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype=dtype)
    affine = np.eye(4)
    affine[:3, :3] = random.normal(0, 1, (3, 3)) + np.diag([3, 1, -1])
    affine[:3, 3] = random.normal(0, 100, 3)
    middle = affine[:3, :3] @ ((np.array(shape[:3]) - 1) / 2) + affine[:3, 3]
    right, down, step = random.normal(0, 1, (3, 3))
    rows, columns = 7, 9
    mode, depth = SLABS[slab]
    origin = middle - right * (columns - 1) / 2 - down * (rows - 1) / 2 + random.normal(0, 0.3, 3)
    vectors = {"origin": origin.tolist(), "right": right.tolist(), "down": down.tolist()}
    asked = Cut(
        tuple(origin.tolist()), tuple(right.tolist()), tuple(down.tolist()), rows, columns,
        slab=mode, depth=depth, step=tuple(step.tolist()) if mode else (0.0, 0.0, 0.0),
    )  # fmt: skip
    values = cut(Volume(array=array, affine=affine), asked, method=method)
    return {
        "dtype": dtype,
        "shape": list(shape),
        "affine": affine[:3].tolist(),
        "array": packed(array),
        "cut": vectors | {"rows": rows, "columns": columns},
        "method": method,
        "slab": None if mode is None else {"mode": mode, "depth": depth, "step": step.tolist()},
        "result": values.dtype.name,
        "values": packed(values),
    }


def examples() -> str:
    """All examples as JSON, one a line."""
    random = np.random.default_rng(1217)
    shapes, slabs = cycle(SHAPES), cycle(range(len(SLABS)))
    made = [example(random, dtype, next(shapes), method, next(slabs)) for method in METHODS for dtype in DTYPES]
    made += [example(random, "uint8", (4, 5, 6, 3), method, 0) for method in METHODS]
    made += [example(random, "int16", (5, 6, 7), "linear", slab) for slab in range(len(SLABS))]
    return "[\n" + ",\n".join(json.dumps(one) for one in made) + "\n]\n"


if __name__ == "__main__":
    EXAMPLES.write_text(examples(), encoding="utf-8")
