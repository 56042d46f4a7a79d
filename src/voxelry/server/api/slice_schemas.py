"""The records of how slices are shown: windows, tables, places, sides, regions and overlays."""

from __future__ import annotations

from typing import Literal

from ninja import Schema

PixelSpacing = tuple[float | None, float | None]
"""Millimetres between rows and between columns; None where unknown."""


class WindowOut(Schema):
    """A range of values to show."""

    name: str
    center: float
    width: float
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


class PointValuesOut(Schema):
    """The values at one point, one for each volume of the series, in their order.

    Null outside of a volume, of colour, and where the places of a volume's slices are unknown or irregular. ``version``
    is that of the volumes which were read.
    """

    version: str
    values: list[float | None]


class TableOut(Schema):
    """A table from values to grey levels (VOI LUT Sequence).

    ``levels`` holds 8 bits for each value from ``first`` on, 0 black to 255 white, in base64. Smaller values are
    shown as the first, larger ones as the last, and those between two whole numbers as the nearest (half to even).
    """

    name: str
    first: int
    levels: str


class SliceViews(Schema):
    """The window or table of each acquired slice, if its slices have different ones.

    ``slices`` holds an index of ``views`` for each slice, or null for the volume's ``default_view``.
    """

    views: list[WindowOut | TableOut]
    slices: list[int | None]


class SlicePlace(Schema):
    """The position of a slice of an irregular volume (first pixel, LPS mm), and the cosines of its rows and columns.

    ``gap_mm`` is the distance from the slice before it, along the normal that both have; null for the first slice, and
    where one of the two has no position or another orientation.
    """

    position: tuple[float, float, float] | None
    orientation: tuple[float, float, float, float, float, float] | None
    pixel_spacing_mm: PixelSpacing
    gap_mm: float | None


class SideWords(Schema):
    """What a header says of the sides of a slice that has no orientation in millimetres, a radiograph for example.

    ``patient_orientation`` names the directions of the rows and of the columns, as Patient Orientation (0020,0020) has
    them; it is empty if the header names none. ``laterality`` is L, R, B (both) or U (unpaired), or empty; ``view`` is
    the View Code's meaning, or the View Position.
    """

    patient_orientation: list[str]
    laterality: str
    view: str


class SliceSides(Schema):
    """The words about the sides of slices. ``slices`` holds an index of ``words`` for each slice."""

    words: list[SideWords]
    slices: list[int]


class UltrasoundRegionOut(Schema):
    """A calibrated region of an ultrasound picture (PS3.3 C.8.5.5), from its first to its last column and row.

    ``unit_x`` and ``unit_y`` are those of ``delta_x`` and ``delta_y``, which one column and one row further are, and
    empty if they are unknown. ``pixel_spacing_mm`` is null unless both directions are distances: nothing in the region
    is measured in millimetres then. ``reference`` is the column and row, from the region's first, of which
    ``reference_x`` and ``reference_y`` are the values.
    """

    first_column: int
    first_row: int
    last_column: int
    last_row: int
    spatial_format: str
    data_type: str
    unit_x: str
    unit_y: str
    delta_x: float
    delta_y: float
    pixel_spacing_mm: tuple[float, float] | None
    reference: tuple[int, int] | None
    reference_x: float | None
    reference_y: float | None


class SliceRegions(Schema):
    """The ultrasound regions of slices. ``slices`` holds an index of ``regions`` for each slice.

    Of regions that overlap the first is right. Outside of all of them nothing is calibrated.
    """

    regions: list[list[UltrasoundRegionOut]]
    slices: list[int]


class SeparatorOut(Schema):
    """An attribute that tells a volume from others of its series at the same place.

    ``value`` is its number, in ``unit``; null for one that is no number. Volumes are ordered by ``value``, or as they
    are listed. ``text`` is the value as the label has it. Clock times are seconds since the first volume.
    """

    keyword: str
    name: str
    value: float | None
    text: str
    unit: str


class OverlayOut(Schema):
    """An overlay plane over one slice (PS3.3 C.9.2). ``bits`` are packed row after row, the first pixel in the lowest
    bit of the first byte, without gaps, in base64.

    ``origin`` is the row and column of the image, from 0, on which the plane's first pixel lies; it may be negative.
    ``kind`` is G (graphics) or R (region), or empty. ``label`` and ``description`` are the header's own words.
    """

    group: int
    kind: Literal["G", "R", ""]
    label: str
    description: str
    origin: tuple[int, int]
    rows: int
    columns: int
    bits: str


class SliceOverlaysOut(Schema):
    """The overlays of a slice. ``problems`` say in words why some of them cannot be shown."""

    overlays: list[OverlayOut]
    problems: list[str]
