"""Positions of the frames of a multi-frame image that has a single Image Position for all frames."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.multival import MultiValue

from voxelry.core.errors import PixelDataError
from voxelry.dicom.headers.attributes import Attributes, first_item, number, numbers, tag_label, texts, value_of
from voxelry.dicom.headers.header import Header

Vector: TypeAlias = tuple[float, float, float]

FARTHEST = 1e6
"""Millimetres; a position farther from the origin is wrong."""
NEAREST = 1e-9
"""Millimetres: a smaller number is no distance."""
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
NUCLEAR_MEDICINE = "1.2.840.10008.5.1.4.1.1.20"
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
ULTRASOUND_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"
_PLANAR = tuple((kind,) for kind in ("STATIC", "DYNAMIC", "GATED", "WHOLE BODY", "TOMO", "GATED TOMO"))
"""Value 3 of Image Type (PS3.3 C.8.4.9.1.1) of what was not reconstructed."""
_VERTICAL = 1e-3
_SAME_HEIGHT = 0.01
"""Millimetres between a dose grid's first offset and its position, which are written with few digits."""
_ALONG_SLICES = frozenset(
    {
        0x00180050, 0x00180088, 0x00182005, 0x00200032, 0x00201041, 0x00209057, 0x00209113, 0x00540080,
    }
)  # fmt: skip
"""What Frame Increment Pointer (0028,0009) names where frames follow each other in space: Slice Thickness, Spacing
Between Slices, Slice Location Vector, Image Position, Slice Location, In-Stack Position Number, Plane Position
Sequence, Slice Vector."""


def plane_attributes(header: Header) -> Attributes:
    """The attributes with position and orientation: the instance's own, or its detector's item (PS3.3 C.8.4.11)."""
    detector = first_item(header.elements, "DetectorInformationSequence") if is_reconstructed(header) else None
    return header.elements if detector is None or "ImagePositionPatient" not in detector else detector


def is_reconstructed(header: Header) -> bool:
    """True for reconstructed slices of nuclear medicine; its other frames are projections."""
    if header.sop_class_uid != NUCLEAR_MEDICINE:
        return False
    return texts(header.elements, "ImageType")[2:3] in (("RECON TOMO",), ("RECON GATED TOMO",))


def is_planar(header: Header) -> bool:
    """True for frames of nuclear medicine that are projections, not slices: TOMO before reconstruction, STATIC, ..."""
    return header.sop_class_uid == NUCLEAR_MEDICINE and texts(header.elements, "ImageType")[2:3] in _PLANAR


def follow_in_space(header: Header) -> bool:
    """True if the header says that frames follow each other from slice to slice (PS3.3 C.7.6.6)."""
    found = value_of(header.elements, "FrameIncrementPointer")
    tags = found if isinstance(found, MultiValue | list | tuple) else [found]
    return any(isinstance(tag, int) and int(tag) in _ALONG_SLICES for tag in tags)


def frame_places(
    header: Header, count: int, first: Vector | None, orientation: tuple[float, ...] | None, warnings: list[str]
) -> list[Vector | None] | None:
    """The position of each frame of an image without functional groups.

    Parameters
    ----------
    count
        Of its frames; more than one.
    first
        Image Position (Patient) of the first, LPS mm.
    orientation
        Image Orientation (Patient), which all share.
    warnings
        What is to be told is added.

    Returns
    -------
    positions
        LPS mm; None where the frames follow each other in time, not in space.

    Raises
    ------
    PixelDataError
        If the attributes that place the frames contradict each other, or place one a kilometre away.

    References
    ----------
    PS3.3 C.8.8.3.2 (dose grids), C.8.4.15 (nuclear medicine)
    """
    if first is None or orientation is None:
        return None
    if header.sop_class_uid == RT_DOSE:
        keyword, steps = "GridFrameOffsetVector", _dose_steps(header, count, orientation, first[2], warnings)
    elif is_reconstructed(header):
        keyword, steps = "SpacingBetweenSlices", _slice_steps(header, count, orientation)
    else:
        return None
    if steps is None:
        return None
    places = np.asarray(first) + steps
    if not (np.abs(places) <= FARTHEST).all():
        raise PixelDataError(f"{tag_label(keyword)} places frames more than {FARTHEST:g} mm away")
    return [(x, y, z) for x, y, z in places.tolist()]


def _dose_steps(
    header: Header, count: int, orientation: tuple[float, ...], height: float, warnings: list[str]
) -> npt.NDArray[np.float64] | None:
    """From the first plane of a dose grid to each: along the normal, or along z where offsets are coordinates.

    Offsets that begin with 0 are distances along the normal; others are z coordinates of axial planes, whose
    normal may point down.
    """
    offsets = numbers(header.elements, "GridFrameOffsetVector", count)
    if offsets is None:
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    axial = abs(normal[2]) > 1 - _VERTICAL
    if offsets[0] != 0 and axial:
        normal = np.array([0.0, 0.0, 1.0])
    if offsets[0] != 0 and not (axial and abs(offsets[0] - height) <= _SAME_HEIGHT):
        warnings.append(
            f"{tag_label('GridFrameOffsetVector')} begins with {offsets[0]:g}, which is neither 0 nor the z of "
            f"{tag_label('ImagePositionPatient')}: the first plane is taken to lie at that position"
        )
    return np.outer(np.asarray(offsets) - offsets[0], normal)


def _slice_steps(header: Header, count: int, orientation: tuple[float, ...]) -> npt.NDArray[np.float64] | None:
    """From the first slice of a reconstruction to that of each frame; a negative spacing runs against the normal."""
    elements = header.elements
    spacing = number(elements, "SpacingBetweenSlices")
    if not spacing:
        return None
    slices = numbers(elements, "SliceVector") or tuple(range(1, count + 1))
    if len(slices) != count:
        raise PixelDataError(f"{tag_label('SliceVector')} has {len(slices)} values for {count} frames")
    if not all(float(one).is_integer() and one >= 1 for one in slices):
        raise PixelDataError(f"{tag_label('SliceVector')} holds values that are no slice numbers")
    normal = np.cross(orientation[:3], orientation[3:])
    return np.outer((np.asarray(slices) - 1) * spacing, normal)
