"""The route of a whole volume: all its slices by one request."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router

from voxelry.server.access.authentication import asking
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api.downloads import Content, as_stream, download
from voxelry.server.api.slice_answers import caching_headers, is_known_tag, stack_of
from voxelry.server.api.volume_routes import Version, VolumeIndex, binary
from voxelry.server.archive.volume_bytes import VolumeBytes

router = Router()
_TYPE = "application/octet-stream"
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
    stack = stack_of(asking(request), series_id, volume, shown=False)
    content = VolumeBytes.of(stack, layout)
    tag = f"{stack.series.folder}-{volume}-{layout}"
    packed = "Range" not in request.headers and _accepts_gzip(request.headers.get("Accept-Encoding", ""))
    if packed:
        tag += "-gzip"
    response: HttpResponseBase
    if packed and not is_known_tag({"if-none-match": request.headers.get("If-None-Match", "")}, f'"{tag}"'):
        response = StreamingHttpResponse(as_stream(request, content.compressed()), content_type=_TYPE)
        response.headers["Content-Encoding"] = "gzip"
    elif packed:
        response = HttpResponse(status=304)
    else:
        whole = Content(content.length, tag, content.parts, lambda: None)
        response = download(request, whole, name="volume.raw", content_type=_TYPE)
    response.headers["X-Voxelry-Dtype"] = stack.dtype
    response.headers["X-Voxelry-Shape"] = ",".join(map(str, stack.shape))
    for name, value in caching_headers(f'"{tag}"', v, stack.series, varies=("Accept-Encoding",)).items():
        response.headers[name] = value
    return response


def _accepts_gzip(header: str) -> bool:
    """Whether the header names gzip, or any coding, with a weight above 0 (RFC 9110, 12.5.3)."""
    weights = {}
    for entry in header.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights[name] = next((part[2:] for part in parameters if part.startswith("q=")), "1").strip("0.") != ""
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))
