"""Retrieve bulk data (PS3.18 10.4.1.1.5): the values that metadata tells by an address, in items too.

Documents and video of unknown origin are never shown as pages of this site: they go out as attachments, with a policy
that forbids them everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.attributes import integer, text
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.json_model.nested_elements import (
    Surroundings,
    encoded_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)
from voxelry.dicom.pixels.codecs import is_supported
from voxelry.dicom.pixels.encode import EXPLICIT
from voxelry.dicom.write.transcoding import uncompressed_pixels
from voxelry.server.access.conditional import is_named, not_modified
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive.series_metadata import InstanceFacts
from voxelry.server.dicomweb.found_instances import header_of, one_instance, present, refused_file, series_address
from voxelry.server.dicomweb.multipart_writer import SentPart, multipart_answer
from voxelry.server.dicomweb.negotiation import OCTET_STREAM, Offer, accept_of, chosen
from voxelry.server.dicomweb.retrieve_frames import frames_answer
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.transfer_syntaxes import is_compressed

_PATH = re.compile(r"[0-9A-Fa-f]{8}(/\d{1,9}/[0-9A-Fa-f]{8}){0,32}")
_DOCUMENT, _PIXELS = 0x00420011, frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,60}")
_TEXT_VRS = frozenset({"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI",
                       "UR", "UT", "SQ"})  # fmt: skip
_GUARDED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Content-Disposition": "attachment",
}


def retrieve_bulk(asked: Asked, study: str, series: str, instance: str, path: str) -> Answer:
    """A value by its path: its tag, or ``tag/item/tag`` with items that count from 0."""
    _, one = one_instance(asked, study, series, instance)
    if not _PATH.fullmatch(path):
        raise RefusedError(404, "Bulk data is named by a tag, or by tag/item/tag: bulkdata/7FE00010.", code="not_found")
    present(one)
    try:
        header = header_of(one)
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    address = f"{series_address(asked, study, series)}/instances/{instance}"
    if "/" not in path and int(path, 16) in _PIXELS:
        return _pixels(asked, one, header, int(path, 16), address)
    value = _value(header, path)
    media = _document_type(header) if path == f"{_DOCUMENT:08X}" else ""
    if media:
        length = _document_length(header)
        value = value[:length] if length is not None and len(value) - 1 <= length <= len(value) else value
    return _sent(asked, one, (value,), f"{address}/bulkdata/{path}", media)


def _value(header: Header, path: str) -> bytes:
    elements: Mapping[int, EncodedValue] = encoded_elements(header.elements)
    around = Surroundings.of(elements)
    steps = path.split("/")
    for tag_text, number in zip(steps[0:-1:2], steps[1::2], strict=True):
        found = elements.get(int(tag_text, 16))
        if found is None or resolved_vr(int(tag_text, 16), found, around) != "SQ":
            raise _no_value()
        items = list(sequence_items(found[1], explicit=is_explicit(found)))
        if int(number) >= len(items):
            raise _no_value()
        elements = items[int(number)]
        around = Surroundings.of(elements, around)
    tag = int(steps[-1], 16)
    value = elements.get(tag)
    if value is None or resolved_vr(tag, value, around) in _TEXT_VRS:
        raise _no_value()
    return value[1]


def _no_value() -> RefusedError:
    return RefusedError(404, "The instance has no binary value of this path.", code="not_found")


def _pixels(asked: Asked, one: InstanceFacts, header: Header, tag: int, address: str) -> Answer:
    place = header.pixel_bytes
    keyword = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}.get(tag, "PixelData")
    if place is None or place.keyword != keyword:
        raise _no_value()
    accept = accept_of(asked)
    syntax = one.transfer_syntax_uid
    if is_compressed(syntax) and (not is_supported(header.transfer_syntax_uid) or "image/" in accept or "*" in accept):
        wanted = chosen(accept, (Offer(OCTET_STREAM, True, EXPLICIT, syntax), Offer(OCTET_STREAM, False, EXPLICIT)))
        if wanted.transfer_syntax != EXPLICIT or not is_supported(header.transfer_syntax_uid):
            numbers = tuple(range(1, one.frames + 1)) if is_supported(header.transfer_syntax_uid) else (1,)
            answer = frames_answer(asked, one, numbers, f"{address}/frames")
            answer.headers.update(_GUARDED)
            return answer
    try:
        content, length = uncompressed_pixels(header)
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    location = f"{address}/bulkdata/{tag:08X}"
    if isinstance(content, tuple):
        return _sent(asked, one, (FilePart(one.path, content[0], content[1]),), location, "")
    choice = chosen(accept, _offers(""))
    media = f"{OCTET_STREAM}; transfer-syntax={EXPLICIT}"
    headers = {"Vary": "Accept", "Cache-Control": "private, no-cache", **_GUARDED}
    if choice.multipart:
        return multipart_answer(OCTET_STREAM, [SentPart(media, location, length, content)], headers)
    headers |= {"Content-Type": media, "Content-Location": location, "Content-Length": str(length)}
    return Answer(content, headers=headers)


def _offers(media: str) -> tuple[Offer, ...]:
    found = [Offer(OCTET_STREAM, False, EXPLICIT, EXPLICIT), Offer(OCTET_STREAM, True, EXPLICIT, EXPLICIT)]
    if media:
        found += [Offer(media), Offer(media, True)]
    return tuple(found)


def _sent(asked: Asked, one: InstanceFacts, parts: Sequence[Part], location: str, media: str) -> Answer:
    choice = chosen(accept_of(asked), _offers(media))
    tag = f'"{one.sha256[:32]}-{location.rpartition("/bulkdata/")[2].replace("/", ".")}"'
    headers = {"ETag": f"W/{tag}" if choice.multipart else tag, "Vary": "Accept", "Cache-Control": "private, no-cache"}
    headers |= _GUARDED
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
