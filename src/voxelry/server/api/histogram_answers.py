"""Histograms of stored volumes, without a framework: for the route and for the application in front of Django."""

from __future__ import annotations

from voxelry.core.errors import MeasureError
from voxelry.core.histogram import histogram
from voxelry.server.access.exchange import Answer, Asked, FilePart
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.api.slice_answers import caching_headers, is_known_tag, stack_of
from voxelry.server.archive.shown import stack_files


def histogram_of_volume(asked: Asked, series_id: int, volume: int) -> Answer:
    """How often each value occurs, as the build wrote it.

    Raises
    ------
    MeasureError
        If the volume has none.
    """
    stack = stack_of(asked.who, series_id, volume, shown=False)
    tag = f'"{stack.series.folder}-{volume}-histogram"'
    headers = caching_headers(tag, "", stack.series)
    path = stack_files.folder_of(stack) / "histogram.json"
    if not path.is_file():
        takes_long()
        histogram(stack_files.open_volume(stack))  # raises the problem of the build
        raise MeasureError("this volume has no histogram")
    if is_known_tag(asked.headers, tag):
        return Answer(status=304, headers=headers)
    return Answer([FilePart(path, 0, path.stat().st_size)], headers={**headers, "Content-Type": "application/json"})
