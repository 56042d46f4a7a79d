"""Routes of uploads, studies and series."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Annotated, Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Field, File, Form, NinjaAPI, Query, Schema, Status
from ninja.files import UploadedFile
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from voxelry.server.access.authentication import asking, requester
from voxelry.server.access.bounded_lists import MOST_COUNTED
from voxelry.server.access.grants import chosen_project
from voxelry.server.access.models import Role
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import list_records, problems, study_records
from voxelry.server.api import schemas as out
from voxelry.server.api.bulk_routes import router as bulk
from voxelry.server.api.delivery_routes import router as sending
from voxelry.server.api.docs import Docs
from voxelry.server.api.downloads import Content, download
from voxelry.server.api.draft_routes import router as drafts
from voxelry.server.api.job_routes import router as jobs
from voxelry.server.api.key_pages import key_page
from voxelry.server.api.list_routes import router as lists
from voxelry.server.api.list_schemas import Day, Key, Modalities, StudyConditions
from voxelry.server.api.measure_routes import router as measuring
from voxelry.server.api.node_routes import router as nodes
from voxelry.server.api.object_routes import router as objects
from voxelry.server.api.overlay_routes import router as overlays
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.project_routes import own_projects
from voxelry.server.api.project_routes import router as projects
from voxelry.server.api.schemas import ERRORS, LARGEST
from voxelry.server.api.segmentation_routes import router as segmentations
from voxelry.server.api.term_routes import router as terms
from voxelry.server.api.trash_routes import router as trash
from voxelry.server.api.volume_routes import router as volumes
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.intake.receive_upload import receive_upload
from voxelry.server.archive.lists.study_pages import study_page
from voxelry.server.archive.models import Study, Upload
from voxelry.server.archive.originals import OriginalsZip
from voxelry.server.archive.terms.study_filter import PageCursor
from voxelry.server.archive.trash import move_to_trash
from voxelry.server.environment.version import VERSION
from voxelry.server.jobs import submit

Limit = Annotated[int, Query(100, ge=1, le=1000, description="How many items at most.")]
Offset = Annotated[int, Query(0, ge=0, le=MOST_COUNTED, description="How many items to leave out first.")]
After = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="`next` of another page.")]
UID_PATTERN = r"^[!-~]*$"
Uid = Annotated[str, Query("", max_length=64, pattern=UID_PATTERN)]
StudyKey = Annotated[int | None, Query(None, ge=1, le=LARGEST, description="Those of one study.")]


class StudyChoice(Schema):
    """Which studies to list; nothing here is a patient's."""

    CONDITIONS: ClassVar = {"projects", "modalities", "date_from", "date_to", "has_volume", "has_problem"}

    search: str = Field("", description="No longer taken: search with `POST /api/studies/search`.")
    projects: list[Key] = Field([], max_length=1000, description="Those of some projects.")
    modalities: Modalities = Field([], description="Those with a series of one of them.")
    date_from: Day = ""
    date_to: Day = ""
    has_volume: bool | None = None
    has_problem: bool | None = None
    study_instance_uid: str = Field("", max_length=64, pattern=UID_PATTERN, description="Those with this UID.")
    limit: int = Field(100, ge=1, le=1000, description="How many items at most.")
    offset: int = Field(0, ge=0, le=MOST_COUNTED, description="How many items to leave out first.")
    after: int | None = Field(None, ge=1, le=LARGEST, description="`next` of another page.")


