"""Regions of the patient, in which figures are counted: a box, a sphere, the segments of a segmentation.

A voxel lies in a box or a sphere if its centre does; a centre within a millionth of a millimetre of the surface counts
as inside. A voxel lies in a segment by the rule of `placed_masks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import LARGEST, Vector
from voxelry.core.argument_types import check_type
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.frame_of_reference import check_one_frame_of_reference
from voxelry.core.geometry import Box, Geometry
from voxelry.core.placed_masks import Mask, box_between, box_of, labels_on_grid
from voxelry.core.segmentation import Segmentation
from voxelry.core.volume import Volume

Floats = npt.NDArray[np.float64]
ALONG_PATIENT: tuple[Vector, Vector, Vector] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_ON = 1e-6
"""Millimetres: what is nearer to a surface than that lies on it."""


class PatientRegion(Protocol):
    """A part of the patient."""

    def within(self, volume: Volume) -> RegionMask:
        """The voxels of an image whose centres lie in it.

        Raises
        ------
        UnplacedError
            If nothing says where the image lies in the patient.
        FrameOfReferenceError
            If nothing says that both lie in one frame of reference.
        """
        ...

    def record(self) -> dict[str, Any]:
        """The same as JSON values."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RegionMask:
    """The voxels of a region, in a box around them.

    Attributes
    ----------
    box
        Ranges of slices, rows and columns.
    mask
        Of the box's shape: True in the region.
    """

    box: Box
    mask: Mask

    @property
    def count(self) -> int:
        """How many voxels lie in the region."""
        return int(np.count_nonzero(self.mask))


