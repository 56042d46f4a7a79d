"""Routes of objects without pixels: a report as lines of text, and an encapsulated document for saving."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from voxelry.core.errors import VoxelryError
from voxelry.dicom.objects.pixelless_objects import (
    DOCUMENTS,
    REPORTS,
    XML_DOCUMENT,
    encapsulated_document,
    is_pdf,
    title_of,
)
from voxelry.dicom.objects.report_content import report_lines
from voxelry.server.access.authentication import asking
from voxelry.server.access.django_exchange import as_response, asked_of
from voxelry.server.access.exchange import Answer
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import pixelless_schemas as out
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.schemas import ERRORS
from voxelry.server.api.volume_routes import binary
from voxelry.server.archive.shown.shown_frames import StoredInstance, instance_of_series

router = Router()
MOST_LINES = 10_000
"""A report's lines in one answer."""
LONGEST_VALUE = 100_000
"""Characters of one value in an answer."""
_SANDBOX = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_ENDINGS = {XML_DOCUMENT: "xml", f"{DOCUMENTS}3": "stl", f"{DOCUMENTS}4": "obj", f"{DOCUMENTS}5": "mtl"}


@router.get(
    "/series/{int:series_id}/objects/{instance}/report", response={200: out.ReportContentOut, **ERRORS}, tags=["series"]
)
@needs(Rule.VIEWER)
def get_report_content(request: HttpRequest, series_id: int, instance: str) -> object:
    """The content of a structured report, as text from top to bottom."""
    stored = _stored(asking(request), series_id, instance, REPORTS, "report")
    header = stored.header()
    lines = report_lines(header, most=MOST_LINES + 1)
    return out.ReportContentOut(
        title=title_of(header),
        lines=[
            out.ReportLineOut(depth=line.depth, name=line.name, value=line.value[:LONGEST_VALUE])
            for line in lines[:MOST_LINES]
        ],
        more=len(lines) > MOST_LINES or any(len(line.value) > LONGEST_VALUE for line in lines),
    )


@router.get(
    "/series/{int:series_id}/objects/{instance}/document",
    tags=["series"],
    openapi_extra=binary("application/octet-stream"),
)
@needs(Rule.VIEWER)
def get_document(request: HttpRequest, series_id: int, instance: str) -> HttpResponseBase:
    """The document that an object encapsulates. Browsers save it and run nothing; only what is a PDF is called one."""
    asked = asked_of(request)
    stored = _stored(asked.who, series_id, instance, DOCUMENTS, "document")
    try:
        content = encapsulated_document(stored.header())
    except VoxelryError as error:
        raise ApiError(422, "no_document", error.problem.message) from None
    if not content:
        raise ApiError(422, "no_document", "This object should encapsulate a document and holds none.")
    pdf = is_pdf(content)
    ending = "pdf" if pdf else _ENDINGS.get(stored.sop_class_uid, "bin")
    headers = {
        "Content-Type": "application/pdf" if pdf else "application/octet-stream",
        "Content-Disposition": f'attachment; filename="document.{ending}"',
        "Content-Security-Policy": _SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{stored.sha256}"',
        "Vary": "Cookie, Authorization",
    }
    return as_response(Answer([content], headers=headers), request)


def _stored(who: Grants, series: int, instance: str, classes: str, what: str) -> StoredInstance:
    """The instance.

    Raises
    ------
    ApiError
        If there is none, or its class does not begin as ``classes`` does.
    """
    stored = instance_of_series(who, series, instance)
    if stored is None or not stored.sop_class_uid.startswith(classes):
        raise not_found(f"Series {series} has no such {what}.")
    return stored
