"""The results of searches in the DICOM JSON Model (PS3.18 10.6.3.3, annex F), from rows and their prepared attributes.

A result is made of pieces: of each tag the text of its JSON. Those of a study or a series are made once for all of its
results.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from voxelry.dicom.json_model.decoded_text import name_groups
from voxelry.dicom.json_model.json_instance import JsonInstances
from voxelry.server.access.grants import Grants
from voxelry.server.archive.by_attribute import search_rows
from voxelry.server.archive.by_attribute.attribute_search import RowKeys
from voxelry.server.archive.by_attribute.search_rows import FoundInstance, FoundSeries, FoundStudy
from voxelry.server.archive.terms.search_keys import Level
from voxelry.server.dicomweb.search_query import SearchQuery

Pieces = dict[int, str]
_UTF_8 = '{"vr":"CS","Value":["ISO_IR 192"]}'
_ONLINE = '{"vr":"CS","Value":["ONLINE"]}'
_CHARACTER_SET, _AVAILABILITY, _RETRIEVE_URL = 0x00080005, 0x00080056, 0x00081190
_SOP_CLASS, _SOP_INSTANCE, _INSTANCE_NUMBER = 0x00080016, 0x00080018, 0x00200013
_STUDY_UID, _SERIES_UID, _ZONE = 0x0020000D, 0x0020000E, 0x00080201
_FRAMES, _ROWS, _COLUMNS, _BITS = 0x00280008, 0x00280010, 0x00280011, 0x00280100
_SOP_CLASSES = 0x00080062
_REQUESTS = 0x00400275
_PIXELS = 0x7FE00000
_OF_STUDY = frozenset(
    {
        *(0x00080020, 0x00080030, 0x00080050, _AVAILABILITY, 0x00080061, 0x00080090, _ZONE, 0x00081030),
        *(0x00100010, 0x00100020, 0x00100030, 0x00100040, _STUDY_UID, 0x00200010, 0x00201206, 0x00201208),
    }
)
"""Those of Table 10.6.3-3, and Study Description, which lists show."""
_OF_SERIES = frozenset(
    {
        0x00080060,
        _AVAILABILITY,
        _ZONE,
        0x0008103E,
        _SERIES_UID,
        0x00200011,
        0x00201209,
        0x00400244,
        0x00400245,
        _REQUESTS,
    }
)
"""Those of Table 10.6.3-4."""
_MOST_HEADERS = 1_000
"""Results whose stored headers are read for one answer."""


def results(
    who: Grants, level: Level, rows: Sequence[RowKeys], query: SearchQuery, *, root: str, within: Iterable[str]
) -> list[str]:
    """The JSON object of each row, in their order.

    Parameters
    ----------
    within
        The keys of the levels that the address names: their attributes are given only if they are asked for.
    """
    named = set(within)
    pieces = _LevelPieces(query, root, named)
    with_classes = query.include_all or _SOP_CLASSES in query.include
    of_studies = search_rows.found_study(who, {key for key, *_ in rows}, with_sop_classes=with_classes)
    studies = {row.key: pieces.of_study(row, level) for row in of_studies}
    if level is Level.STUDY:
        return [_object(studies[key]) for (key,) in rows if key in studies]
    series = {
        row.key: {**studies[row.study], **pieces.of_series(row, level)}
        for row in search_rows.found_series(who, {keys[1] for keys in rows})
        if row.study in studies
    }
    if level is Level.SERIES:
        return [_object(series[keys[1]]) for keys in rows if keys[1] in series]
    instances = search_rows.found_instance(who, [keys[2] for keys in rows])
    if needs_headers(query):
        return _with_headers(who, instances, series, query)
    return _instances(instances, series)


def needs_headers(query: SearchQuery) -> bool:
    """Whether an instance's attributes are asked for that rows do not hold."""
    return query.include_all or bool(query.include - _OF_INSTANCE_ROWS - search_rows.PREPARED)


