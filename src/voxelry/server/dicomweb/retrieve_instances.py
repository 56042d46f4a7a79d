"""Retrieve studies, series and instances (PS3.18 10.4): DICOM in parts, one by itself, or a zip of the originals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from voxelry.core.errors import VoxelryError
from voxelry.dicom.pixels.encode import EXPLICIT, HTJ2K_LOSSLESS, JPEG_2000_LOSSLESS, JPEG_LS, RLE
from voxelry.dicom.write.transcoding import FileSpan, Piece, encodable, transcoded
from voxelry.server.access.conditional import is_named, not_modified
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part, RefusedError, streamed
from voxelry.server.access.quick_answers import quick, takes_long
from voxelry.server.access.rules import Rule
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.originals import OriginalsZip, ZipMember
from voxelry.server.archive.shown.series_metadata import InstanceFacts, series_facts
from voxelry.server.dicomweb.found_instances import (
    kept_header,
    one_instance,
    one_series,
    present,
    refused_file,
    series_address,
    series_of_study,
)
from voxelry.server.dicomweb.multipart_writer import SentPart, file_part, made_answer, multipart_answer
from voxelry.server.dicomweb.negotiation import DICOM, Offer, accept_of, acceptable_types, chosen
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.transfer_syntaxes import as_stored, default_syntax
from voxelry.server.environment.version import VERSION

ZIP = "application/zip"
CODED = frozenset({RLE, JPEG_LS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS})
"""Transfer syntaxes that compress without loss and that are made on request."""
STORED = "stored"


def retrieve_study(asked: Asked, study: str) -> Answer:
    """All instances of a study."""
    found = [
        (series_address(asked, study, key.uid), key.uid, one)
        for key in series_of_study(asked, study)
        for one in series_facts(key).instances.values()
    ]
    return _several(asked, found, study)


def retrieve_series(asked: Asked, study: str, series: str) -> Answer:
    """All instances of a series."""
    address = series_address(asked, study, series)
    facts = series_facts(one_series(asked, study, series))
    return _several(asked, [(address, series, one) for one in facts.instances.values()], series)


@quick
def retrieve_instance(asked: Asked, study: str, series: str, instance: str) -> Answer:
    """One instance: in a multipart body, by itself, or in a zip."""
    _, one = one_instance(asked, study, series, instance)
    accept = accept_of(asked)
    choice = chosen(accept, _offers(one, accept))
    address = series_address(asked, study, series)
    if choice.media_type == ZIP:
        return _zipped([(address, series, one)], instance)
    syntax = choice.transfer_syntax
    tag = f'"{one.sha256[:32]}-{syntax}"'
    headers = {"ETag": f"W/{tag}" if choice.multipart else tag, "Vary": "Accept", "Cache-Control": "private, no-cache"}
    if is_named(asked.headers.get("if-none-match"), tag):
        return not_modified(Answer(headers=headers))
    part = _part(address, present(one), syntax)
    if choice.multipart:
        return multipart_answer(DICOM, (part,), headers)
    headers |= {"Content-Type": part.content_type, "Content-Location": part.location}
    if isinstance(part.content, Sequence):
        return Answer(part.content, headers={**headers, "Accept-Ranges": "bytes"})
    if part.length is not None:
        headers["Content-Length"] = str(part.length)
    return Answer(streamed(part.content), headers=headers)


def _offers(one: InstanceFacts, accept: str) -> tuple[Offer, ...]:
    stored, default = _stored(one), default_syntax(one.transfer_syntax_uid)
    more: frozenset[str] = frozenset()
    if any(named in CODED for wanted in acceptable_types(accept) for named in wanted.transfer_syntaxes):
        try:
            more = encodable(kept_header(present(one)))
        except VoxelryError as error:
            raise refused_file(error) from None
    return Offer(DICOM, True, default, stored, more), Offer(DICOM, False, default, stored, more), Offer(ZIP)


def _stored(one: InstanceFacts) -> str:
    """What is sent as stored: a file without File Meta Information is no Part 10 file."""
    return as_stored(one.transfer_syntax_uid) if one.whole else default_syntax(one.transfer_syntax_uid)


def _several(asked: Asked, found: Sequence[tuple[str, str, InstanceFacts]], name: str) -> Answer:
    if not found:
        raise RefusedError(404, "There are no instances.", code="not_found")
    own = frozenset(_stored(one) for _, _, one in found)
    choice = chosen(accept_of(asked), (Offer(DICOM, True, EXPLICIT, STORED, CODED | own), Offer(ZIP)))
    if choice.media_type == ZIP:
        return _zipped(found, name)
    here = not files_at_rest.is_shared()  # files in a bucket are fetched one after the other, in their turn
    for _, _, one in found if here else ():
        present(one)
    headers = {"Vary": "Accept", "Cache-Control": "private, no-cache"}
    wanted = [_syntax_of(one, choice.transfer_syntax) for _, _, one in found]
    if here and all(
        syntax == one.transfer_syntax_uid and one.whole for syntax, (_, _, one) in zip(wanted, found, strict=True)
    ):
        return multipart_answer(DICOM, [_as_stored(address, one) for address, _, one in found], headers)
    parts = (_part_or_stored(address, one, syntax) for syntax, (address, _, one) in zip(wanted, found, strict=True))
    return made_answer(parts, DICOM, headers)


def _syntax_of(one: InstanceFacts, chosen_syntax: str) -> str:
    """The transfer syntax of one of several: objects without frames, and what cannot be decoded, go as they may."""
    if chosen_syntax == STORED or chosen_syntax == one.transfer_syntax_uid:
        return _stored(one)
    return chosen_syntax if one.frames and chosen_syntax in CODED else default_syntax(one.transfer_syntax_uid)


def _part(address: str, one: InstanceFacts, syntax: str) -> SentPart:
    """An instance in a transfer syntax; its first frame is decoded before the answer begins.

    Raises
    ------
    RefusedError
        409 if that fails.
    """
    if syntax == one.transfer_syntax_uid and one.whole:
        return _as_stored(address, one)
    try:
        made = transcoded(kept_header(one), syntax, version=VERSION)
        pieces = made.pieces()
        first = list(islice(pieces, 2))
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    content: Iterator[Part] = (_as_part(piece, one) for piece in chain(first, pieces))
    return SentPart(f"{DICOM}; transfer-syntax={syntax}", _location(address, one), made.length, content)


def _part_or_stored(address: str, one: InstanceFacts, syntax: str) -> SentPart:
    """One of several: what cannot be had in the transfer syntax that was asked for is sent in another."""
    present(one)
    for other in dict.fromkeys((syntax, EXPLICIT)):
        try:
            return _part(address, one, other)
        except RefusedError:
            continue
    return _as_stored(address, one)


def _as_stored(address: str, one: InstanceFacts) -> SentPart:
    part = FilePart(one.path, 0, one.size)
    return file_part(part, f"{DICOM}; transfer-syntax={one.transfer_syntax_uid}", _location(address, one))


def _location(address: str, one: InstanceFacts) -> str:
    return f"{address}/instances/{one.sop_instance_uid}"


def _as_part(piece: Piece, one: InstanceFacts) -> Part:
    return FilePart(one.path, piece.start, piece.length) if isinstance(piece, FileSpan) else piece


def _zipped(found: Sequence[tuple[str, str, InstanceFacts]], name: str) -> Answer:
    takes_long()
    for _, _, one in found:
        present(one)
    archive = OriginalsZip(
        [ZipMember.named(series, one.sop_instance_uid, one.sha256, one.size) for _, series, one in found]
    )
    try:
        archive.require_whole()
    except VoxelryError as error:
        raise refused_file(error) from None
    headers = {
        "Content-Type": ZIP,
        "ETag": f'"{archive.tag}"',
        "Content-Disposition": f'attachment; filename="{name}.zip"',
        "Content-Length": str(archive.length),
        "Cache-Control": "private, no-cache",
        "Vary": "Accept",
    }
    return Answer(archive.parts(0, archive.length), headers=headers)


ROUTES = (
    Route("studies/<uid:study>", {"GET": (retrieve_study, Rule.VIEWER)}),
    Route("studies/<uid:study>/series/<uid:series>", {"GET": (retrieve_series, Rule.VIEWER)}),
    Route(
        "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>",
        {"GET": (retrieve_instance, Rule.VIEWER)},
    ),
)
