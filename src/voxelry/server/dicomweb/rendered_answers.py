"""Pictures of stored frames in the media type that was chosen, and answers that hold them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from voxelry.core.errors import ParameterError, VoxelryError
from voxelry.formats.pictures.animation import encode_animation
from voxelry.formats.pictures.picture import encode_jpeg, encode_png, encode_webp
from voxelry.server.access.conditional import is_named
from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.archive.shown.shown_frames import StoredInstance, shown_frame_of, stored_picture
from voxelry.server.dicomweb.rendered_media import RenderedChoice
from voxelry.server.dicomweb.rendered_parameters import Rendering
from voxelry.workflows.pictures.frame_pictures import Picture

logger = logging.getLogger(__name__)

ANIMATED_PIXELS = 2**26
"""The most pixels of an animation."""
_AT_ONCE = 32
"""Up to so many parts are made before the answer begins: what fails is then told in it."""
LONGEST_SIDES = {"image/jpeg": 65_500, "image/gif": 65_535, "image/webp": 16_383}
"""The most rows and columns that formats store."""
_FRAME_SECONDS = 0.1
_EDITION = "1"
"""Part of entity tags: another way to render needs another one."""


@dataclass(frozen=True, slots=True)
class WantedPicture:
    """One part of an answer.

    Attributes
    ----------
    index
        Of the frame, from 0.
    draw
        Makes the picture, and gives the spacing of its rows and columns and the height of its pixels over their width.
    location
        Its own address, below the root.
    """

    instance: StoredInstance
    index: int
    draw: Callable[[], tuple[Picture, tuple[float | None, float | None], float]]
    location: str


def wanted_picture(instance: StoredInstance, index: int, rendering: Rendering, *, location: str = "") -> WantedPicture:
    """A frame as it is rendered."""

    def draw() -> tuple[Picture, tuple[float | None, float | None], float]:
        shown = shown_frame_of(instance, index)
        picture = stored_picture(instance, index, voi=rendering.window)
        if rendering.viewport is None:
            return picture, shown.spacing, shown.aspect
        return rendering.viewport.of(picture, shown.aspect), (None, None), 1.0

    return WantedPicture(instance, index, draw, location)


def pictures_answer(
    asked: Asked,
    wanted: Sequence[WantedPicture],
    choice: RenderedChoice,
    rendering: Rendering,
    *,
    warnings: Iterable[str] = (),
) -> Answer:
    """The pictures: one by itself, if that is accepted, several as ``multipart/related``.

    Raises
    ------
    RefusedError
        406 if none of them can be rendered.
    """
    media = choice.type
    tag = entity_tag(media, f"{choice.in_parts}&{rendering.key}", ((one.instance.sha256, one.index) for one in wanted))
    headers = cached_headers(tag, (*rendering.warnings, *warnings))
    if is_named(asked.headers.get("if-none-match"), tag):
        return Answer(status=304, headers=headers)
    if len(wanted) == 1 and not choice.in_parts:
        return Answer([_encoded(wanted[0], media, rendering)], headers={"Content-Type": media, **headers})
    boundary = secrets.token_hex(16)
    headers["Content-Type"] = f'multipart/related; type="{media}"; boundary={boundary}'
    if len(wanted) > _AT_ONCE:
        return Answer(_streamed_parts(asked.root, wanted, media, rendering, boundary), headers=headers)
    parts: list[bytes] = []
    failed: list[RefusedError] = []
    for one in wanted:
        try:
            parts += _part(asked.root, one, media, rendering, boundary)
        except RefusedError as error:
            if error.status != 406:
                raise
            failed.append(error)
    if not parts:
        raise failed[0]
    if failed:
        headers.update(warning_header((*rendering.warnings, *warnings, f"{len(failed)} pictures cannot be rendered")))
    return Answer([*parts, f"\r\n--{boundary}--\r\n".encode()], headers=headers)


def animation_answer(asked: Asked, wanted: Sequence[WantedPicture], rendering: Rendering) -> Answer:
    """The frames of one instance as one animated GIF.

    Raises
    ------
    RefusedError
        406 if it would be too large, or a frame cannot be rendered.
    """
    tag = entity_tag("image/gif", f"all&{rendering.key}", ((one.instance.sha256, one.index) for one in wanted))
    headers = cached_headers(tag, rendering.warnings)
    if is_named(asked.headers.get("if-none-match"), tag):
        return Answer(status=304, headers=headers)
    first, _, _ = _drawn(wanted[0])
    if first.shape[0] * first.shape[1] * len(wanted) > ANIMATED_PIXELS:
        words = f"These frames make a GIF of more than {ANIMATED_PIXELS:,} pixels: ask for fewer, or for a viewport."
        raise RefusedError(406, words, code="not_acceptable")
    pictures = (np.ascontiguousarray(first if number == 0 else _drawn(one)[0]) for number, one in enumerate(wanted))
    content = encode_animation(pictures, "gif", seconds=_FRAME_SECONDS)
    return Answer([content], headers={"Content-Type": "image/gif", **headers})


def cached_headers(tag: str, warnings: Iterable[str] = ()) -> dict[str, str]:
    """The headers of an answer that may be kept by its receiver, who asks again whether it is still right."""
    return {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
        "X-Content-Type-Options": "nosniff",
        **warning_header(warnings),
    }


def warning_header(warnings: Iterable[str]) -> dict[str, str]:
    """Warning 299, if there is something to warn of."""
    words = "; ".join(warnings)
    return {"Warning": f'299 voxelry "{words}"'} if words else {}


def entity_tag(media: str, key: str, frames: Iterable[tuple[str, int]]) -> str:
    """The tag of what is made of these frames: of their files' digests, and of all that changes the result."""
    digest = blake2b(f"{_EDITION}&{media}&{key}".encode(), digest_size=16)
    for sha256, index in frames:
        digest.update(f"{sha256}{index};".encode())
    return f'"{digest.hexdigest()}"'


