"""Routes of slices, histograms and measurements of stored volumes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

import numpy as np
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from ninja import Query, Router

from voxelry.core.errors import MeasureError
from voxelry.core.intensity import Window
from voxelry.core.measure import histogram, measure
from voxelry.core.planes import Axis, plane, plane_count
from voxelry.core.volume import Volume
from voxelry.formats.pictures.picture import PictureFormat
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import schemas as out
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.archive import queries, stack_files
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.slice_display import shown_with
from voxelry.server.jobs.models import State
from voxelry.workflows.pictures.picture_files import encode_picture

router = Router()
ERRORS = {(401, 403, 404, 409, 422): out.ProblemDocument}
VolumeIndex = Annotated[int, Query(0, ge=0, description="Which volume, where a series has several.")]
AxisName = Annotated[
    Literal["axial", "coronal", "sagittal"] | None, Query(None, description="A patient plane; as acquired without it.")
]
Center = Annotated[float | None, Query(None, description="Window Center; needs `width`.")]
Width = Annotated[float | None, Query(None, description="Window Width; needs `center`.")]
Version = Annotated[str, Query("", description="The volume's `version`: lets the answer be kept for a year.")]
Response = TypeVar("Response", bound=HttpResponseBase)
_YEAR = 31_536_000
_MEDIA = {"png": "image/png", "jpg": "image/jpeg"}


def binary(media: str) -> dict[str, object]:
    """What the OpenAPI document says of an answer that is no JSON."""
    return {"responses": {200: {"content": {media: {"schema": {"type": "string", "format": "binary"}}}}}}


@router.get("/series/{int:series_id}/thumbnail.png", tags=["series"], openapi_extra=binary("image/png"))
@needs(Rule.VIEWER)
def get_thumbnail(request: HttpRequest, series_id: int, v: Version = "") -> HttpResponse:
    """A small picture that stands for the series."""
    series = queries.series(asking(request)).filter(pk=series_id).first()
    if series is None or not series.thumbnail:
        raise not_found(f"There is no thumbnail of series {series_id}.")
    tag = f'"{series.folder}"'
    if knows(request, tag):
        return kept_by_browsers(HttpResponse(status=304), tag, v, series)
    return kept_by_browsers(
        HttpResponse(stack_files.thumbnail_of(series).read_bytes(), content_type="image/png"), tag, v, series
    )


@router.get("/series/{int:series_id}/slices/{int:n}.png", tags=["volumes"], openapi_extra=binary("image/png"))
@needs(Rule.VIEWER)
def get_slice_png(
    request: HttpRequest,
    series_id: int,
    n: int,
    axis: AxisName = None,
    center: Center = None,
    width: Width = None,
    volume: VolumeIndex = 0,
    v: Version = "",
) -> HttpResponse:
    """A slice as PNG; ``n`` from 0, ascending along the normal, or to superior, posterior or left."""
    return _picture(request, "png", series_id, n, axis, _window(center, width), volume, v)


@router.get("/series/{int:series_id}/slices/{int:n}.jpg", tags=["volumes"], openapi_extra=binary("image/jpeg"))
@needs(Rule.VIEWER)
def get_slice_jpg(
    request: HttpRequest,
    series_id: int,
    n: int,
    axis: AxisName = None,
    center: Center = None,
    width: Width = None,
    volume: VolumeIndex = 0,
    v: Version = "",
) -> HttpResponse:
    """A slice as JPEG."""
    return _picture(request, "jpg", series_id, n, axis, _window(center, width), volume, v)


@router.get(
    "/series/{int:series_id}/slices/{int:n}.raw", tags=["volumes"], openapi_extra=binary("application/octet-stream")
)
@needs(Rule.VIEWER)
def get_slice_raw(
    request: HttpRequest, series_id: int, n: int, axis: AxisName = None, volume: VolumeIndex = 0, v: Version = ""
) -> HttpResponse:
    """A slice's modality values, in C order and little endian; headers tell dtype and shape."""
    stack = stack_of(asking(request), series_id, volume, shown=False)
    tag = f'"{stack.series.folder}-{volume}-{axis}-{n}-raw"'
    if knows(request, tag):
        return kept_by_browsers(HttpResponse(status=304), tag, v, stack.series)
    values = plane(_checked(stack, n, axis, shown=False), n, axis=axis)
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    response = HttpResponse(np.ascontiguousarray(little).tobytes(), content_type="application/octet-stream")
    response.headers["X-Voxelry-Dtype"] = values.dtype.name
    response.headers["X-Voxelry-Shape"] = ",".join(map(str, values.shape))
    return kept_by_browsers(response, tag, v, stack.series)


