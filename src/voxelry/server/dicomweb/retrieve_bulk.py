"""Retrieve bulk data (PS3.18 10.4.1.1.5): the values that metadata tells by an address, in items too.

Documents and video of unknown origin are never shown as pages of this site: they go out as attachments, with a policy
that forbids them everything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.attributes import integer, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.json_model.bulk_values import bulk_value
from voxelry.dicom.pixels.encode import EXPLICIT
from voxelry.dicom.write.transcoding import uncompressed_pixels
from voxelry.server.access.conditional import is_named, not_modified
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part, RefusedError, streamed
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.series_metadata import InstanceFacts
from voxelry.server.dicomweb.found_instances import kept_header, one_instance, present, refused_file, series_address
from voxelry.server.dicomweb.multipart_writer import SentPart, begun, multipart_answer
from voxelry.server.dicomweb.negotiation import OCTET_STREAM, Offer, accept_of, chosen
from voxelry.server.dicomweb.retrieve_frames import frames_answer
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.transfer_syntaxes import default_syntax, is_compressed

_DOCUMENT = 0x00420011
_PIXELS = {"7FE00008": "FloatPixelData", "7FE00009": "DoubleFloatPixelData", "7FE00010": "PixelData"}
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Content-Disposition": "attachment",
}
"""Headers of content that a browser must not show as a page of this site."""


def retrieve_bulk(asked: Asked, study: str, series: str, instance: str, path: str) -> Answer:
    """A value by its path: its tag, or ``tag/item/tag`` with items that count from 0."""
    _, one = one_instance(asked, study, series, instance)
    path = path.upper()
    present(one)
    try:
        header = kept_header(one)
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    address = f"{series_address(asked, study, series)}/instances/{instance}"
    if path in _PIXELS:
        return _pixels(asked, one, header, path, address)
    value = bulk_value(header, path)
    if value is None:
        raise _no_value()
    media = _document_type(header) if path == f"{_DOCUMENT:08X}" else ""
    if media:
        length = _document_length(header)
        value = value[:length] if length is not None and len(value) - 1 <= length <= len(value) else value
    return _sent(asked, one, (value,), f"{address}/bulkdata/{path}", media)


def _no_value() -> RefusedError:
    return RefusedError(404, "The instance has no binary value of this path.", code="not_found")


def _pixels(asked: Asked, one: InstanceFacts, header: Header, path: str, address: str) -> Answer:
    place = header.pixel_bytes
    if place is None or place.keyword != _PIXELS[path]:
        raise _no_value()
    location = f"{address}/bulkdata/{path}"
    if is_compressed(one.transfer_syntax_uid) and one.frames:
        try:
            choice = chosen(accept_of(asked), _offers(""))
        except RefusedError:
            choice = None
        if choice is None or default_syntax(one.transfer_syntax_uid) != EXPLICIT:
            # Bit streams, which have a part for each frame.
            most = 1 if default_syntax(one.transfer_syntax_uid) != EXPLICIT else one.frames
            answer = frames_answer(asked, one, tuple(range(1, most + 1)), f"{address}/frames")
            answer.headers.update(GUARDED)
            return answer
    try:
        content, length = uncompressed_pixels(header)
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    if isinstance(content, tuple):
        return _sent(asked, one, (FilePart(one.path, content[0], content[1]),), location, "")
    pieces = begun(iter(content))
    choice = chosen(accept_of(asked), _offers(""))
    media = f"{OCTET_STREAM}; transfer-syntax={EXPLICIT}"
    headers = {"Vary": "Accept", "Cache-Control": "private, no-cache", **GUARDED}
    if choice.multipart:
        return multipart_answer(OCTET_STREAM, [SentPart(media, location, length, pieces)], headers)
    headers |= {"Content-Type": media, "Content-Location": location, "Content-Length": str(length)}
    return Answer(streamed(pieces), headers=headers)


def _offers(media: str) -> tuple[Offer, ...]:
    found = [Offer(OCTET_STREAM, False, EXPLICIT, EXPLICIT), Offer(OCTET_STREAM, True, EXPLICIT, EXPLICIT)]
    if media:
        found += [Offer(media), Offer(media, True)]
    return tuple(found)


def _sent(asked: Asked, one: InstanceFacts, parts: Sequence[Part], location: str, media: str) -> Answer:
    choice = chosen(accept_of(asked), _offers(media))
    tag = f'"{one.sha256[:32]}-{location.rpartition("/bulkdata/")[2].replace("/", ".")}"'
    headers = {"ETag": f"W/{tag}" if choice.multipart else tag, "Vary": "Accept", "Cache-Control": "private, no-cache"}
    headers |= GUARDED
    if is_named(asked.headers.get("if-none-match"), tag):
        return not_modified(Answer(headers=headers))
    content_type = choice.media_type
    if choice.transfer_syntax:
        content_type += f"; transfer-syntax={choice.transfer_syntax}"
    if choice.multipart:
        length = sum(part.length if isinstance(part, FilePart) else len(part) for part in parts)
        return multipart_answer(choice.media_type, [SentPart(content_type, location, length, parts)], headers)
    headers |= {"Content-Type": content_type, "Content-Location": location, "Accept-Ranges": "bytes"}
    return Answer(parts, headers=headers)


def _document_type(header: Header) -> str:
    try:
        found = (text(header.elements, "MIMETypeOfEncapsulatedDocument") or "").strip().lower()
    except VoxelryError:
        return ""
    return found if _MEDIA_TYPE.fullmatch(found) else ""


def _document_length(header: Header) -> int | None:
    try:
        return integer(header.elements, "EncapsulatedDocumentLength")
    except VoxelryError:
        return None


ROUTES = (
    Route(
        "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>/bulkdata/<path:path>",
        {"GET": (retrieve_bulk, Rule.VIEWER)},
    ),
)
