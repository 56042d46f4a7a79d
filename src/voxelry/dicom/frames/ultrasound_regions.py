"""Calibrated regions of ultrasound pictures (PS3.3 C.8.5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from voxelry.core.errors import PixelDataError
from voxelry.dicom.headers.attributes import integer, items, number
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription

MOST_REGIONS = 64
"""More regions of one picture are not read."""
MOST_BEYOND = 1
"""Pixels beyond the picture: some makers name the column and the row after the last ones."""
LARGEST_STEP_MM, SMALLEST_STEP_MM = 50.0, 1e-5
"""A pixel that is larger or smaller is a mistake in the header."""
_FORMATS = ("", "2D", "M-mode", "spectral", "waveform", "graphics")
_DATA_TYPES = {
    0x1: "tissue", 0x2: "colour flow", 0x3: "PW spectral Doppler", 0x4: "CW spectral Doppler",
    0x5: "Doppler mean trace", 0x6: "Doppler mode trace", 0x7: "Doppler max trace", 0x8: "volume trace",
    0xA: "ECG trace", 0xB: "pulse trace", 0xC: "phonocardiogram trace", 0xD: "grey bar", 0xE: "colour bar",
    0xF: "integrated backscatter", 0x10: "area trace", 0x11: "d(area)/dt",
}  # fmt: skip
_UNITS = ("", "%", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm2", "cm2/s", "cm3", "cm3/s", "degrees")
_LOW_PRIORITY = 1


@dataclass(frozen=True, slots=True)
class UltrasoundRegion:
    """One region of a picture.

    Attributes
    ----------
    columns, rows
        The first and the last that it covers, from 0, within the picture.
    spatial_format, data_type
        In words; empty where the header tells none that the standard knows.
    units
        Of ``deltas``: along the rows, then down the columns; empty where unknown.
    deltas
        What a step of one column to the right, and of one row down, is worth.
    pixel_spacing
        ``(row_spacing, column_spacing)``, mm; None unless both units are cm.
    reference
        The column and row, from the region's first, that have the values ``reference_values``; None without.
    reference_values
        None for each that the header does not tell.
    """

    columns: tuple[int, int]
    rows: tuple[int, int]
    spatial_format: str
    data_type: str
    units: tuple[str, str]
    deltas: tuple[float, float]
    pixel_spacing: tuple[float, float] | None
    reference: tuple[int, int] | None
    reference_values: tuple[float | None, float | None]


def ultrasound_regions(header: Header, pixels: PixelDescription) -> tuple[UltrasoundRegion, ...]:
    """The regions of Sequence of Ultrasound Regions (0018,6011), those of high priority first.

    Of regions that overlap the first is right. What is no region of this picture is left out. If one reaches beyond the
    picture, there are none: they were written for another one, which was made smaller afterwards.

    References
    ----------
    PS3.3 C.8.5.5.1.3 (Region Flags), C.8.5.5.1.15 (Physical Units)
    """
    found: list[tuple[bool, UltrasoundRegion]] = []
    if any(_is_beyond(item, pixels) for item in items(header.elements, "SequenceOfUltrasoundRegions")[:MOST_REGIONS]):
        return ()
    for item in items(header.elements, "SequenceOfUltrasoundRegions")[:MOST_REGIONS]:
        try:
            region = _region(item, pixels)
            low = bool((integer(item, "RegionFlags") or 0) & _LOW_PRIORITY)
        except PixelDataError:
            continue
        if region is not None:
            found.append((low, region))
    return tuple(region for _, region in sorted(found, key=lambda one: one[0]))


def _is_beyond(item: Dataset, pixels: PixelDescription) -> bool:
    try:
        right, bottom = integer(item, "RegionLocationMaxX1"), integer(item, "RegionLocationMaxY1")
    except PixelDataError:
        return False
    columns, rows = pixels.columns - 1 + MOST_BEYOND, pixels.rows - 1 + MOST_BEYOND
    return (right is not None and right > columns) or (bottom is not None and bottom > rows)


def _region(item: Dataset, pixels: PixelDescription) -> UltrasoundRegion | None:
    left, top = integer(item, "RegionLocationMinX0"), integer(item, "RegionLocationMinY0")
    right, bottom = integer(item, "RegionLocationMaxX1"), integer(item, "RegionLocationMaxY1")
    x, y = number(item, "PhysicalDeltaX"), number(item, "PhysicalDeltaY")
    if left is None or top is None or right is None or bottom is None or x is None or y is None:
        return None
    columns = max(left, 0), min(right, pixels.columns - 1)
    rows = max(top, 0), min(bottom, pixels.rows - 1)
    if columns[0] > columns[1] or rows[0] > rows[1]:
        return None
    units = _unit(item, "PhysicalUnitsXDirection"), _unit(item, "PhysicalUnitsYDirection")
    column, row = integer(item, "ReferencePixelX0"), integer(item, "ReferencePixelY0")
    shape = integer(item, "RegionSpatialFormat") or 0
    return UltrasoundRegion(
        columns,
        rows,
        _FORMATS[shape] if 0 <= shape < len(_FORMATS) else "",
        _DATA_TYPES.get(integer(item, "RegionDataType") or 0, ""),
        units,
        (x, y),
        _spacing(units, x, y),
        None if column is None or row is None else (column - columns[0] + left, row - rows[0] + top),
        (number(item, "ReferencePixelPhysicalValueX"), number(item, "ReferencePixelPhysicalValueY")),
    )


def _unit(item: Dataset, keyword: str) -> str:
    code = integer(item, keyword) or 0
    return _UNITS[code] if 0 <= code < len(_UNITS) else ""


def _spacing(units: tuple[str, str], x: float, y: float) -> tuple[float, float] | None:
    """Millimetres between rows and between columns, of two directions in cm."""
    if units != ("cm", "cm"):
        return None
    spacing = 10 * abs(y), 10 * abs(x)
    return spacing if all(SMALLEST_STEP_MM <= step <= LARGEST_STEP_MM for step in spacing) else None
