"""Frames of stored instances as pictures, for all who ask for them by UIDs.

What a header says of how frames are shown is kept by the file's digest: it cannot change. Whether somebody may see the
instance is asked first, each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from voxelry.core.intensity import Voi
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.header import Header, read_header
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.held import held
from voxelry.server.archive.models import Instance
from voxelry.workflows.pictures.frame_pictures import (
    Picture,
    ShownFrame,
    frame_picture,
    frames_shown,
    shown_frame,
    voi_by_values,
)

HELD_INSTANCES = 5_000
"""The most instances of a series or study that are held together."""


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance that somebody may see, and where its bytes are."""

    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    has_pixels: bool
    sha256: str
    size: int

    def header(self) -> Header:
        """Its header, read now. Messages name the instance by its UID: a file's name may name the patient."""
        return read_header(files_at_rest.kept_source(self.sha256, name=self.sop_instance_uid, size=self.size))


def instances_by_uid(who: Grants, study: str, series: str | None = None) -> Mapping[str, StoredInstance]:
    """The instances of a study, or of one of its series, by SOP Instance UID in the order of their numbers.

    Empty if there is no such study or series that ``who`` may see.
    """
    few = _few(who, study, series)
    return _by_uid(_rows(who, study, series)) if few is None else few


def instance_by_uid(who: Grants, study: str, series: str, instance: str) -> StoredInstance | None:
    """An instance of a series; None if there is none that ``who`` may see."""
    few = _few(who, study, series)
    if few is not None:
        return few.get(instance)

    def make() -> StoredInstance | None:
        return _by_uid(_rows(who, study, series).filter(sop_instance_uid=instance)).get(instance)

    return held(who, ("instance by UID", study, series, instance), make)


def instance_of_series(who: Grants, series: int, instance: str) -> StoredInstance | None:
    """An instance of a series, by the series' key; None if there is none that ``who`` may see."""
    rows = queries.instances(who).filter(series=series, sop_instance_uid=instance)
    return held(who, ("instance of series", series, instance), lambda: _by_uid(rows).get(instance))


def instances_without_pixels(who: Grants, series: int) -> list[StoredInstance]:
    """The instances without pixels of a series, by the series' key, in the order of their classes and numbers."""
    rows = queries.instances(who).filter(series=series, has_pixels=False).order_by("sop_class_uid", "number", "pk")
    return list(_by_uid(rows).values())


def _few(who: Grants, study: str, series: str | None) -> Mapping[str, StoredInstance] | None:
    """All instances, held; None if there are too many to hold."""

    def make() -> Mapping[str, StoredInstance] | None:
        found = _by_uid(_rows(who, study, series)[: HELD_INSTANCES + 1])
        return found if len(found) <= HELD_INSTANCES else None

    return held(who, ("instances by UID", study, series), make)


def _rows(who: Grants, study: str, series: str | None) -> QuerySet[Instance]:
    rows = queries.instances(who).filter(series__study__study_instance_uid=study)
    if series is not None:
        rows = rows.filter(series__series_instance_uid=series)
    return rows.order_by("series__number", "series", "number", "pk")


def _by_uid(rows: QuerySet[Instance]) -> dict[str, StoredInstance]:
    columns = rows.values_list(
        "series__series_instance_uid", "sop_instance_uid", "sop_class_uid", "transfer_syntax_uid", "has_pixels",
        "sha256", "size",
    )  # fmt: skip
    return {values[1]: StoredInstance(*values) for values in columns}


def frame_count(instance: StoredInstance) -> int:
    """How many frames an instance has.

    Raises
    ------
    VoxelryError
        If its header cannot be read, or it has no pixels.
    """
    return _count(instance, settings.VOXELRY.data)


def shown_frame_of(instance: StoredInstance, index: int) -> ShownFrame:
    """How a frame is shown.

    Parameters
    ----------
    index
        From 0; below `frame_count`.

    Raises
    ------
    VoxelryError
        As `frame_count`.
    """
    return _shown(instance, index, settings.VOXELRY.data)


def stored_frame(instance: StoredInstance, index: int) -> Frame:
    """A frame, for those who need more of its header than `shown_frame_of` keeps."""
    return _frames(instance, settings.VOXELRY.data)[index]


def stored_picture(
    instance: StoredInstance, index: int, *, voi: Voi | None = None, inverted: bool | None = None, step: int = 1
) -> Picture:
    """A frame's picture.

    Parameters
    ----------
    voi
        What to show; by default what the header proposes, else the range of the frame's values.
    inverted
        True if the smallest value is white, in place of what the header says.
    step
        Only each ``step``-th row and column is needed.

    Raises
    ------
    VoxelryError
        If the frame cannot be decoded.
    """
    shown = shown_frame_of(instance, index)
    if voi is None and shown.voi is None and not shown.colour:
        voi = _own_voi(instance, index, settings.VOXELRY.data)
    found = shown.picture(voi=voi, inverted=inverted, step=step)
    if found is None:
        found = frame_picture(stored_frame(instance, index), voi=voi, inverted=inverted)[::step, ::step]
    return found


# What is kept holds paths of files in the data folder.
@lru_cache(maxsize=8192)
def _shown(instance: StoredInstance, index: int, data: Path) -> ShownFrame:
    return shown_frame(_frames(instance, data)[index])


@lru_cache(maxsize=8192)
def _count(instance: StoredInstance, data: Path) -> int:
    return len(_frames(instance, data))


@lru_cache(maxsize=1024)
def _own_voi(instance: StoredInstance, index: int, data: Path) -> Voi | None:
    return voi_by_values(_frames(instance, data)[index])


@lru_cache(maxsize=3)  # a header of many frames may take 100 MB
def _frames(instance: StoredInstance, data: Path) -> tuple[Frame, ...]:
    return frames_shown(instance.header())
