"""Thumbnails of studies, series, instances and frames (PS3.18 8.3.5.2, 10.4.1.1.4, 10.4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import imagecodecs
import numpy as np

from voxelry.server.access.conditional import is_named
from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.shown_frames import StoredInstance, shown_frame_of, stored_picture
from voxelry.server.archive.shown.stack_files import THUMBNAIL_SIDE, prepared_thumbnail
from voxelry.server.dicomweb.rendered_answers import (
    WantedPicture,
    cached_headers,
    entity_tag,
    pictures_answer,
)
from voxelry.server.dicomweb.rendered_parameters import Rendering, thumbnail_size
from voxelry.server.dicomweb.rendered_pictures import (
    frame_indices,
    frames_in,
    image_choice,
    is_picture,
    representative_index,
    require_instance,
    require_instances,
)
from voxelry.server.dicomweb.routes import Route
from voxelry.workflows.pictures.frame_pictures import Picture
from voxelry.workflows.pictures.viewport import Viewport

_SIZE = Viewport(THUMBNAIL_SIDE, THUMBNAIL_SIDE)
_FINER = 2
"""A picture is thinned out to so many times the size of its thumbnail before it is scaled."""


def study_thumbnail(asked: Asked, *, study: str) -> Answer:
    """A picture that stands for a study: that of its first series with one."""
    return _of_several(asked, study, None)


def series_thumbnail(asked: Asked, *, study: str, series: str) -> Answer:
    """A picture that stands for a series, prepared when its volumes were made."""
    return _of_several(asked, study, series)


def instance_thumbnail(asked: Asked, *, study: str, series: str, instance: str) -> Answer:
    """A picture that stands for an instance."""
    stored = require_instance(asked, study, series, instance)
    size = thumbnail_size(asked.parameters())
    frames_in(stored)
    return _answer(asked, stored, [representative_index(stored)], size)


def frame_thumbnails(asked: Asked, *, study: str, series: str, instance: str, frames: str) -> Answer:
    """Small pictures of frames, by their numbers from 1."""
    stored = require_instance(asked, study, series, instance)
    size = thumbnail_size(asked.parameters())
    return _answer(asked, stored, frame_indices(stored, frames), size)


def _of_several(asked: Asked, study: str, series: str | None) -> Answer:
    instances = require_instances(asked, study, series)
    size = thumbnail_size(asked.parameters())
    prepared = prepared_thumbnail(asked.who, study, series)
    if prepared is not None and prepared.is_file() and (size is None or _fits(size)):
        return _prepared(asked, prepared, size)
    pictures = [one for one in instances.values() if is_picture(one)]
    if not pictures:
        raise RefusedError(406, "There is no thumbnail: nothing here has a picture.", code="no_rendering")
    middle = pictures[len(pictures) // 2]
    return _answer(asked, middle, [representative_index(middle)], size)


def _fits(size: Viewport) -> bool:
    return max(size.width or 0, size.height or 0) <= THUMBNAIL_SIDE


def _prepared(asked: Asked, path: Path, size: Viewport | None) -> Answer:
    """The thumbnail that was made with the volumes: sent as it is, or scaled down."""
    choice = image_choice(asked)
    key = "" if size is None else f"{size.width},{size.height}"
    if size is None and choice.type == "image/png" and not choice.in_parts:
        tag = entity_tag("image/png", "prepared", [(path.parent.name, 0)])
        if is_named(asked.headers.get("if-none-match"), tag):
            return Answer(status=304, headers=cached_headers(tag))
        return Answer([path.read_bytes()], headers={"Content-Type": "image/png", **cached_headers(tag)})

    def draw() -> tuple[Picture, tuple[None, None], float]:
        picture = np.asarray(imagecodecs.png_decode(path.read_bytes()), np.uint8)
        return (picture if size is None else size.of(picture)), (None, None), 1.0

    made = StoredInstance("", "", "", "", True, path.parent.name, 0)  # the folder's name changes with its content
    wanted = [WantedPicture(made, 0, draw, "")]
    return pictures_answer(asked, wanted, choice, Rendering(key=f"thumbnail&{key}"))


def _answer(asked: Asked, stored: StoredInstance, indices: Iterable[int], size: Viewport | None) -> Answer:
    choice = image_choice(asked)
    viewport = size or _SIZE
    key = f"thumbnail&{viewport.width},{viewport.height}"
    wanted = [_small(stored, index, viewport) for index in indices]
    return pictures_answer(asked, wanted, choice, Rendering(key=key))


def _small(stored: StoredInstance, index: int, viewport: Viewport) -> WantedPicture:
    def draw() -> tuple[Picture, tuple[None, None], float]:
        shown = shown_frame_of(stored, index)
        wide, high = _FINER * (viewport.width or 1), _FINER * (viewport.height or 1)
        step = max(1, min(shown.columns // wide, shown.rows // high))
        picture = stored_picture(stored, index, step=step)
        return viewport.of(np.ascontiguousarray(picture), shown.aspect), (None, None), 1.0

    return WantedPicture(stored, index, draw, "")


_INSTANCE = "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>"

ROUTES = (
    Route("studies/<uid:study>/thumbnail", {"GET": (study_thumbnail, Rule.VIEWER)}),
    Route("studies/<uid:study>/series/<uid:series>/thumbnail", {"GET": (series_thumbnail, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/thumbnail", {"GET": (instance_thumbnail, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/frames/<str:frames>/thumbnail", {"GET": (frame_thumbnails, Rule.VIEWER)}),
)