def most_results(query: SearchQuery, level: Level) -> int:
    """The number of results that an answer has at most."""
    return min(query.most, _MOST_HEADERS) if level is Level.INSTANCE and needs_headers(query) else query.most


class _LevelPieces:
    """Makes the pieces of studies and series."""

    def __init__(self, query: SearchQuery, root: str, within: set[str]) -> None:
        self._all, self._include = query.include_all, query.include
        self._root, self._within = root, within

    def of_study(self, row: FoundStudy, level: Level) -> Pieces:
        """The pieces of a study that results of a level have."""
        whole = _prepared(row.attributes)
        whole |= {
            0x00080061: _texts("CS", row.modalities),
            0x00100010: _name(row.name),
            0x00100020: _text("LO", row.patient_id),
            0x00100030: _text("DA", row.birth_date.replace("-", "")),
            0x00100040: _text("CS", row.sex),
            _STUDY_UID: _text("UI", row.uid),
            0x00201206: _number("IS", row.series_count),
            0x00201208: _number("IS", row.instance_count),
        }
        if row.issuer:
            whole[0x00100021] = _text("LO", row.issuer)
        for tag, piece in (
            (0x00080020, _text("DA", row.date.replace("-", ""))),
            (0x00080030, _text("TM", row.time.replace(":", ""))),
            (0x00080050, _text("SH", row.accession_number)),
            (0x00080090, '{"vr":"PN"}'),
            (0x00200010, '{"vr":"SH"}'),
        ):
            whole.setdefault(tag, piece)
        if row.sop_classes is not None:
            whole[_SOP_CLASSES] = _texts("UI", row.sop_classes)
        wanted = _OF_STUDY if level is Level.STUDY or "StudyInstanceUID" not in self._within else {_STUDY_UID, _ZONE}
        found = self._wanted(whole, wanted, everything=level is Level.STUDY)
        found[_CHARACTER_SET], found[_AVAILABILITY] = _UTF_8, _ONLINE
        found[_RETRIEVE_URL] = _text("UR", f"{self._root}/studies/{row.uid}")
        return found

    def of_series(self, row: FoundSeries, level: Level) -> Pieces:
        """The pieces of a series that results of a level have, beside those of its study."""
        whole = _prepared(row.attributes)
        whole |= {
            0x00080060: _text("CS", row.modality),
            _SERIES_UID: _text("UI", row.uid),
            0x00200011: whole.get(0x00200011) or _number("IS", row.number),
            0x00201209: _number("IS", row.instance_count),
        }
        whole.setdefault(0x0008103E, _text("LO", row.description))
        wanted = _OF_SERIES if level is Level.SERIES or "SeriesInstanceUID" not in self._within else {_SERIES_UID}
        found = self._wanted(whole, wanted, everything=level is Level.SERIES)
        found[_RETRIEVE_URL] = _text("UR", f"{self._root}/studies/{row.study_uid}/series/{row.uid}")
        return found

    def _wanted(self, whole: Pieces, required: Iterable[int], *, everything: bool) -> Pieces:
        if self._all and everything:
            return whole
        tags = {*required, *self._include}
        return {tag: piece for tag, piece in whole.items() if tag in tags}


_OF_INSTANCE_ROWS = frozenset(
    {
        *(_CHARACTER_SET, _SOP_CLASS, _SOP_INSTANCE, _AVAILABILITY, _RETRIEVE_URL, _INSTANCE_NUMBER, _STUDY_UID),
        *(_SERIES_UID, _FRAMES, _ROWS, _COLUMNS, _BITS, 0x00080061, 0x00201206, 0x00201208, 0x00201209, _SOP_CLASSES),
        *(0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040),
    }
)


