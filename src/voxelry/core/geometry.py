"""The Geometry: how many voxels a grid has, and where they lie in the patient. All positions are LPS millimetres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import (
    Vector,
    axes_of,
    checked_affine,
    cross,
    degrees_off_right_angle,
    dot,
    index_to_lps,
    lps_to_index,
    patient_axes,
    spacing_and_mm3,
)
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.spacing import UNKNOWN, Spacing, agreed_spacing, checked_spacing, same_spacing

Floats = npt.NDArray[np.float64]
Box: TypeAlias = tuple[slice, slice, slice]
"""A part of a grid: a range of slices, of rows and of columns."""

SAME_GRID = 0.01
"""Two grids are one if no corner of one lies further than this fraction of a voxel from that of the other."""


class Turn(NamedTuple):
    """How axes are reordered and reversed: by what ``numpy.transpose`` and then ``numpy.flip`` do.

    Attributes
    ----------
    axes
        For each new axis, the old one.
    backwards
        For each new axis, whether it runs against the old one.
    """

    axes: tuple[int, int, int]
    backwards: tuple[bool, bool, bool]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Geometry:
    """A grid of voxels and its place in the patient. Read-only.

    Where the place is unknown there is no affine: ``spacing`` then stands alone, each of the three may be None, and
    ``placed`` is False.

    Parameters
    ----------
    shape
        ``(slices, rows, columns)``, each at least 1.
    affine
        4 x 4, from a ``(slice, row, column)`` index to LPS millimetres at the voxel's centre (PS3.3 C.7.6.2.1.1). A
        tilted stack is sheared. None where the place is unknown. It is copied; the copy is read-only.
    spacing
        Millimetres ``(slice, row, column)``: the slices' step along the normal, and the distances in the plane. With an
        affine they follow from it: they need not be given, and are refused if they disagree.
    frame_of_reference_uid
        Frame of Reference UID (0020,0052); None where it is unknown. `same_grid` does not compare it.

    Attributes
    ----------
    voxel_mm3
        The volume of a voxel, mm3: ``|det(affine)|``, of sheared grids too. Without an affine the product of the
        spacings, the first of which is along the normal; None if one is unknown.

    Raises
    ------
    ParameterError
        If the shape is not three positive whole numbers, the affine is not 4 x 4, or a spacing is not positive.
    GeometryError
        If the affine has a number that is not finite or another last row than 0 0 0 1, its axes do not span space, or
        the spacing disagrees with it.

    Examples
    --------
    >>> geometry = voxelry.Geometry(shape=(48, 256, 256), affine=voxelry.load_volume("sample/phantom").affine)
    >>> geometry.spacing, geometry.voxel_mm3
    ((2.5, 1.5, 1.5), 5.625)
    """

    shape: tuple[int, int, int]
    affine: Floats | None = None
    spacing: Spacing = UNKNOWN
    frame_of_reference_uid: str | None = None
    voxel_mm3: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        set_field = object.__setattr__
        set_field(self, "shape", _checked_shape(self.shape))
        set_field(self, "spacing", checked_spacing(self.spacing))
        set_field(self, "frame_of_reference_uid", self.frame_of_reference_uid or None)
        if self.affine is None:
            known = [one for one in self.spacing if one is not None]
            set_field(self, "voxel_mm3", math.prod(known) if len(known) == 3 else None)
            return
        affine = checked_affine(self.affine)
        spacing, mm3 = spacing_and_mm3(affine)
        set_field(self, "affine", affine)
        set_field(self, "spacing", agreed_spacing(self.spacing, spacing))
        set_field(self, "voxel_mm3", mm3)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        spacing = ", ".join("unknown" if one is None else f"{one:.6g}" for one in self.spacing)
        return f"<Geometry {size}, spacing ({spacing}) mm{'' if self.placed else ', no place'}>"

    def __eq__(self, other: object) -> bool:
        """True for the very same numbers; see `same_grid` for what is one grid."""
        return isinstance(other, Geometry) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        affine = None if self.affine is None else self.affine.tobytes()
        return self.shape, affine, None if self.placed else self.spacing, self.frame_of_reference_uid

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.shape, self.affine, self.spacing, self.frame_of_reference_uid)

    @property
    def placed(self) -> bool:
        """True if the place in the patient is known, so that there is an affine."""
        return self.affine is not None

    @property
    def known_affine(self) -> Floats:
        """The affine.

        Raises
        ------
        UnplacedError
            If there is none.
        """
        if self.affine is None:
            raise UnplacedError("this grid has no place in the patient: positions or an orientation are unknown")
        return self.affine

    @property
    def known_spacing(self) -> tuple[float, float, float]:
        """The spacing, all of it known.

        Raises
        ------
        UnplacedError
            If one is unknown: unknown is not 1.0.
        """
        along, row, column = self.spacing
        if along is None or row is None or column is None:
            raise UnplacedError("the spacing of this grid is not known in all three directions")
        return along, row, column

    @property
    def normal(self) -> Floats:
        """The unit normal of the slices, towards ascending slices; shape ``(3,)``, LPS.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        step, row, column = axes_of(self.known_affine)
        across = cross(row, column)
        length = math.copysign(math.hypot(*across), dot(step, across))
        return np.array(across) / length + 0.0

    @property
    def tilt_degrees(self) -> float:
        """The angle between the step to the next slice and the normal; 0 without an affine."""
        if self.affine is None:
            return 0.0
        step, _, _ = axes_of(self.affine)
        normal: Vector = tuple(self.normal.tolist())
        return math.degrees(math.atan2(math.hypot(*cross(step, normal)), dot(step, normal)))

    @property
    def shear_degrees(self) -> float:
        """By how much two axes differ from a right angle, at most; 0 without an affine.

        Where there is one slice, only rows and columns are compared: nothing lies above anything.
        """
        if self.affine is None:
            return 0.0
        step, row, column = axes_of(self.affine)
        pairs = ((row, column),) if self.shape[0] == 1 else ((row, column), (step, row), (step, column))
        return max(degrees_off_right_angle(*pair) for pair in pairs)

    @property
    def codes(self) -> str:
        """Where column, row and slice numbers grow towards, in this order: ``"LPS"`` for left, posterior, superior.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        axes, signs = patient_axes(self.known_affine)
        letters = ["", "", ""]
        for patient, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
            letters[2 - axis] = ("LPS" if sign > 0 else "RAI")[patient]
        return "".join(letters)

    def index_to_lps(self, index: npt.ArrayLike) -> Floats:
        """LPS millimetres of ``(slice, row, column)`` indices, whole or not; shape ``(..., 3)`` to ``(..., 3)``.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        return index_to_lps(self.known_affine, index)

    def lps_to_index(self, position: npt.ArrayLike) -> Floats:
        """Fractional ``(slice, row, column)`` indices of LPS millimetres; shape ``(..., 3)`` to ``(..., 3)``.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        return lps_to_index(self.known_affine, position)

    def contains(self, position: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether positions lie in a voxel: no further than half a voxel outside the outermost centres.

        Parameters
        ----------
        position
            LPS millimetres; shape ``(..., 3)``.

        Returns
        -------
        inside
            Shape ``(...)``; of one position an array without axes, which is true or false.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        index = self.lps_to_index(position)
        return np.asarray(((index >= -0.5) & (index <= np.array(self.shape) - 0.5)).all(axis=-1))

    def corners(self) -> Floats:
        """The centres of the eight outermost voxels; shape ``(8, 3)``, LPS, mm.

        Raises
        ------
        UnplacedError
            If there is no affine.
        """
        return self.index_to_lps(_corner_indices(self.shape))

    def same_grid(self, other: Geometry, *, tolerance: float = SAME_GRID) -> bool:
        """True if both grids have the same shape, and their voxels lie in the same places.

        Frames of reference are not compared: see `voxelry.core.frame_of_reference`.

        Parameters
        ----------
        tolerance
            How far a corner may lie from that of the other grid, in fractions of a voxel. Of two grids without a
            place: how far the spacings may differ, as a fraction of the smaller.
        """
        if self.shape != other.shape or self.placed != other.placed:
            return False
        if self.affine is not None and other.affine is not None:
            same = self.affine is other.affine or self.affine.tobytes() == other.affine.tobytes()
            return same or self.voxels_apart(other) <= tolerance
        return same_spacing(self.spacing, other.spacing, tolerance)

    def voxels_apart(self, other: Geometry) -> float:
        """How far voxels of one index lie apart in two grids, at most, in voxels: it is greatest at a corner.

        Raises
        ------
        UnplacedError
            If one has no affine.
        """
        away = self._corner_differences(other)
        steps = (np.linalg.inv(one.known_affine[:3, :3]) for one in (self, other))
        return max(float(np.linalg.norm(away @ inverse.T, axis=1).max()) for inverse in steps)

    def mm_apart(self, other: Geometry) -> float:
        """The same in millimetres.

        Raises
        ------
        UnplacedError
            If one has no affine.
        """
        return float(np.linalg.norm(self._corner_differences(other), axis=1).max())

    def _corner_differences(self, other: Geometry) -> Floats:
        return self.corners() - index_to_lps(other.known_affine, _corner_indices(self.shape))

    def crop(self, box: Box) -> Geometry:
        """The grid of a part; each voxel keeps its place.

        Parameters
        ----------
        box
            As an array is indexed: ``(slice(2, 5), slice(None), slice(-4, None))``; without steps.

        Raises
        ------
        ParameterError
            If nothing is left, or it is not three slices without a step.
        """
        if len(box) != 3 or not all(isinstance(one, slice) and one.step in (None, 1) for one in box):
            raise ParameterError("a box is three slices without a step: of slices, rows and columns")
        ranges = [range(length)[one] for one, length in zip(box, self.shape, strict=True)]
        if not all(ranges):
            found = " x ".join(str(len(one)) for one in ranges)
            raise ParameterError(f"the box holds {found} of {' x '.join(map(str, self.shape))} voxels, which is none")
        begin, shape = [one.start for one in ranges], [len(one) for one in ranges]
        affine = None
        if self.affine is not None:
            affine = np.array(self.affine)
            affine[:3, 3] = self.index_to_lps(begin)
        return replace(self, shape=(shape[0], shape[1], shape[2]), affine=affine)

    def permute(self, axes: Sequence[int], *, backwards: Sequence[bool] = (False, False, False)) -> Geometry:
        """The grid with its axes in another order, some of them reversed; each voxel keeps its place.

        Parameters
        ----------
        axes
            For each new axis, the old one, as for ``numpy.transpose``.
        backwards
            For each new axis, whether it runs against the old one, as ``numpy.flip`` does afterwards.

        Raises
        ------
        ParameterError
            If ``axes`` is no order of 0, 1 and 2, or ``backwards`` is not three values.
        """
        if sorted(axes) != [0, 1, 2] or len(backwards) != 3:
            raise ParameterError(f"axes {tuple(axes)} are no order of 0, 1 and 2 with three directions")
        first, second, third = axes
        shape = self.shape[first], self.shape[second], self.shape[third]
        if self.affine is None:
            return replace(self, shape=shape, spacing=(self.spacing[first], self.spacing[second], self.spacing[third]))
        affine = np.array(self.affine)
        affine[:3, :3] = self.affine[:3, list(axes)]
        for new, reverse in enumerate(backwards):
            if reverse:
                affine[:3, 3] += affine[:3, new] * (shape[new] - 1)
                affine[:3, new] *= -1
        return replace(self, shape=shape, affine=affine, spacing=UNKNOWN)

    def reorient(self, codes: str) -> Geometry:
        """The grid with its axes along those of the patient; each voxel keeps its place. See `turn_to`.

        Raises
        ------
        ParameterError
            If it is no orientation.
        UnplacedError
            If there is no affine.
        """
        axes, backwards = self.turn_to(codes)
        return self.permute(axes, backwards=backwards)

    def turn_to(self, codes: str) -> Turn:
        """How the axes are reordered so that each grows along one of the patient's.

        Parameters
        ----------
        codes
            Where column, row and slice numbers grow towards, in this order, as other software names it: ``"RAS"`` for
            right, anterior, superior. Each of R or L, A or P, S or I once, in any order: 48 codes.

        Raises
        ------
        ParameterError
            If it is no orientation.
        UnplacedError
            If there is no affine.
        """
        wanted = codes.upper()
        patient = ["LPS".find({"R": "L", "A": "P", "I": "S"}.get(letter, letter)) for letter in wanted]
        if sorted(patient) != [0, 1, 2]:
            raise ParameterError(
                f"{codes!r} is no orientation: it needs one of R and L, one of A and P, and one of S and I, as in RAS"
            )
        axes, signs = patient_axes(self.known_affine)
        order, backwards = [0, 0, 0], [False, False, False]
        for number, letter in enumerate(wanted):
            order[2 - number] = axes[patient[number]]
            backwards[2 - number] = (signs[patient[number]] > 0) != (letter in "LPS")
        return Turn((order[0], order[1], order[2]), (backwards[0], backwards[1], backwards[2]))


def _again(
    shape: tuple[int, int, int], affine: Floats | None, spacing: Spacing, frame_of_reference_uid: str | None
) -> Geometry:
    """A Geometry that was pickled."""
    return Geometry(shape=shape, affine=affine, spacing=spacing, frame_of_reference_uid=frame_of_reference_uid)


def _checked_shape(shape: Sequence[int]) -> tuple[int, int, int]:
    try:
        sizes = tuple(one.__index__() for one in shape)
    except (AttributeError, TypeError):
        raise ParameterError(f"a shape is three whole numbers (slices, rows, columns), not {shape!r}") from None
    if len(sizes) != 3 or min(sizes) < 1:
        raise ParameterError(f"a grid has at least one slice, row and column, three numbers, not {sizes}")
    return sizes[0], sizes[1], sizes[2]


def _corner_indices(shape: tuple[int, int, int]) -> Floats:
    return np.array([[k, i, j] for k in (0, shape[0] - 1) for i in (0, shape[1] - 1) for j in (0, shape[2] - 1)], float)
