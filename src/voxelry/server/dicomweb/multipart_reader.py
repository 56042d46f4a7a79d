"""Reads a multipart body (RFC 2046 5.1) while it arrives. No part is kept in memory.

The end of the first delimiter's line decides what lines end with. If that is CRLF, a delimiter in the body begins with
CRLF, so that an LF before boundary-like bytes in a file is data. If it is LF alone, delimiters begin with LF. A
delimiter that more characters follow than spaces and the end of its line is data too. The time is linear in the body's
size, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from voxelry.core.errors import VoxelryError

HEADER_BYTES = 64 * 2**10
"""The largest size of the headers of one part."""
BOUNDARY_LETTERS = 200
"""RFC 2046 allows 70."""
_CHUNK = 2**18
_PADDING = 256
"""The most spaces after a boundary (RFC 2046 allows any number)."""
_CR, _LF, _BLANKS = 13, 10, b" \t"


class MultipartError(VoxelryError):
    """The body is no multipart message of this boundary."""

    code: ClassVar[str] = "multipart"


class TruncatedBodyError(MultipartError):
    """The body ends before its last delimiter."""

    code: ClassVar[str] = "truncated_body"


class PartTooLargeError(MultipartError):
    """The headers of a part are longer than allowed, or there are too many parts."""

    code: ClassVar[str] = "too_large"


class BodyPart:
    """One part: its headers, and its bytes, which are read once.

    Attributes
    ----------
    headers
        By lower-case names; several of one name are joined by commas.
    """

    def __init__(self, headers: Mapping[str, str], content: Iterator[bytes]) -> None:
        self.headers, self._content = headers, content

    def chunks(self) -> Iterator[bytes]:
        """The bytes, as they arrive.

        Raises
        ------
        TruncatedBodyError
            If the body ends within the part.
        """
        return self._content


class MultipartReader:
    """The parts of a body, one after the other.

    Parameters
    ----------
    read
        Returns at most so many bytes, and none at the body's end.
    boundary
        As the Content-Type states it, without quotes.
    most_parts
        More are refused.

    Raises
    ------
    MultipartError
        If the boundary is empty or too long.
    """

    def __init__(self, read: Callable[[int], bytes], boundary: str, *, most_parts: int = 1_000_000) -> None:
        if not 0 < len(boundary) <= BOUNDARY_LETTERS:
            raise MultipartError(f"the boundary has to have 1 to {BOUNDARY_LETTERS} characters")
        self._read, self._most = read, most_parts
        self._dashed = b"--" + _bytes_of(boundary)
        self._delimiter = b"\r\n" + self._dashed
        self._buffer, self._at, self._ended = b"", 0, False
        self._closed = self._cut = False

    def __iter__(self) -> Iterator[BodyPart]:
        """The parts; what is left of a part is skipped when the next is asked for.

        Raises
        ------
        TruncatedBodyError
            If the body ends before its last delimiter.
        PartTooLargeError
            If a limit is exceeded.
        """
        self._skip_preamble()
        count = 0
        while not self._closed:
            if self._cut:
                raise TruncatedBodyError("the body ends before its last delimiter")
            count += 1
            if count > self._most:
                raise PartTooLargeError(f"the body has more than {self._most:,} parts, which are the most")
            headers = self._headers()
            content = self._content()
            yield BodyPart(headers, content)
            for _rest in content:
                pass

    @property
    def _left(self) -> int:
        return len(self._buffer) - self._at

    def _more(self) -> bool:
        """Read on, and forget what was passed; False at the end of the body. Positions in the buffer change."""
        if not self._ended:
            chunk = self._read(_CHUNK)
            self._ended = not chunk
            self._buffer = self._buffer[self._at :] + chunk
            self._at = 0
        return not self._ended

    def _has(self, count: int) -> bool:
        """Read until so many bytes are there; False if the body ends before."""
        while self._left < count:
            if not self._more():
                return False
        return True

    def _skip_preamble(self) -> None:
        """Read to the end of the first delimiter's line."""
        if self._has(len(self._dashed)) and self._buffer.startswith(self._dashed) and self._pass_line(self._dashed):
            return
        lines = b"\n" + self._dashed
        while True:
            at = self._buffer.find(lines, self._at)
            if at >= 0:
                self._at = at
                if self._pass_line(lines):
                    return
                self._at += len(lines) - len(self._dashed)
                continue
            self._at = max(self._at, len(self._buffer) - len(lines) + 1)
            if not self._more():
                raise TruncatedBodyError("the body holds no line with the boundary that the Content-Type states")

    def _pass_line(self, delimiter: bytes, *, first: bool = True) -> bool:
        """Pass the line of a delimiter that begins here; False, and nothing passed, if it is none: other bytes follow.

        If the body ends in the line, what came before it was whole.

        Parameters
        ----------
        first
            Whether what ends this line decides what lines end with.
        """
        end = len(delimiter)
        if self._has(end + 2) and self._buffer.startswith(b"--", self._at + end):
            self._at += end + 2
            self._closed = True
            return True
        while self._has(end + 1) and self._buffer[self._at + end] in _BLANKS and end - len(delimiter) < _PADDING:
            end += 1
        if not self._has(end + 1):
            self._at, self._cut = len(self._buffer), True
            return True
        byte = self._buffer[self._at + end]
        if byte == _LF:
            ending = b"\n"
        elif byte == _CR and self._has(end + 2) and self._buffer[self._at + end + 1] == _LF:
            ending = b"\r\n"
        elif self._ended and self._left == end + 1 and byte in b"\r-":
            self._at, self._cut = len(self._buffer), True
            return True
        else:
            return False
        if first:
            self._delimiter = ending + self._dashed
        self._at += end + len(ending)
        return True

    def _headers(self) -> dict[str, str]:
        """Read the headers of a part, and the empty line after them."""
        looked = 0
        while True:
            start = self._at
            for empty in (b"\r\n", b"\n"):
                if self._buffer.startswith(empty, start):
                    self._at += len(empty)
                    return {}
            ends = [self._buffer.find(end, start + looked, start + HEADER_BYTES + 4) for end in (b"\n\r\n", b"\n\n")]
            at = min((end for end in ends if end >= 0), default=-1)
            if at >= 0:
                self._at = at + (2 if self._buffer[at + 1] == _LF else 3)
                return _parsed(self._buffer[start:at])
            if self._left > HEADER_BYTES:
                raise PartTooLargeError(f"the headers of a part have more than {HEADER_BYTES:,} bytes")
            looked = max(0, self._left - 2)
            if not self._more():
                raise TruncatedBodyError("the body ends within the headers of a part")

    def _content(self) -> Iterator[bytes]:
        """The bytes up to the next delimiter, whose line is passed."""
        # In a part without bytes the delimiter's line may follow the empty line at once.
        begins = self._has(len(self._dashed)) and self._buffer.startswith(self._dashed, self._at)
        if begins and self._pass_line(self._dashed, first=False):
            return
        delimiter, looked = self._delimiter, 0
        while True:
            at = self._buffer.find(delimiter, self._at + looked)
            if at < 0:
                keep = len(delimiter) - 1
                if self._left > keep:
                    content = self._buffer[self._at : len(self._buffer) - keep]
                    self._at = len(self._buffer) - keep
                    yield content
                looked = 0
                if not self._more():
                    raise TruncatedBodyError("the body ends before its last delimiter")
                continue
            if len(self._buffer) - at < len(delimiter) + _PADDING + 2 and not self._ended:
                # Near the end of the buffer: what follows the delimiter is read first, as that changes positions.
                if at > self._at:
                    content = self._buffer[self._at : at]
                    self._at = at
                    yield content
                self._has(len(delimiter) + _PADDING + 2)
                at, looked = self._at, 0
            start, self._at = self._at, at
            before = self._buffer
            if self._pass_line(delimiter, first=False):
                if at > start:
                    yield before[start:at]
                return
            self._at, looked = start, at - start + 1


def _bytes_of(boundary: str) -> bytes:
    """The bytes of a boundary: headers arrive as Latin-1, whatever they are."""
    try:
        return boundary.encode("latin-1")
    except UnicodeEncodeError:
        return boundary.encode("utf-8", "surrogateescape")


def _parsed(block: bytes) -> dict[str, str]:
    """Headers by lower-case names. Folded lines are joined; lines without a colon are left out."""
    headers: dict[str, str] = {}
    last = ""
    for line in block.decode("latin-1").replace("\r\n", "\n").rstrip("\r").split("\n"):
        if line[:1] in (" ", "\t") and last:
            headers[last] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        last = name.strip().lower() if colon else ""
        if last:
            headers[last] = f"{headers[last]}, {value.strip()}" if last in headers else value.strip()
    return headers
