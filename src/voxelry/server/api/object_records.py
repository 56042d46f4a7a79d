"""The records of the objects of a series that have no pixels."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from pathlib import Path

from django.conf import settings
from pydicom.uid import UID

from voxelry.core.errors import VoxelryError
from voxelry.dicom.objects.pixelless_objects import DOCUMENTS, REPORTS, kind_of, title_of
from voxelry.server.access.grants import Grants
from voxelry.server.api import pixelless_schemas as out
from voxelry.server.archive.shown.shown_frames import StoredInstance, instances_without_pixels

MOST_LISTED = 50
"""So many objects of a class are listed; the others are only counted."""


def pixelless_records(who: Grants, series: int) -> list[out.ClassCount]:
    """The objects without Pixel Data of a series, by their class."""
    found: list[out.ClassCount] = []
    for uid, members in groupby(instances_without_pixels(who, series), key=lambda one: one.sop_class_uid):
        own = list(members)
        listed = [_record(series, one) for one in own[:MOST_LISTED]]
        found.append(out.ClassCount(sop_class=UID(uid).name, count=len(own), objects=listed))
    return found


def _record(series: int, stored: StoredInstance) -> out.PixellessObject:
    address = f"/api/series/{series}/objects/{stored.sop_instance_uid}"
    uid = stored.sop_class_uid
    return out.PixellessObject(
        sop_instance_uid=stored.sop_instance_uid,
        kind=kind_of(uid),
        title=_title(stored, settings.VOXELRY.data),
        report=f"{address}/report" if uid.startswith(REPORTS) else None,
        document=f"{address}/document" if uid.startswith(DOCUMENTS) else None,
    )


@lru_cache(maxsize=4096)  # the bytes of an instance never change; another site has another data folder
def _title(stored: StoredInstance, data: Path) -> str:
    try:
        return title_of(stored.header()).replace("\0", "")
    except (VoxelryError, OSError):
        return ""
