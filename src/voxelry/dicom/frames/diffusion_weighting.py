"""How an image was diffusion weighted, as a value: b-value, what its direction is, and the direction in the patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

Direction: TypeAlias = tuple[float, float, float]
Directionality = Literal["none", "trace", "direction", "b matrix"]

SHORTEST = 1e-3
"""A vector that is shorter is none: makers write 0, 0, 0 for no direction."""


@dataclass(frozen=True, slots=True)
class DiffusionWeighting:
    """The diffusion weighting of an image.

    Attributes
    ----------
    b_value
        s/mm2.
    kind
        ``"direction"``; ``"b matrix"``, of which the direction is the main axis, whose sign is arbitrary; ``"trace"``,
        the mean of several directions; ``"none"`` where there is no weighting, or nothing says in which direction.
    direction
        Of the gradient: a unit vector in patient coordinates (LPS). None for ``"none"`` and ``"trace"``.
    """

    b_value: float
    kind: Directionality
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class SaidOfDiffusion:
    """What one part of a header says; None for what it does not.

    Attributes
    ----------
    vector
        Of the gradient, in patient coordinates (LPS), of any length; 0, 0, 0 where it says that there is none.
    matrix
        The b matrix (xx, xy, xz, yy, yz, zz) in patient coordinates, s/mm2.
    directionality
        As Diffusion Directionality (0018,9075) has it; empty if it does not say.
    doubtful
        A b-value of 0 that the maker writes in images of any kind: it counts only beside images that are weighted.
    """

    b_value: float | None = None
    vector: Direction | None = None
    matrix: tuple[float, ...] | None = None
    directionality: str = ""
    doubtful: bool = False


def unit_vector(vector: Sequence[float]) -> Direction | None:
    """The vector divided by its length; None if it has none."""
    length = math.hypot(*vector)
    if not SHORTEST < length < math.inf:
        return None
    x, y, z = (component / length + 0.0 for component in vector)
    return x, y, z


def main_axis(matrix: Sequence[float]) -> Direction | None:
    """The eigenvector of a b matrix's largest eigenvalue, with a positive largest component; None if there is none.

    Parameters
    ----------
    matrix
        xx, xy, xz, yy, yz, zz.
    """
    xx, xy, xz, yy, yz, zz = matrix
    values, vectors = np.linalg.eigh(np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]))
    if values[2] <= 0 or values[2] - values[1] <= SHORTEST * values[2]:
        return None
    axis = vectors[:, 2]
    return unit_vector((axis * math.copysign(1.0, float(axis[np.abs(axis).argmax()]))).tolist())


def in_patient(components: Sequence[float], axes: Sequence[Sequence[float]]) -> Direction:
    """The sum of three axes in the patient, each times its component."""
    x, y, z = (sum(part * axis[k] for part, axis in zip(components, axes, strict=True)) for k in range(3))
    return x, y, z
