"""What the values of an image are: a part of the complex signal, or a map that was computed from others."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_text
from voxelry.dicom.headers.attributes import first_attributes, text, texts
from voxelry.dicom.headers.private_attributes import first_number, private_value, private_values

ComplexPart = Literal["", "mag", "phase", "real", "imag"]
"""As BIDS names the parts of a complex signal; empty where the header says none."""

_COMPONENTS: dict[str, ComplexPart] = {"MAGNITUDE": "mag", "PHASE": "phase", "REAL": "real", "IMAGINARY": "imag"}
_PART_WORDS: dict[str, ComplexPart] = {
    **_COMPONENTS,
    "M": "mag", "P": "phase", "R": "real", "I": "imag",
    "PHASE MAP": "phase", "VELOCITY MAP": "phase", "IMAG": "imag",
}  # fmt: skip
_PART_PREFIX = re.compile(r"([MPRI]) [A-Z0-9]+")
"""Philips: M_FFE, R_IR, after underscores became blanks."""
_GE_PARTS: tuple[ComplexPart, ...] = ("mag", "phase", "real", "imag")
"""By GE's Image Type code (0043,xx2F)."""
_GE_FIELD_MAPS = frozenset(("b0map", "b0rf", "3db0map"))
"""Names of GE's sequences for field maps, external (0019,xx9C) and internal (0019,xx9E)."""

_MAPS = {
    # diffusion (BIDS: scanner-generated diffusion maps)
    "ADC": "ADC", "ADC MAP": "ADC", "AVERAGE ADC": "ADC",
    "EADC": "expADC", "EXPADC": "expADC", "EXP ADC": "expADC", "EXPONENTIAL ADC": "expADC",
    "FA": "FA", "FA MAP": "FA", "FRACTIONAL ANISOTROPY": "FA", "COLFA": "colFA", "COLOR FA": "colFA",
    "TRACE": "trace", "TRACEW": "trace", "DWI TRACE": "trace", "TENSOR": "tensor",
    # relaxation, proton density, fields
    "T1 MAP": "T1map", "T2 MAP": "T2map", "T2 STAR MAP": "T2starmap", "T2STAR MAP": "T2starmap",
    "T2* MAP": "T2starmap", "R1 MAP": "R1map", "R2 MAP": "R2map", "R2 STAR MAP": "R2starmap",
    "R2STAR MAP": "R2starmap", "R2* MAP": "R2starmap", "PD MAP": "PDmap", "RHO MAP": "PDmap", "B1 MAP": "TB1map",
    "B0 MAP": "fieldmap", "B0MAP": "fieldmap", "FIELD MAP": "fieldmap", "FIELDMAP": "fieldmap",
    # perfusion
    "CBF": "cbf", "RCBF": "cbf", "RELCBF": "cbf", "CBV": "cbv", "RCBV": "cbv", "RELCBV": "cbv", "MTT": "mtt",
    "RELMTT": "mtt", "TTP": "ttp", "TMAX": "tmax", "PBP": "pbp", "GBP": "gbp", "KTRANS": "ktrans", "KEP": "kep",
    # water and fat
    "WATER": "water", "FAT": "fat", "IN PHASE": "inphase", "INPHASE": "inphase", "OPP PHASE": "oppphase",
    "OUT PHASE": "oppphase", "OUTPHASE": "oppphase", "OPPOSED PHASE": "oppphase", "FAT FRACTION": "fatfraction",
    "FAT FRAC": "fatfraction", "WATER FRACTION": "waterfraction",
    "SUB": "sub", "SUBTRACTION": "sub", "SWI": "swi", "T TEST": "ttest",
}  # fmt: skip
"""Values of Image Type, without underscores, and the map's word in a file's name: BIDS' suffix where it has one."""
_MR_MAPS = {
    "W": "water", "F": "fat", "FF": "fatfraction", "IP": "inphase", "OP": "oppphase",
}  # fmt: skip
"""Philips' short values, which mean this in MR only."""


