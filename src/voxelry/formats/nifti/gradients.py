"""b-values and gradient directions beside a NIfTI file, as FSL and MRtrix read them; from the metadata of its volumes.

FSL has directions in the axes of the file's voxels, as if these were perpendicular and left-handed: where the
determinant of the affine (to RAS) is positive, the first component is negated. MRtrix has them in scanner coordinates
(RAS). A volume without a direction, which is one without weighting or the mean of several directions, has 0 0 0.

References
----------
https://fsl.fmrib.ox.ac.uk/fsl/docs/#/diffusion/eddy/index (bvecs, bvals);
https://mrtrix.readthedocs.io/en/latest/concepts/dw_scheme.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

from voxelry.core.geometry import Geometry
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import SHEAR_TOLERANCE

Floats = npt.NDArray[np.float64]

_B_VALUE = "DiffusionBValue"
_UNDIRECTED = ("ISOTROPIC", "NONE")
_MAPS = frozenset((
    "ADC", "ADC_UNSPECIFIED", "EADC", "EXP_ADC", "FA", "FA_MAP", "RA", "COLFA", "AVDC", "TENSOR", "DIFFUSION_ANISO",
))  # fmt: skip
"""Values of Image Type for images that were computed from diffusion weighted ones, and are none themselves."""
_DIGITS = 10
_NOISE = 1e-12


@dataclass(frozen=True, eq=False)
class Gradients:
    """The diffusion weighting of the volumes of one file, in their order.

    Attributes
    ----------
    b_values
        s/mm2, one for each volume; 0 for one that says nothing of it.
    directions
        Unit vectors in patient coordinates (LPS), shape ``(volumes, 3)``; 0 where there is none.
    """

    b_values: tuple[float, ...]
    directions: Floats

    def bval(self) -> str:
        """FSL's b-values: one line."""
        return " ".join(map(_number, self.b_values)) + "\n"

    def bvec(self, geometry: Geometry, *, reorient: str = "") -> str:
        """FSL's directions: three lines, x, y and z in the axes of the file's voxels.

        Parameters
        ----------
        geometry
            Of the volumes.
        reorient
            Code of the file's reoriented axes, if any.

        Raises
        ------
        UnplacedError
            If the volumes have no place in the patient.
        """
        axes = file_axes(geometry, reorient=reorient)
        found = self.directions @ axes
        if np.linalg.det(axes) > 0:
            found[:, 0] *= -1
        return "".join(" ".join(map(_number, row)) + "\n" for row in found.T.tolist())

    def mrtrix(self) -> str:
        """MRtrix' table: a line of x, y, z and b-value for each volume, in scanner coordinates (RAS)."""
        rows = self.directions * [-1.0, -1.0, 1.0]
        lines = ([*row, b_value] for row, b_value in zip(rows.tolist(), self.b_values, strict=True))
        return "".join(" ".join(map(_number, line)) + "\n" for line in lines)


def gradients_of(volumes: Sequence[Volume]) -> Gradients | None:
    """The diffusion weighting of volumes by their metadata: DiffusionBValue, and DiffusionGradientOrientation (LPS).

    Returns
    -------
    gradients
        None unless a volume has a b-value above 0, and none is a map that was computed (ADC, FA), or of slices that
        differ.
    """
    if any(volume.metadata.get(_B_VALUE, 0.0) is None for volume in volumes):
        return None
    found = [_weighting(volume) for volume in volumes]
    if not any(b_value > 0 for b_value, _ in found) or any(map(_is_map, volumes)):
        return None
    directions = np.array([direction for _, direction in found], np.float64).reshape(-1, 3)
    return Gradients(tuple(b_value for b_value, _ in found), directions)


def file_axes(geometry: Geometry, *, reorient: str = "") -> Floats:
    """Perpendicular unit vectors (LPS, columns) along the axes of the file's voxels: x, y and z of NIfTI.

    Where slices are sheared, the axis across them is the normal of rows and columns, and not that of the next slice.

    Raises
    ------
    UnplacedError
        If there is no affine.
    """
    axes = _perpendicular(geometry.known_affine[:3, :3])
    if reorient:
        order, backwards = geometry.turn_to(reorient)
        axes = axes[:, list(order)] * np.where(backwards, -1.0, 1.0)
    return axes[:, ::-1]


def _perpendicular(axes: Floats) -> Floats:
    """Unit vectors along a grid's axes (slice, row, column); of a sheared one that of the slices is the normal."""
    directions = axes / np.linalg.norm(axes, axis=0)
    # Files by others may have their slices on any axis: two that are perpendicular are rows and columns.
    pairs = ((1, 2), (0, 2), (0, 1))
    first, second = next(
        (pair for pair in pairs if abs(directions[:, pair[0]] @ directions[:, pair[1]]) <= SHEAR_TOLERANCE), pairs[0]
    )
    third = 3 - first - second
    found = np.empty((3, 3))
    found[:, second] = directions[:, second]
    across = directions[:, first] - (directions[:, first] @ found[:, second]) * found[:, second]
    found[:, first] = across / np.linalg.norm(across)
    normal = np.cross(found[:, first], found[:, second])
    found[:, third] = normal * math.copysign(1.0, float(normal @ directions[:, third]))
    return found


def _weighting(volume: Volume) -> tuple[float, tuple[float, ...]]:
    """b-value and direction; numbers of metadata by others are checked."""
    b_value = volume.metadata.get(_B_VALUE)
    if not _is_number(b_value) or b_value < 0:
        return 0.0, (0.0, 0.0, 0.0)
    vector = volume.metadata.get("DiffusionGradientOrientation")
    undirected = volume.metadata.get("DiffusionDirectionality") in _UNDIRECTED
    if b_value == 0 or undirected or not isinstance(vector, list) or len(vector) != 3:
        return float(b_value), (0.0, 0.0, 0.0)
    known = [float(one) for one in vector if _is_number(one)]
    length = math.hypot(*known)
    if len(known) != 3 or length < 1e-3:
        return float(b_value), (0.0, 0.0, 0.0)
    return float(b_value), tuple(one / length for one in known)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_map(volume: Volume) -> bool:
    kind = volume.metadata.get("ImageType")
    return isinstance(kind, list) and not _MAPS.isdisjoint(str(word).upper() for word in kind)


def _number(value: float) -> str:
    """Whole numbers as such; no negative zero."""
    if abs(value) < _NOISE:
        return "0"
    return f"{value:.{_DIGITS}g}"
