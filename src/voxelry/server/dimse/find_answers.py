"""The answers to a C-FIND request, from rows and their prepared attributes (PS3.4 C.4.1.1.3.2).

Each key of the identifier comes back, with zero length if there is nothing. The elements of a study or a series are
made once for all answers in it. Pages are small at first, so that the first answers come soon.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TypeVar

from voxelry.core.value import Value
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.json_model.encoded_elements import ElementWriter, WrittenElement
from voxelry.dicom.json_model.json_instance import JsonInstances
from voxelry.dicom.json_model.nested_elements import encoded_elements
from voxelry.server.access.grants import Grants
from voxelry.server.archive.by_attribute import search_rows
from voxelry.server.archive.by_attribute.attribute_search import AttributeSearch, RowKeys
from voxelry.server.archive.by_attribute.patient_search import patient_rows
from voxelry.server.archive.by_attribute.search_rows import FoundInstance, FoundPatient, FoundSeries, FoundStudy
from voxelry.server.archive.terms.level_attributes import OF_SERIES, OF_STUDY
from voxelry.server.archive.terms.search_keys import Level
from voxelry.server.dimse.find_identifier import (
    AVAILABILITY,
    CHARACTER_SET,
    QUERY_LEVEL,
    RETRIEVE_TITLE,
    UNIQUE_KEYS,
    Identifier,
    IdentifierKey,
)

_PAGES = (25, 100)
_PAGE = 400
_WITH_HEADERS = 50
"""Answers of one page if their stored headers are read."""
_SOP_CLASSES = 0x00080062
_PATIENT_COUNTS = (0x00201200, 0x00201202, 0x00201204)
_STUDY_COUNTS = (0x00201206, 0x00201208)
_SERIES_COUNT = 0x00201209
_OF_PATIENT_ROWS = frozenset({0x00100010, 0x00100020, 0x00100021, 0x00100030, 0x00100040})
_OF_STUDY_ROWS = frozenset({0x00080061, _SOP_CLASSES, 0x0020000D, *_STUDY_COUNTS})
_OF_SERIES_ROWS = frozenset({0x0020000E, _SERIES_COUNT})
_OF_INSTANCE_ROWS = frozenset({0x00080016, 0x00080018, 0x00200013, 0x00280008, 0x00280010, 0x00280011, 0x00280100})
_OF_PATIENTS_TOO = frozenset(
    {
        *(0x00100022, 0x00100024, 0x00100032, 0x00100033, 0x00100034, 0x00101000, 0x00101001, 0x00101002, 0x00102160),
        *(0x00102201, 0x00102292, 0x00102297, 0x00102299, 0x00104000, 0x00120010, 0x00120020, 0x00120021, 0x00120030),
        *(0x00120031, 0x00120040, 0x00120042, 0x00120062, 0x00120063, 0x00120064),
    }
)
"""Attributes of patients (PS3.3 C.7.1) that rows of studies hold."""
_ABOVE_HEADERS = frozenset(
    {*OF_STUDY, *OF_SERIES, *_OF_PATIENT_ROWS, *_OF_STUDY_ROWS, *_OF_SERIES_ROWS, *_OF_INSTANCE_ROWS}
    | {*_PATIENT_COUNTS, CHARACTER_SET, QUERY_LEVEL, RETRIEVE_TITLE, AVAILABILITY}
)
"""Tags whose values are not looked for in stored headers."""
_PIXELS = 0x7FE00000

T = TypeVar("T")
Written = dict[int, WrittenElement]
_Attributes = Mapping[str, Mapping[str, Value]]


class FindAnswers:
    """Searches, and writes the data set of each answer.

    Parameters
    ----------
    title
        The AE title that instances are retrieved from.
    explicit
        Whether the data sets are in Explicit VR Little Endian, else in Implicit.
    stop
        Asked between statements: the search ends early if it says so.
    """

    def __init__(self, who: Grants, asked: Identifier, *, title: str, explicit: bool, stop: Callable[[], bool]) -> None:
        self._who, self._asked, self._stop = who, asked, stop
        self._writer = ElementWriter(explicit=explicit, texts=asked.texts, declares=asked.declares)
        self._wanted = frozenset(asked.keys) | {UNIQUE_KEYS[asked.level]}
        writer = self._writer
        self._base: Written = {tag: writer.empty(tag, key.vr) for tag, key in asked.keys.items()}
        self._base[QUERY_LEVEL] = writer.text(QUERY_LEVEL, "CS", asked.level)
        self._base[RETRIEVE_TITLE] = writer.text(RETRIEVE_TITLE, "AE", title)
        self._base[AVAILABILITY] = writer.text(AVAILABILITY, "CS", "ONLINE")
        self._of_headers = self._wanted - _ABOVE_HEADERS if asked.level == "IMAGE" else frozenset()

    def data_sets(self) -> Generator[bytes, None, None]:
        """The data set of each answer, encoded."""
        if self._asked.level == "PATIENT":
            found = patient_rows(self._who, self._asked.criteria, stop=self._stop)
            for some in _pages(found, _PAGE):
                for patient in search_rows.found_patient(self._who, some):
                    yield self._data_set(self._of_patient(patient))
            return
        rows = AttributeSearch(self._who, self._asked.rows, self._asked.criteria, stop=self._stop).rows()
        for page in _pages(rows, _WITH_HEADERS if self._of_headers else _PAGE):
            yield from self._page(page)

    def _page(self, rows: Sequence[RowKeys]) -> Iterator[bytes]:
        with_classes = _SOP_CLASSES in self._wanted
        of_studies = search_rows.found_study(self._who, {key for key, *_ in rows}, with_sop_classes=with_classes)
        studies = {row.key: self._of_study(row) for row in of_studies}
        if self._asked.rows is Level.STUDY:
            yield from (self._data_set(studies[key]) for (key,) in rows if key in studies)
            return
        series = {
            row.key: studies[row.study] | self._of_series(row)
            for row in search_rows.found_series(self._who, {keys[1] for keys in rows})
            if row.study in studies
        }
        if self._asked.rows is Level.SERIES:
            yield from (self._data_set(series[keys[1]]) for keys in rows if keys[1] in series)
            return
        instances = search_rows.found_instance(self._who, [keys[2] for keys in rows])
        for row, more in self._with_headers([one for one in instances if one.series in series]):
            yield self._data_set(series[row.series] | more | self._of_instance(row))

    def _data_set(self, elements: Written) -> bytes:
        return self._writer.data_set(self._base | elements)

    def _of_patient(self, row: FoundPatient) -> Written:
        found = self._attributes(row.attributes, _OF_PATIENTS_TOO)
        found |= self._of_patient_row(row)
        counts = zip(_PATIENT_COUNTS, (row.study_count, row.series_count, row.instance_count), strict=True)
        return found | {tag: self._writer.text(tag, "IS", str(n)) for tag, n in counts if tag in self._wanted}

    def _of_study(self, row: FoundStudy) -> Written:
        rows = {
            0x00080020: ("DA", row.date.replace("-", "")),
            0x00080030: ("TM", row.time.replace(":", "")),
            0x00080050: ("SH", row.accession_number),
        }
        found = self._texts(rows)
        found |= self._attributes(row.attributes, OF_STUDY)
        found |= self._of_patient_row(row)
        exact = {
            0x00080061: ("CS", "\\".join(row.modalities)),
            0x0020000D: ("UI", row.uid),
            0x00201206: ("IS", str(row.series_count)),
            0x00201208: ("IS", str(row.instance_count)),
        }
        if row.sop_classes is not None:
            exact[_SOP_CLASSES] = ("UI", "\\".join(row.sop_classes))
        return found | self._texts(exact)

    def _of_patient_row(self, row: FoundPatient | FoundStudy) -> Written:
        return self._texts(
            {
                0x00100010: ("PN", row.name),
                0x00100020: ("LO", row.patient_id),
                0x00100021: ("LO", row.issuer),
                0x00100030: ("DA", row.birth_date.replace("-", "")),
                0x00100040: ("CS", row.sex),
            }
        )

    def _of_series(self, row: FoundSeries) -> Written:
        number = "" if row.number is None else str(row.number)
        found = self._texts({0x0008103E: ("LO", row.description), 0x00200011: ("IS", number)})
        found |= self._attributes(row.attributes, OF_SERIES)
        exact = {
            0x00080060: ("CS", row.modality),
            0x0020000E: ("UI", row.uid),
            _SERIES_COUNT: ("IS", str(row.instance_count)),
        }
        return found | self._texts(exact)

    def _of_instance(self, row: FoundInstance) -> Written:
        number = "" if row.number is None else str(row.number)
        found = self._texts(
            {
                0x00080016: ("UI", row.sop_class),
                0x00080018: ("UI", row.uid),
                0x00200013: ("IS", number),
                0x00280008: ("IS", str(row.frames) if row.frames else ""),
            }
        )
        if row.rows:
            numbers = {0x00280010: row.rows, 0x00280011: row.columns, 0x00280100: row.bits}
            found |= {
                tag: self._writer.number(tag, "US", value & 0xFFFF)
                for tag, value in numbers.items()
                if tag in self._wanted
            }
        return found

    def _texts(self, values: Mapping[int, tuple[str, str]]) -> Written:
        wanted = self._wanted
        return {tag: self._writer.text(tag, vr, value) for tag, (vr, value) in values.items() if tag in wanted}

    def _attributes(self, text: str, tags: Iterable[int]) -> Written:
        """The elements that are wanted of prepared attributes."""
        wanted = self._wanted.intersection(tags)
        return self._of_json(_parsed(text), wanted) if wanted and text != "{}" else {}

    def _of_json(self, attributes: _Attributes, wanted: Iterable[int]) -> Written:
        found: Written = {}
        for tag in wanted:
            element = attributes.get(f"{tag:08X}")
            if element is not None:
                key = self._asked.keys.get(tag)
                found[tag] = self._writer.of_json(tag, element if key is None else _as_asked(element, key))
        return found

    def _with_headers(self, rows: Sequence[FoundInstance]) -> Iterator[tuple[FoundInstance, Written]]:
        """Instances, each with the attributes that only its stored header has."""
        if not self._of_headers:
            yield from ((row, {}) for row in rows)
            return
        writer = JsonInstances()
        for row, header in search_rows.stored_headers(self._who, rows):
            if header is None:
                yield row, {}
                continue
            text = writer.write(_with_some(header, self._of_headers), bulk="")
            yield row, self._of_json(_parsed(text), self._of_headers)


_parsed: Callable[[str], _Attributes] = partial(json.loads, parse_float=str, parse_int=str)
"""Numbers stay as they are written."""


def _with_some(header: Header, tags: Iterable[int]) -> Header:
    """A header with some of its elements, and what they are read by."""
    wanted = {CHARACTER_SET, 0x00280103, *tags}
    wanted |= {tag & 0xFFFF0000 | (tag >> 8 & 0xFF) for tag in tags if tag >> 16 & 1}  # private creators
    elements = encoded_elements(header.elements)
    some = {tag: value for tag, value in elements.items() if tag in wanted and tag < _PIXELS}
    return replace(header, elements=Elements(some), pixel_bytes=None)


def _as_asked(element: Mapping[str, Value], key: IdentifierKey) -> Mapping[str, Value]:
    """A sequence with the attributes that are asked for in its items, empty ones for those that are not there."""
    items = element.get("Value")
    if not key.item or not isinstance(items, list):
        return element
    tags = {f"{tag:08X}": one.vr for tag, one in key.item.items()}
    some: list[Value] = [
        {tag: item.get(tag, {"vr": vr}) for tag, vr in tags.items()} for item in items if isinstance(item, dict)
    ]
    return {"vr": "SQ", "Value": some}


def _pages(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Rows in parts, the first ones small."""
    sizes = iter(_PAGES)
    while some := list(islice(rows, min(next(sizes, size), size))):
        yield some
