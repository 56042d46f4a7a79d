"""Slow, endless and many connections; and answers for those who are still sending.

Deadlines are those of a clock that stands still while the machine is busy with other programs.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from voxelry.server.environment.rare_log_lines import MOST, RateLimitFilter
from voxelry.server.site import gate
from voxelry.server.site.connections import GuardedProtocol, Limits, guarded

LIMITS = Limits(per_address=4, header_seconds=0.3, body_bytes_per_second=1000, window_seconds=0.2)
PATIENT = replace(LIMITS, header_seconds=30, window_seconds=30)
"""For clients that must come through."""
TALK_SECONDS = 10.0
"""A talk that takes longer fails its test."""
IDLE_SECONDS = 0.02
"""Without an event for so long, server and client both wait for a time."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Any]]


class _Events(selectors.DefaultSelector):
    """Waits for events of sockets; where there are none, the loop's time goes on to when the next timer is due."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(timeout if timeout is None else min(timeout, IDLE_SECONDS))
        if not events and timeout is not None:
            self.now += max(timeout, 0.0)
        return events


class _Loop(asyncio.SelectorEventLoop):
    """Both ends of a connection wait by the same clock, which no stall of this process moves."""

    def __init__(self) -> None:
        self._events = _Events()
        super().__init__(self._events)

    def time(self) -> float:
        return self._events.now


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body, or with much."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    content = bytes(30 * 2**20) if scope["path"] == "/much" else str(size).encode()
    if scope["path"] == "/wait":
        await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(content))]})
    await send({"type": "http.response.body", "body": content})


def _talk(talk: Talk, *, limits: Limits = LIMITS, application: Any = _echo, connections: int = 1) -> list[Any]:
    """What came of talking to a server by so many connections at once."""

    async def run() -> list[Any]:
        config = uvicorn.Config(
            application, http=guarded(limits), ws="none", lifespan="off", proxy_headers=False, log_config=None
        )
        config.load()
        state, loop = ServerState(), asyncio.get_running_loop()
        make: Any = config.http_protocol_class
        server = await loop.create_server(lambda: make(config=config, server_state=state, app_state={}), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]

        async def one() -> Any:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                return await asyncio.wait_for(talk(reader, writer), TALK_SECONDS)
            finally:
                writer.close()

        try:
            return await asyncio.gather(*(one() for _ in range(connections)))
        finally:
            server.close()
            for connection in list(state.connections):
                cast(GuardedProtocol, connection)._whole.abort()
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(run())


def _sends(*parts: bytes, every: float = 0.0) -> Talk:
    """Sends so, and reads all that comes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for part in parts:
            writer.write(part)
            try:
                await writer.drain()
            except ConnectionError:
                break
            if every:
                await asyncio.sleep(every)
        return await _all(reader)

    return talk


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Until its end, or a reset."""
    found = b""
    try:
        while part := await reader.read(2**20):
            found += part
    except ConnectionError:
        pass
    return found


def _status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer else 0


CLOSE = b"Connection: close\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"


def test_an_ordinary_request() -> None:
    (answer,) = _talk(_sends(GET + CLOSE), limits=PATIENT)
    assert answer.startswith(b"HTTP/1.1 200")
    (answer,) = _talk(_sends(POST % 5 + CLOSE, b"12", b"345", every=0.05), limits=PATIENT)
    assert (_status(answer), answer[-1:]) == (200, b"5")


def test_several_requests_on_one_connection_and_side_by_side() -> None:
    (answer,) = _talk(_sends(GET + b"\r\n", GET + b"\r\n", GET + CLOSE, every=0.2), limits=PATIENT)
    assert answer.count(b"HTTP/1.1 200") == 3
    (answer,) = _talk(_sends((GET + b"\r\n") * 2 + GET + CLOSE), limits=PATIENT)
    assert answer.count(b"HTTP/1.1 200") == 3


def test_a_body_that_begins_before_the_end_of_another_answer_is_read() -> None:
    """A streamed answer whose length is told is whole for the client before the application says that it ends."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

        await _echo(scope, receive, sent)
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b""})

    parts = (GET + b"\r\n", POST % 5 + CLOSE, b"12", b"345")
    (answer,) = _talk(_sends(*parts, every=0.1), limits=PATIENT, application=slow)
    assert (answer.count(b"HTTP/1.1 200"), answer[-1:]) == (2, b"5")


@pytest.mark.parametrize(
    "sent",
    [
        [b"GET / HTTP/1.1\r\n", *[b"X-%d: 1\r\n" % number for number in range(100)]],
        [b"G", b"E", b"T", *[b" "] * 100],
        [b"\r\n"] * 100,
        [GET],
        [GET + b"\r\n", *[b"GET / HTTP/1.1\r\n"], *[b"X: 1\r\n"] * 100],
        [GET + b"\r\n", *[b"\r\n"] * 100],
    ],
)
def test_headers_have_a_deadline(sent: list[bytes]) -> None:
    (answer,) = _talk(_sends(*sent, every=0.02))  # in TALK_SECONDS
    assert b"408" in answer or not answer


def test_who_says_nothing_is_left_without_a_word() -> None:
    assert _talk(_sends()) == [b""]


def test_headers_are_bounded() -> None:
    (answer,) = _talk(_sends(GET, *[b"X: " + b"x" * 1000 + b"\r\n"] * 100))
    assert _status(answer) == 431
    (answer,) = _talk(_sends(GET + b"X: " + b"x" * 30_000 + b"\r\n" + CLOSE), limits=PATIENT)
    assert _status(answer) == 200


