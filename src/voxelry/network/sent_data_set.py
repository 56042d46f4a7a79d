"""The data set of a file as it is sent in a context: its own bytes, or made uncompressed while they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from voxelry.core.errors import DamagedError
from voxelry.dicom.headers.data_set_start import begins_as, data_set_start
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import HEAD_BYTES, Source
from voxelry.network.service_uids import EXPLICIT, IMPLICIT, PLAIN_SYNTAXES

AT_ONCE_BYTES: Final = 2**23
"""Files up to this size are read before anything is sent, so that a damaged one costs no association."""
_PART = 2**19


def is_as_declared(source: Source, transfer_syntax: str) -> bool:
    """Whether a file's data set can go as it is: some files do not have the encoding that they declare.

    A file that cannot be read is as declared: what sends it says why it cannot.
    """
    try:
        head = source.head(HEAD_BYTES)
    except OSError:
        return True
    start = data_set_start(head)
    return start is None or begins_as(head, start, transfer_syntax)


def sent_data_set(source: Source, stored_syntax: str, sent_syntax: str) -> bytes | Iterator[bytes]:
    """The data set of a file, encoded in a transfer syntax.

    Parameters
    ----------
    stored_syntax
        The transfer syntax of the file.
    sent_syntax
        The same, or Explicit or Implicit VR Little Endian.

    Raises
    ------
    OSError
        If the file cannot be opened.
    VoxelryError
        If it is damaged, or its pixels cannot be decoded. The first frame is decoded at once.
    """
    if sent_syntax == stored_syntax and (stored_syntax not in PLAIN_SYNTAXES or is_as_declared(source, stored_syntax)):
        return _as_stored(source)
    return _uncompressed(source, sent_syntax)


def _as_stored(source: Source) -> bytes | Iterator[bytes]:
    with source.open() as file:
        head = file.read(HEAD_BYTES)
        start = data_set_start(head)
        if start is None and len(head) == HEAD_BYTES:
            start = data_set_start(head + file.read(2**20))
        if start is None:
            raise DamagedError(f"{source.name}: the file meta information cannot be read")
        if source.size > AT_ONCE_BYTES:
            return _streamed(source, start)
        file.seek(start)
        content = file.read()
    _require_size(source, start + len(content))
    return content


def _streamed(source: Source, start: int) -> Iterator[bytes]:
    with source.open() as file:
        file.seek(start)
        length = start
        while part := file.read(_PART):
            length += len(part)
            yield part
    _require_size(source, length)


def _require_size(source: Source, size: int) -> None:
    if size != source.size:
        raise DamagedError(f"{source.name}: the file has {size:,} bytes, and {source.size:,} were stored")


def _uncompressed(source: Source, sent_syntax: str) -> Iterator[bytes]:
    # Imported when they are needed: most data sets go as they are.
    from voxelry.dicom.write.header_bytes import file_head
    from voxelry.dicom.write.implicit import implicit_data_set
    from voxelry.dicom.write.transcoding import FileSpan, transcoded

    header = read_header(source)
    if sent_syntax == IMPLICIT:
        pieces = implicit_data_set(header)
        skipped = 0
    else:
        pieces = transcoded(header, EXPLICIT, version="").pieces()
        skipped = len(file_head(header.sop_class_uid, header.sop_instance_uid, EXPLICIT, ""))
    first = next(pieces)
    if isinstance(first, FileSpan):
        raise DamagedError(f"{source.name}: the data set begins with its pixels")
    second = next(pieces, b"")  # decoded now: an error after the first bytes would cost the association

    def parts() -> Iterator[bytes]:
        yield first[skipped:]
        for piece in chain((second,), pieces):
            if isinstance(piece, FileSpan):
                yield from _span(source, piece.start, piece.length)
            else:
                yield piece

    return parts()


def _span(source: Source, start: int, length: int) -> Iterator[bytes]:
    with source.open() as file:
        file.seek(start)
        while length:
            part = file.read(min(_PART, length))
            if not part:
                raise DamagedError(f"{source.name}: the file ends within its pixels")
            length -= len(part)
            yield part
