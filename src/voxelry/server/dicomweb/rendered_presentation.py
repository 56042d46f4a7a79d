"""Presentation states as rendered resources: their images as they say that these are shown (PS3.18 8.3.5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from voxelry.core.errors import PixelDataError, VoxelryError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.objects.presentation_states import (
    GREYSCALE_STATE,
    PresentationState,
    ReferencedImage,
    read_presentation_state,
)
from voxelry.server.access.exchange import Asked, RefusedError
from voxelry.server.archive.shown.shown_frames import StoredInstance, frame_count, instances_by_uid, stored_frame
from voxelry.server.dicomweb.rendered_answers import WantedPicture, not_rendered
from voxelry.server.dicomweb.rendered_parameters import Rendering
from voxelry.workflows.pictures.frame_pictures import Picture, frame_picture, full_range

_STATES = "1.2.840.10008.5.1.4.1.1.11."


def is_presentation_state(stored: StoredInstance) -> bool:
    """Whether an instance is a presentation state, of any kind."""
    return stored.sop_class_uid.startswith(_STATES)


def presented_pictures(
    asked: Asked, study: str, stored: StoredInstance, rendering: Rendering, *, only: tuple[str, int] | None = None
) -> tuple[list[WantedPicture], list[str]]:
    """The images of a presentation state as it shows them, and warnings about what is not drawn.

    Parameters
    ----------
    only
        The SOP Instance UID of one of its images, and the index of a frame.

    Raises
    ------
    RefusedError
        406 if the state is of a kind that is not supported, or none of its images is here; 400 if the request has a
        window of its own.
    """
    if stored.sop_class_uid != GREYSCALE_STATE:
        words = "Cannot be rendered: of presentation states only Grayscale Softcopy Presentation States are supported."
        raise RefusedError(406, words, code="no_rendering")
    if rendering.window is not None:
        raise RefusedError(400, "A presentation state has its own windows: leave out window.", code="parameter")
    try:
        state = read_presentation_state(stored.header())
        found, missing = _wanted(instances_by_uid(asked.who, study), study, stored, state, rendering, only)
    except (VoxelryError, OSError) as error:
        raise not_rendered(error) from None
    if not found:
        words = "Cannot be rendered: none of the images of this presentation state is here."
        raise RefusedError(406, words, code="no_rendering")
    warnings = [f"not drawn: {words}" for words in state.undrawn]
    if missing:
        warnings.append(f"{missing} of its images are not here")
    return found, warnings


def _wanted(
    instances: Mapping[str, StoredInstance],
    study: str,
    stored: StoredInstance,
    state: PresentationState,
    rendering: Rendering,
    only: tuple[str, int] | None,
) -> tuple[list[WantedPicture], int]:
    found: list[WantedPicture] = []
    missing = 0
    series, uid = stored.series_instance_uid, stored.sop_instance_uid
    location = f"/studies/{study}/series/{series}/instances/{uid}/rendered"
    for reference in state.images:
        if only is not None and reference.sop_instance_uid != only[0]:
            continue
        image = instances.get(reference.sop_instance_uid)
        if image is None or not image.has_pixels:
            missing += 1
            continue
        for index in _indices(reference, frame_count(image)):
            if only is None or index == only[1]:
                # The digest of both: the tag changes with either.
                both = replace(image, sha256=f"{stored.sha256}{image.sha256}")
                found.append(_picture_of(state, image, both, index, rendering, location))
    return found, missing


def _indices(reference: ReferencedImage, count: int) -> list[int]:
    frames = reference.frames or range(1, count + 1)
    return [number - 1 for number in frames if 1 <= number <= count]


def _picture_of(
    state: PresentationState,
    image: StoredInstance,
    tagged: StoredInstance,
    index: int,
    rendering: Rendering,
    location: str,
) -> WantedPicture:
    def draw() -> tuple[Picture, tuple[float | None, float | None], float]:
        frame = _rescaled(stored_frame(image, index), state)
        if frame.pixels.kind != "grey":
            raise PixelDataError(
                f"{image.sop_instance_uid}: a greyscale presentation state is about an image in colour"
            )
        picture = frame_picture(frame, voi=state.voi(frame) or full_range(frame), inverted=state.inverted)
        row, column = frame.pixel_spacing or (None, None)
        aspect = row / column if row and column else 1.0
        picture = state.turned(picture, frame)
        if state.rotation % 180:
            row, column, aspect = column, row, 1 / aspect
        if rendering.viewport is None:
            return picture, (row, column), aspect
        return rendering.viewport.of(picture, aspect), (None, None), 1.0

    return WantedPicture(tagged, index, draw, location)


def _rescaled(frame: Frame, state: PresentationState) -> Frame:
    if state.rescale is None:
        return frame
    slope, intercept = state.rescale
    return replace(frame, facts=frame.facts._replace(slope=slope, intercept=intercept))
