"""Whether an object that comes is in conflict with one of the same SOP Instance UID, before it is taken in."""

from __future__ import annotations

from typing import IO, Final

from voxelry.dicom.headers.sources import Source
from voxelry.dicom.pixels.same_object import is_same_object
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.intake.store_instance import is_usable

_CHUNK: Final = 2**18


def conflicts_with_rows(source: Source, *, project: int, uid: str) -> bool | None:
    """Whether the instance of this UID that a project has is another object, so that ingest will keep this one aside.

    None if the project has no instance of the UID.
    """
    rows = queries.instances(as_site()).filter(project=project, sop_instance_uid=uid).order_by()
    row = rows.values_list("sha256", "name", "size", "problem_code").first()
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
