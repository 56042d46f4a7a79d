"""The content of structured reports as lines of text (PS3.3 C.17.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from voxelry.dicom.headers.attributes import Attributes, first_item, items, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pydicom_silence import quiet

DEEPEST = 50
MOST_LINES = 100_000


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A content item.

    Attributes
    ----------
    depth
        0 for the root.
    name
        What the item is about; may be empty.
    value
        Empty for a container.
    """

    depth: int
    name: str
    value: str


def report_lines(header: Header, *, most: int = MOST_LINES) -> list[ReportLine]:
    """The content tree of a structured report from top to bottom, up to ``most`` items.

    Values are those of the report's author, and may name people.
    """
    found = []
    for line in _lines(header.elements, 0):
        found.append(line)
        if len(found) >= most:
            break
    return found


def _lines(item: Attributes, depth: int) -> Iterator[ReportLine]:
    yield ReportLine(depth, _code(item, "ConceptNameCodeSequence"), _value(item))
    if depth < DEEPEST:
        for one in items(item, "ContentSequence"):
            yield from _lines(one, depth + 1)


def _value(item: Attributes) -> str:
    kind = text(item, "ValueType")
    match kind:
        case "NUM":
            measured = first_item(item, "MeasuredValueSequence")
            if measured is None:
                return ""
            return f"{text(measured, 'NumericValue')} {_unit(measured)}".strip()
        case "CODE":
            return _code(item, "ConceptCodeSequence")
        case "IMAGE" | "COMPOSITE" | "WAVEFORM":
            referenced = first_item(item, "ReferencedSOPSequence")
            return "" if referenced is None else _referenced(referenced)
    keyword = {
        "TEXT": "TextValue", "DATE": "Date", "TIME": "Time", "DATETIME": "DateTime", "UIDREF": "UID",
        "PNAME": "PersonName", "SCOORD": "GraphicType", "SCOORD3D": "GraphicType", "TCOORD": "TemporalRangeType",
    }.get(kind)  # fmt: skip
    return "" if keyword is None else text(item, keyword)


def _referenced(item: Dataset) -> str:
    with quiet:
        name = getattr(item.get("ReferencedSOPClassUID"), "name", "")
    return f"{name} {text(item, 'ReferencedSOPInstanceUID')}".strip()


def _unit(measured: Dataset) -> str:
    unit = first_item(measured, "MeasurementUnitsCodeSequence")
    code = "" if unit is None else text(unit, "CodeValue")
    return "" if code in ("1", "{no unit}") else code


def _code(item: Attributes, sequence: str) -> str:
    code = first_item(item, sequence)
    return "" if code is None else text(code, "CodeMeaning") or text(code, "CodeValue")
