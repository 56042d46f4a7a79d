"""What is told of the instances of a series without opening their files: their metadata as JSON, and their frames.

A build writes it into the series' folder, with which it is dropped and removed. It holds for the revision of the series
that was built; until a newer one is built, it is made from the files when it is asked for, and kept in memory.

A prepared file is `MAGIC`, the length of the directory, the directory (JSON, gzip) and the chunks that it lists, each
of the metadata of some instances (gzip). Addresses begin with `SERIES_ADDRESS`, which stands for that of the series.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.json_model.json_instance import JsonInstances
from voxelry.dicom.pixels.uncompressed import native_frame_places
from voxelry.dicom.write.transcoding import decoded_changes
from voxelry.server.access.conditional import gunzipped, gzipped
from voxelry.server.access.grants import as_site
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.at_rest.holdings import stored_name

logger = logging.getLogger(__name__)

PREPARED = "metadata"
"""The file's name in the folder of a build."""
SERIES_ADDRESS = b"\1"
"""Stands for the address of the series; JSON escapes this character in texts."""
MAGIC = b"VXM1"
_CHUNK = 256 * 2**10
_AVAILABLE_TRANSFER_SYNTAX = 0x00083002
_MOST_INSTANCES = 200_000
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """One instance: its file, and where its frames are in there.

    Attributes
    ----------
    frames
        The number of frames; 0 without pixels that can be described.
    start, length
        Where the first frame begins, and the bytes of each, if they can be sent from the file as they are; else 0.
    whole
        Whether the file has preamble and File Meta Information.
    chunk, at, size_of_text
        Where its metadata is: the number of the chunk, and the place in it.
    """

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    sha256: str
    size: int
    frames: int
    start: int
    length: int
    whole: bool
    chunk: int
    at: int
    size_of_text: int
    path: Path


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """The row of a series, as far as it decides on what is prepared."""

    pk: int
    revision: int
    built_revision: int
    folder: str
    uid: str
    instance_count: int


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """The instances of a series, in their order, and their metadata.

    Attributes
    ----------
    chunks
        The compressed metadata, or where it is in the prepared file.
    """

    instances: Mapping[str, InstanceFacts]
    chunks: Sequence[bytes | tuple[int, int]]
    file: Path | None

    def texts(self) -> Iterator[bytes]:
        """The metadata of all instances: JSON objects joined by commas, in parts that are to be joined by commas."""
        for number in range(len(self.chunks)):
            yield self._text(number)

    def text_of(self, one: InstanceFacts) -> bytes:
        """The metadata of one instance: a JSON object."""
        return self._text(one.chunk)[one.at : one.at + one.size_of_text]

    def _text(self, number: int) -> bytes:
        chunk = self.chunks[number]
        if isinstance(chunk, bytes):
            return gunzipped(chunk)
        assert self.file is not None  # noqa: S101 - for mypy
        with files_at_rest.near(self.file).open("rb") as file:
            file.seek(chunk[0])
            return gunzipped(file.read(chunk[1]))


@dataclass(frozen=True, slots=True)
class _Row:
    """What is read of the row of an instance."""

    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    sha256: str
    size: int
    name: str


def write_prepared(series: int, headers: Iterable[Header], folder: Path) -> None:
    """Write the prepared file of a series into the folder of its build. A failure is logged, and fails nothing."""
    try:
        by_uid = {header.sop_instance_uid: header for header in headers}
        rows = _rows(series)
        listed, chunks = _made((row, by_uid.get(row.sop_instance_uid)) for row in rows)
        places, at = [], 0
        for chunk in chunks:
            places.append((at, len(chunk)))
            at += len(chunk)
        directory = gzipped(json.dumps({"chunks": places, "instances": listed}).encode())
        with (folder / PREPARED).open("wb") as file:
            file.write(MAGIC + len(directory).to_bytes(8, "little") + directory)
            file.writelines(chunks)
    except Exception as error:  # metadata is made when it is asked for, then
        logger.warning("metadata of series %d was not prepared (%s)", series, type(error).__name__)


def series_facts(key: SeriesKey) -> SeriesFacts:
    """What is known of a series of this revision: prepared, or from the files."""
    return _kept.get((str(settings.VOXELRY.data), key.pk, key.revision, key.instance_count, key.folder), key)


def metadata_of(header: Header, *, bulk: str, writer: JsonInstances | None = None) -> str:
    """The metadata of one instance, as it is in the transfer syntax that it is sent in by default."""
    changes = {**decoded_changes(header), **available_syntax(header)}
    return (writer or JsonInstances()).write(header, bulk=bulk, changes=changes)


def available_syntax(header: Header) -> dict[int, EncodedValue | None]:
    """Available Transfer Syntax UID (0008,3002): that in which the instance is stored."""
    return {_AVAILABLE_TRANSFER_SYNTAX: (b"UI", header.transfer_syntax_uid.encode("ascii", "replace"))}


