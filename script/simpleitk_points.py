"""Writes web/tests/core/fixtures/simpleitkPoints.json: indices and points of grids, as SimpleITK has them.

Run by hand: ``python script/simpleitk_points.py``. SimpleITK's places are LPS; its indices are
(column, row, slice), and are written here as (slice, row, column).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK

FIXTURE = Path(__file__).resolve().parents[1] / "web/tests/core/fixtures/simpleitkPoints.json"


def rotation(axis: list[float], degrees: float) -> npt.NDArray[np.float64]:
    """By the right-hand rule, from SimpleITK itself."""
    transform = SimpleITK.VersorTransform(axis, np.radians(degrees).item())
    return np.array(transform.GetMatrix()).reshape(3, 3)


SHEAR = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, np.sin(np.radians(17))], [0.0, 0.0, np.cos(np.radians(17))]])
# Columns of a direction: that of columns, rows and slices.
DIRECTIONS = {
    "straight": np.eye(3),
    "flipped": np.diag([1.0, -1.0, -1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "coronal": np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]),
    "sagittal": np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
    "oblique": rotation([1.0, 2.0, 3.0], 33.0),
    "tilted": SHEAR,
    "tilted and oblique": rotation([3.0, -1.0, 0.5], 71.0) @ SHEAR,
}


def grid(name: str, direction: npt.NDArray[np.float64], random: np.random.Generator) -> dict[str, object]:
    """One grid with its points."""
    slices, rows, columns = (int(n) for n in random.integers(2, 40, 3))
    image = SimpleITK.Image([columns, rows, slices], SimpleITK.sitkInt16)
    image.SetSpacing([0.5 + random.random() for _ in range(2)] + [1 + 4 * random.random()])
    image.SetOrigin([200 * random.random() - 100 for _ in range(3)])
    image.SetDirection(direction.ravel().tolist())
    corner = np.array(image.TransformIndexToPhysicalPoint([0, 0, 0]))
    steps = [np.array(image.TransformIndexToPhysicalPoint(step)) - corner for step in ([0, 0, 1], [0, 1, 0], [1, 0, 0])]
    affine = np.column_stack([*steps, corner])
    points = []
    for _ in range(6):
        index = [int(random.integers(0, n)) for n in (columns, rows, slices)]
        centre = image.TransformIndexToPhysicalPoint(index)
        anywhere = [a + 20 * random.random() - 10 for a in centre]
        continuous = image.TransformPhysicalPointToContinuousIndex(anywhere)
        points += [
            {"index": index[::-1], "point": list(centre)},
            {"index": list(continuous[::-1]), "point": anywhere},
        ]
    return {"name": name, "shape": [slices, rows, columns], "affine": affine.tolist(), "points": points}


def turn(random: np.random.Generator) -> dict[str, object]:
    """A vector before and after a rotation."""
    axis, vector = random.normal(size=3), random.normal(size=3)
    degrees = float(random.uniform(-180, 180))
    return {
        "about": axis.tolist(),
        "radians": float(np.radians(degrees)),
        "before": vector.tolist(),
        "after": (rotation(axis.tolist(), degrees) @ vector).tolist(),
    }


if __name__ == "__main__":
    random = np.random.default_rng(17)
    grids = [grid(name, direction, random) for name, direction in DIRECTIONS.items()]
    parts = {"grids": grids, "turns": [turn(random) for _ in range(8)]}
    lines = [f'"{name}": [\n' + ",\n".join(map(json.dumps, items)) + "\n]" for name, items in parts.items()]
    FIXTURE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
