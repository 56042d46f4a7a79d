"""Diffusion weighting as the standard's attributes say it, in functional groups or at the top of an instance.

References
----------
PS3.3 C.8.13.5.9 (MR Diffusion)
"""

from __future__ import annotations

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.diffusion_weighting import Direction, SaidOfDiffusion
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_attributes, number, numbers, text
from voxelry.dicom.headers.comparable import comparable_number

_MATRIX = (
    "DiffusionBValueXX", "DiffusionBValueXY", "DiffusionBValueXZ",
    "DiffusionBValueYY", "DiffusionBValueYZ", "DiffusionBValueZZ",
)  # fmt: skip


def standard_diffusion(frame: Frame) -> SaidOfDiffusion:
    """What the standard's attributes say of a frame: its functional group, else the instance itself."""
    places: list[Attributes] = [
        item for group in frame.groups if (item := first_attributes(group, "MRDiffusionSequence"))
    ]
    places.append(frame.header.elements)
    b_value, vector, matrix, directionality = None, None, None, ""
    for place in places:
        b_value = _b_value(place) if b_value is None else b_value
        vector = _vector(place) if vector is None else vector
        matrix = _matrix(place) if matrix is None else matrix
        directionality = directionality or text(place, "DiffusionDirectionality")
    return SaidOfDiffusion(b_value, vector, matrix, directionality)


def _b_value(place: Attributes) -> float | None:
    try:
        found = number(place, "DiffusionBValue")
    except PixelDataError:
        return None
    return None if found is None or found < 0 else comparable_number(found)


def _vector(place: Attributes) -> Direction | None:
    within = first_attributes(place, "DiffusionGradientDirectionSequence")
    of: tuple[Attributes, ...] = (place,) if within is None else (within, place)
    for attributes in of:
        try:
            found = numbers(attributes, "DiffusionGradientOrientation", 3)
        except PixelDataError:
            continue
        if found is not None:
            return found[0], found[1], found[2]
    return None


def _matrix(place: Attributes) -> tuple[float, ...] | None:
    within = first_attributes(place, "DiffusionBMatrixSequence")
    if within is None:
        return None
    try:
        found = [number(within, keyword) for keyword in _MATRIX]
    except PixelDataError:
        return None
    known = tuple(value for value in found if value is not None)
    return known if len(known) == len(_MATRIX) else None
