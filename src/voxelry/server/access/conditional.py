"""What every answer passes on its way out: conditions, ranges and the gzip coding (RFC 9110 8.4, 13, 14).

A route gives the whole of a representation, with an ETag or ``Accept-Ranges: bytes`` where these apply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from isal import isal_zlib

from voxelry.server.access.exchange import Answer, FilePart, Part, close_stream

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})", re.ASCII | re.IGNORECASE)
_CODINGS = re.compile(r"(?:^|,)\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d*)?))?\s*(?=,|$)", re.IGNORECASE)
_KEPT_BY_304 = frozenset({"etag", "cache-control", "content-location", "date", "expires", "vary"})
_GZIP_FRAME = 31


def finished(answer: Answer, method: str, headers: Mapping[str, str]) -> Answer:
    """The answer that is sent to a request: whole, 206 with a part of it, 304, 412 or 416.

    Parameters
    ----------
    headers
        Of the request, by lower-case names.

    References
    ----------
    RFC 9110 13.2.2 (precedence of conditions), 14.2 (Range)
    """
    if answer.status != 200 or method not in ("GET", "HEAD"):
        return answer
    tag = answer.headers.get("ETag", "")
    if tag and not is_matched(headers.get("if-match", "*"), tag):
        close_stream(answer.parts)
        return Answer((), status=412, headers={"ETag": tag})
    if tag and is_named(headers.get("if-none-match"), tag):
        return not_modified(answer)
    if answer.headers.get("Accept-Ranges") != "bytes" or method == "HEAD" or "range" not in headers:
        return answer
    length = answer.length
    wanted = _RANGE.fullmatch(headers["range"].strip())
    if length is None or wanted is None or not isinstance(answer.parts, Sequence):
        return answer  # several ranges, or other units: all is sent (RFC 9110 14.2)
    condition = headers.get("if-range", "").strip()
    if condition and (condition != tag or tag.startswith("W/")):
        return answer
    first, last = wanted.groups()
    found = range_within(first, last, length)
    if found is None:
        return answer
    start, stop = found
    told = dict(answer.headers)
    if start >= stop:
        told["Content-Range"] = f"bytes */{length}"
        return Answer((), status=416, headers={name: told[name] for name in ("Content-Range", "ETag") if name in told})
    told["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    return Answer(_cut(answer.parts, start, stop), status=206, headers=told)


def range_within(first: str, last: str, length: int) -> tuple[int, int] | None:
    """The first byte of a range and the one after its last, not before the first if it lies outside.

    Parameters
    ----------
    first, last
        As they are written; one of them may be empty. Returns None if both are, or if the last is before the first: all
        is sent then.
    """
    if (not first and not last) or (first and last and int(first) > int(last)):
        return None
    start = int(first) if first else max(0, length - int(last))
    return start, min(length, int(last) + 1) if first and last else length


def is_named(condition: str | None, tag: str) -> bool:
    """Whether If-None-Match names an entity tag, by weak comparison; a missing one names none."""
    if not condition:
        return False
    own = tag.removeprefix("W/")
    return condition.strip() == "*" or any(one.strip().removeprefix("W/") == own for one in condition.split(","))


def is_matched(condition: str, tag: str) -> bool:
    """Whether If-Match takes an entity tag, by strong comparison, which no weak one passes (RFC 9110 13.1.1)."""
    named = [one.strip() for one in condition.split(",")]
    return named == ["*"] or (tag in named and not tag.startswith("W/"))


def not_modified(answer: Answer) -> Answer:
    """304 in place of an answer, whose stream is closed."""
    close_stream(answer.parts)
    return Answer((), status=304, headers={k: v for k, v in answer.headers.items() if k.lower() in _KEPT_BY_304})


def _cut(parts: Sequence[Part], start: int, stop: int) -> list[Part]:
    """The bytes from ``start`` to before ``stop`` of all parts together."""
    found: list[Part] = []
    at = 0
    for part in parts:
        length = part.length if isinstance(part, FilePart) else len(part)
        low, high = max(start - at, 0), min(stop - at, length)
        if low < high:
            cut = FilePart(part.path, part.start + low, high - low) if isinstance(part, FilePart) else part[low:high]
            found.append(cut)
        at += length
    return found


def accepts_gzip(headers: Mapping[str, str]) -> bool:
    """Whether the client takes the gzip coding."""
    found = _CODINGS.search(headers.get("accept-encoding", ""))
    return found is not None and float(found[1] or 1) > 0


def gzipped(content: bytes) -> bytes:
    """Bytes in the gzip coding, at the fastest level; the same bytes give the same result."""
    squeezed: bytes = isal_zlib.compress(content, 1, wbits=_GZIP_FRAME)
    return squeezed


def gunzipped(content: bytes) -> bytes:
    """The bytes that `gzipped` was given."""
    whole: bytes = isal_zlib.decompress(content, wbits=_GZIP_FRAME)
    return whole
