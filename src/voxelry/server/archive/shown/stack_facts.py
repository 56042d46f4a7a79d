"""The facts of a stored stack (`slice_facts`): from its row, or from the originals if it is of an earlier version."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.dicom.series.stack import Stack as Grid
from voxelry.server.access.grants import as_site
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.row_values import storable
from voxelry.server.archive.shown.slice_facts import FACTS, facts_records
from voxelry.server.archive.source_images import neighbours_of, source_images

logger = logging.getLogger(__name__)

Facts = Mapping[str, Any]
UNKNOWN: Facts = {
    "grid": None,
    "separators": [],
    "acquired": None,
    "quadruped": False,
    "sides": None,
    "regions": None,
    "overlays": [],
}
"""What is told of a stack whose slices are not found in the originals."""


def stack_facts(row: Stack, series: Series) -> Facts:
    """The facts of a stack.

    Parameters
    ----------
    series
        The row of its series.
    """
    found = row.display.get(FACTS)
    if found is not None:
        return {**UNKNOWN, **found}
    takes_long()
    return _anew(series.pk, series.folder, settings.VOXELRY.data).get(row.index, UNKNOWN)


@lru_cache(maxsize=64)  # a folder's name changes with its content; the data folder is another one in another site
def _anew(series: int, folder: str, data: Path) -> Mapping[int, Facts]:
    """The facts of the stacks of a series by their index, from the originals."""
    row = queries.series(as_site()).filter(pk=series).first()
    if row is None or row.folder != folder or row.project_id is None:
        return {}
    try:
        headers = _headers(row)
        near = neighbours_of(source_images([one for one in headers if one.has_pixels], project=row.project_id))
        grids = Grouped(row.series_instance_uid, tuple(headers), neighbours=near).stacks
        known = dict(zip(grids, facts_records(grids), strict=True))
    except VoxelryError as error:
        logger.warning("the facts of series %d cannot be read (%s)", series, error.problem.code)
        return {}
    stacks = list(row.stacks.order_by("index").only("index", "label", "shape"))
    return {stack.index: _stored(known[grid]) for stack, grid in _pairs(stacks, grids)}


def _stored(record: Facts) -> Facts:
    found = storable(dict(record))
    return found if isinstance(found, dict) else UNKNOWN


def _headers(row: Series) -> list[Header]:
    found: list[Header] = []
    common = CommonHeader()
    instances = list(row.instances.order_by("number", "pk").only("sha256", "name", "size"))
    files_at_rest.bring(instance.sha256 for instance in instances)
    for instance in instances:
        try:
            source = files_at_rest.kept_source(instance.sha256, name=instance.name, size=instance.size)
            found.append(read_header(source, common=common))
        except (VoxelryError, OSError):
            continue
    return found


def _pairs(stacks: Sequence[Stack], grids: Sequence[Grid]) -> list[tuple[Stack, Grid]]:
    """Rows with the stacks that they were made of: in order, by label, size and number of slices."""
    found: list[tuple[Stack, Grid]] = []
    rest = list(grids)
    for stack in stacks:
        same = (n for n, grid in enumerate(rest) if grid.label == stack.label and list(grid.shape) == stack.shape)
        place = next(same, None)
        if place is not None:
            found.append((stack, rest[place]))
            del rest[: place + 1]
    return found
