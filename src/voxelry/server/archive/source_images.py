"""The images in the archive that a segmentation was made from: on their slices it lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.part10 import Layout
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.dicom.series.source_series import Neighbours, referenced_instances, referenced_series
from voxelry.server.archive import files_at_rest
from voxelry.server.archive.models import Instance, Series

Kept: TypeAlias = tuple[str, str, int]
"""An original: its SHA-256, the name that it came with, its size."""


def source_images(headers: Iterable[Header]) -> dict[str, list[Kept]]:
    """The originals of the series that segmentations refer to, by Series Instance UID; of their study alone."""
    found: dict[str, list[Kept]] = defaultdict(list)
    for header in headers:
        if header.sop_class_uid in SEGMENTATIONS:
            for series in _series_of(header):
                rows = series.instances.filter(has_pixels=True).order_by("number", "pk")
                found[series.series_instance_uid] = list(rows.values_list("sha256", "name", "size"))
    return dict(found)


def _series_of(header: Header) -> list[Series]:
    of_study = Series.objects.filter(study__study_instance_uid=header.study_instance_uid)
    named = list(of_study.filter(series_instance_uid__in=referenced_series(header)))
    if named:
        return named
    instances = Instance.objects.filter(sop_instance_uid__in=list(referenced_instances(header))[:_ENOUGH])
    return list(of_study.filter(pk__in=instances.values("series")).distinct())


_ENOUGH = 500
"""Of a segmentation's images so many tell of which series they are."""


def neighbours_of(images: Mapping[str, Sequence[Kept]]) -> Neighbours:
    """The series, read from the originals; no database is asked. What cannot be read is left out."""
    found = Neighbours()
    for uid, kept in images.items():
        files_at_rest.bring(sha256 for sha256, _, _ in kept)
        headers, layout = [], Layout()
        for sha256, name, size in kept:
            try:
                headers.append(read_header(files_at_rest.kept_source(sha256, name=name, size=size), layout=layout))
            except (VoxelryError, OSError):
                continue
        if headers:
            found.add(Grouped(uid, tuple(headers)))
    return found
