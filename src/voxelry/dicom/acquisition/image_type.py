"""Image Type as sidecars have it: with the part of the complex signal as a word."""

from __future__ import annotations

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_words
from voxelry.dicom.frames.image_parts import complex_part
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_text
from voxelry.dicom.headers.attributes import texts

_WORDS = {"mag": "MAGNITUDE", "phase": "PHASE", "real": "REAL", "imag": "IMAGINARY"}


def image_type_words(frame: Frame) -> list[str]:
    """Image Type, and behind it the part of the signal as a word where it is not among them.

    Of an object that holds images of several types, the frame's own.
    """
    said = texts(frame.header.elements, "ImageType")
    own = frame_words(frame, "FrameType") if "MIXED" in said else ()
    words = [word.strip() for word in own or said if word.strip()]
    part = _WORDS.get(complex_part(frame), "")
    return [*words, part] if part and part not in words else words


def siemens_image_type(frame: Frame) -> list[str]:
    """The words by which Siemens' XA says what earlier software said in Image Type; empty if there are none."""
    said = frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x75)
    return [word for word in said.split("\\") if word]
