"""Routes of stored segmentations and structure sets, which are laid over images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from voxelry.server.access.authentication import asking, requester
from voxelry.server.access.conditional import finished
from voxelry.server.access.django_exchange import as_response, asked_of
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import segmentation_schemas as out
from voxelry.server.api.cut_answers import cut_of_parameters
from voxelry.server.api.downloads import download
from voxelry.server.api.job_routes import accepted_job
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.schemas import ERRORS, LARGEST, Accepted, ProblemOut
from voxelry.server.api.segmentation_answers import (
    LabelsChoice,
    labels_cut,
    params_of_request,
    raw_labels,
    statistics_over,
)
from voxelry.server.api.segmentation_downloads import SegmentationFile, segmentation_download
from voxelry.server.api.slice_answers import stack_of
from voxelry.server.api.volume_routes import (
    DownVector,
    PixelCount,
    Place,
    RightVector,
    SamePlace,
    Version,
    VolumeIndex,
    binary,
)
from voxelry.server.archive import queries
from voxelry.server.archive.shown.segmentation_files import SegmentationRecord
from voxelry.server.archive.stored_segmentations import (
    ListedSegmentation,
    prepared_segmentation,
    segmentations_of_other_studies,
    segmentations_of_study,
)
from voxelry.server.processing.base_version import base_tag, newer_save
from voxelry.server.processing.step_request import ChosenVolume, request_step

router = Router()
Layer = Annotated[int, Query(0, ge=0, le=LARGEST, description="Which label map, where segments overlap.")]
FirstSlice = Annotated[int, Query(0, ge=0, le=LARGEST, description="The first slice.")]
SliceCount = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="How many slices; all without it.")]
UnderSeries = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="The image that is laid under.")]
OfStudy = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="All of a study.")]
OverSeries = Annotated[int, Query(..., ge=1, le=LARGEST, description="The image whose values are counted.")]
FileKind = Annotated[SegmentationFile, Query(..., description="The kind of file.")]
_NO_SPACING = (None, None, None)


@router.get("/segmentations", response={200: out.SegmentationsOut, **ERRORS}, tags=["segmentations"])
@needs(Rule.VIEWER)
def list_segmentations(
    request: HttpRequest, series: UnderSeries = None, volume: VolumeIndex = 0, study: OfStudy = None
) -> object:
    """The segmentations and structure sets of a study, or of the study of an image that is laid under.

    Over an image also those of the patient's other studies in this project that lie in its frame of reference.
    """
    who = asking(request)
    if (series is None) == (study is None):
        raise ApiError(422, "parameter", "Give series, the image that is laid under, or study.")
    if study is None:
        study = stack_of(who, series or 0, volume).series.study_id
    elif not queries.studies(who).filter(pk=study).exists():
        raise not_found(f"There is no study {study}.")
    space = _space_of(who, series, volume)
    found = segmentations_of_study(who, study)
    if space:
        found = [*found, *segmentations_of_other_studies(who, study, space)]
    return out.SegmentationsOut(segmentations=[_summary(one, space) for one in found])


@router.post("/segmentations", response={202: Accepted, **ERRORS}, tags=["segmentations"])
@needs(Rule.ANALYST)
def create_segmentation(request: HttpRequest, response: HttpResponse, body: out.SegmentationRequest) -> object:
    """Ask for a segmentation of a volume by its values: a job of the step `threshold`, which keeps the recipe."""
    who = asking(request)
    job = request_step(
        "threshold",
        inputs=[ChosenVolume(body.series, body.volume)],
        params=params_of_request(who, body),
        same_frame_of_reference=body.same_frame_of_reference,
        who=who,
        requested_by=requester(request),
    )
    return accepted_job(job, response)


@router.get(
    "/segmentations/{int:segmentation_id}", response={200: out.SegmentationOut, **ERRORS}, tags=["segmentations"]
)
@needs(Rule.VIEWER)
def get_segmentation(
    request: HttpRequest,
    response: HttpResponse,
    segmentation_id: int,
    series: UnderSeries = None,
    volume: VolumeIndex = 0,
) -> object:
    """A segmentation or structure set with its segments; over an image too, if ``series`` names one.

    The header ``ETag`` is what If-Match names when what was edited from it is saved.
    """
    who = asking(request)
    found = prepared_segmentation(who, segmentation_id)
    response.headers["ETag"] = base_tag(found, newer_save(segmentation_id, who))
    return _whole(found.listed, found.record, _space_of(who, series, volume))


@router.get(
    "/segmentations/{int:segmentation_id}/labels.raw",
    tags=["segmentations"],
    openapi_extra=binary("application/octet-stream"),
)
@needs(Rule.VIEWER)
def get_labels_raw(
    request: HttpRequest,
    segmentation_id: int,
    layer: Layer = 0,
    first: FirstSlice = 0,
    count: SliceCount = None,
    v: Version = "",
) -> HttpResponseBase:
    """Slices of a label map, in C order and little endian; headers tell dtype and shape. 0 is no segment."""
    choice = LabelsChoice(layer, first, count, v)
    asked = asked_of(request)
    return as_response(finished(raw_labels(asked, segmentation_id, choice), asked.method, asked.headers), request)


@router.get(
    "/segmentations/{int:segmentation_id}/cut.raw",
    tags=["segmentations"],
    openapi_extra=binary("application/octet-stream"),
)
@needs(Rule.VIEWER)
def get_labels_cut(
    request: HttpRequest,
    segmentation_id: int,
    origin: Place,
    right: RightVector,
    down: DownVector,
    rows: PixelCount,
    columns: PixelCount,
    layer: Layer = 0,
    v: Version = "",
) -> HttpResponseBase:
    """The labels at a rectangle of points, each of the nearest voxel; NaN outside of the grid."""
    rectangle = cut_of_parameters(origin=origin, right=right, down=down, rows=rows, columns=columns)
    return as_response(labels_cut(asked_of(request), segmentation_id, layer, rectangle, v), request)


@router.get(
    "/segmentations/{int:segmentation_id}/statistics",
    response={200: out.SegmentationStatisticsOut, **ERRORS},
    tags=["segmentations"],
)
@needs(Rule.VIEWER)
def get_segment_statistics(
    request: HttpRequest,
    segmentation_id: int,
    series: OverSeries,
    volume: VolumeIndex = 0,
    same_frame_of_reference: SamePlace = False,
) -> object:
    """The size of each segment, and the values of an image in it, as `voxelry.statistics` gives them."""
    figures = statistics_over(
        asking(request),
        segmentation_id,
        series=series,
        volume=volume,
        same_frame_of_reference=same_frame_of_reference,
    )
    return out.SegmentationStatisticsOut(
        unit=next((one.unit for one in figures), ""),
        segments=[
            out.SegmentFiguresOut(
                number=one.segment.number,
                count=one.count,
                mm3=one.mm3,
                values=out.ValueStatisticsOut(**asdict(one.values)),
                missing=one.missing,
            )
            for one in figures
        ],
    )


@router.get(
    "/segmentations/{int:segmentation_id}/file",
    tags=["segmentations"],
    openapi_extra=binary("application/octet-stream"),
)
@needs(Rule.VIEWER)
def get_segmentation_file(
    request: HttpRequest, segmentation_id: int, kind: FileKind, series: UnderSeries = None
) -> HttpResponseBase:
    """A segmentation for another program, as `voxelry.save` writes it, or (``dcm``) as it came.

    ``rtstruct`` needs ``series``: contours lie in the slices of an image. Of fractions, what lies above a half.
    """
    made = segmentation_download(asking(request), segmentation_id, kind, series=series)
    return download(request, made.content, name=made.name, content_type=made.media)


def _space_of(who: Grants, series: int | None, volume: int) -> str | None:
    """The frame of reference of an image; empty if it is unknown, None without an image."""
    if series is None:
        return None
    return str(stack_of(who, series, volume).metadata.get("FrameOfReferenceUID") or "")


def _summary(listed: ListedSegmentation, space: str | None) -> out.SegmentationSummaryOut:
    return out.SegmentationSummaryOut.model_validate(_told(listed, space))


def _told(listed: ListedSegmentation, space: str | None) -> dict[str, object]:
    own = "" if listed.summary is None else listed.summary.space
    placed = None if space is None else "unknown" if not (own and space) else "frame" if own == space else "other"
    return {
        "id": listed.id,
        "series_id": listed.series,
        "study_id": listed.study,
        "sop_instance_uid": listed.sop_instance_uid,
        "kind": listed.kind,
        "label": "" if listed.summary is None else listed.summary.label,
        "created": "" if listed.summary is None else listed.summary.created,
        "segment_count": 0 if listed.summary is None else listed.summary.segment_count,
        "problem": None
        if listed.problem is None
        else ProblemOut(code=listed.problem.code, message=listed.problem.message),
        "state": listed.state,
        "space": own,
        "placed": placed,
    }


def _whole(listed: ListedSegmentation, record: SegmentationRecord | None, space: str | None) -> out.SegmentationOut:
    told = _told(listed, space)
    if record is None:
        nothing = {"affine": None, "voxel_mm3": None, "dtype": "uint8", "layers": 0, "fractional": None}
        empty = {"version": "", "shape": [], "spacing_mm": _NO_SPACING, "recipe": "", "warnings": [], "segments": []}
        return out.SegmentationOut.model_validate(told | nothing | empty)
    grid = {"spacing_mm": record.spacing, "version": listed.version}
    return out.SegmentationOut.model_validate(told | asdict(record) | grid)
