"""Identifiers of queries: keys as text to bytes, and answers to data sets (PS3.4 C.2.2.2, PS3.7 9.1.2)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxelry.core.errors import ParameterError
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.write.header_bytes import encoded_element
from voxelry.network.failures import ProtocolError

LEVELS = ("STUDY", "SERIES", "IMAGE")
UNICODE = "ISO_IR 192"
_TEXTS = frozenset(
    {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"}
)
_CHARACTER_SET, _LEVEL = "SpecificCharacterSet", "QueryRetrieveLevel"
_LONGEST = 0xFFFE


def encoded_identifier(level: str, keys: Mapping[str, str], *, transfer_syntax: str) -> bytes:
    r"""An identifier of a query or a retrieval.

    Parameters
    ----------
    level
        STUDY, SERIES or IMAGE.
    keys
        Values by keyword, as text: ``*`` and ``?``, ranges and lists with ``\\`` as the matching wants them. An empty
        one asks for the attribute.
    transfer_syntax
        Explicit or Implicit VR Little Endian.

    Raises
    ------
    ParameterError
        If there is no such level or keyword, or an attribute that is no text has a value.
    """
    if level not in LEVELS:
        raise ParameterError(f"{level!r} is no level: it is one of {', '.join(LEVELS)}")
    given = {**keys, _LEVEL: level}
    if not all(value.isascii() for value in given.values()):
        given[_CHARACTER_SET] = UNICODE
    parts = [_element(keyword, value, transfer_syntax) for keyword, value in sorted(given.items(), key=_tag_of_item)]
    return b"".join(parts)


def decoded_identifier(content: bytes, *, transfer_syntax: str) -> Dataset:
    """The data set of an answer, in the character set that it declares; an element that cannot be read is left out.

    Raises
    ------
    ProtocolError
        If it is no data set.
    """
    try:
        with quiet:
            found = read_dataset(BytesIO(content), transfer_syntax == ImplicitVRLittleEndian, True)
            for tag in list(found.keys()):
                if not _is_readable(found, int(tag)):
                    del found[tag]
    except Exception as error:  # pydicom may raise anything, and its words may quote a value
        raise ProtocolError(f"the data set of an answer cannot be read ({type(error).__name__})") from None
    return found


def text_of(data_set: Dataset, keyword: str) -> str:
    r"""The value of an attribute as text, several with ``\\`` between them; empty if it has none."""
    with quiet:
        value = data_set.get(keyword)
    if value is None or isinstance(value, bytes):
        return ""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return str(value).strip(" \0")
    many = value if not hasattr(value, "family_name") else [value]
    return "\\".join(str(one).strip(" \0") for one in many)


def _is_readable(data_set: Dataset, tag: int) -> bool:
    try:
        return data_set[tag] is not None
    except Exception:  # pydicom may raise anything for a malformed value
        return False


def _tag_of_item(item: tuple[str, str]) -> int:
    return _known_tag(item[0])


def _known_tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ParameterError(f"{keyword!r} is no keyword of an attribute, such as PatientID")
    return int(tag)


def _element(keyword: str, value: str, transfer_syntax: str) -> bytes:
    tag = _known_tag(keyword)
    vr = dictionary_VR(tag)[:2]
    if value and vr not in _TEXTS:
        raise ParameterError(f"{keyword} has no text as its value: it can be asked for, and is no key to match")
    content = value.encode("utf-8")
    content += (b"\0" if vr == "UI" else b" ") * (len(content) % 2)
    if len(content) > _LONGEST:
        raise ParameterError(f"the key {keyword} has {len(content):,} bytes, and at most {_LONGEST:,} are possible")
    if transfer_syntax == ExplicitVRLittleEndian:
        return encoded_element(tag, (vr.encode(), content))
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(content)) + content
