"""Search (QIDO-RS, PS3.18 10.6): studies, series and instances."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from functools import partial
from itertools import islice

from django.conf import settings

from voxelry.dicom.json_model.xml_of_json import xml_of_json
from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.quick_answers import quick
from voxelry.server.access.rules import Rule
from voxelry.server.archive.by_attribute.attribute_search import AttributeSearch, RowKeys, rows_left
from voxelry.server.archive.held import held
from voxelry.server.archive.terms.search_keys import Level
from voxelry.server.dicomweb.negotiation import DICOM_JSON, DICOM_XML, Offer, accept_of, chosen
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.search_answers import most_results, results
from voxelry.server.dicomweb.search_query import SearchQuery, parsed_query, warning_of

MOST_COUNTED = 1_000
"""Results behind the end of an answer that are counted."""
_COUNT_BUDGET = 20_000
"""Rows that are looked at to count them."""
_OFFERS = (
    Offer(DICOM_JSON),
    Offer("application/json"),
    Offer(DICOM_XML, multipart=True),
)


@quick
def searched_studies(asked: Asked) -> Answer:
    """Search for studies."""
    return _search(asked, Level.STUDY)


@quick
def searched_series(asked: Asked, study: str | None = None) -> Answer:
    """Search for series, of one study or of all."""
    return _search(asked, Level.SERIES, study)


@quick
def searched_instances(asked: Asked, study: str | None = None, series: str | None = None) -> Answer:
    """Search for instances, of one series, of one study or of all."""
    return _search(asked, Level.INSTANCE, study, series)


@dataclass(frozen=True, slots=True)
class _Found:
    """The results of a search as they are sent, and what is told in the header Warning."""

    content: bytes
    media_type: str
    warning: str
    is_empty: bool


def _search(asked: Asked, level: Level, study: str | None = None, series: str | None = None) -> Answer:
    media_type = DICOM_XML if chosen(accept_of(asked), _OFFERS).media_type == DICOM_XML else DICOM_JSON
    key = ("search", level, study, series, asked.query, media_type, asked.root)
    found = held(asked.who, key, partial(_found, asked, level, study, series, media_type))
    headers = {"Content-Type": found.media_type, "Vary": "Accept"}
    if found.warning:
        headers["Warning"] = found.warning
    if found.is_empty and settings.VOXELRY.dicomweb_empty_search == 204:
        return Answer(status=204, headers=headers)
    return Answer([found.content], headers=headers)


def _found(asked: Asked, level: Level, study: str | None, series: str | None, media_type: str) -> _Found:
    named = (("StudyInstanceUID", study), ("SeriesInstanceUID", series))
    within = [(key, uid) for key, uid in named if uid is not None]
    query = parsed_query(asked.query, level, within=within)
    rows, more = _page(asked, level, query)
    texts = results(asked.who, level, rows, query, root=asked.root, within=[key for key, _ in within])
    warning = warning_of((*query.warnings, *more))
    if media_type != DICOM_XML:
        content = f"[{','.join(texts)}]".encode("utf-8", "replace")
        return _Found(content, media_type, warning, is_empty=not texts)
    boundary = uuid.uuid4().hex
    documents = [xml_of_json(json.loads(text)) for text in texts]
    parts = [f"--{boundary}\r\nContent-Type: {DICOM_XML}\r\n\r\n{document}\r\n" for document in documents]
    whole = "".join((*parts, f"--{boundary}--\r\n")).encode("utf-8", "replace")
    return _Found(whole, f'multipart/related; type="{DICOM_XML}"; boundary={boundary}', warning, is_empty=not texts)


def _page(asked: Asked, level: Level, query: SearchQuery) -> tuple[list[RowKeys], list[str]]:
    """The keys of the results of an answer, and what is told about those that are left out."""
    search = AttributeSearch(asked.who, level, query.criteria)
    most = most_results(query, level)
    found = search.rows()
    rows = list(islice(found, query.offset, query.offset + most))
    if len(rows) < most or search.ended_early:
        return rows, []
    search.budget = search.looked_at + _COUNT_BUDGET
    left = rows_left(found, MOST_COUNTED + 1)
    if search.ended_early and left <= MOST_COUNTED:
        return rows, [f"There are {left} or more additional results that can be requested"]
    if left > MOST_COUNTED:
        return rows, [f"There are more than {MOST_COUNTED} additional results that can be requested"]
    return rows, [f"There are {left} additional results that can be requested"] if left else []


ROUTES = (
    Route("studies", {"GET": (searched_studies, Rule.VIEWER)}),
    Route("studies/<uid:study>/series", {"GET": (searched_series, Rule.VIEWER)}),
    Route("series", {"GET": (searched_series, Rule.VIEWER)}),
    Route("studies/<uid:study>/series/<uid:series>/instances", {"GET": (searched_instances, Rule.VIEWER)}),
    Route("studies/<uid:study>/instances", {"GET": (searched_instances, Rule.VIEWER)}),
    Route("instances", {"GET": (searched_instances, Rule.VIEWER)}),
)
