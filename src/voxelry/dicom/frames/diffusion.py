"""Diffusion images: b-value and direction of the gradient; a trace image has no direction."""

from __future__ import annotations

from typing import Literal

from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_item, number, numbers, text, texts
from voxelry.dicom.headers.comparable import ABSENT, Comparable, comparable_number, floats_of
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.private_attributes import first_number, private_value

_MAKERS = (
    # group, private creator, element within the creator's block
    (0x0019, "SIEMENS MR HEADER", 0x0C),
    (0x0043, "GEMS_PARM_01", 0x39),
    (0x2001, "Philips Imaging DD 001", 0x03),
)
_TRACE = frozenset(("TRACE", "TRACEW", "ISO", "ISOTROPIC", "DWI_TRACE"))
"""Values of Image Type for an image that is the mean of several directions."""
_COSINE_DIGITS = 4
_GE_MARK = 100_000
"""GE adds 1e9 to the b-values of multi-shell protocols; a larger value contains that offset."""


def private_b_value(header: Header) -> str:
    """The b-value in s/mm2 from a vendor's private attribute, as text; empty if there is none."""
    for group, creator, element in _MAKERS:
        content = private_value(header.elements, group, creator, element)
        value = None if content is None else first_number(content)
        if value is not None and value >= 0 and (group == 0x0043 or value < _GE_MARK):
            return f"{value % _GE_MARK if group == 0x0043 else value:g}"
    return ""


Directionality = Literal["none", "trace", "direction", "b matrix"]


def diffusion_of(frame: Frame) -> Comparable:
    """The b-value in s/mm2, what its direction is, and the direction's cosines; empty if it is no diffusion image.

    References
    ----------
    PS3.3 C.8.13.5.9 (MR Diffusion), C.8.3.1 (MR Image), for instances that have its attributes at the top
    """
    b_value = _b_value(frame)
    if b_value is None:
        return ABSENT
    kind, cosines = _direction(frame, b_value)
    return (b_value, kind, *(round(cosine, _COSINE_DIGITS) + 0.0 for cosine in cosines))


def _b_value(frame: Frame) -> float | None:
    for place in _places(frame):
        try:
            found = number(place, "DiffusionBValue")
        except PixelDataError:
            found = None
        if found is not None:
            return comparable_number(found)
    own = private_b_value(frame.header)
    return float(own) if own else None


def _places(frame: Frame) -> list[Attributes]:
    """Where a frame says how it was diffusion weighted: its functional group, else the instance itself."""
    groups: list[Attributes] = [item for group in frame.groups if (item := first_item(group, "MRDiffusionSequence"))]
    return [*groups, frame.header.elements]


def _direction(frame: Frame, b_value: float) -> tuple[Directionality, tuple[float, ...]]:
    said = next(filter(None, (text(place, "DiffusionDirectionality") for place in _places(frame))), "")
    if said == "ISOTROPIC" or (b_value > 0 and not _TRACE.isdisjoint(_image_type(frame))):
        return "trace", ()
    cosines = _cosines(frame)
    if b_value == 0 or said == "NONE" or not any(cosines):
        return "b matrix" if said == "BMATRIX" and b_value > 0 else "none", ()
    return "direction", cosines


def _cosines(frame: Frame) -> tuple[float, ...]:
    for place in _places(frame):
        within = first_item(place, "DiffusionGradientDirectionSequence")
        of: tuple[Attributes, ...] = (place,) if within is None else (within, place)
        for attributes in of:
            try:
                found = numbers(attributes, "DiffusionGradientOrientation", 3)
            except PixelDataError:
                found = None
            if found is not None:
                return found
    return ()


def _image_type(frame: Frame) -> tuple[str, ...]:
    """Image Type, and Frame Type where it has one."""
    own: list[Dataset] = [item for group in frame.groups if (item := first_item(group, "MRImageFrameTypeSequence"))]
    return (*(word for item in own for word in texts(item, "FrameType")), *texts(frame.header.elements, "ImageType"))


def shown_diffusion(values: list[Comparable]) -> list[tuple[tuple[str, str], ...]]:
    """b-value and direction of each volume, as its label says them: ``1000`` and ``0.707 0 0.707``.

    The direction is left out where no volume of the series has one and none is a trace.
    """
    directed = any(value[1:2] not in ((), ("none",)) for value in values)
    return [
        (
            ("DiffusionBValue", f"{floats_of(value)[0]:.10g}" if value else "none"),
            *((("DiffusionGradientOrientation", _shown_direction(value)),) if directed else ()),
        )
        for value in values
    ]


def _shown_direction(value: Comparable) -> str:
    if value[1:2] == ("trace",):
        return "trace (isotropic)"
    return " ".join(f"{cosine:.4g}" for cosine in floats_of(value)[1:]) or str(value[1] if value else "none")
