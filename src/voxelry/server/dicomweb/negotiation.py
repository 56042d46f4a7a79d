"""Acceptable media types (PS3.18 8.7): the Accept header or parameter, and the choice among what can be sent.

The reader is tolerant: values need no quotes, blanks may stand anywhere, several types may have a quality each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from voxelry.server.access.exchange import Asked, RefusedError
from voxelry.server.dicomweb.content_type import ContentType

MULTIPART = "multipart/related"
DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
OCTET_STREAM = "application/octet-stream"
ANY_SYNTAX = "*"
DICOM_TYPES = frozenset({DICOM, DICOM_JSON, DICOM_XML})
RENDERED_TYPES = frozenset(
    {
        "image/jpeg", "image/gif", "image/png", "image/jp2", "image/jph", "image/jxl", "video/mpeg", "video/mp4",
        "video/h265", "text/html", "text/plain", "text/xml", "text/rtf", "application/pdf",
    }
)  # fmt: skip
"""Media types of rendered content, in single parts (PS3.18 8.7.4)."""
_SYNONYMS = {"image/jpg": "image/jpeg"}
"""Names that are not registered, but asked for."""
_LONGEST = 8192
_QUOTED_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True, slots=True)
class Acceptable:
    """One media type that the client accepts.

    Attributes
    ----------
    media_type
        Of the content; for ``multipart/related`` that of its ``type`` parameter. It may have asterisks.
    multipart
        Whether the content is to be in parts; None for ``*/*``, which says nothing about that.
    transfer_syntaxes
        Those that are named, in their order; empty if none is.
    """

    media_type: str
    multipart: bool | None
    transfer_syntaxes: tuple[str, ...]
    quality: float

    def matches(self, media_type: str, *, multipart: bool) -> bool:
        """True if content of this type is acceptable."""
        if self.multipart is not None and self.multipart != multipart:
            return False
        if self.media_type in ("*/*", media_type):
            return True
        return self.media_type.endswith("/*") and media_type.startswith(self.media_type[:-1])


@dataclass(frozen=True, slots=True)
class Offer:
    """Content that can be sent.

    Attributes
    ----------
    default
        The transfer syntax if none is named; empty for content without one.
    stored
        The transfer syntax for ``transfer-syntax=*``.
    others
        More transfer syntaxes that can be made on request.
    """

    media_type: str
    multipart: bool = False
    default: str = ""
    stored: str = ""
    others: frozenset[str] = frozenset()

    def syntax_for(self, acceptable: Acceptable) -> str | None:
        """The transfer syntax for a type that is accepted; None if none of those that are named can be had."""
        if not acceptable.transfer_syntaxes or not (self.default or self.stored):
            return self.default
        for named in acceptable.transfer_syntaxes:
            if named == ANY_SYNTAX:
                return self.stored or self.default
            if named in (self.default, self.stored) or named in self.others:
                return named
        return None


@dataclass(frozen=True, slots=True)
class Choice:
    """What is sent: an offer, in a transfer syntax if it has any."""

    offer: Offer
    transfer_syntax: str = ""

    @property
    def media_type(self) -> str:
        return self.offer.media_type

    @property
    def multipart(self) -> bool:
        return self.offer.multipart


def accept_of(asked: Asked) -> str:
    """The value of the ``accept`` parameter, or else of the Accept header; empty if there is neither.

    A plus sign in the parameter, which HTML forms read as a blank, stands for itself (``application/dicom+json``).
    """
    if "accept=" in asked.query:
        given = [value for name, value in asked.parameters() if name.lower() == "accept" and value.strip()]
        if given:
            return re.sub(r"(?<=dicom) (?=json|xml)", "+", ",".join(given))
    return asked.headers.get("accept", "")


@lru_cache(maxsize=512)
def acceptable_types(accept: str) -> tuple[Acceptable, ...]:
    """The media types of an Accept header, the best first; those of quality 0 are not among them.

    Raises
    ------
    RefusedError
        400 if DICOM and rendered media types are mixed (PS3.18 8.7.5), or if the value is absurdly long.
    """
    if len(accept) > _LONGEST:
        raise RefusedError(400, f"The acceptable media types have more than {_LONGEST} characters.")
    found = [one for part in _QUOTED_COMMA.split(accept) if part.strip() and (one := _acceptable(part)) is not None]
    dicom = sorted({one.media_type for one in found} & DICOM_TYPES)
    rendered = sorted({one.media_type for one in found if not one.multipart} & RENDERED_TYPES)
    if dicom and rendered:
        raise RefusedError(
            400,
            f"Accept names a DICOM media type ({dicom[0]}) and a rendered one ({rendered[0]}): ask for either "
            "(PS3.18 8.7.5).",
        )
    return tuple(sorted((one for one in found if one.quality > 0), key=lambda one: -one.quality))


def _acceptable(text: str) -> Acceptable | None:
    read = ContentType.parse(text)
    media_type, parameters = read.media_type, read.parameters
    multipart: bool | None = media_type == MULTIPART
    if multipart:
        media_type = ContentType.parse(parameters.get("type", "*/*")).media_type or "*/*"
    elif media_type in ("*", "*/*"):
        media_type, multipart = "*/*", None
    if "/" not in media_type:
        return None
    media_type = _SYNONYMS.get(media_type, media_type)
    named = parameters.get("transfer-syntax", "").replace("|", ",").split(",")
    return Acceptable(
        media_type,
        multipart,
        tuple(one.strip() for one in named if one.strip()),
        _quality(parameters.get("q", "1")),
    )


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0


@lru_cache(maxsize=2048)
def chosen(accept: str, offers: tuple[Offer, ...]) -> Choice:
    """The best of what can be sent.

    The client's preference decides, by quality and then by the sequence of its types; where a type fits several
    offers, the first of them is taken. Without any type it is the first offer: by the letter a missing Accept header is
    an error (PS3.18 8.7.5), but clients leave it out, and the standard's tables name defaults.

    Raises
    ------
    RefusedError
        406 if nothing is acceptable; 400 if DICOM and rendered types are mixed.
    """
    types = acceptable_types(accept)
    if not types and not accept.strip():
        return Choice(offers[0], offers[0].default)
    for one in types:
        for offer in offers:
            if one.matches(offer.media_type, multipart=offer.multipart):
                syntax = offer.syntax_for(one)
                if syntax is not None:
                    return Choice(offer, syntax)
    raise not_acceptable(offers)


def not_acceptable(offers: Iterable[Offer]) -> RefusedError:
    """The error that says what could be had instead."""
    told = []
    for offer in offers:
        name = f'{MULTIPART}; type="{offer.media_type}"' if offer.multipart else offer.media_type
        syntaxes = dict.fromkeys(one for one in (offer.default, offer.stored, *sorted(offer.others)) if one)
        told.append(f"{name} (transfer-syntax {', '.join(syntaxes)})" if syntaxes else name)
    return RefusedError(406, f"None of the media types that Accept names can be sent; these can: {'; '.join(told)}.")
