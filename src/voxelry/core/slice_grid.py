"""The regular grid that fits the positions of slices. All coordinates are LPS millimetres (PS3.3 C.7.6.2.1.1).

Positions decide: slices are ordered and spaced by Image Position (Patient) along the stack's normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, ParameterError, ShiftedSlicesError
from voxelry.core.gaps import irregular_gaps, may_be_holes, repeated_gaps
from voxelry.core.rounding import coarsest_rounding, even_within

Floats = npt.NDArray[np.float64]

COSINE_TOLERANCE = 1e-3
"""How far direction cosines may be from unit length and from perpendicular."""
SAME_POSITION = 1e-3
"""Slices closer than this many millimetres along the normal are at one position."""
IRREGULAR_FRACTION = 0.02
"""A position further than this fraction of the step off the fitted grid: no regular stack."""
NOTICEABLE_FRACTION = 0.001
"""A position further than this fraction of the step off the fitted grid: a warning."""
TILT_NOTICEABLE_DEGREES = 0.1
"""A step that leaves the normal by more than this angle: a tilted (sheared) stack."""
NEAR_FRACTION = 0.1
"""Slices closer than this fraction of the usual step: hardly two positions."""
HEADER_FRACTION = 0.02
"""A header's slice spacing further from the measured one than this fraction is reported."""
HEADER_TILT_DEGREES = 0.5
"""A header's gantry tilt further from the measured one than this is reported."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How even positions must be. The defaults are named constants of ``voxelry.core.slice_grid``.

    Attributes
    ----------
    irregular
        A position further than this fraction of the step off the fitted grid: no regular stack.
    noticeable
        A position further than this fraction of the step off the fitted grid: a warning.
    same_position
        Slices closer than this many millimetres along the normal are at one position.
    near
        Slices closer than this fraction of the usual step are near-duplicates: an error that says so.
    tilt_degrees
        A step that leaves the normal by more than this angle: a tilted (sheared) stack.
    header
        A header's slice spacing further from the measured one than this fraction: a warning.
    header_tilt_degrees
        A header's gantry tilt further from the measured one than this: a warning.

    Raises
    ------
    ParameterError
        If one is negative or not finite.

    Examples
    --------
    >>> strict = voxelry.Tolerances(irregular=0.001)
    >>> len(voxelry.load("sample/phantom", tolerances=strict).volumes)
    1
    """

    irregular: float = IRREGULAR_FRACTION
    noticeable: float = NOTICEABLE_FRACTION
    same_position: float = SAME_POSITION
    near: float = NEAR_FRACTION
    tilt_degrees: float = TILT_NOTICEABLE_DEGREES
    header: float = HEADER_FRACTION
    header_tilt_degrees: float = HEADER_TILT_DEGREES

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (math.isfinite(value) and value >= 0):
                raise ParameterError(f"the tolerance {field.name} is {value}, which is no distance")


DEFAULT_TOLERANCES = Tolerances()


def check_orientation(image_orientation: npt.ArrayLike) -> Floats:
    """Image Orientation (Patient) with its two directions made exactly unit length.

    Raises
    ------
    GeometryError
        If it is not six finite numbers, or the directions are not unit length and perpendicular
        within ``COSINE_TOLERANCE``.
    """
    return _directions(np.asarray(image_orientation, dtype=np.float64))[0].copy()


def slice_normal(image_orientation: npt.ArrayLike) -> Floats:
    """The unit normal of a slice, row cosines x column cosines; shape ``(3,)``.

    Raises
    ------
    GeometryError
        As `check_orientation` does.
    """
    return _directions(np.asarray(image_orientation, dtype=np.float64))[1].copy()


def _directions(cosines: Floats) -> tuple[Floats, Floats]:
    """The unit directions and their normal."""
    if cosines.shape != (6,):
        raise GeometryError("Image Orientation (Patient) (0020,0037) is not six numbers")
    return _known_directions(cosines.tobytes())


@lru_cache(maxsize=64)  # the volumes of a series, which may be hundreds, have one orientation
def _known_directions(encoded: bytes) -> tuple[Floats, Floats]:
    cosines = _unit_directions(np.frombuffer(encoded))
    normal = np.cross(cosines[:3], cosines[3:])
    return cosines, np.asarray(normal / np.linalg.norm(normal), dtype=np.float64) + 0.0


def _unit_directions(cosines: Floats) -> Floats:
    if not np.isfinite(cosines).all():
        raise GeometryError("Image Orientation (Patient) (0020,0037) is not six numbers")
    rows, columns = cosines[:3], cosines[3:]
    lengths = float(np.linalg.norm(rows)), float(np.linalg.norm(columns))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(float(rows @ columns))) > COSINE_TOLERANCE:
        raise GeometryError(
            "Image Orientation (Patient) (0020,0037) is not two perpendicular unit vectors: lengths "
            f"{lengths[0]:.4f} and {lengths[1]:.4f}, product {float(rows @ columns):.4f}"
        )
    if lengths == (1.0, 1.0):
        return cosines
    return np.concatenate([rows / lengths[0], columns / lengths[1]])


