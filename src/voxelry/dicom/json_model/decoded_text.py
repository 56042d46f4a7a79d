"""Text of elements: decoded by the Specific Character Set, split into values (PS3.5 6.1, 6.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from pydicom.charset import convert_encodings, decode_bytes

from voxelry.dicom.headers.pydicom_silence import quiet

BY_CHARACTER_SET = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""Text that the Specific Character Set applies to."""
PLAIN_TEXT = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"})
SINGLE = frozenset({"LT", "ST", "UR", "UT"})
"""Text of one value, in which a backslash is a character."""
_DELIMITERS = {0x5C, 0x0A, 0x0C, 0x0D, 0x09}
_NAME_DELIMITERS = {0x5C, 0x5E, 0x3D}
_TO_CHINESE = "\x1b$)A"
_PADDING = "\0 "
_TERM = re.compile(r"[0-9A-Za-z _.-]{0,32}")


@lru_cache(maxsize=256)
def encodings_of(character_set: bytes) -> tuple[str, ...]:
    """Python's encodings for the value of Specific Character Set (0008,0005); unknown terms count as the default."""
    terms = [term.strip(b"\0 ").decode("ascii", "replace") for term in character_set.split(b"\\")]
    try:
        with quiet:
            return tuple(convert_encodings([term if _TERM.fullmatch(term) else "" for term in terms]))
    except (LookupError, ValueError):
        return ("iso8859",)


def decoded(value: bytes, vr: str, encodings: tuple[str, ...]) -> str:
    """The text of an element; what cannot be decoded is replaced by U+FFFD."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    if vr not in BY_CHARACTER_SET:
        return value.decode("latin-1")
    with quiet:
        try:
            found = decode_bytes(value, encodings, _NAME_DELIMITERS if vr == "PN" else _DELIMITERS)
            return found.replace(_TO_CHINESE, "")  # pydicom leaves this escape sequence in
        except (LookupError, UnicodeError):
            return value.decode(encodings[0] if encodings[0].startswith("iso") else "utf-8", "replace")


def text_values(value: bytes, vr: str, encodings: tuple[str, ...]) -> list[str]:
    """The values of a text element without padding, empty ones included; none if the whole is empty."""
    whole = decoded(value, vr, encodings).rstrip(_PADDING)
    if not whole:
        return []
    if vr in SINGLE:
        return [whole]
    return [one.rstrip(_PADDING) for one in whole.split("\\")]


def name_groups(name: str) -> dict[str, str]:
    """The component groups of a person's name that are there (PS3.18 F.2.2)."""
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("=", 2), strict=False)
    return {key: group.rstrip(_PADDING) for key, group in groups if group.strip(_PADDING)}