@dataclass(frozen=True, slots=True)
class BoxRegion:
    """A box in the patient.

    Parameters
    ----------
    low, high
        Two opposite corners, LPS, mm: along each direction the smaller and the larger coordinate.
    directions
        Of its edges: three perpendicular unit vectors, LPS. Along the patient's axes where none are given.

    Raises
    ------
    ParameterError
        If a number is not finite, ``high`` is below ``low``, or the directions are not perpendicular unit vectors.

    Examples
    --------
    >>> box = voxelry.BoxRegion(low=(-10, -10, 0), high=(10, 10, 30))
    >>> box.record()["high_mm"]
    [10.0, 10.0, 30.0]
    """

    low: Vector
    high: Vector
    directions: tuple[Vector, Vector, Vector] = ALONG_PATIENT

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _point(self.low, "low"))
        object.__setattr__(self, "high", _point(self.high, "high"))
        turned = tuple(_point(one, "a direction") for one in self.directions)
        if len(turned) != 3 or not np.allclose(np.array(turned) @ np.array(turned).T, np.eye(3), rtol=0, atol=1e-6):
            raise ParameterError("the directions of a box are three perpendicular vectors of length 1")
        object.__setattr__(self, "directions", turned)
        if any(low > high for low, high in zip(self.low, self.high, strict=True)):
            raise ParameterError(
                f"low {point_in_words(self.low)} of a box lies beyond its high {point_in_words(self.high)}"
            )

    def within(self, volume: Volume) -> RegionMask:
        """The voxels of an image whose centres lie in the box; see `PatientRegion`."""
        turned = np.array(self.directions)
        ends = np.array([self.low, self.high])
        corners = np.array([[ends[i, 0], ends[j, 1], ends[k, 2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        box = _box_around(corners @ turned, volume.geometry)
        lows, highs = np.array(self.low) - _ON, np.array(self.high) + _ON

        def belongs(along: Sequence[Floats]) -> Mask:
            inside = [(c >= low) & (c <= high) for c, low, high in zip(along, lows, highs, strict=True)]
            return np.asarray(inside[0] & inside[1] & inside[2])

        return RegionMask(box, _mask_by_slices(volume.geometry, box, turned, belongs))

    def record(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {
            "kind": "box",
            "low_mm": list(self.low),
            "high_mm": list(self.high),
            "directions": [list(one) for one in self.directions],
        }


@dataclass(frozen=True, slots=True)
class SphereRegion:
    """A sphere in the patient.

    Parameters
    ----------
    centre
        LPS, mm.
    radius_mm
        At least 0.

    Raises
    ------
    ParameterError
        If a number is not finite, or the radius is negative.

    Examples
    --------
    >>> voxelry.SphereRegion(centre=(0, 0, 20), radius_mm=15).record()["radius_mm"]
    15.0
    """

    centre: Vector
    radius_mm: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "centre", _point(self.centre, "the centre"))
        radius = float(self.radius_mm)
        if not 0 <= radius < LARGEST:
            raise ParameterError(f"the radius of a sphere is a number of millimetres from 0, not {radius:g}")
        object.__setattr__(self, "radius_mm", radius)

    def within(self, volume: Volume) -> RegionMask:
        """The voxels of an image whose centres lie in the sphere; see `PatientRegion`."""
        centre, radius = np.array(self.centre), self.radius_mm
        # The smallest box along the grid: the sphere's extent along an index axis is radius times its row's length.
        inverse = np.linalg.inv(_affine_of(volume.geometry))
        middle, reach = inverse[:3, :3] @ centre + inverse[:3, 3], radius * np.linalg.norm(inverse[:3, :3], axis=1)
        box = box_between(middle - reach, middle + reach, volume.geometry)

        def belongs(along: Sequence[Floats]) -> Mask:
            x, y, z = (c - at for c, at in zip(along, centre, strict=True))
            return np.asarray(np.sqrt(x * x + y * y + z * z) <= radius + _ON)

        return RegionMask(box, _mask_by_slices(volume.geometry, box, np.eye(3), belongs))

    def record(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {"kind": "sphere", "centre_mm": list(self.centre), "radius_mm": self.radius_mm}


@dataclass(frozen=True, slots=True, eq=False)
class SegmentRegion:
    """Some segments of a segmentation, whose grid may be another than the image's.

    Parameters
    ----------
    segmentation
        Where they are.
    numbers
        Of the segments; all of them where none are given.
    threshold
        From 0 to 1, for fractions, and needed for them: a voxel belongs if its fraction lies above it.
    same_frame_of_reference
        True if you know that segmentation and image lie in one place of the patient where their headers do not say so.

    Raises
    ------
    ParameterError
        If there is no segment of such a number.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> bright = voxelry.Segment(number=1, label="Bright")
    >>> segmentation = voxelry.Segmentation(
    ...     labels=(volume.array > 250).astype(np.uint8), source=volume, segments=(bright,)
    ... )
    >>> voxelry.SegmentRegion(segmentation).within(volume).count
    11646
    """

    segmentation: Segmentation
    numbers: tuple[int, ...] = ()
    threshold: float | None = None
    same_frame_of_reference: bool = False

    def __post_init__(self) -> None:
        check_type(self.segmentation, Segmentation, name="segmentation", instead="voxelry.load_segmentation reads one")
        known = [segment.number for segment in self.segmentation.segments]
        unknown = [number for number in self.numbers if number not in known]
        if unknown:
            raise ParameterError(f"no segment {unknown[0]}; there are {', '.join(map(str, known)) or 'none'}")
        object.__setattr__(self, "numbers", tuple(self.numbers) or tuple(known))

    def within(self, volume: Volume) -> RegionMask:
        """The voxels of an image whose centres lie in one of the segments; see `PatientRegion`."""
        source = self.segmentation.source
        check_one_frame_of_reference([volume, source], confirmed=self.same_frame_of_reference)
        own: Mask = np.zeros(self.segmentation.geometry.shape, np.bool_)
        for number in self.numbers:
            own |= self.segmentation.mask(number, threshold=self.threshold)
        placed = labels_on_grid(own, self.segmentation.geometry, volume.geometry)
        box = box_of(placed)
        if box is None:
            return RegionMask(_NOTHING, np.zeros((0, 0, 0), np.bool_))
        return RegionMask(box, placed[box])

    def record(self) -> dict[str, Any]:
        """The same as JSON values: which series, and which of its segments."""
        return {
            "kind": "segments",
            "series_instance_uid": self.segmentation.source.series_instance_uid,
            "segments": list(self.numbers),
        }


_NOTHING: Box = (slice(0, 0), slice(0, 0), slice(0, 0))


def _point(given: Vector, name: str) -> Vector:
    try:
        x, y, z = map(float, given)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} of a region is three numbers of millimetres, not {given!r}") from None
    if not all(abs(number) < LARGEST for number in (x, y, z)):  # NaN is not
        raise ParameterError(f"{name} of a region is three finite numbers, not {point_in_words((x, y, z))}")
    return x, y, z


def point_in_words(vector: Vector) -> str:
    """A point as a person reads it: ``(1, 2.5, -3)``."""
    return "(" + ", ".join(f"{number:g}" for number in vector) + ")"


def _affine_of(geometry: Geometry) -> Floats:
    if not geometry.placed:
        raise UnplacedError("nothing says where this image lies in the patient, so no region of the patient is in it")
    return geometry.known_affine


def _box_around(corners: Floats, geometry: Geometry) -> Box:
    """The voxels whose centres may lie between some points."""
    _affine_of(geometry)
    index = geometry.lps_to_index(corners)
    return box_between(index.min(axis=0), index.max(axis=0), geometry)


def _mask_by_slices(
    geometry: Geometry, box: Box, directions: Floats, belongs: Callable[[Sequence[Floats]], Mask]
) -> Mask:
    """Which voxels of a box belong, by how far their centres lie along three directions, mm; a slice at a time."""
    lines = directions @ _affine_of(geometry)[:3]
    slices, rows, columns = box
    row, column = np.ogrid[rows, columns]
    mask: Mask = np.empty(tuple(side.stop - side.start for side in box), np.bool_)
    for at, index in enumerate(range(slices.start, slices.stop)):
        mask[at] = belongs([line[0] * index + line[1] * row + line[2] * column + line[3] for line in lines])
    return mask
