"""The images in the archive that segmentations were made from, and structure sets drawn on: they give their grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db.models import Q

from voxelry.core.errors import VoxelryError
from voxelry.core.structure_set import StructureSet
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.objects.structure_sets import referenced_images
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
                found[series.series_instance_uid] = originals_of(series)
    return found


def images_of_structures(structure_set: StructureSet, *, project: int, study: str) -> dict[str, tuple[Original, ...]]:
    """The originals of the series of a study that a structure set refers to, by Series Instance UID."""
    of_study = queries.series(as_site()).filter(project=project, study__study_instance_uid=study)
    drawn_on = sorted(referenced_images(structure_set))[:MOST_REFERENCES]
    instances = queries.instances(as_site()).filter(project=project, sop_instance_uid__in=drawn_on)
    named = Q(series_instance_uid__in=structure_set.referenced_series_uids[:MOST_REFERENCES])
    return {
        series.series_instance_uid: originals_of(series)
        for series in of_study.filter(named | Q(pk__in=instances.values("series"))).order_by("pk")
    }


def originals_of(series: Series) -> tuple[Original, ...]:
    """The originals of a series that hold pixels, in the order of their numbers."""
    rows = series.instances.filter(has_pixels=True).order_by("number", "pk")
    return tuple(Original(*value) for value in rows.values_list("sha256", "name", "size"))


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
    for series in grouped_images(images):
        found.add(series)
    return found


def grouped_images(images: Mapping[str, Sequence[Original]]) -> list[Grouped]:
    """The same as a list."""
    found = []
    for uid, originals in images.items():
        files_at_rest.bring(original.sha256 for original in originals)
        headers, common = [], CommonHeader()
        for sha256, name, size in originals:
            try:
                headers.append(read_header(files_at_rest.kept_source(sha256, name=name, size=size), common=common))
            except (VoxelryError, OSError):
                continue
        if headers:
            found.append(Grouped(uid, tuple(headers)))
    return found