def not_rendered(error: VoxelryError | OSError) -> RefusedError:
    """The error if an object cannot be rendered: 406, or 500 if its file cannot be read."""
    if isinstance(error, OSError):
        words = f"The stored file cannot be read ({error.strerror or 'input/output error'})."
        return RefusedError(500, words, code="storage")
    return RefusedError(406, f"Cannot be rendered: {error.problem.message}", code=error.problem.code)


def _streamed_parts(
    root: str, wanted: Sequence[WantedPicture], media: str, rendering: Rendering, boundary: str
) -> Iterator[bytes]:
    """The parts while they are made. The first is made now, so that an error becomes a status."""
    first = _part(root, wanted[0], media, rendering, boundary)

    def parts() -> Iterator[bytes]:
        yield from first
        for one in wanted[1:]:
            try:
                yield from _part(root, one, media, rendering, boundary)
            except RefusedError:
                logger.warning("a frame was left out of a rendered answer: it cannot be rendered")
        yield f"\r\n--{boundary}--\r\n".encode()

    return parts()


def _part(root: str, one: WantedPicture, media: str, rendering: Rendering, boundary: str) -> list[bytes]:
    content = _encoded(one, media, rendering)
    lines = [
        f"\r\n--{boundary}",
        f"Content-Type: {media}",
        f"Content-Length: {len(content)}",
    ]
    if one.location:
        lines.append(f"Content-Location: {root}{one.location}")
    return ["\r\n".join((*lines, "", "")).encode(), content]


def _drawn(one: WantedPicture) -> tuple[Picture, tuple[float | None, float | None], float]:
    try:
        return one.draw()
    except ParameterError as error:
        raise RefusedError(400, f"Viewport: {error.problem.message}.", code="parameter") from None
    except (VoxelryError, OSError) as error:
        raise not_rendered(error) from None


def _encoded(one: WantedPicture, media: str, rendering: Rendering) -> bytes:
    picture, spacing, aspect = _drawn(one)
    picture = np.ascontiguousarray(picture)
    if max(picture.shape[:2]) > LONGEST_SIDES.get(media, 2**31):
        words = (
            f"{media} stores at most {LONGEST_SIDES[media]:,} rows and columns: ask for a viewport, or for image/png."
        )
        raise RefusedError(406, words, code="not_acceptable")
    if media == "image/png":
        return encode_png(picture, spacing=spacing, aspect=aspect)
    if media == "image/gif":
        return encode_animation(iter([picture]), "gif", seconds=_FRAME_SECONDS)
    if media == "image/webp":
        return encode_webp(picture, quality=rendering.quality)
    return encode_jpeg(picture, quality=rendering.quality, aspect=aspect)
