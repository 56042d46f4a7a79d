"""Instance Numbers of segmentations that are about to be written into series which are there."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Process


def reserved_number(process: Process, series: int) -> int:
    """The Instance Number of what a process adds to a series.

    It is larger than that of each instance there and differs from that of each other process, whether its job has
    ended or not. A process that asks again gets the same one. The row of the series is locked meanwhile, so that two
    that ask at one moment come one after the other.

    Parameters
    ----------
    series
        The key of a series that is there.
    """
    with transaction.atomic():
        rows = queries.series(as_site()).filter(pk=series)
        locked = rows.select_for_update(of=("self",), no_key=True).get()
        own = process_queries.processes(as_site()).filter(pk=process.pk)
        known = own.filter(joined_series=series).values_list("instance_number", flat=True).first()
        if known is not None:
            return known
        there = locked.instances.aggregate(largest=Max("number"))["largest"]
        others = process_queries.processes(as_site()).filter(joined_series=series)
        reserved = others.aggregate(largest=Max("instance_number"))["largest"]
        number = max(there or 0, reserved or 0, locked.instances.count()) + 1
        own.update(joined_series=series, instance_number=number)
        return number