def test_a_slow_body_is_given_up_and_one_that_is_fast_enough_is_not() -> None:
    (answer,) = _talk(_sends(POST % 1000 + CLOSE, *[b"x"] * 50, every=0.02))
    assert _status(answer) == 408
    # Several windows of twenty times the least rate.
    (answer,) = _talk(_sends(POST % 30_000 + CLOSE, *[b"x" * 1000] * 30, every=0.02))
    assert (_status(answer), answer[-4:]) == (200, b"0000")


def test_ten_gigabytes_at_a_megabit_a_second_go_through() -> None:
    """By the defaults: 125,000 bytes a second are far above the least rate, and no deadline is on the whole."""
    from voxelry.server.environment.configuration import Configuration

    assert Configuration().body_bytes_per_second * 4 < 1e6 / 8


def test_while_we_do_not_read_nobody_is_slow() -> None:
    async def busy(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(0.9)  # the disk, or the database
        await _echo(scope, receive, send)

    size = 2**20
    # A window in which no more is read than the socket holds: only that the server waits saves the client.
    limits = replace(LIMITS, header_seconds=30)
    (answer,) = _talk(_sends(POST % size + CLOSE, bytes(size)), application=busy, limits=limits)
    assert _status(answer) == 200


def test_who_does_not_read_the_answer_is_given_up() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /much HTTP/1.1\r\nHost: x\r\n" + CLOSE)
        await asyncio.sleep(1.2)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        return len(await _all(reader))

    (size,) = _talk(talk)
    assert size < 30 * 2**20
    (whole,) = _talk(_sends(b"GET /much HTTP/1.1\r\nHost: x\r\n" + CLOSE), limits=PATIENT)
    assert len(whole) > 30 * 2**20


def test_one_address_has_so_many_connections() -> None:
    answers = _talk(_sends(b"GET /wait HTTP/1.1\r\nHost: x\r\n" + CLOSE), connections=7, limits=PATIENT)
    assert sorted(map(_status, answers)) == [200] * 4 + [429] * 3
    # And what is over counts no more.
    answers = _talk(_sends(GET + CLOSE), limits=replace(PATIENT, per_address=1))
    assert list(map(_status, answers)) == [200]


def test_behind_a_trusted_proxy_its_users_are_counted_each(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(trusted_proxies=("127.0.0.1",))
    numbers = iter(range(100))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        user = next(numbers) % 2
        writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.%d\r\n" % user + CLOSE)
        return _status(await _all(reader))

    assert _talk(talk, connections=8, limits=PATIENT) == [200] * 8  # more than one address may have
    numbers = iter([0] * 7)
    assert sorted(_talk(talk, connections=7, limits=PATIENT)) == [200] * 4 + [429] * 3


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("close", [CLOSE, b"\r\n"])
def test_a_refusal_is_read_by_who_is_still_sending(
    monkeypatch: pytest.MonkeyPatch, chunked: bool, close: bytes
) -> None:
    """As clients do that send all of it before they read."""

    async def known(scope: Any) -> bool:
        return True

    monkeypatch.setattr(gate, "_is_user", known)
    size, piece = 24 * 2**20, bytes(2**16)
    pieces = [piece] * (size // len(piece))
    head = POST % size + close
    if chunked:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + close
        pieces = [b"10000\r\n" + piece + b"\r\n" for piece in pieces] + [b"0\r\n\r\n"]
    limits = replace(PATIENT, body_bytes_per_second=1)
    (answer,) = _talk(_sends(head, *pieces), application=gate.Gate(_echo, largest=2**20), limits=limits)
    assert _status(answer) == 413
    assert b"too_large" in answer


def test_a_refusal_comes_before_the_body_is_sent_to_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def known(scope: Any) -> bool:
        return True

    monkeypatch.setattr(gate, "_is_user", known)
    head = POST % 2**30 + b"Expect: 100-continue\r\n" + CLOSE
    (answer,) = _talk(_sends(head), application=gate.Gate(_echo, largest=2**20))
    assert _status(answer) == 413


def test_refusals_leave_no_line(caplog: pytest.LogCaptureFixture) -> None:
    _talk(_sends(POST % 1000 + CLOSE, b"x"))
    _talk(_sends(GET), connections=6)
    assert caplog.text == ""


def test_nonsense_is_not_written_as_often_as_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    told, seldom = logging.getLogger("uvicorn.error"), RateLimitFilter()
    told.addFilter(seldom)
    try:
        _talk(_sends(b"nonsense\r\n\r\n"), connections=20, limits=replace(LIMITS, per_address=100))
    finally:
        told.removeFilter(seldom)
    assert caplog.text.count("Invalid HTTP request") == MOST


def test_what_was_kept_back_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("voxelry.server.environment.rare_log_lines.time.monotonic", lambda: clock[0])
    seldom = RateLimitFilter()

    def passed(words: str) -> bool | str:
        record = logging.LogRecord("a", logging.WARNING, "", 0, words, (), None)
        return record.getMessage() if seldom.filter(record) else False

    assert [passed("x") for _ in range(MOST + 3)] == ["x"] * MOST + [False] * 3
    assert passed("y") == "y"
    clock[0] = 61.0
    assert passed("x") == "x (3 more like this were not written)"
