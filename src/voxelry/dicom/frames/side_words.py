"""What a header says in words of a frame's sides: Patient Orientation, laterality, view."""

from __future__ import annotations

import re
from typing import NamedTuple

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_item, text, texts

SIDE_TAGS = (0x00102210, 0x00185101, 0x00200020, 0x00200060, 0x00200062, 0x00540220)
"""Attributes at the top of an instance that the functions of this file read."""
_DIRECTION = re.compile(r"[A-Z]{1,16}")
_LATERALITIES = ("L", "R", "B", "U")


class Sides(NamedTuple):
    """The words about a frame's sides.

    Attributes
    ----------
    orientation
        The directions of rows and columns, as Patient Orientation (0020,0020) abbreviates them; empty without.
    laterality
        ``L``, ``R``, ``B`` (both) or ``U`` (unpaired); empty without.
    view
        The meaning of the View Code, else the View Position; empty without.
    """

    orientation: tuple[str, ...] = ()
    laterality: str = ""
    view: str = ""


NOTHING_SAID = Sides()


def side_words_of(frame: Frame) -> Sides:
    """The words about a frame's sides.

    References
    ----------
    PS3.3 C.7.6.1.1.1 (Patient Orientation), C.8.11.2 (DX), C.8.11.7 (mammography)
    """
    top = frame.header.elements
    directions = next(
        (found for of in _of_frame(frame, "PatientOrientationInFrameSequence") if (found := _directions(of))), ()
    )
    anatomy = [text(of, "FrameLaterality") for of in _of_frame(frame, "FrameAnatomySequence")]
    said = (*anatomy, text(top, "ImageLaterality"), text(top, "Laterality"))
    laterality = next((one for one in said if one in _LATERALITIES), "")
    return Sides(directions, laterality, _view(top))


def is_quadruped(frame: Frame) -> bool:
    """True if Anatomical Orientation Type (0010,2210) says so: y is dorsal then, and letters are others.

    References
    ----------
    PS3.3 C.7.6.2.1.1
    """
    return text(frame.header.elements, "AnatomicalOrientationType") == "QUADRUPED"


def _of_frame(frame: Frame, sequence: str) -> list[Attributes]:
    """The items of a functional group, the frame's own first, then the instance."""
    own = (first_item(group, sequence) for group in frame.groups)
    return [*(item for item in own if item is not None), frame.header.elements]


def _directions(of: Attributes) -> tuple[str, ...]:
    found = tuple(one.strip() for one in texts(of, "PatientOrientation"))
    return found if len(found) == 2 and all(map(_DIRECTION.fullmatch, found)) else ()


def _view(top: Attributes) -> str:
    code = first_item(top, "ViewCodeSequence")
    if code is None:
        return text(top, "ViewPosition")[:16]
    modifier = first_item(code, "ViewModifierCodeSequence")
    words = [text(one, "CodeMeaning")[:64].strip() for one in (code, modifier) if one is not None]
    return ", ".join(word for word in words if word) or text(top, "ViewPosition")[:16]
