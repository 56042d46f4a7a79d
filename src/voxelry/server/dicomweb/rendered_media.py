"""Media types of rendered resources: which of them a request prefers (PS3.18 8.7.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxelry.server.access.exchange import Asked, RefusedError
from voxelry.server.dicomweb.negotiation import Acceptable, accept_of, acceptable_types

IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
TEXTS = ("text/html", "text/plain")
PDF = "application/pdf"
XML = "text/xml"
_ANYTHING = (Acceptable("*/*", None, (), 1.0),)


@dataclass(frozen=True, slots=True)
class RenderedChoice:
    """The media type of an answer.

    Attributes
    ----------
    single
        True if only one part by itself is accepted.
    in_parts
        True if only ``multipart/related`` is accepted, of a single part too.
    """

    type: str
    single: bool = False
    in_parts: bool = False


def rendered_choice(asked: Asked, offered: Sequence[str]) -> RenderedChoice | None:
    """The type that a request prefers of those offered, which begin with the default; None if it accepts none.

    Raises
    ------
    RefusedError
        400 if DICOM and rendered media types are mixed (8.7.5).
    """
    return preferred_type(accept_of(asked), offered)


def preferred_type(accept: str, offered: Sequence[str]) -> RenderedChoice | None:
    """As `rendered_choice`, of an Accept header's value; anything is accepted if it is empty."""
    types = acceptable_types(accept) if accept.strip() else _ANYTHING
    for one in types:
        for media in offered:
            if _covers(one, media):
                forms = {other.multipart for other in types if _covers(other, media)}
                return RenderedChoice(media, forms == {False}, forms == {True})
    return None


def none_acceptable(offered: Sequence[str]) -> RefusedError:
    """The error if none of the offered types is accepted."""
    words = f"None of the accepted media types can be sent; there are {', '.join(offered)}."
    return RefusedError(406, words, code="not_acceptable")


def _covers(acceptable: Acceptable, media: str) -> bool:
    return acceptable.media_type in (media, "*/*", f"{media.partition('/')[0]}/*")
