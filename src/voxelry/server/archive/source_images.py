"""The images in the archive that a segmentation was made from; it takes its slice positions from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.dicom.series.source_series import Neighbours, referenced_instances, referenced_series
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Series

MOST_REFERENCES = 500
"""So many of the instances that a segmentation refers to are looked up to find their series."""


class Original(NamedTuple):
    """The bytes of an instance as they came: their SHA-256, the name that they came with, their number."""

    sha256: str
    name: str
    size: int


def source_images(headers: Iterable[Header], *, project: int) -> dict[str, tuple[Original, ...]]:
    """The originals of the series of the same study and project that segmentations refer to, by Series Instance UID."""
    found: dict[str, tuple[Original, ...]] = {}
    for header in headers:
        if header.sop_class_uid in SEGMENTATIONS:
            for series in _series_of(header, project):
                rows = series.instances.filter(has_pixels=True).order_by("number", "pk")
                values = rows.values_list("sha256", "name", "size")
                found[series.series_instance_uid] = tuple(Original(*value) for value in values)
    return found


def _series_of(header: Header, project: int) -> list[Series]:
    of_study = queries.series(as_site()).filter(project=project, study__study_instance_uid=header.study_instance_uid)
    named = list(of_study.filter(series_instance_uid__in=referenced_series(header)))
    if named:
        return named
    references = list(referenced_instances(header))[:MOST_REFERENCES]
    instances = queries.instances(as_site()).filter(project=project, sop_instance_uid__in=references)
    return list(of_study.filter(pk__in=instances.values("series")).distinct())


def neighbours_of(images: Mapping[str, Sequence[Original]]) -> Neighbours:
    """The series, read from the originals, without the database. An original that cannot be read is left out."""
    found = Neighbours()
    for uid, originals in images.items():
        files_at_rest.bring(original.sha256 for original in originals)
        headers, common = [], CommonHeader()
        for sha256, name, size in originals:
            try:
                headers.append(read_header(files_at_rest.kept_source(sha256, name=name, size=size), common=common))
            except (VoxelryError, OSError):
                continue
        if headers:
            found.add(Grouped(uid, tuple(headers)))
    return found
