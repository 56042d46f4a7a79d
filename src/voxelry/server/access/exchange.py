"""A request and its answer without a framework: what routes take and give, whichever door they are reached by.

A route is a function of an `Asked` and of the parts of its address. Django's views call it, and so does the
application in front of Django, which has found who asks already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl

from voxelry.server.access.grants import Grants


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file that are sent from there."""

    path: Path
    start: int
    length: int


Part = bytes | memoryview | FilePart


@dataclass(slots=True)
class Answer:
    """An answer: its parts are sent one after the other. Content-Length is theirs together, unless they are a stream.

    Attributes
    ----------
    parts
        A sequence of parts of known length, or an iterator of bytes, which is closed if the client goes away.
    headers
        By their names as they are written in RFC 9110; without Content-Length.
    """

    parts: Sequence[Part] | Iterator[bytes] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int | None:
        """The number of bytes; None for a stream."""
        if not isinstance(self.parts, Sequence):
            return None
        return sum(part.length if isinstance(part, FilePart) else len(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, of somebody who may be answered.

    Attributes
    ----------
    who
        What the sender may see. Below ``/dicomweb/`` that is one project, whatever else the account has.
    headers
        By lower-case names; several of one name are joined by commas.
    query
        As it was sent, without the question mark.
    root
        The address that URLs in answers begin with, up to the project and without a slash at the end:
        ``https://pacs.example.org/dicomweb/projects/heart``.
    read
        Reads at most so many bytes of the body; no bytes at its end.
    """

    who: Grants
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    root: str = ""
    read: Callable[[int], bytes] = lambda _: b""

    def parameters(self) -> list[tuple[str, str]]:
        """The decoded parameters of the query, in their order, empty ones included."""
        return parse_qsl(self.query, keep_blank_values=True)


class RefusedError(Exception):
    """The request gets an error: a status, and words that name no value of a patient.

    Attributes
    ----------
    code
        A stable word for programs, as in the REST API's problem documents.
    """

    def __init__(self, status: int, words: str, *, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, dict(headers or {})
        self.code = code or HTTPStatus(status).phrase.lower().replace(" ", "_")


def streamed(parts: Iterable[Part], *, chunk: int = 2**20) -> Iterator[bytes]:
    """The bytes of parts, those of files read in chunks."""
    for part in parts:
        if not isinstance(part, FilePart):
            yield bytes(part)
            continue
        with part.path.open("rb") as file:
            file.seek(part.start)
            left = part.length
            while left and (piece := file.read(min(chunk, left))):
                left -= len(piece)
                yield piece


def close_stream(parts: object) -> None:
    """Let go of the files of a stream; parts of known length have nothing to close."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()
