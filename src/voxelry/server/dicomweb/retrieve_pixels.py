"""Retrieve the pixel data, or all bulk data, of a study, a series or an instance in one answer (PS3.18 10.4.1.1.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from voxelry.core.errors import VoxelryError
from voxelry.dicom.json_model.bulk_values import bulk_values
from voxelry.dicom.pixels.encode import EXPLICIT
from voxelry.dicom.write.transcoding import uncompressed_pixels
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.shown.series_metadata import InstanceFacts, series_facts
from voxelry.server.dicomweb.found_instances import (
    kept_header,
    one_instance,
    one_series,
    present,
    series_address,
    series_of_study,
)
from voxelry.server.dicomweb.multipart_writer import SentPart, made_answer
from voxelry.server.dicomweb.negotiation import OCTET_STREAM, Offer, accept_of, chosen
from voxelry.server.dicomweb.retrieve_bulk import GUARDED
from voxelry.server.dicomweb.retrieve_frames import stored_parts
from voxelry.server.dicomweb.retrieve_instances import STORED
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.transfer_syntaxes import default_syntax, is_compressed

_OFFERS = (Offer(OCTET_STREAM, True, EXPLICIT, STORED),)

_Found = Sequence[tuple[str, InstanceFacts]]


def study_pixels(asked: Asked, study: str) -> Answer:
    """The pixel data of all instances of a study."""
    return _pixels(asked, _of_study(asked, study))


def series_pixels(asked: Asked, study: str, series: str) -> Answer:
    """The pixel data of all instances of a series."""
    return _pixels(asked, _of_series(asked, study, series))


def instance_pixels(asked: Asked, study: str, series: str, instance: str) -> Answer:
    """The pixel data of one instance."""
    return _pixels(asked, _of_instance(asked, study, series, instance))


def study_bulk(asked: Asked, study: str) -> Answer:
    """All bulk data of a study, but for the pixels of images."""
    return _bulk(asked, _of_study(asked, study))


def series_bulk(asked: Asked, study: str, series: str) -> Answer:
    """All bulk data of a series, but for the pixels of images."""
    return _bulk(asked, _of_series(asked, study, series))


def instance_bulk(asked: Asked, study: str, series: str, instance: str) -> Answer:
    """All bulk data of one instance, but for the pixels of images."""
    return _bulk(asked, _of_instance(asked, study, series, instance))


def _of_study(asked: Asked, study: str) -> _Found:
    return [
        (f"{series_address(asked, study, key.uid)}/instances/{one.sop_instance_uid}", one)
        for key in series_of_study(asked, study)
        for one in series_facts(key).instances.values()
    ]


def _of_series(asked: Asked, study: str, series: str) -> _Found:
    address = series_address(asked, study, series)
    facts = series_facts(one_series(asked, study, series))
    return [(f"{address}/instances/{one.sop_instance_uid}", one) for one in facts.instances.values()]


def _of_instance(asked: Asked, study: str, series: str, instance: str) -> _Found:
    _, one = one_instance(asked, study, series, instance)
    return [(f"{series_address(asked, study, series)}/instances/{instance}", one)]


def _pixels(asked: Asked, found: _Found) -> Answer:
    """A part for each uncompressed instance, and for each frame of those that are sent as compressed."""
    choice = chosen(accept_of(asked), _OFFERS)
    images = [(address, one) for address, one in found if one.frames]
    if not images:
        raise RefusedError(404, "There are no pixels.", code="not_found")
    _require_here(images)
    parts = (part for address, one in images for part in _parts(address, one, choice.transfer_syntax))
    return made_answer(parts, OCTET_STREAM, {"Vary": "Accept", "Cache-Control": "private, no-cache", **GUARDED})


def _parts(address: str, one: InstanceFacts, syntax: str) -> Iterator[SentPart]:
    stored = syntax == STORED or default_syntax(one.transfer_syntax_uid) != EXPLICIT
    if stored and is_compressed(one.transfer_syntax_uid):
        yield from stored_parts(present(one), f"{address}/frames")
        return
    found, length = uncompressed_pixels(kept_header(present(one)))
    content: Iterator[Part] = iter((FilePart(one.path, *found),)) if isinstance(found, tuple) else found
    yield SentPart(f"{OCTET_STREAM}; transfer-syntax={EXPLICIT}", f"{address}/bulkdata/7FE00010", length, content)


def _bulk(asked: Asked, found: _Found) -> Answer:
    chosen(accept_of(asked), _OFFERS)
    _require_here(found)
    parts = (
        SentPart(OCTET_STREAM, f"{address}/bulkdata/{path}", len(value), (value,))
        for address, one in found
        for path, value in _values(one)
    )
    return made_answer(parts, OCTET_STREAM, {"Vary": "Accept", "Cache-Control": "private, no-cache", **GUARDED})


def _values(one: InstanceFacts) -> Iterator[tuple[str, bytes]]:
    try:
        yield from bulk_values(kept_header(present(one)))
    except VoxelryError:  # its metadata names no value either
        return


def _require_here(found: _Found) -> None:
    if not files_at_rest.is_shared():
        for _, one in found:
            present(one)


_SERIES = "studies/<uid:study>/series/<uid:series>"
_INSTANCE = f"{_SERIES}/instances/<uid:instance>"

ROUTES = (
    Route("studies/<uid:study>/pixeldata", {"GET": (study_pixels, Rule.VIEWER)}),
    Route(f"{_SERIES}/pixeldata", {"GET": (series_pixels, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/pixeldata", {"GET": (instance_pixels, Rule.VIEWER)}),
    Route("studies/<uid:study>/bulkdata", {"GET": (study_bulk, Rule.VIEWER)}),
    Route(f"{_SERIES}/bulkdata", {"GET": (series_bulk, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/bulkdata", {"GET": (instance_bulk, Rule.VIEWER)}),
)
