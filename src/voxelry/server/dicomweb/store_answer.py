"""The answer to a store request (PS3.18 10.5.3): what became of each object, as a data set in JSON or XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from voxelry.core.errors import Problem
from voxelry.dicom.json_model.xml_of_json import Element, xml_of_json
from voxelry.server.access.exchange import Answer, RefusedError

JSON, XML = "application/dicom+json", "application/dicom+xml"
_GIVEN = {
    JSON: JSON,
    "application/json": "application/json",
    XML: XML,
    "application/xml": XML,
    "text/xml": XML,
    "*/*": JSON,
    "application/*": JSON,
}

SOP_CLASS, SOP_INSTANCE, RETRIEVE_URL = "00081150", "00081155", "00081190"
FAILURE, WARNING = "00081197", "00081196"
REFERENCED, FAILED, OTHERS = "00081199", "00081198", "0008119A"
COMMENT, WORDS = "00000902", "0040A160"
"""Error Comment, cut to the 64 characters of LO, and the whole words as Text Value."""
_VRS = {
    SOP_CLASS: "UI",
    SOP_INSTANCE: "UI",
    RETRIEVE_URL: "UR",
    FAILURE: "US",
    WARNING: "US",
    COMMENT: "LO",
    WORDS: "UT",
    REFERENCED: "SQ",
    FAILED: "SQ",
    OTHERS: "SQ",
}

Item = Mapping[str, str | int]
DataSet = Mapping[str, str | int | Sequence[Item]]

DUPLICATE, PROCESSING, NOT_AUTHORISED = 0x0111, 0x0110, 0x0124
NO_RESOURCES, OTHER_STUDY, NOT_UNDERSTOOD = 0xA700, 0xA900, 0xC000
NO_MATCH = 0xB007
"""Warning: the data set does not match its SOP class."""
_REASONS = {
    "conflict": DUPLICATE,
    "other_study": OTHER_STUDY,
    "storage": NO_RESOURCES,
    "storage_full": NO_RESOURCES,
    "database": PROCESSING,
    "membership": NOT_AUTHORISED,
}


@dataclass(slots=True)
class StoreReport:
    """What became of the objects of a request, in the order in which they came."""

    study_address: str = ""
    stored: list[Item] = field(default_factory=list)
    failed: list[Item] = field(default_factory=list)
    others: list[Item] = field(default_factory=list)
    only_syntax: bool = True

    def add_stored(self, sop_class: str, sop_instance: str, address: str, doubt: Problem | None) -> None:
        """An object that is stored, or was here already."""
        warning = {} if doubt is None else {WARNING: NO_MATCH, **_words(doubt)}
        self.stored.append({SOP_CLASS: sop_class, SOP_INSTANCE: sop_instance, RETRIEVE_URL: address, **warning})

    def add_failed(self, sop_class: str, sop_instance: str, problem: Problem) -> None:
        """An object that is not stored; without UIDs it is a failure of its own kind."""
        item = {FAILURE: _REASONS.get(problem.code, NOT_UNDERSTOOD), **_words(problem)}
        if item[FAILURE] != NOT_UNDERSTOOD:
            self.only_syntax = False
        if sop_instance:
            self.failed.append({SOP_CLASS: sop_class, SOP_INSTANCE: sop_instance, **item})
        else:
            self.others.append(item)

    @property
    def status(self) -> int:
        """The status of Table 10.5.3-1."""
        if not self.stored:
            return 400 if self.only_syntax else 409
        doubts = any(WARNING in item for item in self.stored)
        return 202 if self.failed or self.others or doubts else 200

    def answer(self, media_type: str, headers: Mapping[str, str]) -> Answer:
        """The answer in a media type of `answer_type`."""
        elements = _elements(self._data_set(), _printable if media_type == XML else str)
        content = xml_of_json(elements) if media_type == XML else json.dumps(elements)
        return Answer([content.encode()], self.status, {"Content-Type": media_type, "Vary": "Accept", **headers})

    def _data_set(self) -> DataSet:
        sequences = {FAILED: self.failed, REFERENCED: self.stored, OTHERS: self.others}
        return {RETRIEVE_URL: self.study_address, **{tag: items for tag, items in sequences.items() if items}}


def answer_type(accept: str) -> str:
    """The media type of the answer to a store request.

    Raises
    ------
    RefusedError
        406 if none is acceptable that there is.
    """
    ranked = []
    for number, entry in enumerate((accept or "*/*").split(",")):
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        quality = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if weight > 0 and name in _GIVEN:
            ranked.append((-weight, number, _GIVEN[name]))
    if not ranked:
        raise RefusedError(406, f"The answer to a store request is given as {JSON} or {XML}.")
    return min(ranked)[2]


def _words(problem: Problem) -> Item:
    """What happened, in words."""
    text = " ".join(problem.message.split())
    return {COMMENT: text[:64].rstrip(), WORDS: text}


def _elements(data_set: DataSet, shown: Callable[[str], str]) -> dict[str, Element]:
    """The data set in the DICOM JSON Model, texts as they are shown."""
    told: dict[str, Element] = {}
    for tag, value in sorted(data_set.items()):
        if value == "":  # of type 2: Table I.1-1
            told[tag] = {"vr": _VRS[tag]}
        elif isinstance(value, str):
            told[tag] = {"vr": _VRS[tag], "Value": [shown(value)]}
        elif isinstance(value, int):
            told[tag] = {"vr": _VRS[tag], "Value": [value]}
        else:
            told[tag] = {"vr": _VRS[tag], "Value": [_elements(one, shown) for one in value]}
    return told


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
