"""Originals as one zip that is made while it is sent, so that its size takes no memory.

The layout is known before the first byte is sent, so that ranges can be requested. Every original is checked against
its SHA-256 first: a damaged one is not handed out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as new_sha256
from itertools import accumulate

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, holdings, integrity
from voxelry.server.archive.models import Instance, Study, UnusedFile

_DATE = 1 << 5 | 1
"""1 January 1980 for all files, so that the zip depends on their content only."""
_LARGE = 2**32 - 1
_MANY = 2**16 - 1
_PLAIN, _ZIP64 = 20, 45
_MODE = 0o100644 << 16


_Part = Callable[[int, int], Iterator[bytes]]
"""Yields the bytes of one part of the zip from a start to before a stop."""


@dataclass(frozen=True, slots=True)
class _ZipEntry:
    """A file in the zip, stored without compression."""

    name: bytes
    sha256: str
    size: int
    offset: int

    @property
    def header_length(self) -> int:
        return 30 + len(self.name) + (20 if self.size >= _LARGE else 0)

    def header(self, crc: int) -> bytes:
        """The local file header (APPNOTE 4.3.7)."""
        large = self.size >= _LARGE
        shown = _LARGE if large else self.size
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.size) if large else b""
        version = _ZIP64 if large else _PLAIN
        numbers = (b"PK\3\4", version, 0, 0, 0, _DATE, crc, shown, shown, len(self.name), len(extra))
        return struct.pack("<4s5H3I2H", *numbers) + self.name + extra

    @property
    def listing_length(self) -> int:
        return len(self.listing(0))

    def listing(self, crc: int) -> bytes:
        """The central directory header (APPNOTE 4.3.12)."""
        extra = b""
        if self.size >= _LARGE:
            extra += struct.pack("<QQ", self.size, self.size)
        if self.offset >= _LARGE:
            extra += struct.pack("<Q", self.offset)
        if extra:
            extra = struct.pack("<HH", 1, len(extra)) + extra
        version = _ZIP64 if extra else _PLAIN
        shown, begins = min(self.size, _LARGE), min(self.offset, _LARGE)
        numbers = (
            *(b"PK\1\2", 3 << 8 | version, version, 0, 0, 0, _DATE, crc, shown, shown),
            *(len(self.name), len(extra), 0, 0, 0, _MODE, begins),
        )
        return struct.pack("<4s6H3I5H2I", *numbers) + self.name + extra


@dataclass(frozen=True, slots=True)
class ZipMember:
    """An instance that goes into a zip."""

    name: str
    sha256: str
    size: int

    @classmethod
    def of(cls, row: Instance) -> ZipMember:
        """The instance of a row with its series."""
        return cls.named(row.series.series_instance_uid, row.sop_instance_uid, row.sha256, row.size)

    @classmethod
    def named(cls, series: str, instance: str, sha256: str, size: int) -> ZipMember:
        """An instance by its UIDs, which name it in the zip."""
        return cls(f"{_safe(series)}/{_safe(instance)}.dcm", sha256, size)


class OriginalsZip:
    """The zip of instances, byte for byte, named by UIDs: names hold no patient's value.

    Attributes
    ----------
    length
        The zip's length in bytes.
    tag
        An entity tag, which changes with the bytes.
    """

    def __init__(self, rows: Sequence[ZipMember]) -> None:
        names = [row.name.encode("ascii") for row in rows]
        sizes = [
            _ZipEntry(name, "", row.size, 0).header_length + row.size for name, row in zip(names, rows, strict=True)
        ]
        offsets = [0, *accumulate(sizes)]
        self._entries = [
            _ZipEntry(name, row.sha256, row.size, offset)
            for name, row, offset in zip(names, rows, offsets, strict=False)
        ]
        self._listing_offset = offsets[-1]
        self._listing_length = sum(entry.listing_length for entry in self._entries)
        self.length = self._listing_offset + self._listing_length + len(self._end())
        told = new_sha256(b"\n".join(b"%s %s" % (one.name, one.sha256.encode()) for one in self._entries))
        self.tag = told.hexdigest()
        self._crcs: dict[str, int] = {}

    @classmethod
    def of_kept_aside(cls, rows: Iterable[UnusedFile]) -> OriginalsZip:
        """The zip of files that are kept aside; several of one UID have their digests in their names."""
        named = ((row.series_instance_uid, f"{row.sop_instance_uid}-{row.sha256[:8]}", row) for row in rows)
        return cls([ZipMember.named(series, name, row.sha256, row.size) for series, name, row in named])

    @classmethod
    def of_study(cls, study: Study) -> OriginalsZip:
        """The zip of all instances of a study."""
        return cls([ZipMember.of(row) for row in _instances(study)])

    def require_whole(self) -> None:
        """Read and check every original before the answer begins.

        Raises
        ------
        DamagedError
            If an original is missing or damaged.
        """
        for entry in self._entries:
            self._crcs[entry.sha256] = integrity.checked_crc(holdings.stored_name(entry.sha256), entry.sha256)

    def parts(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from ``start`` to before ``stop``, once `require_whole` has passed."""
        for offset, length, piece in self._pieces():
            if offset < stop and offset + length > start:
                yield from piece(max(0, start - offset), min(length, stop - offset))

    def _pieces(self) -> Iterator[tuple[int, int, _Part]]:
        for entry in self._entries:
            yield entry.offset, entry.header_length, _sliced(entry.header(self._crcs[entry.sha256]))
            yield entry.offset + entry.header_length, entry.size, _stored(entry)
        end = b"".join(entry.listing(self._crcs[entry.sha256]) for entry in self._entries) + self._end()
        yield self._listing_offset, len(end), _sliced(end)

    def _end(self) -> bytes:
        """The end of the central directory (APPNOTE 4.3.14 to 4.3.16)."""
        count, size, offset = len(self._entries), self._listing_length, self._listing_offset
        end = b""
        if count >= _MANY or size >= _LARGE or offset >= _LARGE:
            numbers = (44, 3 << 8 | _ZIP64, _ZIP64, 0, 0, count, count, size, offset)
            end = struct.pack("<4sQ2H2I4Q", b"PK\6\6", *numbers)
            end += struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
        shown = min(count, _MANY)
        return end + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, shown, shown, min(size, _LARGE), min(offset, _LARGE), 0)


def _sliced(content: bytes) -> _Part:
    def part(start: int, stop: int) -> Iterator[bytes]:
        yield content[start:stop]

    return part


def _stored(entry: _ZipEntry) -> _Part:
    def part(start: int, stop: int) -> Iterator[bytes]:
        with files_at_rest.open_kept(entry.sha256) as file:
            yield from files_at_rest.chunks(file, start, stop)

    return part


def _instances(study: Study) -> list[Instance]:
    rows = (
        queries.instances(as_site())
        .filter(series__study=study)
        .select_related("series")
        .order_by("series", "number", "pk")
    )
    return list(rows.only("sha256", "size", "sop_instance_uid", "series__series_instance_uid"))


def _safe(uid: str) -> str:
    return re.sub(r"[^0-9A-Za-z._-]", "_", uid).lstrip(".") or "_"
