"""The route of a whole volume: all its slices by one request."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponseBase
from ninja import Query, Router

from voxelry.server.access.conditional import finished
from voxelry.server.access.django_exchange import as_response, asked_of
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api.volume_answers import VolumeChoice, whole_volume
from voxelry.server.api.volume_routes import Version, VolumeIndex, binary

router = Router()
Bytes = Annotated[
    Literal["values", "planes"],
    Query(
        "values",
        alias="bytes",
        description="`values`: value after value. `planes`: for each slice the first byte of all its values, then the "
        "second, and so on, which compresses better.",
    ),
]


@router.get(
    "/series/{int:series_id}/volume.raw",
    tags=["volumes"],
    openapi_extra=binary("application/octet-stream"),
)
@needs(Rule.VIEWER)
def get_volume_raw(
    request: HttpRequest, series_id: int, volume: VolumeIndex = 0, layout: Bytes = "values", v: Version = ""
) -> HttpResponseBase:
    """All modality values of a volume, in C order and little endian; headers tell dtype and shape.

    Compressed for clients that accept gzip, unless they ask for a Range.
    """
    asked = asked_of(request)
    answer = whole_volume(asked, series_id, VolumeChoice(volume, layout, v))
    return as_response(finished(answer, asked.method, asked.headers), request)
