"""Objects without pixels in rendered media types: reports as text, and encapsulated documents (PS3.18 8.7.4)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from html import escape

from voxelry.core.errors import VoxelryError
from voxelry.dicom.objects.pixelless_objects import (
    PDF_DOCUMENT,
    REPORTS,
    XML_DOCUMENT,
    encapsulated_document,
)
from voxelry.dicom.objects.report_content import ReportLine, report_lines
from voxelry.server.access.conditional import is_named
from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.archive.shown.shown_frames import StoredInstance
from voxelry.server.dicomweb.rendered_answers import cached_headers, entity_tag, not_rendered
from voxelry.server.dicomweb.rendered_media import PDF, TEXTS, XML, RenderedChoice

_ENCAPSULATED = {PDF_DOCUMENT: (PDF,), XML_DOCUMENT: (XML,)}
_ENDINGS = {"text/html": "html", "text/plain": "txt", XML: "xml", PDF: "pdf"}
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def offered_documents(stored: StoredInstance) -> tuple[str, ...]:
    """The media types of an instance without pixels, the default first; empty if there is none."""
    if stored.sop_class_uid.startswith(REPORTS):
        return TEXTS
    return _ENCAPSULATED.get(stored.sop_class_uid, ())


def documents_answer(asked: Asked, instances: Sequence[StoredInstance], choice: RenderedChoice) -> Answer:
    """The documents: one by itself, several as ``multipart/related``. Browsers save them and run nothing.

    Raises
    ------
    RefusedError
        406 if one cannot be rendered.
    """
    media = choice.type
    tag = entity_tag(media, f"{choice.in_parts}", ((one.sha256, 0) for one in instances))
    headers = {**cached_headers(tag), "Content-Security-Policy": _SANDBOX}
    if is_named(asked.headers.get("if-none-match"), tag):
        return Answer(status=304, headers=headers)
    told = media if media == PDF else f"{media}; charset=utf-8" if media != XML else media
    if len(instances) == 1 and not choice.in_parts:
        headers["Content-Disposition"] = f'attachment; filename="document.{_ENDINGS[media]}"'
        return Answer([_content(instances[0], media)], headers={"Content-Type": told, **headers})
    boundary = secrets.token_hex(16)
    parts: list[bytes] = []
    for one in instances:
        content = _content(one, media)
        lines = (
            f"\r\n--{boundary}",
            f"Content-Type: {told}",
            f"Content-Length: {len(content)}",
            f'Content-Disposition: attachment; filename="document.{_ENDINGS[media]}"',
        )
        parts += ["\r\n".join((*lines, "", "")).encode(), content]
    headers["Content-Type"] = f'multipart/related; type="{media}"; boundary={boundary}'
    return Answer([*parts, f"\r\n--{boundary}--\r\n".encode()], headers=headers)


def _content(stored: StoredInstance, media: str) -> bytes:
    try:
        header = stored.header()
        if media in TEXTS:
            lines = report_lines(header)
            return (_as_html(lines) if media == "text/html" else _as_text(lines)).encode("utf-8", "replace")
        content = encapsulated_document(header)
    except (VoxelryError, OSError) as error:
        raise not_rendered(error) from None
    if not content:
        raise RefusedError(406, "Cannot be rendered: the instance holds no document.", code="no_rendering")
    return content


def _as_text(lines: Sequence[ReportLine]) -> str:
    return "".join(f"{'  ' * line.depth}{_joined(line.name, line.value)}\n" for line in lines)


def _as_html(lines: Sequence[ReportLine]) -> str:
    rows = "".join(
        f'<p style="margin:0.2em 0 0.2em {1.5 * line.depth:g}em">'
        + _joined(f"<b>{escape(line.name)}</b>" if line.name else "", escape(line.value))
        + "</p>\n"
        for line in lines
    )
    head = '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Report</title></head>\n'
    return f"{head}<body>\n{rows}</body></html>\n"


def _joined(name: str, value: str) -> str:
    return f"{name}: {value}" if name and value else name or value
