"""Bodies in ``multipart/related`` (RFC 2387, PS3.18 8.7.1), whose parts are sent from files without reading them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from voxelry.core.errors import VoxelryError
from voxelry.server.access.exchange import Answer, FilePart, Part, streamed
from voxelry.server.dicomweb.found_instances import refused_file


@dataclass(frozen=True, slots=True)
class SentPart:
    """One part of a body.

    Attributes
    ----------
    location
        The address that gives this part alone; empty if there is none.
    length
        In bytes; None if it is known only at the end.
    content
        Pieces of known length, or an iterator that makes them.
    """

    content_type: str
    location: str
    length: int | None
    content: Sequence[Part] | Iterator[Part]


def file_part(part: FilePart, content_type: str, location: str) -> SentPart:
    """A part that is sent from a file."""
    return SentPart(content_type, location, part.length, (part,))


def multipart_answer(media_type: str, parts: Sequence[SentPart], headers: dict[str, str]) -> Answer:
    """An answer with these parts.

    Its length is told if that of each part is; parts that are made are made one after the other, when they are sent.
    """
    boundary = secrets.token_hex(16)  # 128 random bits: no content contains it by chance or on purpose
    told = {"Content-Type": f'multipart/related; type="{media_type}"; boundary="{boundary}"', **headers}
    if all(isinstance(part.content, tuple | list) for part in parts):
        return Answer(list(_pieces(parts, boundary)), headers=told)
    if parts and all(part.length is not None for part in parts):
        empty = [SentPart(part.content_type, part.location, part.length, ()) for part in parts]
        rest = sum(len(piece) for piece in _pieces(empty, boundary) if not isinstance(piece, FilePart))
        told["Content-Length"] = str(rest + sum(part.length or 0 for part in parts))
    return Answer(streamed(_pieces(parts, boundary)), headers=told)


def made_answer(parts: Iterable[SentPart], media_type: str, headers: dict[str, str]) -> Answer:
    """An answer whose parts are found while it is sent, so that many of them take no memory.

    Raises
    ------
    RefusedError
        409 if the first of them cannot be had.
    """
    boundary = secrets.token_hex(16)
    told = {"Content-Type": f'multipart/related; type="{media_type}"; boundary="{boundary}"', **headers}
    return Answer(streamed(begun(_pieces(parts, boundary), pieces=2)), headers=told)


def begun(content: Iterator[Part], *, pieces: int = 1) -> Iterator[Part]:
    """The same pieces, of which the first are made now: a damaged file is told while a status can tell it.

    Raises
    ------
    RefusedError
        409 if they cannot be made.
    """
    try:
        first = list(islice(content, pieces))
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    return chain(first, content)


def _pieces(parts: Iterable[SentPart], boundary: str) -> Iterator[Part]:
    before = "--"
    for part in parts:
        yield _head(part, f"{before}{boundary}")
        yield from part.content
        before = "\r\n--"
    yield f"\r\n--{boundary}--\r\n".encode("ascii")


def _head(part: SentPart, delimiter: str) -> bytes:
    lines = [delimiter, f"Content-Type: {part.content_type}"]
    if part.location:
        lines.append(f"Content-Location: {part.location}")
    if part.length is not None:
        lines.append(f"Content-Length: {part.length}")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace")
