"""Stored instances as they are sent to other nodes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import starmap

from django.db.models import QuerySet

from voxelry.network.storing import StoredObject
from voxelry.server.archive.at_rest.files_at_rest import kept_source
from voxelry.server.archive.models import Instance

_ROWS = 2_000


def sent_objects(rows: QuerySet[Instance]) -> Iterator[StoredObject]:
    """Instances with their files, in the order of the query. No file is opened here."""
    found = rows.values_list("sop_class_uid", "sop_instance_uid", "transfer_syntax_uid", "sha256", "size")
    return starmap(_with_file, found.iterator(chunk_size=_ROWS))


def sent_object(row: Instance) -> StoredObject:
    """An instance with its file."""
    return _with_file(row.sop_class_uid, row.sop_instance_uid, row.transfer_syntax_uid, row.sha256, row.size)


def _with_file(sop_class: str, uid: str, syntax: str, sha256: str, size: int) -> StoredObject:
    return StoredObject(sop_class, uid, syntax, kept_source(sha256, name=f"instance {uid}", size=size))
