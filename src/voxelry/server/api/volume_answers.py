"""Whole volumes, without a framework: for the REST API's route and for the application in front of Django."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl

from voxelry.server.access.conditional import accepts_gzip
from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.api.slice_answers import caching_headers, stack_of, values_headers
from voxelry.server.archive.shown.volume_bytes import Layout, VolumeBytes

_LARGEST_INDEX = 9
"""Digits of a volume's number."""


@dataclass(frozen=True, slots=True)
class VolumeChoice:
    """Which volume is asked for, how its bytes lie, and its version as the address has it; empty without."""

    volume: int = 0
    layout: Layout = "values"
    version: str = ""


def plain_volume_choice(query: str) -> VolumeChoice | None:
    """The choice of a query that is written plainly; None if the schema of the route has to read it."""
    given = parse_qsl(query, keep_blank_values=True)
    values = dict(given)
    index, layout = values.get("volume", "0"), values.get("bytes", "values")
    if len(values) < len(given) or not values.keys() <= {"volume", "bytes", "v"}:
        return None
    if not (index.isascii() and index.isdigit() and len(index) <= _LARGEST_INDEX) or layout not in ("values", "planes"):
        return None
    return VolumeChoice(int(index), cast(Layout, layout), values.get("v", ""))


def whole_volume(asked: Asked, series_id: int, choice: VolumeChoice) -> Answer:
    """All modality values of a volume, in C order and little endian; headers tell dtype and shape.

    One member of gzip for who accepts it and asks for no range.
    """
    takes_long()
    stack = stack_of(asked.who, series_id, choice.volume, shown=False)
    content = VolumeBytes.of(stack, choice.layout)
    packed = "range" not in asked.headers and accepts_gzip(asked.headers)
    tag = f'"{stack.series.folder}-{choice.volume}-{choice.layout}{"-gzip" if packed else ""}"'
    headers = {
        **values_headers(stack.dtype, stack.shape),
        **caching_headers(tag, choice.version, stack.series, varies=("Accept-Encoding",)),
    }
    if packed:
        return Answer(content.compressed(), headers=headers | {"Content-Encoding": "gzip"})
    part = content.part()
    if part is None:
        return Answer(content.parts(), headers=headers)
    return Answer([part], headers=headers | {"Accept-Ranges": "bytes"})