def slice_offsets(image_positions: npt.ArrayLike, image_orientation: npt.ArrayLike) -> Floats:
    """Signed distance of each slice along the stack's normal.

    Parameters
    ----------
    image_positions
        Image Position (Patient) of each slice; shape ``(n, 3)``, LPS, mm.
    image_orientation
        Row cosines, then column cosines; shape ``(6,)``, no unit.

    Returns
    -------
    offsets
        Shape ``(n,)``, mm, in the order given.

    Raises
    ------
    GeometryError
        If the cosines are not unit length and perpendicular within ``COSINE_TOLERANCE``.

    References
    ----------
    PS3.3 C.7.6.2.1.1
    """
    positions = np.asarray(image_positions, dtype=np.float64).reshape(-1, 3)
    return np.asarray(positions @ slice_normal(image_orientation), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The regular grid that a stack's positions lie on.

    Attributes
    ----------
    step
        From one slice to the next; shape ``(3,)``, LPS, mm. Along the normal unless the stack is tilted.
    spacing
        The step's extent along the normal, mm; above 0.
    deviation
        The largest distance of a position from the grid, as a fraction of the spacing.
    tilt
        Degrees between the step and the normal.
    origin
        Where slice 0 lies; shape ``(3,)``, LPS, mm. Its own position, unless the grid was fitted.
    rounded_to
        The last digit of the positions, mm, where they are even to the digits written alone, and the grid was fitted to
        all of them; else None.
    """

    step: Floats
    spacing: float
    deviation: float
    tilt: float
    origin: Floats
    rounded_to: float | None = None

    @property
    def length(self) -> float:
        """The step's length, mm: along the table of a tilted scanner."""
        return float(np.linalg.norm(self.step))


def fit_grid(
    image_positions: npt.ArrayLike,
    image_orientation: npt.ArrayLike,
    *,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    rounding: npt.ArrayLike | None = None,
) -> Grid:
    """The regular grid through two or more slices that are sorted along the normal.

    Parameters
    ----------
    image_positions
        Shape ``(n, 3)``, LPS, mm, with ascending offsets along the normal.
    image_orientation
        Shape ``(6,)``.
    tolerances
        How far a position may lie off the grid.
    rounding
        Half a unit of the last digit that is written, of each coordinate; shape ``(3,)``, mm. Positions beyond the
        tolerances are even to these digits if an even grid lies within the rounding of each of them; it is fitted to
        all. Gaps that are whole steps are holes, never rounding. None where positions are exact.

    Raises
    ------
    RepeatedPositionsError, NearDuplicatePositionsError, MissingSlicesError, UnevenSpacingError, ShiftedSlicesError
        If two slices share a position, or any lies further off the grid: the message names the
        positions and their gaps, ``numbers`` holds them.
    """
    positions = np.asarray(image_positions, dtype=np.float64).reshape(-1, 3)
    count = len(positions)
    normal = slice_normal(image_orientation)
    offsets = positions @ normal
    if (np.diff(offsets) < tolerances.same_position).any():
        raise repeated_gaps(offsets, same=tolerances.same_position)
    # From end to end, not by least squares: exact for exact positions, and as other readers compute it.
    step = (positions[-1] - positions[0]) / (count - 1)
    spacing = float(step @ normal)
    grid = positions[0] + np.arange(count)[:, None] * step
    deviation = float(np.linalg.norm(positions - grid, axis=1).max()) / spacing
    if deviation <= tolerances.irregular:
        return _grid(positions[0], step, deviation, normal)
    slack = 0.0
    if rounding is not None and not may_be_holes(offsets, even=tolerances.irregular):
        written = np.asarray(rounding, dtype=np.float64)
        if count > 2 and float(np.linalg.norm(written)) <= coarsest_rounding(count) * spacing:
            fitted = _within_digits(positions, normal, written)
            if fitted is not None:
                return fitted
            slack = 2 * float(np.abs(normal) @ written)
    # Not kept in a variable: an error held by its own frame would keep the caller's files open.
    raise irregular_gaps(offsets, near=tolerances.near, even=tolerances.irregular, slack=slack) or ShiftedSlicesError(
        f"slices are shifted sideways, up to {100 * deviation:.1f} % of their spacing off a straight line",
        deviation_mm=deviation * spacing,
        spacing_mm=spacing,
    )


def _grid(origin: Floats, step: Floats, deviation: float, normal: Floats, rounded_to: float | None = None) -> Grid:
    spacing = float(step @ normal)
    sideways = float(np.linalg.norm(step - spacing * normal))
    return Grid(step, spacing, deviation, float(np.degrees(np.arctan2(sideways, spacing))), origin, rounded_to)


def _within_digits(positions: Floats, normal: Floats, rounding: Floats) -> Grid | None:
    fitted = even_within(positions, normal, rounding)
    if fitted is None:
        return None
    origin, step = fitted
    grid = origin + np.arange(len(positions))[:, None] * step
    deviation = float(np.linalg.norm(positions - grid, axis=1).max()) / float(step @ normal)
    return _grid(origin, step, deviation, normal, 2 * float(rounding.max()))


def make_affine(
    first_position: npt.ArrayLike,
    image_orientation: npt.ArrayLike,
    step: npt.ArrayLike,
    pixel_spacing: tuple[float, float],
) -> Floats:
    """From a ``(slice, row, column)`` index to LPS millimetres.

    Parameters
    ----------
    first_position
        Image Position (Patient) of slice 0: the centre of its first voxel; shape ``(3,)``.
    image_orientation
        Shape ``(6,)``.
    step
        From a slice to the next; shape ``(3,)``, mm.
    pixel_spacing
        Pixel Spacing (0028,0030): ``(row_spacing, column_spacing)``, mm.

    Returns
    -------
    affine
        4 x 4.
    """
    cosines = check_orientation(image_orientation)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = cosines[3:] * pixel_spacing[0]  # a step to the next row goes along the column's direction
    affine[:3, 2] = cosines[:3] * pixel_spacing[1]
    affine[:3, 3] = np.asarray(first_position, dtype=np.float64)
    return affine
