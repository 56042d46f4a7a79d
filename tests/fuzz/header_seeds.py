"""Small DICOM files of every form that a header can have, written byte by byte: where fuzzing starts."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
JPEG_LS, BIG_ENDIAN = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.2"
UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_CT = "1.2.840.10008.5.1.4.1.1.2"

Element = Callable[..., bytes]
"""``(tag, vr, value, length=None)``: an element's bytes; ``length`` lies about the value's."""


def explicit(tag: int, vr: bytes, value: bytes = b"", length: int | None = None) -> bytes:
    told = len(value) if length is None else length
    start = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    return start + (struct.pack("<HI", 0, told) if vr in _LONG else struct.pack("<H", told)) + value


def implicit(tag: int, _: bytes, value: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item(content: bytes, *, defined: bool) -> bytes:
    if defined:
        return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content
    return struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + content + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)


def sequence(element: Element, tag: int, items: Iterable[bytes], *, defined: bool = True, vr: bytes = b"SQ") -> bytes:
    content = b"".join(items)
    if defined:
        return element(tag, vr, content)
    return element(tag, vr, content + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), UNDEFINED)


def file_of(body: bytes, syntax: str = EXPLICIT, *, preamble: bytes = bytes(128) + b"DICM") -> bytes:
    """A Part 10 file around the elements of its dataset."""
    name = syntax.encode()
    meta = explicit(0x00020001, b"OB", b"\0\1") + explicit(0x00020002, b"UI", _CT.encode() + b"\0")
    meta += explicit(0x00020003, b"UI", b"2.25.7") + explicit(0x00020010, b"UI", name + b"\0" * (len(name) % 2))
    return preamble + explicit(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta + body


def ordered(*elements: bytes) -> bytes:
    """Elements as a dataset has them: by their tags."""
    return b"".join(sorted(elements, key=lambda element: struct.unpack_from("<HH", element)))


def _start(element: Element, characters: bytes = b"ISO_IR 192") -> tuple[bytes, ...]:
    return (
        element(0x00080005, b"CS", characters),
        element(0x00080008, b"CS", rb"ORIGINAL\PRIMARY\AXIAL "),
        element(0x00080016, b"UI", _CT.encode() + b"\0"),
        element(0x00080018, b"UI", b"2.25.7"),
        element(0x00080020, b"DA", b"20200102"),
        element(0x00080060, b"CS", b"CT"),
        element(0x00100010, b"PN", b"NOBODY^AT ALL"),
    )


def _geometry(element: Element) -> tuple[bytes, ...]:
    return (
        element(0x00180050, b"DS", b"3.0 "),
        element(0x00189087, b"FD", struct.pack("<d", 1000.0)),
        element(0x00200013, b"IS", b"12"),
        element(0x00200032, b"DS", rb"-10\20.5\-30e0"),
        element(0x00200037, b"DS", rb"1\0\0\0\1\0 "),
    )


def _pixels(element: Element, value: bytes = bytes(range(32)), length: int | None = None) -> tuple[bytes, ...]:
    return (
        element(0x00280010, b"US", b"\4\0"),
        element(0x00280011, b"US", b"\4\0"),
        element(0x00280030, b"DS", rb"0.7\0.7 "),
        element(0x00280100, b"US", b"\x10\0"),
        element(0x00280101, b"US", b"\x0c\0"),
        element(0x00280120, b"SS", b"\x30\xf8"),
        element(0x00281052, b"DS", b"-1024 "),
        element(0x7FE00010, b"OW", value, length),
    )


def _codes(element: Element, *, defined: bool) -> list[bytes]:
    code = element(0x00080100, b"SH", b"121401") + element(0x00080104, b"LO", b"Derivation")
    return [item(code, defined=defined), item(b"", defined=defined), item(code, defined=True)]


def _nested(element: Element, depth: int, *, defined: bool, twice: bool = False) -> bytes:
    content = element(0x00080100, b"SH", b"CODE")
    for _ in range(depth):
        content = sequence(element, 0x00081140, [item(content, defined=defined)] * (1 + twice), defined=defined)
    return content


def _with_sequences(element: Element, *, defined: bool) -> dict[str, tuple[bytes, ...]]:
    length = "defined" if defined else "undefined"
    codes = _codes(element, defined=defined)
    unknown = implicit if element is implicit else _as_unknown
    return {
        f"with a sequence of {length} length": (sequence(element, 0x00089215, codes, defined=defined),),
        f"with an empty sequence of {length} length": (sequence(element, 0x00081140, [], defined=defined),),
        f"with nested sequences of {length} length": (_nested(element, 4, defined=defined, twice=True),),
        f"with very deep sequences of {length} length": (_nested(element, 60, defined=defined),),
        f"with a private sequence of {length} length": (
            element(0x00090010, b"LO", b"VOXELRY TEST"),
            sequence(element, 0x00091002, codes, defined=defined),
        ),
        f"with a sequence of {length} length as UN": (sequence(unknown, 0x00089215, codes, defined=defined),),
        f"with a sequence of {length} length and 20 KiB": (
            sequence(element, 0x00089215, codes * 200, defined=defined),
        ),
    }


def _as_unknown(tag: int, _: bytes, value: bytes = b"", length: int | None = None) -> bytes:
    return explicit(tag, b"UN", value, length)


def _of_both_kinds(element: Element) -> dict[str, tuple[bytes, ...]]:
    """What is special, by its name: the elements beside those that all files have."""
    private = element(0x00090010, b"LO", b"VOXELRY TEST")
    many = tuple(element(0x00091010 + k, b"LO", b"PRIVATE %03d " % k) for k in range(400))
    return {
        "": _geometry(element),
        "with empty values": (element(0x00100020, b"LO"), element(0x00180050, b"DS")),
        "with odd lengths": (element(0x00100020, b"LO", b"odd"), element(0x00104000, b"LT", b"o")),
        "with private elements": (private, element(0x00091001, b"UN", b"\1\2\3\4"), *_geometry(element)),
        "with group lengths": (element(0x00080000, b"UL", struct.pack("<I", 1)),),
        "over 8 KiB": (private, *many, *_geometry(element)),
        "over 64 KiB": (private, element(0x00091001, b"UN", bytes(65_534)), *many, *_geometry(element)),
        "with trailing padding": (element(0xFFFCFFFC, b"OB", bytes(64)),),
        "with several values": (element(0x00281050, b"DS", rb"40\400 "), element(0x00281051, b"DS", rb"1\2 ")),
        "with numbers that are none": (element(0x00180050, b"DS", b"3,0 "), element(0x00200013, b"IS", b"1.5 ")),
        "with an overlay": (element(0x60000010, b"US", b"\4\0"), element(0x60003000, b"OW", bytes(2))),
        "with long values": (element(0x00080119, b"UC", b"LONG"), element(0x00080120, b"UR", b"urn:x ")),
        "with binary numbers": (
            element(0x00186020, b"SL", bytes(8)),
            element(0x00189087, b"FD", struct.pack("<2d", 1, float("nan"))),
        ),
        "with a length of no multiple": (element(0x00189087, b"FD", b"123"),),
        "with group 4 of no standard": (element(0x00040000, b"UL", bytes(4)),),
        "with elements behind the pixels": (element(0x7FE10010, b"LO", b"VOXELRY TEST"),),
    } | {name: found for defined in (True, False) for name, found in _with_sequences(element, defined=defined).items()}


def sibling(seed: bytes) -> bytes:
    """The next slice: as long, with another number and place."""
    return seed.replace(b"\\-30e0", b"\\-31e0").replace(b"2.25.7", b"2.25.8").replace(b"IS\2\x0012", b"IS\2\x0013")


def header_seeds() -> dict[str, bytes]:
    """By what is special about them: files of a few hundred bytes, some longer where that is the point."""
    seeds: dict[str, bytes] = {}
    for word, element, syntax in (("explicit", explicit, EXPLICIT), ("implicit", implicit, IMPLICIT)):
        start, geometry, pixels = _start(element), _geometry(element), _pixels(element)
        latin = (*_start(element, b"ISO_IR 100"), element(0x00104000, b"LT", b"caf\xe9"))
        kanji = (*_start(element, rb"\ISO 2022 IR 87 "), element(0x00104000, b"LT", b"\x1b$B;3\x1b(B"))
        floats = element(0x7FE00008, b"OF", struct.pack("<4f", 1, 2, 3, 4))
        bodies = {name: ordered(*start, *special, *pixels) for name, special in _of_both_kinds(element).items()}
        bodies |= {
            "without pixels": ordered(*start, *geometry),
            "with nothing": b"",
            "cut off in the pixels": ordered(*start, *pixels)[:-20],
            "cut off in the header": ordered(*start, *geometry)[:-5],
            "with pixels that claim more": ordered(*start, *_pixels(element, bytes(8), 2**31)),
            "with a value that claims more": ordered(*start, element(0x00104000, b"LT", b"text", 60_000), *pixels),
            "out of order": ordered(*start, *geometry) + element(0x00080070, b"LO", b"MAKER ") + pixels[-1],
            "with an element twice": ordered(*start, element(0x00100010, b"PN", b"OTHER "), *pixels),
            "in Latin letters": ordered(*latin, *pixels),
            "in Japanese": ordered(*kanji, *pixels),
            "with float pixels": ordered(*start, *geometry, floats),
        }
        seeds |= {f"{word} {special}".strip(): file_of(body, syntax) for special, body in bodies.items()}
    return seeds | _of_their_own()


def _of_their_own() -> dict[str, bytes]:
    start, pixels = _start(explicit), _pixels(explicit)
    body = ordered(*start, *pixels)
    frames = item(b"", defined=True) + item(b"\xff\xd8\xff\xd9", defined=True) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    reserved = explicit(0x0040A160, b"UT", b"text").replace(b"UT\0\0", b"UT\1\2")
    return {
        "encapsulated": file_of(ordered(*start, *_pixels(explicit, frames, UNDEFINED)), JPEG_LS),
        "with reserved bytes": file_of(ordered(*start, reserved, *pixels)),
        "implicit that says explicit": file_of(ordered(*_start(implicit), *_pixels(implicit)), EXPLICIT),
        "explicit that says implicit": file_of(body, IMPLICIT),
        "implicit within explicit": file_of(ordered(*start, implicit(0x00180050, b"", b"3.0 "), *pixels)),
        "with an unknown representation": file_of(ordered(*start, explicit(0x00180050, b"ZZ", b"3.0 "), *pixels)),
        "big endian": file_of(body, BIG_ENDIAN),
        "with an unknown transfer syntax": file_of(body, "1.2.3.4"),
        "with a preamble in use": file_of(body, preamble=b"II*\0" + bytes(124) + b"DICM"),
        "without a preamble": file_of(body)[132:],
        "without anything before": body,
        "that begins late": file_of(bytes(4) + body),
    }
