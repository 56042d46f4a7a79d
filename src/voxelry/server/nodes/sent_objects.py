"""Stored instances as they are sent to other nodes."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from voxelry.network.storing import StoredObject
from voxelry.server.archive.at_rest.files_at_rest import kept_source
from voxelry.server.archive.models import Instance

_ROWS = 2_000


def sent_objects(rows: QuerySet[Instance]) -> Iterator[StoredObject]:
    """Instances with their files, in the order of the query. No file is opened here."""
    found = rows.values_list("sop_class_uid", "sop_instance_uid", "transfer_syntax_uid", "sha256", "size")
    for sop_class, uid, syntax, sha256, size in found.iterator(chunk_size=_ROWS):
        yield StoredObject(sop_class, uid, syntax, kept_source(sha256, name=f"instance {uid}", size=size))
