"""The direction along which k-space was encoded by phase: its axis, and its polarity where the header says it.

The standard has the axis only. The polarity is in private attributes of Siemens, GE and UIH; Philips, Canon and others
do not write it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from voxelry.core.makers import maker_name
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_words
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_numbers
from voxelry.dicom.headers.attributes import text, texts
from voxelry.dicom.headers.private_attributes import private_value
from voxelry.dicom.headers.siemens_csa import csa_values

EncodedAlong = Literal["row", "column"]
"""Along a row phase grows with the column number, along a column with the row number."""

_AXES: dict[str, EncodedAlong] = {"ROW": "row", "COL": "column", "COLUMN": "column"}
_GE_ORDERS = {"LINEAR": False, "REVERSE_LINEAR": True}
"""What Rectilinear Phase Encode Reordering (0018,9034) of GE's echo planar images says, since its software RX27."""
_GE_NEWER, _GE_NEWER_SHIFT, _GE_NEWER_ORDER = 25.002, 0x4C, 0x0394 - 0x8C
"""From this version of GE's raw header on its fields lie elsewhere."""
_GE_POLARITY, _GE_KIND, _GE_ORDER = 0x30, 0x3A, 0x0394
_GE_IS_EPI, _GE_FLIPPED, _GE_BOTTOM_UP = 0x0800, 0x0004, 2
_GE_VERSIONS = 5.0, 40.0


@dataclass(frozen=True, slots=True)
class PhaseEncoding:
    """How phase was encoded within the plane of an image.

    Attributes
    ----------
    along
        ``"row"`` or ``"column"`` of the stored image.
    positive
        True if k-space was traversed so that distortion runs towards larger pixel numbers, False for smaller ones;
        None if the header does not say it.
    direction
        Unit vector in LPS: towards larger pixel numbers, or smaller ones where ``positive`` is False.
    """

    along: EncodedAlong
    positive: bool | None
    direction: tuple[float, float, float]


def phase_encoding_of(frame: Frame) -> PhaseEncoding | None:
    """The phase encoding of a frame; None if its header gives no axis, or no orientation to place it by.

    References
    ----------
    PS3.3 C.8.3.1 (In-plane Phase Encoding Direction), C.8.13.5.3 (MR FOV/Geometry)
    """
    along = encoded_along(frame)
    if along is None or frame.orientation is None:
        return None
    positive = _polarity(frame)
    sign = -1.0 if positive is False else 1.0
    x, y, z = frame.orientation[:3] if along == "row" else frame.orientation[3:]
    return PhaseEncoding(along, positive, (sign * x, sign * y, sign * z))


def encoded_along(frame: Frame) -> EncodedAlong | None:
    """The axis of phase encoding; None if the header does not say it."""
    said = frame_words(frame, "InPlanePhaseEncodingDirection")
    return _AXES.get(said[0].upper()) if said else None


def is_echo_planar(frame: Frame) -> bool:
    """True if the header says that a whole plane of k-space, or a large part, is read after one excitation."""
    top = frame.header.elements
    return "EP" in texts(top, "ScanningSequence") or text(top, "EchoPlanarPulseSequence") == "YES"


def _polarity(frame: Frame) -> bool | None:
    match maker_name(text(frame.header.elements, "Manufacturer")):
        case "Siemens":
            return _siemens_polarity(frame)
        case "GE":
            return _ge_polarity(frame) if is_echo_planar(frame) else None
        case "UIH":
            said = frame_private_numbers(frame, 0x0065, "Image Private Header", 0x58, "IS")
            return {0.0: True, 1.0: False}.get(said[0]) if said else None
    return None


def _siemens_polarity(frame: Frame) -> bool | None:
    """By the CSA header, or by an attribute of its own that XA writes."""
    csa = csa_values(frame.header.elements).get("PhaseEncodingDirectionPositive", ())
    if csa:
        return {"0": False, "1": True}.get(csa[0])
    said = frame_private_numbers(frame, 0x0021, SIEMENS_IMAGE, 0x1C, "IS")
    return {0.0: False, 1.0: True}.get(said[0]) if said else None


def _ge_polarity(frame: Frame) -> bool | None:
    """By the standard attribute, which newer software writes, else by GE's raw header (0043,xx2A)."""
    order = text(frame.header.elements, "RectilinearPhaseEncodeReordering")
    if order:
        return _GE_ORDERS.get(order)
    content = private_value(frame.header.elements, 0x0043, "GEMS_PARM_01", 0x2A) or b""
    return _ge_raw_polarity(content)


def _ge_raw_polarity(content: bytes) -> bool | None:
    """Polarity and order of k-space lines in the part of GE's raw header that (0043,xx2A) holds; None if it is none."""
    start = _number(content, 24, "<H")
    version = None if start is None else _number(content, int(start), "<f")
    if start is None or version is None or not _GE_VERSIONS[0] <= version <= _GE_VERSIONS[1]:
        return None
    newer = version >= _GE_NEWER - 1e-4  # it is written in single precision
    begin = int(start) + (_GE_NEWER_SHIFT if newer else 0)
    kind, flags = _number(content, begin + _GE_KIND, "<H"), _number(content, begin + _GE_POLARITY, "<H")
    order = _number(content, begin + (_GE_NEWER_ORDER if newer else _GE_ORDER), "<H")
    if kind is None or flags is None or order is None or not int(kind) & _GE_IS_EPI:
        return None
    flipped = bool(int(flags) & _GE_FLIPPED)
    return flipped if order == _GE_BOTTOM_UP else not flipped


def _number(content: bytes, at: int, form: str) -> float | None:
    if not 0 <= at <= len(content) - struct.calcsize(form):
        return None
    (found,) = struct.unpack_from(form, content, at)
    return float(found)