@router.get("/series/{int:series_id}/histogram", response={200: out.HistogramOut, **ERRORS}, tags=["volumes"])
@needs(Rule.VIEWER)
def get_histogram(request: HttpRequest, series_id: int, volume: VolumeIndex = 0) -> HttpResponse:
    """How often each value occurs, padding left out."""
    stack = stack_of(asking(request), series_id, volume)
    path = stack_files.folder_of(stack) / "histogram.json"
    if not path.is_file():
        histogram(stack_files.open_volume(stack))  # raises the problem of the build
        raise MeasureError("this volume has no histogram")
    tag = f'"{stack.series.folder}-{volume}-histogram"'
    if knows(request, tag):
        return kept_by_browsers(HttpResponse(status=304), tag, "", stack.series)
    return kept_by_browsers(HttpResponse(path.read_bytes(), content_type="application/json"), tag, "", stack.series)


@router.get("/series/{int:series_id}/measure", response={200: out.MeasurementOut, **ERRORS}, tags=["volumes"])
@needs(Rule.VIEWER)
def get_measurement(
    request: HttpRequest,
    series_id: int,
    threshold: float | None = None,
    method: str = "fixed",
    volume: VolumeIndex = 0,
) -> object:
    """The voxels above a threshold and their volume in mm3; the server's figure."""
    stack = stack_of(asking(request), series_id, volume)
    if stack.problem_code:
        raise ApiError(422, stack.problem_code, stack.problem_message)
    return measure(stack_files.open_volume(stack), threshold, method, default=settings.VOXELRY.threshold).record()


def _picture(
    request: HttpRequest,
    kind: PictureFormat,
    series: int,
    n: int,
    axis: Axis | None,
    window: Window | None,
    index: int,
    version: str,
) -> HttpResponse:
    stack = stack_of(asking(request), series, index)
    shown = "" if window is None else f"{window.center:g}-{window.width:g}"
    tag = f'"{stack.series.folder}-{index}-{axis}-{n}-{shown}-{kind}"'
    if knows(request, tag):
        return kept_by_browsers(HttpResponse(status=304), tag, version, stack.series)
    prepared = stack_files.picture_of(stack, axis, n) if kind == "png" and window is None else None
    if prepared is not None:
        content = prepared.read_bytes()
    else:
        volume = _checked(stack, n, axis)
        chosen = window or shown_with(stack, volume, axis, n)
        content = encode_picture(volume, n, kind, axis=axis, window=chosen)
    return kept_by_browsers(HttpResponse(content, content_type=_MEDIA[kind]), tag, version, stack.series)


def stack_of(who: Grants, series_id: int, index: int, *, shown: bool = True) -> Stack:
    """The stack that holds a volume of a series; an error that says why there is none."""
    stack = (
        queries.volumes(who)
        .select_related("series")
        .defer("metadata", "series__metadata", "series__report", *(() if shown else ("display",)))
        .filter(series__pk=series_id, index=index)  # a key too large for the column matches no row
        .first()
    )
    if stack is not None:
        return stack
    series = queries.series(who).select_related("job").defer("metadata").filter(pk=series_id).first()
    if series is None:
        raise not_found(f"There is no series {series_id}.")
    if series.job is None or series.job.state in (State.QUEUED, State.RUNNING):
        raise ApiError(409, "not_ready", "The volumes of this series are being made; try again when its job is done.")
    raise not_found(f"Series {series_id} has no volume {index}.")


def _checked(stack: Stack, n: int, axis: Axis | None, *, shown: bool = True) -> Volume:
    """The volume, if it has this slice."""
    if axis is not None and stack.problem_code:
        raise ApiError(422, stack.problem_code, f"no {axis} slices: {stack.problem_message}")
    volume = stack_files.open_volume(stack, shown=shown)
    count = plane_count(volume, axis)
    if n >= count:
        raise not_found(f"There is no slice {n}: there are {count}, counted from 0.")
    return volume


def _window(center: float | None, width: float | None) -> Window | None:
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise ApiError(422, "parameter", "A window needs both center and width.")
    # LINEAR_EXACT allows any width; a dragged window may be narrower than 1.
    return Window(center, width, "LINEAR" if width >= 1 else "LINEAR_EXACT")


def knows(request: HttpRequest, tag: str) -> bool:
    """Whether the client has what is here already."""
    return tag in (part.strip() for part in request.headers.get("If-None-Match", "").split(","))


def kept_by_browsers(
    response: Response, tag: str, version: str, series: Series, *, varies: tuple[str, ...] = ()
) -> Response:
    """Set the caching headers: a URL with the current version never changes; without it, the browser revalidates.

    What one user was sent is not taken from the browser's cache for another one.
    """
    patch_vary_headers(response, ("Cookie", "Authorization", *varies))
    response.headers["ETag"] = tag
    forever = version != "" and version == series.folder
    response.headers["Cache-Control"] = f"private, max-age={_YEAR}, immutable" if forever else "private, no-cache"
    return response
