"""Streams of events: a heartbeat in the silence, and an end with the job, with the job's row and with the server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from voxelry.server.access.grants import as_site
from voxelry.server.api import events
from voxelry.server.jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)  # its threads look after their connections


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A clock for tests, and a server that goes on."""
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(events, "CLOSING_SECONDS", 0.01)
    monkeypatch.setattr(events, "_event", lambda job, asking, staff: f"event: job\ndata: {job.state}\n\n".encode())
    yield
    events.closing.clear()


def followed(monkeypatch: pytest.MonkeyPatch, told: AsyncIterator[Any], *, most: int = 10) -> list[str]:
    """The first parts of the stream about a job that changes as ``told``."""
    monkeypatch.setattr(events, "watch_async", lambda key: told)

    async def gathered() -> list[str]:
        parts = []
        async for part in events.followed_async(1, as_site, staff=False):
            parts.append(part.decode())
            if len(parts) == most:
                break
        return parts

    return asyncio.run(asyncio.wait_for(gathered(), 20))


async def _states(*states: str) -> AsyncIterator[Any]:
    for state in states:
        yield SimpleNamespace(state=state)


def test_each_change_is_an_event_and_the_last_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = followed(monkeypatch, _states("queued", "running", "succeeded"))
    assert parts[0].startswith("retry: ")
    assert [part for part in parts if part.startswith("event")] == [
        f"event: job\ndata: {state}\n\n" for state in ("queued", "running", "succeeded")
    ]


def test_silence_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent() -> AsyncIterator[Any]:
        yield SimpleNamespace(state="running")
        await asyncio.Event().wait()

    parts = followed(monkeypatch, silent(), most=4)
    assert parts[1:] == ["event: job\ndata: running\n\n", ": still here\n\n", ": still here\n\n"]


def test_a_job_that_is_gone_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone() -> AsyncIterator[Any]:
        yield SimpleNamespace(state="running")
        raise Job.DoesNotExist

    assert len(followed(monkeypatch, gone())) == 2


def test_a_server_that_ends_ends_its_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    async def endless() -> AsyncIterator[Any]:
        try:
            yield SimpleNamespace(state="running")
            events.closing.set()
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    assert len(followed(monkeypatch, endless())) == 2
    assert ended == [True], "nothing goes on behind a stream that is over"


def test_a_browser_that_is_gone_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """Asyncio would write a traceback of each request that was given up."""
    logger = logging.getLogger("asyncio")
    logger.error("Future exception was never retrieved", exc_info=asyncio.CancelledError())
    logger.error("Future exception was never retrieved", exc_info=ValueError())
    assert [record.exc_info and record.exc_info[0] for record in caplog.records] == [ValueError]
