"""The records of objects without pixels, and of the content of reports."""

from __future__ import annotations

from ninja import Schema

from voxelry.dicom.objects.pixelless_objects import PixellessKind


class PixellessObject(Schema):
    """An object without Pixel Data. ``title`` is the header's own, or empty.

    ``report`` is the address of its content as text (`ReportContentOut`), ``document`` that of the document that it
    encapsulates, for saving; null if it has none.
    """

    sop_instance_uid: str
    kind: PixellessKind
    title: str
    report: str | None
    document: str | None


class ClassCount(Schema):
    """The objects without Pixel Data of one SOP Class: how many, and the first of them."""

    sop_class: str
    count: int
    objects: list[PixellessObject]


class ReportLineOut(Schema):
    """A content item of a report: what it is about, and its value, which is empty for a heading."""

    depth: int
    name: str
    value: str


class ReportContentOut(Schema):
    """The content of a structured report from top to bottom; ``more`` is true if it is longer than this."""

    title: str
    lines: list[ReportLineOut]
    more: bool