def image_words(frame: Frame) -> tuple[str, ...]:
    """Values of Frame Type, else of Image Type: upper case, with blanks for underscores, in order.

    Behind them, for Siemens' enhanced images, the values that Siemens keeps in attributes of its own.
    """
    return (*plain_type_words(frame), *map(_plain_word, _siemens_words(frame)))


def plain_type_words(frame: Frame) -> tuple[str, ...]:
    """The same without Siemens' own, which take longer to find."""
    own: tuple[str, ...] = ()
    for group in frame.groups:
        item = first_attributes(group, "MRImageFrameTypeSequence")
        if item is not None:
            own = texts(item, "FrameType")
            break
    return tuple(map(_plain_word, own or texts(frame.header.elements, "ImageType")))


@lru_cache(maxsize=1024)
def _plain_word(value: str) -> str:
    return re.sub(r"[_\s]+", " ", value.upper()).strip()


def _siemens_words(frame: Frame) -> tuple[str, ...]:
    """Siemens XA: Image Type (0021,xx75) in a private functional group."""
    words = frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x75) if frame.groups else ""
    return tuple(words.split("\\")) if words else ()


def complex_part(frame: Frame) -> ComplexPart:
    """Which part of the complex MR signal an image holds; empty where nothing says so, and for other modalities.

    References
    ----------
    PS3.3 C.8.13.3.1.2 (Complex Image Component)
    """
    elements = frame.header.elements
    if text(elements, "Modality") != "MR":
        return ""
    code = private_value(elements, 0x0043, "GEMS_PARM_01", 0x2F)
    if code is not None and (number := _ge_code(code)) in range(len(_GE_PARTS)):
        return _GE_PARTS[number]
    for group in frame.groups:
        item = first_attributes(group, "MRImageFrameTypeSequence")
        said = "" if item is None else text(item, "ComplexImageComponent")
        if said in _COMPONENTS:
            return _COMPONENTS[said]
    said = text(elements, "ComplexImageComponent")
    if said in _COMPONENTS:
        return _COMPONENTS[said]
    return next((part for word in image_words(frame)[2:] if (part := _part_of_word(word))), "")


def _ge_code(content: bytes) -> int:
    """A short (SS) of either byte order, or a text where software has rewritten it; -1 for anything else."""
    if len(content) == 2 and min(content) == 0:
        return max(content)
    number = first_number(content)
    return -1 if number is None or number % 1 else int(number)


def _part_of_word(word: str) -> ComplexPart:
    prefix = _PART_PREFIX.fullmatch(word)
    return _PART_WORDS.get(prefix[1] if prefix else word, "")


def map_word(frame: Frame) -> str:
    """A derived map's own word, ``"ADC"``, ``"T1map"``, ``"fieldmap"``; empty for an image that is none.

    A field map is one by its unit, Hz, by Image Type, or as the real part of GE's sequences for field maps.
    """
    if frame.unit.upper() == "HZ" or _is_ge_field_map(frame):
        return "fieldmap"
    short = _MR_MAPS if text(frame.header.elements, "Modality") == "MR" else {}
    words = image_words(frame)[2:]
    return next((found for word in words if (found := _MAPS.get(word) or short.get(word))), "")


def _is_ge_field_map(frame: Frame) -> bool:
    """GE's sequences write two volumes: magnitude, and as real part the map in Hz, without an attribute of its unit."""
    elements = frame.header.elements
    names = private_values(elements, 0x0019, "GEMS_ACQU_01", (0x9C, 0x9E))
    words = {name.rstrip(b"\0 ").decode("latin-1").lower() for name in names if name is not None}
    return not _GE_FIELD_MAPS.isdisjoint(words) and complex_part(frame) == "real"


def other_words(frame: Frame) -> tuple[str, ...]:
    """The words that say neither the part nor the map, nor what every image is (ORIGINAL, PRIMARY)."""
    known = {*_MAPS, *_MR_MAPS, "ORIGINAL", "PRIMARY", "NONE"}
    return tuple(dict.fromkeys(word for word in image_words(frame) if word not in known and not _part_of_word(word)))
