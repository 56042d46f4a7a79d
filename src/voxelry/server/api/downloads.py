"""Answers with downloads, whole or by Range (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from voxelry.server.access.conditional import is_matched, is_named, range_within
from voxelry.server.access.django_exchange import in_threads
from voxelry.server.api.head import only_head
from voxelry.server.api.problems import problem

_RANGE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.ASCII | re.IGNORECASE)
_Answer = TypeVar("_Answer", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that are produced while they are sent.

    Attributes
    ----------
    length, tag
        The number of bytes; and the entity tag, which changes with the bytes.
    parts
        Yields the bytes from a start to before a stop.
    check
        Called before the first byte is sent; raises if the bytes are damaged.
    held
        All bytes, if they are in memory.
    """

    length: int
    tag: str
    parts: Callable[[int, int], Iterator[bytes]]
    check: Callable[[], None]
    held: bytes | None = None

    @classmethod
    def of(cls, content: bytes) -> Content:
        """The content of bytes in memory."""

        def parts(start: int, stop: int) -> Iterator[bytes]:
            yield content[start:stop]

        return cls(len(content), hashlib.sha256(content).hexdigest(), parts, lambda: None, content)


def download(request: HttpRequest, content: Content, *, name: str, content_type: str) -> HttpResponseBase:
    """Answer with all bytes, or with the requested range.

    A request of several ranges, or a malformed one, gets all bytes (RFC 9110, 14.2).
    """
    tag = f'"{content.tag}"'
    if not is_matched(request.headers.get("If-Match", "*"), tag):
        return _tagged(problem(412), tag)
    if is_named(request.headers.get("If-None-Match"), tag):
        return _tagged(HttpResponse(status=304), tag)
    wanted = _range(request, tag, content.length)
    start, stop = (0, content.length) if wanted is None else wanted
    if wanted is not None and start >= stop:
        refused = _tagged(problem(416), tag)
        refused.headers["Content-Range"] = f"bytes */{content.length}"
        return refused
    answer = _answer(request, content, start, stop, content_type)
    if wanted is not None:
        answer.status_code = 206
    answer.headers["Content-Length"] = str(stop - start)
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    if wanted is not None:
        answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.length}"
    return _tagged(answer, tag)


def _answer(request: HttpRequest, content: Content, start: int, stop: int, content_type: str) -> HttpResponseBase:
    if content.held is not None:
        return HttpResponse(content.held[start:stop], content_type=content_type)
    parts: Iterator[bytes] = iter(())
    if not only_head(request):
        content.check()
        parts = content.parts(start, stop)
    streamed = in_threads(parts) if isinstance(request, ASGIRequest) else parts
    return StreamingHttpResponse(streamed, content_type=content_type)


def _tagged(answer: _Answer, tag: str) -> _Answer:
    answer.headers["ETag"] = tag
    answer.headers["Accept-Ranges"] = "bytes"
    return answer


def _range(request: HttpRequest, tag: str, length: int) -> tuple[int, int] | None:
    """The first byte and the one after the last, which lies before the first outside of all bytes; None for all."""
    if only_head(request):  # 14.2: Range applies to GET only
        return None
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range")
    if found is None or (condition is not None and condition.strip() != tag):
        return None
    first, last = found.groups()
    return range_within(first, last, length)
