"""Routes of slices, histograms and measurements of stored volumes."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Query, Router

from voxelry.server.access.authentication import asking
from voxelry.server.access.django_exchange import as_response, asked_of
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import schemas as out
from voxelry.server.api.counted_answers import LONGEST_REGION, CountChoice, count_in_stored, region_histogram
from voxelry.server.api.cut_answers import (
    LONGEST_VECTOR,
    MOST_PIXELS,
    MOST_PLANES,
    VECTOR,
    CutChoice,
    cut_of_parameters,
    raw_cut,
)
from voxelry.server.api.histogram_answers import histogram_of_volume
from voxelry.server.api.point_answers import point_values
from voxelry.server.api.slice_answers import (
    LARGEST_STEP,
    SliceChoice,
    picture_slice,
    raw_slice,
    thumbnail_picture,
    window_of_parameters,
)
from voxelry.server.api.slice_schemas import PointValuesOut

router = Router()
ERRORS = {(401, 403, 404, 409, 422): out.ProblemDocument}
VolumeIndex = Annotated[int, Query(0, ge=0, description="Which volume, where a series has several.")]
AxisName = Annotated[
    Literal["axial", "coronal", "sagittal"] | None, Query(None, description="A patient plane; as acquired without it.")
]
EveryNth = Annotated[int, Query(1, ge=1, le=LARGEST_STEP, description="Only each so manieth row and column.")]
Center = Annotated[float | None, Query(None, description="Window Center; needs `width`.")]
Width = Annotated[float | None, Query(None, description="Window Width; needs `center`.")]
Place = Annotated[
    str,
    Query(..., pattern=VECTOR, max_length=LONGEST_VECTOR, description="The centre of pixel (0, 0): `x,y,z` LPS, mm."),
]
Point = Annotated[str, Query(..., pattern=VECTOR, max_length=LONGEST_VECTOR, description="`x,y,z` LPS, mm.")]
RightVector = Annotated[
    str,
    Query(..., pattern=VECTOR, max_length=LONGEST_VECTOR, description="To the next pixel of a row: `x,y,z` LPS, mm."),
]
DownVector = Annotated[
    str, Query(..., pattern=VECTOR, max_length=LONGEST_VECTOR, description="To the next row: `x,y,z` LPS, mm.")
]
StepVector = Annotated[
    str | None,
    Query(None, pattern=VECTOR, max_length=LONGEST_VECTOR, description="To a slab's next plane: `x,y,z` LPS, mm."),
]
PixelCount = Annotated[int, Query(..., ge=1, le=MOST_PIXELS)]
Depth = Annotated[
    int | None, Query(None, ge=1, le=MOST_PLANES, description="How many planes a slab has, around `origin`.")
]
SlabName = Annotated[
    Literal["max", "min", "mean"] | None,
    Query(None, description="How the samples of a slab become one value; needs `depth` and `step`."),
]
MethodName = Annotated[
    Literal["nearest", "linear"], Query("linear", description="How values between voxels are found.")
]
Threshold = Annotated[
    float | None, Query(None, description="On [0, 1]: a voxel counts above it; 0.5 without any limit.")
]
CountMethod = Annotated[
    str | None,
    Query(
        None,
        max_length=40,
        description="`fixed`, `units`, `otsu`, `multi_otsu`, `li`, `triangle`, `yen`, `percentile` or `hysteresis`.",
    ),
]
Lower = Annotated[
    float | None, Query(None, description="In the volume's unit: from this value on; of hysteresis above it.")
]
Upper = Annotated[
    float | None,
    Query(None, description="In the volume's unit: up to this value; pieces of hysteresis reach above it."),
]
Percent = Annotated[
    float | None, Query(None, description="A voxel counts above the value that so many percent do not exceed.")
]
Classes = Annotated[int | None, Query(None, description="Of `multi_otsu`: how many, 2 to 5; 3 if not given.")]
ClassNumber = Annotated[
    int | None, Query(None, description="Of `multi_otsu`: the class that counts, 0 the lowest; else all but that.")
]
Region = Annotated[
    str | None,
    Query(
        None,
        min_length=1,
        max_length=LONGEST_REGION,
        description="Only there: `sphere:X,Y,Z:RADIUS` or `box:X,Y,Z:X,Y,Z`, LPS, mm; or "
        "`segmentation:ID#NUMBER`, all of its segments without a number.",
    ),
]
SamePlace = Annotated[
    bool,
    Query(False, description="Confirms that the segmentation lies in the image's place where headers do not say so."),
]
Component = Annotated[
    str | None,
    Query(
        None,
        pattern=VECTOR,
        max_length=LONGEST_VECTOR,
        description="`x,y,z` LPS, mm: only what is connected through faces to the voxel that holds this point.",
    ),
]
Version = Annotated[str, Query("", description="The volume's `version`: lets the answer be kept for a year.")]


def binary(media: str) -> dict[str, object]:
    """What the OpenAPI document says of an answer that is no JSON."""
    return {"responses": {200: {"content": {media: {"schema": {"type": "string", "format": "binary"}}}}}}


@router.get("/series/{int:series_id}/thumbnail.png", tags=["series"], openapi_extra=binary("image/png"))
@needs(Rule.VIEWER)
def get_thumbnail(request: HttpRequest, series_id: int, v: Version = "") -> HttpResponseBase:
    """A small picture that stands for the series."""
    return as_response(thumbnail_picture(asked_of(request), series_id, v), request)


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
) -> HttpResponseBase:
    """A slice as PNG; ``n`` from 0, ascending along the normal, or to superior, posterior or left."""
    choice = SliceChoice(axis, window_of_parameters(center, width), volume, v)
    return as_response(picture_slice(asked_of(request), "png", series_id, n, choice), request)


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
) -> HttpResponseBase:
    """A slice as JPEG."""
    choice = SliceChoice(axis, window_of_parameters(center, width), volume, v)
    return as_response(picture_slice(asked_of(request), "jpg", series_id, n, choice), request)


@router.get(
    "/series/{int:series_id}/slices/{int:n}.raw", tags=["volumes"], openapi_extra=binary("application/octet-stream")
)
@needs(Rule.VIEWER)
def get_slice_raw(
    request: HttpRequest,
    series_id: int,
    n: int,
    axis: AxisName = None,
    every: EveryNth = 1,
    volume: VolumeIndex = 0,
    v: Version = "",
) -> HttpResponseBase:
    """A slice's modality values, in C order and little endian; headers tell dtype and shape.

    Of large slices a quick look is to be had: ``every=4`` sends each fourth row and column, whose indices are
    ``(min(4, n) - 1) // 2 + k * 4`` of ``n``.
    """
    choice = SliceChoice(axis, None, volume, v, every)
    return as_response(raw_slice(asked_of(request), series_id, n, choice), request)


@router.get("/series/{int:series_id}/cut.raw", tags=["volumes"], openapi_extra=binary("application/octet-stream"))
@needs(Rule.VIEWER)
def get_cut_raw(
    request: HttpRequest,
    series_id: int,
    origin: Place,
    right: RightVector,
    down: DownVector,
    rows: PixelCount,
    columns: PixelCount,
    method: MethodName = "linear",
    slab: SlabName = None,
    depth: Depth = None,
    step: StepVector = None,
    volume: VolumeIndex = 0,
    v: Version = "",
) -> HttpResponseBase:
    """Values at any rectangle of points, or of a slab, in C order and little endian; headers tell dtype and shape.

    NaN outside of the volume. At most 4 Mi pixels, 512 planes, and 256 Mi samples in all.
    """
    rectangle = cut_of_parameters(
        origin=origin, right=right, down=down, rows=rows, columns=columns, slab=slab, depth=depth, step=step
    )
    return as_response(raw_cut(asked_of(request), series_id, CutChoice(rectangle, method, volume, v)), request)


@router.get("/series/{int:series_id}/point", response={200: PointValuesOut, **ERRORS}, tags=["volumes"])
@needs(Rule.VIEWER)
def get_point(request: HttpRequest, series_id: int, at: Point) -> PointValuesOut:
    """The voxel nearest to a point in each volume of a series: its value through time, echoes or b-values."""
    x, y, z = map(float, at.split(","))
    return point_values(asking(request), series_id, (x, y, z))


@router.get("/series/{int:series_id}/histogram", response={200: out.HistogramOut, **ERRORS}, tags=["volumes"])
@needs(Rule.VIEWER)
def get_histogram(
    request: HttpRequest,
    series_id: int,
    within: Region = None,
    same_frame_of_reference: SamePlace = False,
    volume: VolumeIndex = 0,
) -> HttpResponseBase | dict[str, object]:
    """How often each value occurs, padding left out; in the whole volume, or in a region of the patient."""
    if within is not None:
        confirmed = same_frame_of_reference
        return region_histogram(asking(request), series_id, volume, within, same_frame_of_reference=confirmed)
    return as_response(histogram_of_volume(asked_of(request), series_id, volume), request)


@router.get(
    "/series/{int:series_id}/measure",
    response={200: out.CountedOut, **ERRORS},
    tags=["volumes"],
    exclude_unset=True,
)
@needs(Rule.VIEWER)
def get_measurement(
    request: HttpRequest,
    series_id: int,
    threshold: Threshold = None,
    method: CountMethod = None,
    lower: Lower = None,
    upper: Upper = None,
    percentile: Percent = None,
    classes: Classes = None,
    class_number: ClassNumber = None,
    within: Region = None,
    component: Component = None,
    same_frame_of_reference: SamePlace = False,
    volume: VolumeIndex = 0,
) -> object:
    """The voxels that count and their volume in mm3; the server's figure.

    Above `threshold` on [0, 1], from `lower` to `upper` in the volume's unit, or as `method` finds from all values of
    the volume; in a region, and of these only those connected through faces to the voxel at a point.
    """
    choice = CountChoice(
        threshold, method, lower, upper, percentile, classes, class_number, within, component, same_frame_of_reference
    )
    return count_in_stored(asking(request), series_id, volume, choice)
