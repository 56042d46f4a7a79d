"""Writes web/tests/core/fixtures/morphology.json: large operations of segment editing, as scipy and SimpleITK do them.

The page's own operations (web/src/core/morphology) are held against them by web/tests/core/morphology/judges.test.ts.
Slices between painted ones are the library's own. Distances on sheared grids are by brute force, from the voxels'
centres in LPS. Run by hand: ``python script/morphology_examples.py``.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK
from scipy import ndimage, sparse, spatial

from voxelry.core.progress import silent
from voxelry.steps.shared.between_slices import between_slices

EXAMPLES = Path(__file__).resolve().parents[1] / "web/tests/core/fixtures/morphology.json"
COUNT = 48
ROUNDING_MM = 1e-6
DIGITS = 9
MOST_ISLANDS = 254
Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


def example(random: np.random.Generator, number: int) -> dict[str, Any]:
    """A random mask on a grid with uneven steps, every third one sheared, and what each operation makes of it."""
    shape = tuple(int(size) for size in random.integers(3, 13, 3))
    if number % 12 == 5:
        shape = (1, *shape[1:])
    matrix = _turn(random) @ np.diag(random.uniform(0.4, 3.0, 3).round(2))
    if number % 3 == 2:
        matrix = matrix @ np.array([[1, 0, 0], [random.uniform(-0.9, 0.9), 1, 0], [random.uniform(-0.3, 0.3), 0, 1]])
    if number % 4 == 0:
        matrix = np.diag([2.5, 0.75, 0.75])[[2, 1, 0]]
    # The last digits of a turn depend on the machine.
    matrix = matrix.round(DIGITS)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, random.normal(0, 100, 3).round(3)
    noise = ndimage.gaussian_filter(random.normal(0, 1, shape), random.uniform(0.3, 1.6))
    mask = noise > np.quantile(noise, random.uniform(0.3, 0.97))
    # Distances that voxels' centres have from one another: the surface of the ball goes through them.
    steps = np.linalg.norm(matrix, axis=0)
    mm = float(random.choice([*steps, 2 * steps[1], random.uniform(0.5, 6)]).round(DIGITS))
    values = random.integers(0, 60, shape)
    seeds = _seeds(random, shape)
    numbers, sizes = _islands(mask)
    voxel = [int(random.integers(0, size)) for size in shape]
    own = ndimage.label(mask)[0]
    limits = sorted(random.integers(0, 60, 2).tolist())
    axis = number % 3
    painted = _painted(random, noise, axis)
    median = ndimage.median_filter(mask.astype(np.uint8), footprint=_ball(matrix, mm), mode="nearest")
    return {
        "shape": list(shape),
        "affine": affine[:3].tolist(),
        "mask": _packed(mask),
        "mm": mm,
        "grown": _packed(_within(mask, matrix, mm)),
        "shrunk": _packed(mask & ~_within(~mask, matrix, mm)),
        "median": _packed(median > 0),
        "gaussian": _packed(ndimage.gaussian_filter(mask.astype(float), mm / steps, mode="nearest", truncate=4) > 0.5),
        "islands": _bytes(np.where(numbers > MOST_ISLANDS, 0, numbers)),
        "sizes": sizes[:MOST_ISLANDS],
        "voxel": voxel,
        "at": _packed((own == own[tuple(voxel)]) & mask) if mask[tuple(voxel)] else _packed(np.zeros(shape, bool)),
        "filled": _packed(_filled(mask)),
        "filled_planes": [_packed(_filled_planes(mask, axis)) for axis in range(3)],
        "axis": axis,
        "interpolated": _packed(between_slices(painted, axis, tuple(np.delete(steps, axis)), silent)),
        "painted": _packed(painted),
        "values": _bytes(values),
        "seeds": _bytes(seeds),
        "limits": limits,
        "within": _packed(_grown_within(seeds > 0, values, limits)),
        "competing": _bytes(_competing(seeds, values, steps)),
    }


def _turn(random: np.random.Generator) -> Array:
    orthonormal, _ = np.linalg.qr(random.normal(0, 1, (3, 3)))
    return np.asarray(orthonormal)


def _seeds(random: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    seeds = np.zeros(shape, np.uint8)
    for _ in range(int(random.integers(1, 7))):
        seeds[tuple(int(random.integers(0, size)) for size in shape)] = random.integers(1, 5)
    return seeds


def _painted(random: np.random.Generator, noise: Array, axis: int) -> Mask:
    """A shape of which one plane in a few is left."""
    shape = noise > np.quantile(noise, random.uniform(0.3, 0.9))
    planes = np.zeros_like(shape)
    chosen = np.arange(noise.shape[axis]) % int(random.integers(2, 6)) == 0
    planes[(slice(None),) * axis + (chosen,)] = shape[(slice(None),) * axis + (chosen,)]
    return np.asarray(planes)


def _packed(mask: Mask) -> str:
    """A mask as bits, the lowest of each byte first, in base 64."""
    return base64.b64encode(np.packbits(mask.ravel(), bitorder="little").tobytes()).decode("ascii")


def _bytes(numbers: Array) -> str:
    """Whole numbers below 256, a byte each, in base 64."""
    return base64.b64encode(numbers.astype(np.uint8).tobytes()).decode("ascii")


def _within(mask: Mask, matrix: Array, mm: float) -> Mask:
    """Voxels whose centre lies within mm of the centre of a voxel of the mask."""
    if not mask.any():
        return np.zeros(mask.shape, bool)
    product = matrix.T @ matrix
    if np.allclose(product, np.diag(np.diag(product)), atol=1e-9):
        return np.asarray(ndimage.distance_transform_edt(~mask, sampling=np.sqrt(np.diag(product))) <= mm + ROUNDING_MM)
    centres = np.argwhere(np.ones(mask.shape, bool)) @ matrix.T
    nearest, _ = spatial.cKDTree(centres[mask.ravel()]).query(centres)
    return np.asarray(nearest <= mm + ROUNDING_MM).reshape(mask.shape)


def _ball(matrix: Array, mm: float) -> Mask:
    """The voxels around one whose centres lie within mm; a box of odd lengths."""
    reach = [int(length) + 1 for length in mm * np.linalg.norm(np.linalg.inv(matrix), axis=1)]
    offsets = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm(offsets @ matrix.T, axis=-1) <= mm + ROUNDING_MM)


def _islands(mask: Mask) -> tuple[Array, list[int]]:
    """The islands by size, of one size in C order, and their sizes."""
    found, count = ndimage.label(mask)
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    numbers = np.zeros(count + 1, int)
    numbers[order + 1] = np.arange(1, count + 1)
    return numbers[found], sizes[order].tolist()


def _filled(mask: Mask) -> Mask:
    return _filled_planes(mask, 0) if mask.shape[0] == 1 else np.asarray(ndimage.binary_fill_holes(mask))


def _filled_planes(mask: Mask, axis: int) -> Mask:
    planes = [ndimage.binary_fill_holes(np.take(mask, index, axis)) for index in range(mask.shape[axis])]
    return np.asarray(np.stack(planes, axis))


def _grown_within(seeds: Mask, values: Array, limits: list[int]) -> Mask:
    image = SimpleITK.GetImageFromArray(values.astype(np.int32))
    places = [[int(i) for i in reversed(place)] for place in np.argwhere(seeds)]
    grown = SimpleITK.ConnectedThreshold(image, seedList=places, lower=limits[0], upper=limits[1], replaceValue=1)
    return np.asarray(SimpleITK.GetArrayFromImage(grown) > 0) | seeds


def _competing(seeds: Array, values: Array, steps: Array) -> Array:
    """The label with the cheapest way to each voxel, the smallest of several, by a search for each label alone."""
    index = np.arange(values.size).reshape(values.shape)
    rows, columns, costs = [], [], []
    for axis in range(3):
        one, other = (index.take(range(*ends), axis) for ends in ((values.shape[axis] - 1,), (1, values.shape[axis])))
        difference = np.abs(values.ravel()[one] - values.ravel()[other])
        rows.append(one.ravel())
        columns.append(other.ravel())
        costs.append((difference + max(1, round(8 * steps[axis]))).ravel())
    size = (values.size, values.size)
    graph = sparse.coo_array((np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), size).tocsr()
    labels = np.unique(seeds[seeds > 0])
    ways = [
        sparse.csgraph.dijkstra(graph, directed=False, indices=np.flatnonzero(seeds.ravel() == label), min_only=True)
        for label in labels
    ]
    best = labels[np.argmin(ways, axis=0)].reshape(seeds.shape)
    return np.where(seeds > 0, seeds, best)


def examples() -> str:
    """All examples as JSON, one a line."""
    random = np.random.default_rng(18)
    return "[\n" + ",\n".join(json.dumps(example(random, number)) for number in range(COUNT)) + "\n]\n"


if __name__ == "__main__":
    EXAMPLES.write_text(examples(), encoding="utf-8")
