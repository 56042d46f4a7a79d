"""Whether an object that comes is in conflict with one of the same SOP Instance UID, before it is taken in."""

from __future__ import annotations

from typing import IO, Final

from django.db import connection

from voxelry.dicom.headers.sources import Source
from voxelry.dicom.pixels.same_object import is_same_object
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.intake.store_instance import is_usable
from voxelry.server.archive.models import Instance

_CHUNK: Final = 2**18
_ROW: Final = (
    f"SELECT sha256, name, size, problem_code FROM {Instance._meta.db_table} "  # noqa: SLF001, S608 - its own name
    "WHERE project_id = %s AND sop_instance_uid = %s"
)


def conflicts_with_rows(source: Source, *, project: int, uid: str) -> bool | None:
    """Whether the instance of this UID that a project has is another object, so that ingest will keep this one aside.

    None if the project has no instance of the UID.
    """
    with connection.cursor() as cursor:  # asked for each instance that comes: the ORM would take ten times as long
        cursor.execute(_ROW, [project, uid])
        row = cursor.fetchone()
    if row is None:
        return None
    sha256, name, size, problem = row
    try:
        if is_equal(source, files_at_rest.kept_source(sha256, name=name, size=size)):
            return False
    except FileNotFoundError:  # deleted meanwhile, or lost: ingest mends what it can
        return False
    return not (problem and is_usable(source))


def is_equal(mine: Source, yours: Source) -> bool:
    """Whether two files hold the same data set. Most often their bytes are the same, which costs least to see.

    Raises
    ------
    FileNotFoundError
        If one of them is gone.
    """
    with mine.open() as first, yours.open() as second:
        if mine.size == yours.size and _same_bytes(first, second):
            return True
    return is_same_object(mine, yours)


def _same_bytes(first: IO[bytes], second: IO[bytes]) -> bool:
    while chunk := first.read(_CHUNK):
        if chunk != second.read(_CHUNK):
            return False
    return True
