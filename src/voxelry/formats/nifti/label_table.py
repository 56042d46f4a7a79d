"""The label table of a NIfTI file: names and colours of its labels in an extension of the header.

It is the XML of Connectome Workbench (``CaretExtension``), which TotalSegmentator writes too. What the table cannot
hold (codes, and who made a segment) stands beside it as metadata of the same XML, which other programs leave alone.

References
----------
NIfTI-1.1, "nifti1_extender" and "nifti1_extension"; ecode 30 (NIFTI_ECODE_CARET)
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal
from xml.etree import ElementTree as ET

from voxelry.core.errors import FormatError
from voxelry.core.segment_items import LONGEST_LABEL, items_of, segments_of, unnamed
from voxelry.core.segmentation import RGB, Segment
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.slicer_segments import automatic_colour
from voxelry.formats.shared.volume_record import json_text, json_value

_CARET: Final = 30
_ROOT: Final = b"CaretExtension"
_OURS: Final = "voxelry segments"
_UNREADABLE: Final = "the file's table of labels cannot be read, so that they have numbers alone"
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST = 65_535
_KIND: Final[dict[str, Value]] = {"Modality": "SEG", "SegmentationType": "LABELMAP"}


def read_label_table(
    block: bytes, order: Literal["<", ">"], volumes: int
) -> tuple[list[dict[str, Value]], tuple[str, ...]]:
    """Names and colours of labels, as attributes of a DICOM segmentation.

    Parameters
    ----------
    block
        What lies between header and voxels: four bytes that say whether extensions follow, and these.
    order
        The file's byte order.
    volumes
        How many volumes the file holds.

    Returns
    -------
    metadata
        Of each volume; empty where no table names its labels.
    warnings
        Why a table could not be read.
    """
    nothing: list[dict[str, Value]] = [{} for _ in range(volumes)]
    for content in _extensions(block, order):
        if _ROOT not in content[:1000]:
            continue
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:  # Entities can unpack to any size; no table needs them.
            return nothing, (_UNREADABLE,)
        try:
            root = ET.fromstring(content)  # noqa: S314 - it has no entities
        except (ET.ParseError, LookupError, ValueError):
            return nothing, (_UNREADABLE,)
        found = [_segments(part) for part in _parts(root, volumes)]
        if any(found):
            return [{**_KIND, "SegmentSequence": items_of(own)} if own else {} for own in found], ()
    return nothing, ()


def _extensions(block: bytes, order: Literal["<", ">"]) -> Iterator[bytes]:
    if block[:1] in (b"", b"\0"):
        return
    at = 4
    while at + 8 <= len(block):
        size = int.from_bytes(block[at : at + 4], "little" if order == "<" else "big", signed=True)
        if size < 8 or at + size > len(block):
            return
        yield block[at + 8 : at + size].rstrip(b"\0").strip()
        at += size


def _parts(root: ET.Element, volumes: int) -> list[ET.Element | None]:
    """The table of each volume; where there is one alone, it is of all."""
    parts = root.findall("VolumeInformation")
    indexed = {part.get("Index", str(place)): part for place, part in enumerate(parts)}
    if len(parts) == 1:
        return [parts[0]] * volumes
    return [indexed.get(str(index)) for index in range(volumes)]


def _segments(part: ET.Element | None) -> list[Segment]:
    if part is None:
        return []
    own = _own(part)
    found: dict[int, Segment] = {}
    for index, item in enumerate(part.iterfind("LabelTable/Label")):
        key, name = item.get("Key", "").strip(), (item.text or "").strip()
        if not key.isdecimal() or not 0 < int(key) <= _LARGEST or int(key) in found:
            continue
        number, colour = int(key), _colour(item)
        segment = own.get(number)
        if segment is None or (
            name and _NO_XML.sub(" ", segment.label).strip() != name
        ):  # named by another program since
            segment = replace(unnamed(number), label=name[:LONGEST_LABEL] or unnamed(number).label, colour=colour)
        elif segment.colour is not None or colour != automatic_colour(index):
            segment = replace(segment, colour=colour)
        found[number] = segment
    return list(found.values())


def _own(part: ET.Element) -> dict[int, Segment]:
    """The segments as we wrote them."""
    for item in part.iterfind("MetaData/MD"):
        if item.findtext("Name", "").strip() == _OURS:
            try:
                return segments_of({"SegmentSequence": json_value(item.findtext("Value", ""))})
            except FormatError:
                return {}
    return {}


def _colour(item: ET.Element) -> RGB | None:
    try:
        numbers = [float(item.get(name, "")) for name in ("Red", "Green", "Blue")]
    except ValueError:
        return None
    if not all(math.isfinite(one) and 0 <= one <= 1 for one in numbers):
        return None
    red, green, blue = (round(255 * one) for one in numbers)
    return red, green, blue


# --- written ----------------------------------------------------------------------------------------------------------


def label_table(volumes: Sequence[Volume]) -> bytes:
    """The extension that holds the names of all labels; empty if no volume's metadata describe any."""
    described = [list(segments_of(volume.metadata).values()) for volume in volumes]
    if not any(described):
        return b""
    parts = "".join(_volume_information(index, own) for index, own in enumerate(described))
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n<CaretExtension>\n{parts}</CaretExtension>\n'.encode()
    size = -(-(len(content) + 8) // 16) * 16
    head = size.to_bytes(4, "little") + _CARET.to_bytes(4, "little")
    return head + content.ljust(size - 8, b"\0")


def _volume_information(index: int, segments: Sequence[Segment]) -> str:
    labels = "".join(_label(place, segment) for place, segment in enumerate(segments))
    record = _text(json_text(items_of(segments)))
    return (
        f'<VolumeInformation Index="{index}">\n<LabelTable>\n{labels}</LabelTable>\n'
        f"<MetaData><MD><Name>{_text(_OURS)}</Name><Value>{record}</Value></MD></MetaData>\n"
        "<VolumeType><![CDATA[Label]]></VolumeType>\n</VolumeInformation>\n"
    )


def _label(index: int, segment: Segment) -> str:
    red, green, blue = (f"{one / 255:.6g}" for one in segment.colour or automatic_colour(index))
    shown = f'Red="{red}" Green="{green}" Blue="{blue}" Alpha="1"'
    return f'<Label Key="{segment.number}" {shown}>{_text(segment.label)}</Label>\n'


def _text(words: str) -> str:
    """Any words as character data."""
    return "<![CDATA[" + _NO_XML.sub(" ", words).replace("]]>", "]]]]><![CDATA[>") + "]]>"
