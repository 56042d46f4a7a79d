"""Limits connections: slow requests, endless ones, unread answers, and many connections of one address.

uvicorn's protocol waits without limit for the end of a request. This one has a deadline for headers, a least rate for
bodies, and a deadline for a client that does not read. A client that is answered before its request ends can still
read the answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from voxelry.server.access import addresses

HEADER_BYTES = 64 * 2**10
"""The largest size of all headers of a request."""
LINGER_SECONDS = 30.0
"""How long the rest of a request is read and discarded after its answer, so that the client can read the answer."""
REFUSED_SECONDS = 1.0
"""The same for a refused request."""
_SLOW = (408, "The request came too slowly.")
_LONG = (431, "The headers are too long.")
_MANY = (429, "Too many connections from this address.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a connection.

    Attributes
    ----------
    per_address
        Simultaneous connections of one address, or its requests by way of trusted proxies.
    header_seconds
        From the first byte or the connection to the end of the headers.
    body_bytes_per_second
        The least rate over each ``window_seconds`` in which the server reads.
    window_seconds
        A client has to read something of its answer within two windows.
    """

    per_address: int
    header_seconds: float
    body_bytes_per_second: float
    window_seconds: float = 30.0


class Counted:
    """The number of connections of each address, in this process."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: Counter[str] = Counter()

    def take(self, address: str) -> bool:
        """Count one more connection; False if the address has its limit."""
        if self._held[address] >= self._most:
            return False
        self._held[address] += 1
        return True

    def give(self, address: str) -> None:
        """Count one connection less."""
        self._held[address] -= 1
        if self._held[address] <= 0:
            del self._held[address]


class _Flow(FlowControl):
    """Records whether the server paused reading."""

    waited = False

    def pause_reading(self) -> None:
        self.waited = True
        super().pause_reading()


class _Transport:
    """A transport whose closing is left to the protocol, which knows whether the client is still sending."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None], closing: Callable[[], bool]) -> None:
        self._transport, self._close, self._closing = transport, close, closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._close()

    def is_closing(self) -> bool:
        return self._closing() or self._transport.is_closing()


