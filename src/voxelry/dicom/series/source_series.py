"""The other series of a load, among which the source images of a segmentation are searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from voxelry.dicom.headers.attributes import item_attributes, items, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.series.stack import Stack


class ImageSeries(Protocol):
    """A series as far as it is asked for source images."""

    @property
    def series_instance_uid(self) -> str: ...

    @property
    def instances(self) -> Sequence[Header]: ...

    @property
    def stacks(self) -> Sequence[Stack]: ...


class Neighbours:
    """The image series of a load. Segmentations are left out, because they could reference each other in a circle."""

    def __init__(self) -> None:
        self._series: list[ImageSeries] = []
        self._by_instance: dict[str, ImageSeries] | None = None

    def add(self, series: ImageSeries) -> None:
        """Add a series of images; only before the first search."""
        if not is_segmentation(series.instances):
            self._series.append(series)

    def sources_of(self, header: Header) -> Iterator[Stack]:
        """The stacks of the images that a segmentation was made from, as far as they are here."""
        for series in self._sources(header):
            yield from series.stacks

    def _sources(self, header: Header) -> Iterator[ImageSeries]:
        named = referenced_series(header)
        found = [one for one in self._series if one.series_instance_uid in named]
        yield from found
        if found or not self._series:
            return
        if self._by_instance is None:
            self._by_instance = {one.sop_instance_uid: series for series in self._series for one in series.instances}
        known = [self._by_instance[uid] for uid in referenced_instances(header) if uid in self._by_instance]
        yield from dict.fromkeys(known)


def is_segmentation(instances: Sequence[Header]) -> bool:
    """True for the instances of a series of segmentations."""
    return instances[0].sop_class_uid in SEGMENTATIONS


def referenced_series(header: Header) -> frozenset[str]:
    """The UIDs of the series that an instance says it was made from (PS3.3 C.12.1.2, Common Instance Reference)."""
    found = (text(item, "SeriesInstanceUID") for item in items(header.elements, "ReferencedSeriesSequence"))
    return frozenset(uid for uid in found if uid)


def referenced_instances(header: Header) -> dict[str, None]:
    """The UIDs of the images that an instance says it was made from, each once."""
    found = list(item_attributes(header.elements, "SourceImageSequence"))
    for group in item_attributes(header.elements, "PerFrameFunctionalGroupsSequence"):
        for derivation in item_attributes(group, "DerivationImageSequence"):
            found += item_attributes(derivation, "SourceImageSequence")
    return dict.fromkeys(uid for item in found if (uid := text(item, "ReferencedSOPInstanceUID")))
