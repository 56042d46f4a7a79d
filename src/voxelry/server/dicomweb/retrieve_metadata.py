"""Retrieve the metadata of studies, series and instances (PS3.18 10.4.1.1.2), in JSON and XML."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from isal import isal_zlib

from voxelry.core.errors import VoxelryError
from voxelry.dicom.json_model.xml_instance import minimal_xml, xml_instance
from voxelry.dicom.write.transcoding import decoded_changes
from voxelry.server.access.conditional import accepts_gzip, gunzipped, gzipped, is_named, not_modified
from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.quick_answers import quick, takes_long
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.series_metadata import (
    SERIES_ADDRESS,
    InstanceFacts,
    SeriesKey,
    available_syntax,
    series_facts,
)
from voxelry.server.dicomweb.found_instances import (
    in_json,
    kept_header,
    one_instance,
    one_series,
    present,
    series_address,
    series_of_study,
    tag_of_series,
)
from voxelry.server.dicomweb.multipart_writer import SentPart, made_answer
from voxelry.server.dicomweb.negotiation import DICOM_JSON, DICOM_XML, Choice, Offer, accept_of, chosen
from voxelry.server.dicomweb.routes import Route

_OFFERS = (Offer(DICOM_JSON), Offer("application/json"), Offer(DICOM_XML, multipart=True))
_OFFERS_OF_ONE = (*_OFFERS, Offer(DICOM_XML))
_WORTH_GZIP = 1024
_MOST_BYTES = 64 * 2**20
_LARGEST_WHOLE = 32 * 2**20
"""Compressed metadata up to this size is expanded in memory for clients that do not take gzip."""


@quick
def retrieve_study_metadata(asked: Asked, study: str) -> Answer:
    """The metadata of all instances of a study."""
    return _of_series(asked, study, series_of_study(asked, study))


@quick
def retrieve_series_metadata(asked: Asked, study: str, series: str) -> Answer:
    """The metadata of all instances of a series."""
    return _of_series(asked, study, (one_series(asked, study, series),))


@quick
def retrieve_instance_metadata(asked: Asked, study: str, series: str, instance: str) -> Answer:
    """The metadata of one instance."""
    choice = chosen(accept_of(asked), _OFFERS_OF_ONE)
    facts, one = one_instance(asked, study, series, instance)
    headers = _headers(choice, tag_of_series((), one.sha256, asked.root, series, choice.media_type))
    if is_named(asked.headers.get("if-none-match"), headers["ETag"]):
        return not_modified(Answer(headers=headers))
    address = series_address(asked, study, series)
    if choice.media_type == DICOM_XML:
        takes_long()
        if choice.multipart:
            return made_answer(_xml_parts([(address, one)]), DICOM_XML, headers)
        return _compressible(_xml(address, present(one)), asked, headers)
    text = b"[" + facts.text_of(one).replace(SERIES_ADDRESS, in_json(address)) + b"]"
    return _compressible(text, asked, headers)


def _of_series(asked: Asked, study: str, keys: Sequence[SeriesKey]) -> Answer:
    choice = chosen(accept_of(asked), _OFFERS)
    headers = _headers(choice, tag_of_series(keys, asked.root, study, choice.media_type))
    if is_named(asked.headers.get("if-none-match"), headers["ETag"]):
        return not_modified(Answer(headers=headers))
    if choice.media_type == DICOM_XML:
        takes_long()
        found = (
            (series_address(asked, study, key.uid), one) for key in keys for one in series_facts(key).instances.values()
        )
        return made_answer(_xml_parts(found), DICOM_XML, headers)
    name = headers["ETag"]
    packed = _packed.get(name)
    if packed is None:
        takes_long()
        packed = _pack(asked, study, keys)
        _packed.put(name, packed)
    if accepts_gzip(asked.headers):
        headers["Content-Encoding"] = "gzip"
        return Answer((packed,), headers=headers)
    takes_long()
    if len(packed) <= _LARGEST_WHOLE:
        return Answer((gunzipped(packed),), headers=headers)
    return Answer(_expanded(packed), headers=headers)


def _headers(choice: Choice, tag: str) -> dict[str, str]:
    told = {"ETag": tag, "Vary": "Accept, Accept-Encoding", "Cache-Control": "private, no-cache"}
    return told if choice.multipart else {"Content-Type": choice.media_type, **told}


def _pack(asked: Asked, study: str, keys: Sequence[SeriesKey]) -> bytes:
    """The JSON of all instances in the gzip coding; never all of it in memory as text."""
    press = isal_zlib.compressobj(1, wbits=31)
    packed = [press.compress(b"[")]
    between = b""
    for key in keys:
        address = in_json(series_address(asked, study, key.uid))
        for text in series_facts(key).texts():
            packed.append(press.compress(between + text.replace(SERIES_ADDRESS, address)))
            between = b","
    packed += [press.compress(b"]"), press.flush()]
    return b"".join(packed)


def _expanded(packed: bytes) -> Iterator[bytes]:
    expand = isal_zlib.decompressobj(wbits=31)
    for start in range(0, len(packed), 2**18):
        yield expand.decompress(packed[start : start + 2**18])
    yield expand.flush()


def _compressible(content: bytes, asked: Asked, headers: dict[str, str]) -> Answer:
    if len(content) >= _WORTH_GZIP and accepts_gzip(asked.headers):
        return Answer((gzipped(content),), headers={**headers, "Content-Encoding": "gzip"})
    return Answer((content,), headers=headers)


def _xml_parts(found: Sequence[tuple[str, InstanceFacts]] | Iterator[tuple[str, InstanceFacts]]) -> Iterator[SentPart]:
    for address, one in found:
        content = _xml(address, one)
        location = f"{address}/instances/{one.sop_instance_uid}/metadata"
        yield SentPart(DICOM_XML, location, len(content), (content,))


def _xml(address: str, one: InstanceFacts) -> bytes:
    bulk = f"{address}/instances/{one.sop_instance_uid}/bulkdata"
    try:
        header = kept_header(one)
        return xml_instance(header, bulk=bulk, changes={**decoded_changes(header), **available_syntax(header)}).encode()
    except (VoxelryError, OSError):
        return minimal_xml(one.sop_class_uid, one.sop_instance_uid).encode()


class _Packed:
    """Answers that were made last, by entity tag; a tag names one content, so that nothing in here gets stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: str) -> bytes | None:
        with self._lock:
            found = self._found.get(name)
            if found is not None:
                self._found.move_to_end(name)
            return found

    def put(self, name: str, content: bytes) -> None:
        if len(content) > _MOST_BYTES // 4:
            return
        with self._lock:
            self._bytes += len(content) - len(self._found.pop(name, b""))
            self._found[name] = content
            while self._bytes > _MOST_BYTES:
                _, dropped = self._found.popitem(last=False)
                self._bytes -= len(dropped)


_packed = _Packed()

ROUTES = (
    Route("studies/<uid:study>/metadata", {"GET": (retrieve_study_metadata, Rule.VIEWER)}),
    Route("studies/<uid:study>/series/<uid:series>/metadata", {"GET": (retrieve_series_metadata, Rule.VIEWER)}),
    Route(
        "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>/metadata",
        {"GET": (retrieve_instance_metadata, Rule.VIEWER)},
    ),
)