class GuardedProtocol(HttpToolsProtocol):
    """One connection. ``limits`` and ``counted`` are those of the server: `guarded` makes a class of it."""

    limits: Limits
    counted: Counted

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._whole = transport
        self._phase: Literal["headers", "body", "answer"] = "headers"
        self._header_bytes = self._came = 0
        self._lingering = self._refused = False
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._requests: list[str] = []
        super().connection_made(cast(asyncio.Transport, _Transport(transport, self._close, lambda: self._lingering)))
        self.flow = _Flow(transport)
        self._peer = self.client[0] if self.client else ""
        self._mine = None if addresses.is_trusted(self._peer) else addresses.group(self._peer)
        if self._mine is not None and not self.counted.take(self._mine):
            self._mine = None
            self._refuse(*_MANY)
            return
        self._after("headers", self.limits.header_seconds, lambda: self._refuse(*_SLOW))

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for address in (*self._requests, *([] if self._mine is None else [self._mine])):
            self.counted.give(address)
        self._requests, self._mine = [], None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._phase == "headers":
            self._header_bytes += len(data)
            if "headers" not in self._timers:  # the next request on a kept connection
                self._after("headers", self.limits.header_seconds, lambda: self._refuse(*_SLOW))
        super().data_received(data)
        if self._phase == "headers" and self._header_bytes > HEADER_BYTES:
            self._refuse(*_LONG)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._phase != "headers":  # while another request is answered
            self._phase, self._header_bytes = "headers", 0
            self._after("headers", self.limits.header_seconds, lambda: self._refuse(*_SLOW))

    def on_headers_complete(self) -> None:
        self._stop("headers")
        self._phase, self._came = "body", 0
        self.flow.waited = False  # type: ignore[attr-defined]
        self._after("body", self.limits.window_seconds, self._look_at_body)
        application = self.app
        if self._mine is None and not self._take_request():
            self.app = _too_many
        try:
            super().on_headers_complete()
        finally:
            self.app = application

    def on_body(self, body: bytes) -> None:
        self._came += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop("body")
        self._phase = "answer"
        super().on_message_complete()
        if self._lingering:
            self._whole.close()
        elif self.cycle is not None and self.cycle.response_complete:
            self._phase, self._header_bytes = "headers", 0

    def on_response_complete(self) -> None:
        if self._requests:
            self.counted.give(self._requests.pop(0))
        if self.pipeline:
            pass  # the phase is that of the next request, which came before the end of this answer
        elif self._phase == "body":
            self._close()
        elif self._phase == "answer":
            self._phase, self._header_bytes = "headers", 0
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._left = self._whole.get_write_buffer_size()
        self._after("answer", self.limits.window_seconds, self._look_at_answer)

    def resume_writing(self) -> None:
        self._stop("answer")
        super().resume_writing()

    def shutdown(self) -> None:
        if self._lingering:
            self._whole.close()
        else:
            super().shutdown()

    def _take_request(self) -> bool:
        """Count a request that comes through a trusted proxy; False if its address has its limit."""
        forwarded = b",".join(value for name, value in self.headers if name == b"x-forwarded-for").decode("latin-1")
        address = addresses.group(addresses.client_address(self._peer, forwarded))
        if not self.counted.take(address):
            return False
        self._requests.append(address)
        return True

    def _look_at_body(self) -> None:
        flow = cast(_Flow, self.flow)
        ours = flow.waited or flow.read_paused or self.cycle.waiting_for_100_continue
        if not ours and self._came < self.limits.body_bytes_per_second * self.limits.window_seconds:
            self._refuse(*_SLOW)
            return
        self._came, flow.waited = 0, False
        self._after("body", self.limits.window_seconds, self._look_at_body)

    def _look_at_answer(self) -> None:
        left = self._whole.get_write_buffer_size()
        if left >= self._left:
            self._whole.abort()
            return
        self._left = left
        self._after("answer", self.limits.window_seconds, self._look_at_answer)

    def _refuse(self, status: int, words: str) -> None:
        """Answer with an error, without a log line: a refused client could write lines at will."""
        self._refused = True
        silent = self._lingering or (status == _SLOW[0] and self._phase == "headers" and not self._header_bytes)
        answered = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if silent or answered or self._whole.is_closing():
            self._whole.close()
            return
        self._whole.write(_plain(status, words))
        self._linger(REFUSED_SECONDS)

    def _close(self) -> None:
        """Close at once, or linger while a request is still arriving, whose client would otherwise lose the answer."""
        if self._lingering:
            return
        if self._phase != "body" or self._whole.is_closing():
            self._whole.close()
            return
        self._linger(LINGER_SECONDS)

    def _linger(self, seconds: float) -> None:
        """Discard what still arrives, then close."""
        self._lingering = True
        self._stop("body")
        self._stop("headers")
        if self._whole.can_write_eof():
            self._whole.write_eof()
        self.flow.resume_reading()
        self._after("linger", seconds, self._whole.close)

    def _after(self, name: str, seconds: float, do: Callable[[], None]) -> None:
        self._stop(name)
        self._timers[name] = self.loop.call_later(seconds, do)

    def _stop(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """A protocol for one server."""
    return type("Guarded", (GuardedProtocol,), {"limits": limits, "counted": Counted(limits.per_address)})


async def _too_many(scope: Any, receive: Any, send: Any) -> None:
    status, words = _MANY
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode("ascii")})


def _plain(status: int, words: str) -> bytes:
    phrase = HTTPStatus(status).phrase
    return (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(words)}\r\n"
        f"Retry-After: 5\r\nConnection: close\r\n\r\n{words}"
    ).encode("ascii")