def _instances(rows: Iterable[FoundInstance], series: Mapping[int, Pieces]) -> list[str]:
    """The results of instances: of each series and kind of pixels a form, which the values of each are put into."""
    forms: dict[tuple[int, bool, bool], str] = {}
    found = []
    for row in rows:
        has_rows, has_frames = bool(row.rows), bool(row.frames)
        key = (row.series, has_rows, has_frames)
        form = forms.get(key)
        if form is None:
            own = series.get(row.series)
            if own is None:
                continue
            form = forms[key] = _form(own, has_rows=has_rows, has_frames=has_frames)
        number = "" if row.number is None else f',"Value":[{row.number}]'
        values: tuple[object, ...] = (row.sop_class, row.uid, row.uid, number)
        if has_frames:
            values += (row.frames,)
        if has_rows:
            values += (row.rows, row.columns, row.bits)
        found.append(form % values)
    return found


def _form(own: Pieces, *, has_rows: bool, has_frames: bool) -> str:
    pieces = {tag: piece.replace("%", "%%") for tag, piece in own.items()}
    pieces[_SOP_CLASS] = '{"vr":"UI","Value":["%s"]}'
    pieces[_SOP_INSTANCE] = '{"vr":"UI","Value":["%s"]}'
    pieces[_RETRIEVE_URL] = pieces[_RETRIEVE_URL].removesuffix('"]}') + '/instances/%s"]}'
    pieces[_INSTANCE_NUMBER] = '{"vr":"IS"%s}'
    if has_frames:
        pieces[_FRAMES] = '{"vr":"IS","Value":[%d]}'
    if has_rows:
        pieces |= dict.fromkeys((_ROWS, _COLUMNS, _BITS), '{"vr":"US","Value":[%d]}')
    return _object(pieces)


def _with_headers(
    who: Grants, rows: Sequence[FoundInstance], series: Mapping[int, Pieces], query: SearchQuery
) -> list[str]:
    """The results of instances, with attributes from their stored headers."""
    plain = dict(zip((row.key for row in rows if row.series in series), _instances(rows, series), strict=True))
    writer = JsonInstances()
    found = []
    for row, header in search_rows.stored_headers(who, rows):
        text = plain.get(row.key)
        if text is None:
            continue
        own = _prepared(text)
        if header is not None:
            url = json.loads(own[_RETRIEVE_URL])["Value"][0]
            more = _prepared(writer.write(header, bulk=f"{url}/bulkdata"))
            asked = {tag for tag in more if tag < _PIXELS and (query.include_all or tag in query.include)}
            own = {**{tag: more[tag] for tag in asked}, **own}
        found.append(_object(own))
    return found


def _prepared(text: str) -> Pieces:
    """The pieces of a JSON object of elements, each as it is written."""
    found: Pieces = {}
    scan = json.JSONDecoder().raw_decode
    at = 1
    while text[at : at + 1] == '"':
        tag = int(text[at + 1 : at + 9], 16)
        _, end = scan(text, at + 11)
        found[tag] = text[at + 11 : end]
        at = end + 1
    return found


def _object(pieces: Pieces) -> str:
    return "{" + ",".join(f'"{tag:08X}":{pieces[tag]}' for tag in sorted(pieces)) + "}"


def _text(vr: str, value: str) -> str:
    return f'{{"vr":"{vr}","Value":[{json.dumps(value, ensure_ascii=False)}]}}' if value else f'{{"vr":"{vr}"}}'


def _texts(vr: str, values: Sequence[str]) -> str:
    return f'{{"vr":"{vr}","Value":{json.dumps(values, ensure_ascii=False)}}}' if values else f'{{"vr":"{vr}"}}'


def _number(vr: str, value: int | None) -> str:
    return f'{{"vr":"{vr}"}}' if value is None else f'{{"vr":"{vr}","Value":[{value}]}}'


def _name(name: str) -> str:
    groups = name_groups(name)
    return f'{{"vr":"PN","Value":[{json.dumps(groups, ensure_ascii=False)}]}}' if groups else '{"vr":"PN"}'
