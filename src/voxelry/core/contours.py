"""Contours: closed planar curves in LPS millimetres, their areas, their volume and their mask on a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from voxelry.core.contour_findings import bent_and_empty, combined, missing_planes, without_volume
from voxelry.core.contour_masks import MaskOnGrid, mask_on_grid
from voxelry.core.contour_planes import PlaneStack, Sorted, sorted_into_planes, steps_of
from voxelry.core.errors import FrameOfReferenceError, GeometryError, ParameterError
from voxelry.core.frame_of_reference import CONFIRM
from voxelry.core.geometry import Geometry
from voxelry.core.polygons import Floats, cleaned
from voxelry.core.segmentation import RGB

GeometricType: TypeAlias = Literal["CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "OPEN_PLANAR", "OPEN_NONPLANAR", "POINT"]
"""Contour Geometric Type (3006,0042)."""
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclass(frozen=True, eq=False, slots=True)
class Contour:
    """One curve. Frozen; the points are read-only.

    Parameters
    ----------
    points
        Shape ``(n, 3)``, LPS, mm. The last point of a closed contour is joined to the first; it may repeat it. Points
        that repeat the one before them count once.
    geometric_type
        Contour Geometric Type (3006,0042).
    instance_uid
        SOP Instance UID of the image that it was drawn on; empty where that is unknown.
    slab_thickness
        Contour Slab Thickness (3006,0044), mm; None where it is unknown.

    Raises
    ------
    GeometryError
        If points are not finite, or too few: one for a point, two for an open contour, three different ones for a
        closed contour.
    ParameterError
        If there is no such type.

    References
    ----------
    PS3.3 C.8.8.6.1

    Examples
    --------
    >>> contour = voxelry.Contour([(0, 0, 5), (10, 0, 5), (10, 4, 5), (0, 4, 5)])
    >>> contour.area_mm2
    40.0
    """

    points: Floats
    geometric_type: GeometricType = "CLOSED_PLANAR"
    _: KW_ONLY
    instance_uid: str = ""
    slab_thickness: float | None = None

    def __post_init__(self) -> None:
        if self.geometric_type not in get_args(GeometricType):
            raise ParameterError(f"a contour is one of {', '.join(get_args(GeometricType))}")
        try:
            points = np.array(self.points, np.float64)
        except (TypeError, ValueError):
            raise GeometryError("a contour's points are numbers, of shape (n, 3)") from None
        if points.ndim != 2 or points.shape[1] != 3:
            raise GeometryError(f"a contour's points have shape (n, 3), not {points.shape}")
        if not np.isfinite(points).all():
            raise GeometryError("a contour has a point that is not finite")
        least = 3 if self.closed else 1 if self.geometric_type == "POINT" else 2
        count = _different(points)
        if count < least or (self.geometric_type == "POINT" and len(points) > 1):
            raise GeometryError(f"a contour of type {self.geometric_type} has {count} different points, not {least}")
        points.flags.writeable = False
        object.__setattr__(self, "points", points)

    def __repr__(self) -> str:
        return f"<Contour {self.geometric_type} of {len(self.points)} points>"

    @property
    def closed(self) -> bool:
        """True if it encloses an area."""
        return self.geometric_type in CLOSED

    @property
    def area_mm2(self) -> float:
        """The area that it encloses, mm2; a point that the path goes around twice is outside, as in a keyhole's hole.

        0 for open contours and points, and for closed ones that enclose nothing.

        Raises
        ------
        GeometryError
            If the points do not lie in a plane.
        MeasureError
            If it crosses itself too often.
        """
        if not self.closed:
            return 0.0
        found = sorted_into_planes([self.points], [False])
        if found.bent:
            raise GeometryError("the points of this closed contour do not lie in a plane")
        return found.stacks[0].planes[0].region.area() if found.stacks else 0.0

    def signed_area(self, normal: npt.ArrayLike = (0, 0, 1)) -> float:
        """The area by the shoelace formula, mm2: above 0 if the path turns by right hand about ``normal``.

        With the default, seen from the patient's feet as axial images are shown, such a path runs clockwise. Parts that
        it goes around twice count twice, with their signs.

        Raises
        ------
        ParameterError
            If the normal has no length.
        """
        direction = np.asarray(normal, np.float64)
        length = float(np.linalg.norm(direction))
        if direction.shape != (3,) or not np.isfinite(length) or length == 0:
            raise ParameterError("a normal is three numbers, not all 0")
        path = cleaned(self.points) if self.closed else self.points[:1]
        moved = path - path[0]
        return float(np.cross(moved, np.roll(moved, -1, axis=0)).sum(axis=0) @ direction / 2 / length)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContourVolume:
    """The volume of a structure by its contours.

    Attributes
    ----------
    mm3
        The sum of the areas times the step of the planes; None where there is no step: ``warnings`` says why.
    areas_mm2
        Of each plane, holes taken off.
    offsets_mm
        Where the planes lie along ``normal``.
    step_mm
        From plane to plane along the normal, which is the thickness of the slab that a contour stands for.
    missing_mm
        Where no contour lies between others; nothing is made up there.
    normal
        Of the planes; shape ``(3,)``, LPS. None where there is no closed contour.
    warnings
        What a user must know before trusting the figure.
    notes
        How contours were understood.
    """

    mm3: float | None
    areas_mm2: tuple[float, ...] = ()
    offsets_mm: tuple[float, ...] = ()
    step_mm: float | None = None
    missing_mm: tuple[float, ...] = ()
    normal: Floats | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Contours:
    """The contours of one structure. Frozen.

    Parameters
    ----------
    contours
        In any order; none for a structure that was named and never drawn.
    name
        ROI Name (3006,0026).
    number
        ROI Number (3006,0022); None where there is none.
    colour
        For display; None where there is none.
    frame_of_reference_uid
        That the points lie in; None where it is unknown.
    interpreted_type
        RT ROI Interpreted Type (3006,00A4), ``"ORGAN"`` or ``"PTV"``; empty where it is unknown.
    algorithm
        ROI Generation Algorithm (3006,0036), ``"MANUAL"``; empty where it is unknown.
    warnings
        What was lost when it was read.

    Examples
    --------
    >>> ring = [(-20, -20), (20, -20), (20, 20), (-20, 20)]
    >>> drawn = [voxelry.Contour([(x, y, z) for x, y in ring]) for z in (0.0, 2.5, 7.5)]
    >>> box = voxelry.Contours(contours=drawn, name="box")
    >>> box.volume().mm3
    12000.0
    >>> box.volume().missing_mm
    (5.0,)
    """

    contours: tuple[Contour, ...]
    name: str = ""
    number: int | None = None
    colour: RGB | None = None
    frame_of_reference_uid: str | None = None
    interpreted_type: str = ""
    algorithm: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "contours", tuple(self.contours))

    def __repr__(self) -> str:
        """Short, and without the name, which may be anybody's words."""
        number = "" if self.number is None else f" {self.number}"
        return f"<Contours{number}: {len(self.contours)} contours>"

    @property
    def closed(self) -> tuple[Contour, ...]:
        """Those that enclose an area."""
        return tuple(one for one in self.contours if one.closed)

    @cached_property
    def planes(self) -> Sorted:
        """The closed contours by the planes that they lie in; numbers are places in ``closed``."""
        own = self.closed
        return sorted_into_planes(
            [one.points for one in own], [one.geometric_type == "CLOSEDPLANAR_XOR" for one in own]
        )

    def volume(self, *, step: float | None = None) -> ContourVolume:
        """The volume by contour: the sum of the planes' areas times their step.

        Where planes are missing between others, nothing is added, and ``warnings`` says where.

        Parameters
        ----------
        step
            The step of the planes, mm, where it is known; needed for a single plane, which has none. None for the
            smallest gap, of which all others are multiples.

        Raises
        ------
        ParameterError
            If the step is not above 0.
        MeasureError
            If contours cross too often to be measured.
        """
        if step is not None and not (np.isfinite(step) and step > 0):
            raise ParameterError(f"a step is a number of millimetres above 0, not {step}")
        warnings, notes = self._left_out()
        if not self.planes.stacks:
            if not self.closed:
                return ContourVolume(mm3=None, warnings=(*warnings, "no closed contour: no volume"), notes=notes)
            return ContourVolume(mm3=None if self.planes.bent else 0.0, warnings=warnings, notes=notes)
        told, own_notes = combined(self.planes.stacks)
        warnings, notes = (*warnings, *told), (*notes, *own_notes)
        if len(self.planes.stacks) > 1:
            words = f"the contours lie in planes of {len(self.planes.stacks)} orientations: no volume by contour"
            return ContourVolume(mm3=None, warnings=(*warnings, words), notes=notes)
        return self._of_planes(self.planes.stacks[0], step, warnings, notes)

    def _of_planes(
        self, stack: PlaneStack, step: float | None, warnings: tuple[str, ...], notes: tuple[str, ...]
    ) -> ContourVolume:
        areas = [plane.region.area() for plane in stack.planes]
        if step is None and len(stack.planes) == 1:
            step, told = _slab(self.closed)
            notes = (*notes, *told)
        steps = steps_of(stack.offsets, step)
        if steps.uneven:
            warnings = (*warnings, f"the planes of the contours are not evenly spaced ({steps.uneven}): no volume")
        elif steps.step is None:
            warnings = (*warnings, "the contours lie in one plane, whose thickness is unknown: no volume")
        if steps.deviation:
            words = (
                f"the planes of the contours lie up to {steps.deviation:.3f} mm off even places, {steps.step:.4g} mm"
            )
            warnings = (*warnings, f"{words} apart")
        if steps.missing:
            warnings = (*warnings, missing_planes(steps.missing))
        return ContourVolume(
            mm3=None if steps.step is None else sum(areas) * steps.step,
            areas_mm2=tuple(areas),
            offsets_mm=tuple(stack.offsets.tolist()),
            step_mm=steps.step,
            missing_mm=steps.missing,
            normal=stack.normal,
            warnings=warnings,
            notes=notes,
        )

    def _left_out(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        kinds = [one.geometric_type for one in self.contours]
        warnings = bent_and_empty(len(self.planes.bent), len(self.planes.empty))
        return warnings, without_volume({kind: kinds.count(kind) for kind in get_args(GeometricType)[2:]})

    def mask(self, geometry: Geometry, *, same_frame_of_reference: bool = False) -> MaskOnGrid:
        """Which voxels of a grid belong: those whose centres lie inside the contours or on their lines.

        Contours on no plane of the grid are moved to the nearest one within half a step, which ``warnings`` tells.

        Parameters
        ----------
        geometry
            With a place. Contours lie in planes of it: of its slices, or of its rows or columns.
        same_frame_of_reference
            True to confirm that contours and grid lie in one place though their frames of reference differ.

        Raises
        ------
        UnplacedError
            If the grid has no place.
        FrameOfReferenceError
            If the frames of reference differ.
        GeometryError
            If the contours are oblique to the grid.
        MeasureError
            If contours cross too often to be combined.

        References
        ----------
        PS3.3 C.8.8.6.3
        """
        own, other = self.frame_of_reference_uid, geometry.frame_of_reference_uid
        if own and other and own != other and not same_frame_of_reference:
            raise FrameOfReferenceError(
                "the contours lie in another frame of reference than the grid (Frame of Reference UID (0020,0052) "
                f"differs), so nothing says where on it they lie; {CONFIRM}"
            )
        warnings, notes = self._left_out()
        told, own_notes = combined(self.planes.stacks)
        found = mask_on_grid(self.planes.stacks, [one.points for one in self.closed], geometry)
        return MaskOnGrid(found.mask, geometry, (*warnings, *told, *found.warnings), (*notes, *own_notes, *found.notes))


def _different(points: Floats) -> int:
    """How many different points there are, up to 3."""
    others = points[(points != points[:1]).any(axis=1)]
    return min(len(points), 1) + min(len(others), 1) + bool((others != others[:1]).any())


def _slab(closed: Sequence[Contour]) -> tuple[float | None, tuple[str, ...]]:
    """The thickness that all contours state themselves, for the one plane that has no step."""
    stated = {one.slab_thickness for one in closed}
    if len(stated) != 1 or None in stated:
        return None, ()
    return stated.pop(), ("the contours lie in one plane: its thickness is Contour Slab Thickness (3006,0044)",)
