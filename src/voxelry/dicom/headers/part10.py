"""Reads the header of a plain Part 10 file without pydicom.

A plain file is little endian, with its elements in order, and not deflated; nearly all files are. Whatever deviates
from that is left to pydicom: this reader returns None and guesses nothing.
"""

from __future__ import annotations

from functools import cache

from pydicom.uid import UID

from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.part10_elements import (
    FIRST_TAG,
    NO_TAG,
    Cursor,
    More,
    Part10Header,
    Reader,
    UnusualFileError,
    read_explicit,
    read_file_meta,
    read_implicit,
)

_EXPLICIT = "1.2.840.10008.1.2.1"
_IMPLICIT = "1.2.840.10008.1.2"
_ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1")
_CHARACTER_SETS = frozenset({b"", b"ISO_IR 6", b"ISO_IR 100", b"ISO_IR 101", b"ISO_IR 144", b"ISO_IR 192"})
_CHARACTER_SET = 0x00080005
_TRANSFER_SYNTAX = 0x00020010


def read_part10(head: bytes, size: int, more: More, common: CommonHeader | None = None) -> Part10Header | None:
    """Read the header of a plain Part 10 file; returns None if anything in it is unusual.

    Parameters
    ----------
    head
        The file's first bytes.
    size
        Of the file, in bytes.
    more
        Reads more of the file; called only if the header is longer than ``head``.
    common
        What the files read before this one have in common; it is updated.

    References
    ----------
    PS3.5 7.1 (elements), 7.5 (sequences); PS3.10 7.1 (preamble and file meta information)
    """
    if head[128:132] != b"DICM":
        return None
    if common is not None:
        if len(head) < min(common.needed, size):
            head = more(common.needed)
        known = common.pattern.read(head) if common.pattern is not None else None
        if known is not None:
            return known
    try:
        meta: dict[int, EncodedValue] = {}
        spans: list[tuple[int, int]] = []
        start = read_file_meta(head, meta, spans)
        syntax = _syntax(meta[_TRANSFER_SYNTAX][1])
        read = read_implicit if syntax == _IMPLICIT else read_explicit
        cursor = Cursor(head, start, size, more)
        encoded = {} if common is None else _read_with_runs(cursor, read, common)
        is_common = bool(encoded)
        if not is_common:
            cursor.at, cursor.last = start, FIRST_TAG - 1
            read(cursor, encoded, NO_TAG, spans)
        if encoded.get(_CHARACTER_SET, (b"", b""))[1].strip(b"\0 ") not in _CHARACTER_SETS:
            return None
    except (UnusualFileError, KeyError):
        return None
    header = Part10Header(syntax, meta, encoded, cursor.pixels)
    if common is not None and not is_common:
        common.learn(header, cursor, spans, read)
    return header


def _read_with_runs(cursor: Cursor, read: Reader, common: CommonHeader) -> dict[int, EncodedValue]:
    """The elements of a file that has the runs of those before; empty if it does not."""
    encoded: dict[int, EncodedValue] = {}
    if common.read is not read or not common.runs:
        return encoded
    for run in common.runs:
        if cursor.last >= run.first:
            return {}
        if not cursor.buffer.startswith(run.content, cursor.at):
            read(cursor, encoded, run.first, None)
            if cursor.pixels is not None or not cursor.buffer.startswith(run.content, cursor.at):
                return {}
        encoded.update(run.encoded)
        cursor.at += len(run.content)
        cursor.last = run.last
    read(cursor, encoded, NO_TAG, None)
    return encoded


@cache
def _plain_syntax(value: bytes) -> UID | None:
    """The UID of a transfer syntax that plain files may have; None for others."""
    name = value.rstrip(b"\0 ").decode("ascii", "replace")
    is_plain = name in (_EXPLICIT, _IMPLICIT) or name.startswith(_ENCAPSULATED[0]) or name in _ENCAPSULATED[1:]
    return UID(name) if is_plain else None


def _syntax(value: bytes) -> UID:
    uid = _plain_syntax(value) if len(value) <= 64 else None
    if uid is None:
        raise UnusualFileError
    return uid
