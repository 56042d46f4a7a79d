"""Transfer syntaxes of DICOMweb: which are sent, and the media types of bit streams (PS3.18 8.7.3)."""

from __future__ import annotations

from functools import cache

from pydicom.uid import UID

from voxelry.dicom.pixels.codecs import is_encapsulated, is_supported
from voxelry.dicom.pixels.encode import EXPLICIT

NEVER_SENT = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.113619.5.2"})
"""Implicit VR and Big Endian, which DICOMweb does not know."""
OCTETS = "application/octet-stream"
_JPEG = "1.2.840.10008.1.2.4."
_MEDIA_TYPES = {
    "image/jpeg": ("50", "51", "53", "55", "57", "70"),
    "image/jls": ("80", "81"),
    "image/jp2": ("90", "91"),
    "image/jpx": ("92", "93"),
    "image/jphc": ("201", "202", "203"),
    "image/jxl": ("110", "111", "112"),
    "video/mpeg": ("100", "100.1", "101", "101.1"),
    "video/mp4": ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1"),
    "video/H265": ("107", "108"),
}
_BY_SYNTAX = {_JPEG + end: media for media, ends in _MEDIA_TYPES.items() for end in ends}
_BY_SYNTAX["1.2.840.10008.1.2.5"] = "image/dicom-rle"


def media_type_of(transfer_syntax: str) -> str:
    """The media type of one frame's bit stream (PS3.18 table 8.7.3-5)."""
    return _BY_SYNTAX.get(transfer_syntax, OCTETS)


def is_video(transfer_syntax: str) -> bool:
    """Whether the bit stream is that of all frames together."""
    return media_type_of(transfer_syntax).startswith("video/")


@cache
def default_syntax(transfer_syntax: str) -> str:
    """What is sent if no transfer syntax is named: Explicit VR Little Endian, if pixels can be decoded."""
    return EXPLICIT if is_supported(UID(transfer_syntax)) else transfer_syntax


@cache
def as_stored(transfer_syntax: str) -> str:
    """What is sent for ``transfer-syntax=*``: what is stored, if that may be sent."""
    return EXPLICIT if transfer_syntax in NEVER_SENT else transfer_syntax


@cache
def is_compressed(transfer_syntax: str) -> bool:
    """Whether frames are bit streams in fragments."""
    return is_encapsulated(UID(transfer_syntax))
