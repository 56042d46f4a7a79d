"""Does isolated work in child processes: a job that must stop is killed, and a crash fails one job only.

A child does one job after another, because loading the libraries takes longer than many jobs. Requests and events are
lines of JSON. A child leads a session of its own, so that the processes it started are killed with it, and ends when
its standard input ends, however its worker died.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from pydantic import JsonValue

from voxelry.children import close, kill, spawn
from voxelry.core.errors import Problem
from voxelry.machine import memory_bytes
from voxelry.server.jobs.child_messages import (
    DoneEvent,
    Event,
    FailedEvent,
    LogEvent,
    ProgressEvent,
    WorkRequest,
    event_of,
)
from voxelry.server.jobs.failures import Crashed, JobError, Killed
from voxelry.server.jobs.job_kinds import Kind
from voxelry.server.jobs.job_run import Run

IN_PROCESS = False
"""For tests: do isolated work in this process."""

JOBS_PER_CHILD = 100
"""A child is replaced after this many jobs, or at `GROWN_BYTES`, because libraries leak memory."""
GROWN_BYTES = 2**30
IDLE_SECONDS = 300.0
CHECK_SECONDS = 0.1


class Child:
    """One child process; it does one job at a time."""

    def __init__(self) -> None:
        environment = {
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings"),
            "VOXELRY_DATA": str(settings.VOXELRY.data),
        }
        self._process = spawn("voxelry.server.jobs.child", str(os.getpid()), environment=environment)
        self._rest = b""
        self._oom_kills = oom_kills()
        self.jobs = 0
        self.fresh = True
        self.idle_since = time.monotonic()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def work(self, kind: Kind, run: Run) -> JsonValue:
        """What the kind's work returns, as JSON.

        Raises
        ------
        JobStopped
            If the run must stop; the child is dead then.
        JobError
            If the work failed; `Crashed` if the child died.
        """
        self.jobs += 1
        self._oom_kills = oom_kills()
        self._send(_request(kind, run))
        while True:
            for event in self._events():
                match event:
                    case ProgressEvent(progress=(fraction, words)):
                        run.progress(fraction, words)
                    case LogEvent(log=words):
                        run.log(words)
                    case FailedEvent(failed=failed):
                        self.fresh = failed.code != "memory"
                        raise JobError(Problem(failed.code, failed.message), failed.trace)
                    case DoneEvent():
                        self.fresh = event.resident < GROWN_BYTES
                        run.summary = event.summary
                        return event.done
            run.check()

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the system killed a process for its memory since the job began; True too if it keeps no count."""
        return self._oom_kills is None or oom_kills() != self._oom_kills

    def kill(self) -> int:
        """Kill the child and all that it started; returns its exit status."""
        return kill(self._process)

    def close(self) -> int:
        """Close the child's standard input, so that it ends; returns its exit status."""
        return close(self._process)

    def _send(self, request: WorkRequest) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        try:
            self._process.stdin.write(request.line())
            self._process.stdin.flush()
        except OSError:
            pass  # the child is dead; reading its events raises

    def _events(self) -> list[Event]:
        """The events that have arrived; empty if none arrives within `CHECK_SECONDS`."""
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        descriptor = self._process.stdout.fileno()
        if not select.select([descriptor], [], [], CHECK_SECONDS)[0]:
            return []
        content = os.read(descriptor, 2**20)
        if not content:
            raise Crashed(Problem("crashed", ""))
        *lines, self._rest = (self._rest + content).split(b"\n")
        return [event_of(line) for line in lines]


def _request(kind: Kind, run: Run) -> WorkRequest:
    return WorkRequest(
        work=kind.address,
        key=run.key,
        kind=run.kind,
        subject=run.subject,
        params=run.params,
        inputs=run.inputs,
        attempts=run.attempts,
        folder=run.folder,
        data=settings.VOXELRY.data,
        memory_limit=memory_limit(run.memory_limit),
    )


_lock = threading.Lock()
_idle: list[Child] = []


def work_in_child(kind: Kind, run: Run) -> JsonValue:
    """Have a child do the work of a kind. When this returns or raises, the child is dead or ready for the next job."""
    child = _take()
    try:
        result = child.work(kind, run)
    except Crashed:
        raise _crash(child.kill(), run, memory=child.ran_out_of_memory) from None
    except JobError:
        _put(child)
        raise
    except BaseException:
        child.kill()
        raise
    finally:
        crash_file(run.folder).unlink(missing_ok=True)
    _put(child)
    return result


def crash_file(folder: Path) -> Path:
    """The file beside a run's folder into which a crashing child writes its traceback."""
    return folder.with_suffix(".crash")


def tidy(seconds: float = IDLE_SECONDS) -> None:
    """End the children that have been idle for this long."""
    with _lock:
        old = [child for child in _idle if time.monotonic() - child.idle_since >= seconds]
        for child in old:
            _idle.remove(child)
    for child in old:
        child.close()


def _take() -> Child:
    while True:
        with _lock:
            child = _idle.pop() if _idle else None
        if child is None:
            return Child()
        if child.alive:
            return child
        child.close()


def _put(child: Child) -> None:
    if not child.fresh or child.jobs >= JOBS_PER_CHILD:
        child.close()
        return
    child.idle_since = time.monotonic()
    with _lock:
        _idle.append(child)


def oom_kills() -> int | None:
    """The number of processes that the system has killed because memory ran out; None if it keeps no count."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/vmstat").read_text("ascii").splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return None


def _crash(status: int, run: Run, *, memory: bool) -> Crashed:
    """The error of a child that died without being killed by this worker."""
    trace = ""
    with suppress(OSError):
        trace = crash_file(run.folder).read_text("utf-8", errors="replace")
    if -status == signal.SIGKILL and not memory:
        return Killed(Problem("killed", "the process that did this was killed, again and again; retry later"), trace)
    if -status == signal.SIGKILL:
        sentence = "the system killed the process that did this, most likely because memory ran out"
        return Crashed(Problem("killed", sentence), trace)
    how = signal.Signals(-status).name if status < 0 else f"status {status}"
    why = "a file may break a decoder, memory be too small, or a library have a fault"
    sentence = f"the process that did this crashed ({how}); {why}"
    return Crashed(Problem("crashed", sentence), trace)


def memory_limit(wanted: int) -> int:
    """A limit in bytes; 0 stands for three quarters of the memory of this machine or its container."""
    if wanted:
        return wanted
    return memory_bytes() * 3 // 4
