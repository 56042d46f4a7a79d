"""Routes that store segmentations which were drawn here, or by other programs."""

from __future__ import annotations

from typing import Annotated, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Header, Router
from ninja.files import UploadedFile

from voxelry.server.access.authentication import asking, requester
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api.job_routes import accepted_job
from voxelry.server.api.schemas import ERRORS, LARGEST, Accepted, ProblemDocument
from voxelry.server.api.turns import Turns, turn_or_busy
from voxelry.server.archive.intake.receive_upload import ReceivedFile
from voxelry.server.archive.shown.segmentation_files import FRACTION
from voxelry.server.processing.draft import Draft
from voxelry.server.processing.label_stream import check_layers
from voxelry.server.processing.mask_file_request import request_mask_file
from voxelry.server.processing.save_request import grid_of_draft, request_save
from voxelry.server.processing.step_request import ChosenVolume

router = Router()
_ERRORS = {(401, 403, 404, 409, 412, 413, 422, 428, 503, 507): ProblemDocument}
_BUSY = "Too many segmentations are being saved: try again in a minute. Nothing was stored."
_PATIENCE_SECONDS = 30.0
_LONGEST_NAME = 64
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("\\^=", " "))

IfMatch = Annotated[
    str | None,
    Header(None, alias="If-Match", max_length=1000, description="The ETag of the segmentation that `base` names."),
]
OfSeries = Annotated[int, Form(..., ge=1, le=LARGEST, description="The image.")]
OfVolume = Annotated[int, Form(0, ge=0, le=LARGEST, description="Where a series has several.")]
Called = Annotated[str, Form("", max_length=64, pattern=r"^[^\\\x00-\x1f\x7f]*$", description="What it is called.")]
AboveFraction = Annotated[
    float,
    Form(
        FRACTION, ge=0, lt=1, description="Of a fractional DICOM segmentation: the voxels whose fraction lies above it."
    ),
]

_turns = Turns(2)


@router.post("/segmentations/voxels", response={202: Accepted, **_ERRORS}, tags=["segmentations"])
@needs(Rule.ANALYST)
def save_segmentation(
    request: HttpRequest,
    response: HttpResponse,
    segmentation: Draft,
    layers: File[list[UploadedFile]],
    if_match: IfMatch = None,
) -> object:
    """Store a segmentation that was drawn over an image: a job writes it as a new DICOM segmentation of the study.

    ``layers`` are its label maps in order, each packed with gzip. What came is on disk when this answers 202; no stored
    instance is changed. If ``base`` names the segmentation that it was edited from, If-Match holds the ETag that
    `GET /api/segmentations/{segmentation_id}` gave for it: 412 if another one was saved from it since, with the number
    of that one in ``newer``, and the new ETag, with which this can be saved beside it.
    """
    who = asking(request)
    grid = grid_of_draft(segmentation, who, if_match=if_match)
    paths = [cast(ReceivedFile, layer).path for layer in layers]
    with turn_or_busy(_turns, who.user or 0, _BUSY, patience=_PATIENCE_SECONDS):
        check_layers(segmentation, grid.shape, paths)
        user = requester(request)
        job = request_save(
            segmentation,
            paths,
            grid=grid,
            creator=name_of(user),
            who=who,
            requested_by=user,
            if_match=if_match,
        )
    return accepted_job(job, response)


@router.post("/segmentations/files", response={202: Accepted, **ERRORS}, tags=["segmentations"])
@needs(Rule.ANALYST)
def read_mask_file(
    request: HttpRequest,
    response: HttpResponse,
    file: File[UploadedFile],
    series: OfSeries,
    volume: OfVolume = 0,
    label: Called = "",
    same_frame_of_reference: Form[bool] = False,
    threshold: AboveFraction = FRACTION,
) -> object:
    """Store the mask that another program made of an image: a job writes it as a DICOM segmentation of the study.

    NIfTI (``.nii``, ``.nii.gz``), NRRD (``.nrrd``, ``.seg.nrrd``), MetaImage (``.mha``) or a DICOM segmentation
    (``.dcm``). It lies where its own header says in the patient; the job fails in words if that is nowhere near the
    image, or not said. Of a fractional segmentation the voxels above ``threshold`` of Maximum Fractional Value are
    stored, and the job's warnings say so. ``same_frame_of_reference`` confirms that it lies there, where two headers
    do not say so.
    """
    user = requester(request)
    job = request_mask_file(
        cast(ReceivedFile, file).path,
        ChosenVolume(series, volume),
        name=str(file.name),
        label=label.strip(),
        creator=name_of(user),
        threshold=threshold,
        same_frame_of_reference=same_frame_of_reference,
        who=asking(request),
        requested_by=user,
    )
    return accepted_job(job, response)


def name_of(user: User | None) -> str:
    """The name of a user as DICOM writes names, at most 64 characters; empty for none."""
    if user is None:
        return ""
    parts = [user.last_name, user.first_name] if user.last_name or user.first_name else [user.get_username()]
    plain = [" ".join(part.translate(_NOT_IN_NAMES).split()) for part in parts]
    name = "^".join(plain)[:_LONGEST_NAME].rstrip("^ ")
    return "".join(letter for letter in name if letter.isprintable())
