"""Sends an `Answer` over ASGI: bytes of files are read as they are sent, in as few pieces as possible."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from voxelry.server.access.exchange import Answer, FilePart, close_stream
from voxelry.server.site.gate import Message, Receive, Send
from voxelry.server.site.request_threads import RequestThreads

PIECE_BYTES = 2**20
_LONG_BYTES = 8 * 2**20
"""An answer of more bytes is given up when the client goes away."""


class ShortFileError(OSError):
    """A file ended before its part did."""


class NothingSentError(OSError):
    """The first part of an answer cannot be read; nothing of it was sent."""


async def send_answer(
    answer: Answer,
    headers: Sequence[tuple[bytes, bytes]],
    *,
    receive: Receive,
    send: Send,
    threads: RequestThreads,
    without_body: bool,
) -> None:
    """Send an answer whose headers are complete but for Content-Length.

    Raises
    ------
    NothingSentError
        If the first file cannot be read.
    OSError
        If another one cannot be read, after the answer has begun.
    """
    length = answer.length
    told = list(headers)
    if length is not None and answer.status != 304:
        told.append((b"Content-Length", b"%d" % length))
    start = {"type": "http.response.start", "status": answer.status, "headers": told}
    if without_body or length == 0:
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    if length is None:
        await _stream(answer, start, receive, send, threads)
        return
    pieces = _pieces(answer)
    try:
        first = await _read(next(pieces), threads)
    except OSError as error:
        raise NothingSentError from error
    await send(start)
    if length <= _LONG_BYTES:
        await _send_pieces(first, pieces, send, threads)
        return
    gone = asyncio.ensure_future(_gone(receive))
    try:
        await _send_pieces(first, pieces, send, threads, gone)
    finally:
        gone.cancel()


async def _send_pieces(
    first: bytes | memoryview,
    pieces: Iterator[bytes | memoryview | FilePart],
    send: Send,
    threads: RequestThreads,
    gone: asyncio.Future[None] | None = None,
) -> None:
    waiting = first
    for piece in pieces:
        await send({"type": "http.response.body", "body": waiting, "more_body": True})
        if gone is not None and gone.done():
            return
        waiting = await _read(piece, threads)
    await send({"type": "http.response.body", "body": waiting})


def _pieces(answer: Answer) -> Iterator[bytes | memoryview | FilePart]:
    if not isinstance(answer.parts, Sequence):
        return
    for part in answer.parts:
        if not isinstance(part, FilePart):
            if len(part):
                yield part
            continue
        for start in range(part.start, part.start + part.length, PIECE_BYTES):
            yield FilePart(part.path, start, min(PIECE_BYTES, part.start + part.length - start))


async def _read(piece: bytes | memoryview | FilePart, threads: RequestThreads) -> bytes | memoryview:
    """The bytes of a piece; of a file at once if the system has them in memory, else in a thread."""
    if not isinstance(piece, FilePart):
        return piece
    descriptor = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _is_in_memory(descriptor, piece):
            content = os.pread(descriptor, piece.length, piece.start)
        else:
            content = await threads.run(os.pread, descriptor, piece.length, piece.start)
    finally:
        os.close(descriptor)
    if len(content) != piece.length:
        raise ShortFileError("a file at rest is shorter than its rows say")
    return content


def _is_in_memory(descriptor: int, piece: FilePart) -> bool:
    """Whether the first and the last byte are read without waiting for the disk."""
    buffer = bytearray(1)
    with suppress(OSError):  # BlockingIOError, or a file system that cannot say
        for place in (piece.start, piece.start + piece.length - 1):
            if os.preadv(descriptor, [buffer], place, os.RWF_NOWAIT) != 1:
                return False
        return True
    return False


async def _stream(answer: Answer, start: Message, receive: Receive, send: Send, threads: RequestThreads) -> None:
    parts: Iterator[Any] = iter(answer.parts)
    gone = asyncio.ensure_future(_gone(receive))
    try:
        content = await threads.run(next, parts, None)
        await send(start)
        while content is not None and not gone.done():
            await send({"type": "http.response.body", "body": content, "more_body": True})
            content = await threads.run(next, parts, None)
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await threads.run(close_stream, answer.parts)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
