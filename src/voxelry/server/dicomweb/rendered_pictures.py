"""Rendered resources (PS3.18 8.3.5, 10.4.1.1.3): studies, series, instances and frames as pictures or documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.attributes import integer
from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.shown_frames import (
    StoredInstance,
    frame_count,
    instance_by_uid,
    instances_by_uid,
    stored_frame,
)
from voxelry.server.dicomweb.rendered_answers import (
    WantedPicture,
    animation_answer,
    not_rendered,
    pictures_answer,
    wanted_picture,
)
from voxelry.server.dicomweb.rendered_documents import documents_answer, offered_documents
from voxelry.server.dicomweb.rendered_media import IMAGES, RenderedChoice, none_acceptable, rendered_choice
from voxelry.server.dicomweb.rendered_parameters import Rendering, rendering_of
from voxelry.server.dicomweb.rendered_presentation import is_presentation_state, presented_pictures
from voxelry.server.dicomweb.routes import Route

_MOST_FRAMES = 10_000
_VIDEO = re.compile(r"1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?|1\.2\.840\.10008\.1\.2\.7\.[123]")


def rendered_study(asked: Asked, *, study: str) -> Answer:
    """All instances of a study that can be rendered."""
    return _several(asked, study, require_instances(asked, study))


def rendered_series(asked: Asked, *, study: str, series: str) -> Answer:
    """All instances of a series that can be rendered."""
    return _several(asked, study, require_instances(asked, study, series))


def rendered_instance(asked: Asked, *, study: str, series: str, instance: str) -> Answer:
    """An instance: its frames, its text or its document."""
    stored = require_instance(asked, study, series, instance)
    return instance_answer(asked, study, stored, rendering_of(asked.parameters()))


def rendered_frames(asked: Asked, *, study: str, series: str, instance: str, frames: str) -> Answer:
    """Frames of an instance, by their numbers from 1."""
    stored = require_instance(asked, study, series, instance)
    rendering = rendering_of(asked.parameters())
    indices = frame_indices(stored, frames)
    choice = image_choice(asked)
    return pictures_answer(asked, _wanted(study, stored, indices, rendering), choice, rendering)


def instance_answer(asked: Asked, study: str, stored: StoredInstance, rendering: Rendering) -> Answer:
    """An instance in the media type that the request prefers."""
    offered = offered_for(stored)
    choice = rendered_choice(asked, offered)
    if choice is None:
        raise none_acceptable(offered)
    if choice.type not in IMAGES:
        return documents_answer(asked, [stored], choice)
    if is_presentation_state(stored):
        wanted, warnings = presented_pictures(asked, study, stored, rendering)
        return pictures_answer(asked, wanted, choice, rendering, warnings=warnings)
    count = frames_in(stored)
    if count > 1 and choice.type == "image/gif":
        return animation_answer(asked, _wanted(study, stored, range(count), rendering), rendering)
    if count > 1 and choice.single:
        index = representative_index(stored)
        words = f"only frame {index + 1} of {count} is shown: ask for frames, for multipart/related or for image/gif"
        return pictures_answer(asked, _wanted(study, stored, [index], rendering), choice, rendering, warnings=[words])
    return pictures_answer(asked, _wanted(study, stored, range(count), rendering), choice, rendering)


def require_instances(asked: Asked, study: str, series: str | None = None) -> Mapping[str, StoredInstance]:
    """The instances of a study or series; 404 if there is none that may be seen."""
    found = instances_by_uid(asked.who, study, series)
    if not found:
        raise RefusedError(404, f"There is no such {'study' if series is None else 'series'}.", code="not_found")
    return found


def require_instance(asked: Asked, study: str, series: str, instance: str) -> StoredInstance:
    """An instance; 404 if there is none that may be seen."""
    stored = instance_by_uid(asked.who, study, series, instance)
    if stored is None:
        raise RefusedError(404, "There is no such instance.", code="not_found")
    return stored


def offered_for(stored: StoredInstance) -> tuple[str, ...]:
    """The media types that an instance can be rendered in, the default first.

    Raises
    ------
    RefusedError
        406 if there is none.
    """
    if is_picture(stored) or is_presentation_state(stored):
        return IMAGES
    documents = offered_documents(stored)
    if documents:
        return documents
    kind = "video" if _VIDEO.fullmatch(stored.transfer_syntax_uid) else "objects of this SOP class"
    raise RefusedError(406, f"Cannot be rendered: {kind} cannot be shown as a picture or a text.", code="no_rendering")


def is_picture(stored: StoredInstance) -> bool:
    """Whether an instance has frames that can be shown."""
    return stored.has_pixels and not _VIDEO.fullmatch(stored.transfer_syntax_uid)


def image_choice(asked: Asked) -> RenderedChoice:
    """The type of picture that a request prefers."""
    choice = rendered_choice(asked, IMAGES)
    if choice is None:
        raise none_acceptable(IMAGES)
    return choice


def frames_in(stored: StoredInstance) -> int:
    """How many frames an instance has; 406 if its header cannot be read."""
    if not is_picture(stored):
        raise RefusedError(406, "Cannot be rendered: the instance has no frames.", code="no_rendering")
    try:
        return frame_count(stored)
    except (VoxelryError, OSError) as error:
        raise not_rendered(error) from None


def frame_indices(stored: StoredInstance, frames: str) -> list[int]:
    """The indices of a list of frame numbers: 400 if it is none, 404 if there is no such frame."""
    if not re.fullmatch(r"[0-9]{1,7}(,[0-9]{1,7})*", frames) or frames.count(",") >= _MOST_FRAMES:
        raise RefusedError(400, "Frames are given by their numbers, from 1, with commas between them.", code="frames")
    numbers = [int(number) for number in frames.split(",")]
    if 0 in numbers:
        raise RefusedError(400, "Frames are counted from 1.", code="frames")
    count = frames_in(stored)
    if max(numbers) > count:
        raise RefusedError(404, f"There is no frame {max(numbers)}: the instance has {count}.", code="not_found")
    return [number - 1 for number in numbers]


def representative_index(stored: StoredInstance) -> int:
    """The frame that stands for all: Representative Frame Number (0028,6010), else the first."""
    try:
        number = integer(stored_frame(stored, 0).header.elements, "RepresentativeFrameNumber") or 1
        return number - 1 if 1 <= number <= frame_count(stored) else 0
    except VoxelryError:
        return 0


def frame_location(study: str, stored: StoredInstance, index: int) -> str:
    """The address of a rendered frame, below the root."""
    series, instance = stored.series_instance_uid, stored.sop_instance_uid
    return f"/studies/{study}/series/{series}/instances/{instance}/frames/{index + 1}/rendered"


def _wanted(study: str, stored: StoredInstance, indices: Iterable[int], rendering: Rendering) -> list[WantedPicture]:
    return [
        wanted_picture(stored, index, rendering, location=frame_location(study, stored, index)) for index in indices
    ]


def _several(asked: Asked, study: str, instances: Mapping[str, StoredInstance]) -> Answer:
    """The instances of the first kind that is accepted: images, else texts, else documents."""
    rendering = rendering_of(asked.parameters())
    images = [one for one in instances.values() if is_picture(one)]
    choice = rendered_choice(asked, IMAGES) if images else None
    if choice is not None:
        wanted, warnings = _of_all(study, images, rendering)
        return pictures_answer(asked, wanted, choice, rendering, warnings=warnings)
    kinds: dict[str, list[StoredInstance]] = {}
    for one in instances.values():
        for media in offered_documents(one):
            kinds.setdefault(media, []).append(one)
    choice = rendered_choice(asked, list(kinds)) if kinds else None
    if choice is not None:
        return documents_answer(asked, kinds[choice.type], choice)
    if not images and not kinds:
        raise RefusedError(406, "Cannot be rendered: nothing here has a picture or a text.", code="no_rendering")
    raise none_acceptable((*(IMAGES if images else ()), *kinds))


def _of_all(
    study: str, images: Sequence[StoredInstance], rendering: Rendering
) -> tuple[list[WantedPicture], list[str]]:
    """All frames of all images, and a warning if some have none that can be read."""
    found: list[WantedPicture] = []
    failed: list[RefusedError] = []
    for one in images:
        try:
            found += _wanted(study, one, range(frames_in(one)), rendering)
        except RefusedError as error:
            failed.append(error)
    if not found:
        raise failed[0]
    return found, [f"{len(failed)} instances cannot be rendered"] if failed else []


_INSTANCE = "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>"

ROUTES = (
    Route("studies/<uid:study>/rendered", {"GET": (rendered_study, Rule.VIEWER)}),
    Route("studies/<uid:study>/series/<uid:series>/rendered", {"GET": (rendered_series, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/rendered", {"GET": (rendered_instance, Rule.VIEWER)}),
    Route(f"{_INSTANCE}/frames/<str:frames>/rendered", {"GET": (rendered_frames, Rule.VIEWER)}),
)