class _Api(NinjaAPI):
    """The REST API; its operations are called as their functions, wherever these stand."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    @cached_property
    def _documents(self) -> dict[str, OpenAPISchema]:
        return {}

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The document, made once for each prefix: that takes seconds of processor time. It is not to be changed."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._documents:
            document = super().get_openapi_schema(path_prefix=prefix)
            problems.describe(document)
            self._documents[prefix] = document
        return self._documents[prefix]


api = _Api(
    title="Voxelry",
    version=VERSION.partition("+")[0],
    docs=Docs(),
    description="Not for diagnostic use. Errors are application/problem+json with a stable `code`.",
    openapi_extra={
        "components": {
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "voxelry"},
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            }
        },
        "security": [{"session": []}, {"basic": []}, {"token": []}],
    },
)
problems.add_handlers(api)
api.add_router("", volumes)
api.add_router("", bulk)
api.add_router("", measuring)
api.add_router("", overlays)
api.add_router("", segmentations)
api.add_router("", drafts)
api.add_router("", terms)
api.add_router("", objects)
api.add_router("", lists)
api.add_router("", jobs)
api.add_router("", projects)
api.add_router("", trash)
api.add_router("", nodes)
api.add_router("", sending)


@api.get("/me", response={200: out.Me, **ERRORS}, tags=["access"])
@needs(Rule.ACCOUNT)
def me(request: HttpRequest) -> out.Me:
    """Who is asking, what is open to them, and what answers."""
    who = asking(request)
    return out.Me(
        username=request.user.get_username(),
        is_staff=bool(getattr(request.user, "is_staff", False)),
        is_admin=who.everything,
        projects=own_projects(who),
        version=VERSION,
        settings=out.ServerSettings(threshold=settings.VOXELRY.threshold, trash_days=settings.VOXELRY.trash_days),
    )


@api.post("/uploads", response={202: out.Accepted, **ERRORS}, tags=["uploads"])
@needs(Rule.UPLOADER)
def create_upload(
    request: HttpRequest, response: HttpResponse, files: File[list[UploadedFile]], project: Form[int | None] = None
) -> object:
    """Bring files and archives to a project; a job takes them in and reports on each.

    Without `project` they go to the only one in which you may add, or to the one called `default`.
    """
    who = asking(request)
    upload = receive_upload(files, who=who, project=chosen_project(who, project, Role.UPLOADER))
    address = f"/api/uploads/{upload.pk}"
    response.headers["Location"] = address
    return Status(202, out.Accepted(id=upload.pk, address=address))


@api.get("/uploads", response={200: out.Page[out.UploadRow], **ERRORS}, tags=["uploads"])
@needs(Rule.VIEWER)
def list_uploads(request: HttpRequest, limit: Limit = 100, offset: Offset = 0, after: After = None) -> object:
    """The last uploads first."""
    who = asking(request)
    page = key_page(queries.uploads(who), who, limit=limit, offset=offset, after=after)
    rows = queries.uploads(who).select_related("job").filter(pk__in=page.keys).order_by("-pk")
    return study_records.page_record(
        map(study_records.upload_row, rows), page.count, more_than=page.more_than, following=page.next
    )


@api.get("/uploads/{int:upload_id}", response={200: out.UploadOut, **ERRORS}, tags=["uploads"])
@needs(Rule.VIEWER)
def get_upload(request: HttpRequest, upload_id: int, limit: Limit = 100, offset: Offset = 0) -> object:
    """How an upload goes, with a part of its report."""
    return study_records.upload_record(_upload(request, upload_id), asking(request), limit=limit, offset=offset)


@api.post("/uploads/{int:upload_id}/cancel", response={200: out.JobOut, **ERRORS}, tags=["uploads"])
@needs(Rule.UPLOADER)
def cancel_upload(request: HttpRequest, upload_id: int) -> object:
    """Stop taking in; what is stored stays."""
    upload = _upload(request, upload_id)
    asking(request).require(Role.UPLOADER, upload.project_id)
    job = upload.job
    if job is None:
        raise ApiError(409, "job_state", "this upload has no job")
    return study_records.job_record(submit.cancel(job.pk))


@api.get("/studies", response={200: out.Page[out.StudyOut], **ERRORS}, tags=["studies"])
@needs(Rule.VIEWER)
def list_studies(request: HttpRequest, chosen: Query[StudyChoice]) -> object:
    """The last studies first, with their series. `POST /api/studies/search` searches, sorts and filters by patient."""
    if chosen.search:
        told = "what is searched for may be a patient's and stands in no address: send it to POST /api/studies/search"
        raise ApiError(422, "search_in_address", told)
    who = asking(request)
    filtered, order = list_records.filter_of(StudyConditions(**chosen.model_dump(include=chosen.CONDITIONS)))
    filtered = replace(filtered, study_instance_uid=chosen.study_instance_uid)
    after = "" if chosen.after is None else PageCursor(chosen.after, chosen.after).encode(order)
    page = study_page(who, filtered, order, after=after, limit=chosen.offset + chosen.limit)
    keys = page.keys[chosen.offset :]
    rows = study_records.whole_studies(who).filter(pk__in=keys)
    further = None if page.next is None or not keys else keys[-1]
    return study_records.page_record(
        map(study_records.study_record, rows), page.count, more_than=page.more, following=further
    )


@api.get("/studies/{int:study_id}", response={200: out.StudyOut, **ERRORS}, tags=["studies"])
@needs(Rule.VIEWER)
def get_study(request: HttpRequest, study_id: int) -> object:
    """A study with its series."""
    return study_records.study_record(_study(study_records.whole_studies(asking(request)), study_id))


@api.delete("/studies/{int:study_id}", response={204: None, **ERRORS}, tags=["studies"])
@needs(Rule.OWNER)
def delete_study(request: HttpRequest, study_id: int) -> object:
    """Move a study to the trash, from which it can be restored for some days."""
    move_to_trash(study_records.owned_studies(asking(request), [study_id]), requester(request))
    return Status(204, None)


@api.get(
    "/studies/{int:study_id}/archive.zip",
    tags=["studies"],
    openapi_extra={
        "responses": {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
    },
)
@needs(Rule.VIEWER)
def get_originals(request: HttpRequest, study_id: int) -> HttpResponseBase:
    """The originals, byte for byte, as a zip; a part of it with Range. 409 if one of them was damaged at rest."""
    originals = OriginalsZip.of_study(_study(queries.studies(asking(request)), study_id))
    content = Content(originals.length, originals.tag, originals.parts, originals.require_whole)
    return download(request, content, name=f"study-{study_id}.zip", content_type="application/zip")


@api.get(
    "/uploads/{int:upload_id}/kept-aside.zip",
    tags=["uploads"],
    openapi_extra={
        "responses": {200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}}
    },
)
@needs(Rule.VIEWER)
def get_kept_aside(request: HttpRequest, upload_id: int) -> HttpResponseBase:
    """What a node brought whose UIDs were here with other content, byte for byte, as a zip; empty if there is none."""
    rows = unused_files.kept_aside(_upload(request, upload_id), asking(request)).defer("start").order_by("pk")
    files = OriginalsZip.of_kept_aside({row.sha256: row for row in rows}.values())
    content = Content(files.length, files.tag, files.parts, files.require_whole)
    return download(request, content, name=f"upload-{upload_id}-kept-aside.zip", content_type="application/zip")


@api.get("/series", response={200: out.Page[out.SeriesRow], **ERRORS}, tags=["series"])
@needs(Rule.VIEWER)
def list_series(
    request: HttpRequest,
    study: StudyKey = None,
    study_instance_uid: Uid = "",
    series_instance_uid: Uid = "",
    limit: Limit = 100,
    offset: Offset = 0,
    after: After = None,
) -> object:
    """The last series first; those of one study, by its key or its UID, or those with a UID, one in each project."""
    who = asking(request)
    chosen = queries.series_of_uid(who, series_instance_uid) if series_instance_uid else queries.series(who)
    if study is not None:
        chosen = chosen.filter(study=study)
    if study_instance_uid:
        chosen = chosen.filter(study__in=queries.studies_of_uid(who, study_instance_uid))
    page = key_page(chosen, who, limit=limit, offset=offset, after=after)
    rows = study_records.series_rows(who).filter(pk__in=page.keys)
    return study_records.page_record(
        map(study_records.series_row, rows), page.count, more_than=page.more_than, following=page.next
    )


@api.get("/series/{int:series_id}", response={200: out.SeriesOut, **ERRORS}, tags=["series"])
@needs(Rule.VIEWER)
def get_series(request: HttpRequest, series_id: int) -> object:
    """A series with its volumes."""
    row = study_records.series_rows(asking(request)).filter(pk=series_id).first()
    if row is None:
        raise not_found(f"There is no series {series_id}.")
    return study_records.series_record(row, asking(request))


def _upload(request: HttpRequest, key: int) -> Upload:
    row = queries.uploads(asking(request)).select_related("job").filter(pk=key).first()
    if row is None:
        raise not_found(f"There is no upload {key}.")
    return row


def _study(rows: QuerySet[Study], key: int) -> Study:
    row = rows.filter(pk=key).first()
    if row is None:
        raise not_found(f"There is no study {key}.")
    return row
