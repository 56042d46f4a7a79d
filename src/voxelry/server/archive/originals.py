"""A study's originals as one zip, made while it is sent: memory stays flat however large it is."""

from __future__ import annotations

import re
import zipfile
from collections.abc import AsyncIterator, Iterator
from typing import IO, cast

from asgiref.sync import sync_to_async

from voxelry.server.archive import files
from voxelry.server.archive.models import Instance, Study

_CHUNK = 2**20
_EPOCH = (1980, 1, 1, 0, 0, 0)


class _Sink:
    """What the archive writes, until it is sent."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def zipped(study: Study) -> Iterator[bytes]:
    """The parts of a zip of a study's instances, byte for byte, named by UIDs: names hold no patient's value."""
    sink = _Sink()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_STORED) as archive:
        for instance in _instances(study):
            entry = zipfile.ZipInfo(_entry_name(instance), _EPOCH)
            entry.file_size = instance.size
            entry.external_attr = 0o644 << 16
            with files.open_kept(instance.sha256) as source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    yield sink.take()
    yield sink.take()


async def in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The same parts for an asynchronous server, which else would gather them all first."""
    following = sync_to_async(lambda: next(parts, None))
    while (part := await following()) is not None:
        yield part


def _instances(study: Study) -> list[Instance]:
    rows = Instance.objects.filter(series__study=study).select_related("series").order_by("series", "number", "pk")
    return list(rows.only("sha256", "size", "sop_instance_uid", "series__series_instance_uid"))


def _entry_name(instance: Instance) -> str:
    return f"{_safe(instance.series.series_instance_uid)}/{_safe(instance.sop_instance_uid)}.dcm"


def _safe(uid: str) -> str:
    return re.sub(r"[^0-9A-Za-z._-]", "_", uid).lstrip(".") or "_"
