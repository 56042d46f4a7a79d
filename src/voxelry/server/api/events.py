"""A job as server-sent events: its record now and after each change, until it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from threading import Event
from typing import cast

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from ninja.responses import NinjaJSONEncoder

from voxelry.server.access.grants import Grants
from voxelry.server.api import job_records
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.watch import watch, watch_async

HEARTBEAT_SECONDS = 10.0
"""A comment is sent at least this often, so that no proxy closes the connection."""
CLOSING_SECONDS = 0.5

closing = Event()
"""Set when this process ends, to end all streams. Browsers reconnect by themselves."""


def followed(key: int, asking: Asking, *, staff: bool) -> Iterator[bytes]:
    """The events of a job, as long as who asked may see it."""
    yield _HELLO
    with suppress(Job.DoesNotExist):
        for job in watch(key):
            event = _event(job, asking, staff=staff)
            if event is None:
                return
            yield event


async def followed_async(key: int, asking: Asking, *, staff: bool) -> AsyncIterator[bytes]:
    """`followed` for an event loop, with a heartbeat."""
    yield _HELLO
    async with aclosing(cast(AsyncGenerator[Job], watch_async(key))) as jobs:
        waiting = asyncio.ensure_future(anext(jobs, None))
        try:
            silent = 0.0
            while not closing.is_set():
                done, _ = await asyncio.wait([waiting], timeout=CLOSING_SECONDS)
                if done:
                    job = waiting.result()
                    if job is None:
                        return
                    event = await sync_to_async(_event_in_thread)(job, asking, staff=staff)
                    if event is None:
                        return
                    yield event
                    waiting, silent = asyncio.ensure_future(anext(jobs, None)), 0.0
                elif (silent := silent + CLOSING_SECONDS) >= HEARTBEAT_SECONDS:
                    yield b": still here\n\n"
                    silent = 0.0
        except Job.DoesNotExist:
            return
        finally:
            waiting.cancel()
            with suppress(asyncio.CancelledError, Job.DoesNotExist):
                await waiting


_HELLO = b"retry: 2000\n\n"
Asking = Callable[[], Grants]
"""Reads again what who asked may do: a stream may last longer than a membership."""


def _event(job: Job, asking: Asking, *, staff: bool) -> bytes | None:
    """The event of a change; None if who asked may not see the job any more."""
    who = asking()
    if not job_queries.jobs(who).filter(pk=job.pk).exists():
        return None
    told = json.dumps(job_records.job_detail(job, who, staff=staff).model_dump(), cls=NinjaJSONEncoder)
    return f"event: job\ndata: {told}\n\n".encode()


def _event_in_thread(job: Job, asking: Asking, *, staff: bool) -> bytes | None:
    try:
        return _event(job, asking, staff=staff)
    finally:
        close_old_connections()  # the connection of this thread, idle until the next look