def _rows(series: int) -> list[_Row]:
    fields = ("sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "sha256", "size", "name")
    rows = queries.instances(as_site()).filter(series=series).order_by("number", "pk").values_list(*fields)
    return [_Row(*row) for row in rows]


def _made(pairs: Iterable[tuple[_Row, Header | None]]) -> tuple[list[list[Any]], list[bytes]]:
    """The instances as lists of values, and the compressed chunks of their metadata."""
    writer = JsonInstances()
    listed: list[list[Any]] = []
    chunks: list[bytes] = []
    texts: list[bytes] = []
    at = 0
    for row, header in pairs:
        text = (_minimal(row) if header is None else _text(row, header, writer)).encode()
        if at + len(text) > _CHUNK and texts:
            chunks.append(gzipped(b",".join(texts)))
            texts, at = [], 0
        listed.append([*_listed(row, header), len(chunks), at, len(text)])
        texts.append(text)
        at += len(text) + 1
    if texts:
        chunks.append(gzipped(b",".join(texts)))
    return listed, chunks


def _text(row: _Row, header: Header, writer: JsonInstances) -> str:
    bulk = f"{SERIES_ADDRESS.decode()}/instances/{row.sop_instance_uid}/bulkdata"
    try:
        return metadata_of(header, bulk=bulk, writer=writer)
    except Exception as error:  # a defect of one file must not hide the others
        logger.warning("metadata of an instance could not be written (%s)", type(error).__name__)
        return _minimal(row)


def _minimal(row: _Row) -> str:
    """What the row tells of an instance whose file cannot be read."""
    values = {"00080016": row.sop_class_uid, "00080018": row.sop_instance_uid}
    return json.dumps({tag: {"vr": "UI", "Value": [uid]} for tag, uid in values.items()}, separators=(",", ":"))


def _listed(row: _Row, header: Header | None) -> list[Any]:
    """The values of `InstanceFacts` up to ``whole``."""
    frames, start, length, whole = 0, 0, 0, False
    if header is not None:
        whole = header.elements.encoded is not None or header.source.head(132)[128:] == b"DICM"
        if header.pixel_bytes is not None:
            try:
                pixels = describe_pixels(header)
                frames = pixels.frames
                start, length = native_frame_places(header, pixels) or (0, 0)
            except VoxelryError:  # a bit stream of video, perhaps, which can be sent all the same
                frames = 1 if header.pixel_bytes.length is None else 0
    return [row.sop_instance_uid, row.sop_class_uid, row.transfer_syntax_uid, row.sha256, row.size,
            frames, start, length, whole]  # fmt: skip


def _loaded(listed: Iterable[Sequence[Any]]) -> dict[str, InstanceFacts]:
    folder = settings.VOXELRY.data / "files"
    return {one[0]: InstanceFacts(*(*one, folder / stored_name(one[3]))) for one in listed}


def _read(path: Path) -> SeriesFacts | None:
    """A prepared file; None if there is none that can be read."""
    try:
        with files_at_rest.near(path).open("rb") as file:
            head = file.read(12)
            if head[:4] != MAGIC:
                return None
            length = int.from_bytes(head[4:], "little")
            directory = json.loads(gunzipped(file.read(length)))
        chunks = [(12 + length + start, size) for start, size in directory["chunks"]]
        return SeriesFacts(_loaded(directory["instances"]), chunks, path)
    except FileNotFoundError:
        return None
    except Exception as error:  # it is made anew
        logger.warning("prepared metadata cannot be read (%s)", type(error).__name__)
        return None


def _from_files(key: SeriesKey) -> SeriesFacts:
    rows = _rows(key.pk)
    files_at_rest.bring(row.sha256 for row in rows)
    common = CommonHeader()
    listed, chunks = _made((row, _header(row, common)) for row in rows)
    return SeriesFacts(_loaded(listed), chunks, None)


def _header(row: _Row, common: CommonHeader) -> Header | None:
    try:
        return read_header(files_at_rest.kept_source(row.sha256, name=row.name, size=row.size), common=common)
    except (VoxelryError, OSError):
        return None


class _Kept:
    """Facts of the series that were asked for last; a key names one revision, so that nothing in here gets stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[object, ...], tuple[SeriesFacts, int, int]] = OrderedDict()
        self._instances = self._bytes = 0

    def get(self, name: tuple[object, ...], key: SeriesKey) -> SeriesFacts:
        with self._lock:
            found = self._found.get(name)
            if found is not None:
                self._found.move_to_end(name)
                return found[0]
        takes_long()
        facts = None
        if key.folder and key.built_revision == key.revision:
            facts = _read(files_at_rest.stacks_folder(key.pk) / key.folder / PREPARED)
        if facts is None or len(facts.instances) != key.instance_count:
            facts = _from_files(key)
        self._put(name, facts)
        return facts

    def _put(self, name: tuple[object, ...], facts: SeriesFacts) -> None:
        count, size = len(facts.instances), sum(len(one) for one in facts.chunks if isinstance(one, bytes))
        with self._lock:
            _, before, bytes_before = self._found.pop(name, (None, 0, 0))
            self._found[name] = (facts, count, size)
            self._instances += count - before
            self._bytes += size - bytes_before
            while len(self._found) > 1 and (self._instances > _MOST_INSTANCES or self._bytes > _MOST_BYTES):
                _, (_, dropped, dropped_bytes) = self._found.popitem(last=False)
                self._instances -= dropped
                self._bytes -= dropped_bytes


_kept = _Kept()
