"""Real World Value Mapping (PS3.3 C.7.6.16.2.11), reported for every stack that has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError, Problem
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import first_item, items, number, tag_label, text

SEQUENCE = "RealWorldValueMappingSequence"
_NO_UNIT = frozenset({"1", "{no units}", "[no units]", "no units"})


class RealWorldMap(NamedTuple):
    """Mapping from stored values to real-world values.

    Attributes
    ----------
    slope, intercept
        None for a table, which is no line.
    unit
        As UCUM writes it; empty for none.
    label
        The mapping's own short name.
    """

    slope: float | None
    intercept: float | None
    unit: str
    label: str

    @property
    def words(self) -> str:
        """``"stored x 0.001 + 0 mm2/s (ADC)"``."""
        named = f" ({self.label})" if self.label else ""
        line = "a table" if self.slope is None else f"stored x {self.slope:g} + {self.intercept or 0:g}"
        return f"{line} {self.unit}".strip() + named


def mappings_of(frame: Frame) -> tuple[RealWorldMap, ...]:
    """The mappings of a frame: its own, else those of its instance."""
    for group in frame.groups:
        if found := items(group, SEQUENCE):
            return tuple(map(_mapping, found))
    if SEQUENCE not in frame.header.elements:
        return ()
    return tuple(map(_mapping, items(frame.header.elements, SEQUENCE)))


def _mapping(item: Dataset) -> RealWorldMap:
    code = first_item(item, "MeasurementUnitsCodeSequence")
    unit = "" if code is None else text(code, "CodeValue")
    try:
        slope, intercept = number(item, "RealWorldValueSlope"), number(item, "RealWorldValueIntercept")
    except PixelDataError:
        slope = intercept = None
    return RealWorldMap(slope, intercept, "" if unit.lower() in _NO_UNIT else unit, text(item, "LUTLabel"))


def real_world_findings(frames: Sequence[Frame]) -> list[Problem]:
    """That there is a mapping, and which; of the first frame, as the frames of a stack seldom differ."""
    first = frames[0]
    if first.real_world:
        return []
    found = mappings_of(first)
    known = (first.slope, first.intercept, first.unit)
    if not found or all((one.slope, one.intercept or 0.0, one.unit or first.unit) == known for one in found):
        return []
    words = f"{tag_label(SEQUENCE)}: {'; '.join(one.words for one in found)}. It is not applied unless it is asked for"
    one = found[0]
    return [finding("note", "real_world_values", words, slope=one.slope, intercept=one.intercept, unit=one.unit)]
