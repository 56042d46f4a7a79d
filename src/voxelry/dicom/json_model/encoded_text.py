"""Text of elements encoded by a Specific Character Set, exactly or not at all (PS3.5 6.1): `decoded_text` backwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from pydicom.charset import encode_string, python_encoding

from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.json_model.decoded_text import SINGLE, decoded, encodings_of

_DEFAULT = "iso8859"
_CHINESE = "iso_ir_58"
_TO_CHINESE = b"\x1b$)A"
_CONTROL = re.compile(r"([\n\f\r\t])")
_DELIMITERS = {"PN": re.compile(r"([\\^=\n\f\r\t])")}
_OF_VALUES = re.compile(r"([\\\n\f\r\t])")
"""What ends each use of a code extension (PS3.5 6.1.2.5.3)."""


@dataclass(frozen=True)
class TextEncoder:
    """Encodes text by one value of Specific Character Set (0008,0005).

    Attributes
    ----------
    declared
        The value; empty for the default repertoire.
    """

    declared: bytes = b""
    _known: dict[tuple[str, str], bytes | None] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_known(self) -> bool:
        """Whether all terms of the value are known."""
        return all(term.strip(b"\0 ").decode("ascii", "replace") in python_encoding for term in self._terms)

    @property
    def _terms(self) -> list[bytes]:
        return self.declared.split(b"\\")

    def encoded(self, text: str, vr: str) -> bytes | None:
        """The bytes of a text, without padding; None if the character set does not have all of its characters."""
        if text.isascii():
            return text.encode()
        key = (text, vr)
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._encoded(text, vr)
        return self._known[key]

    def _encoded(self, text: str, vr: str) -> bytes | None:
        if not self.is_known:
            return None
        encodings = encodings_of(self.declared)
        if len(encodings) == 1:
            return _exactly(text, encodings)
        ends = _DELIMITERS.get(vr, _CONTROL if vr in SINGLE else _OF_VALUES)
        found = []
        for part in ends.split(text):
            own = part.encode() if part.isascii() else _exactly(part, encodings)
            if own is None:
                return None
            found.append(own)
        whole = b"".join(found)
        return whole if decoded(whole, vr, encodings) == text else None


_MOST_KNOWN = 1_000
DEFAULT_REPERTOIRE: Final = TextEncoder()
UTF_8: Final = TextEncoder(b"ISO_IR 192")


def _exactly(text: str, encodings: tuple[str, ...]) -> bytes | None:
    """A text that is not ASCII, followed by the state that a text begins in; None if it cannot be encoded."""
    strict = ("ascii" if encodings[0] == _DEFAULT else encodings[0], *encodings[1:])  # the default has 7 bits
    for some in (strict, encodings):
        found = _encoded_by(text, some)
        is_default_right = strict[0] != "ascii" or _is_default_ascii(found)
        if found and is_default_right and decoded(found + b"A", "LO", strict) == text + "A":
            return found
    return None


def _encoded_by(text: str, encodings: tuple[str, ...]) -> bytes:
    """A text as pydicom encodes it, which may be wrong; empty if it cannot."""
    try:
        with quiet:
            found = encode_string(text, encodings)
        if _CHINESE in encodings[1:] and b"\x1b" not in found:  # pydicom leaves its escape sequence out
            return _TO_CHINESE + text.encode("gb2312")
    except (LookupError, UnicodeError, ValueError):
        return b""
    return found


def _is_default_ascii(content: bytes) -> bool:
    """Whether what no escape sequence precedes, or that to ASCII, is ASCII."""
    first, *others = content.split(b"\x1b")
    return first.isascii() and all(part.isascii() for part in others if part.startswith(b"(B"))
