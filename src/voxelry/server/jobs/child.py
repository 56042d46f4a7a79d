"""The child process that does isolated work: reads a request, does the work, writes events, reads the next request.

``python -m voxelry.server.jobs.child PARENT``; `isolated` starts it, `child_messages` has the messages. It may read the
database. It leaves files in the run's folder; its worker writes the rows.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import os
import queue
import re
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TextIO

from pydantic_core import to_jsonable_python

from voxelry.children import limit_memory, own_bytes
from voxelry.dicom.pixels import decoding
from voxelry.server.environment import django_setup
from voxelry.server.jobs.child_messages import (
    DoneEvent,
    Event,
    FailedEvent,
    Failure,
    LogEvent,
    ProgressEvent,
    WorkRequest,
)

_PR_SET_PDEATHSIG = 1
NICE = 5
"""Lower priority than the processes that answer requests."""
REPORT_SECONDS = 0.1
LITTLE_BYTES = 2**30
LIBRARIES = ("scipy.linalg", "cv2", "SimpleITK", "onnxruntime")
"""Loaded before a limit of `LITTLE_BYTES` or less is set: their memory is not the work's, and OpenBLAS, which scipy
loads, retries without end if it gets no memory."""
_NO_MEMORY = re.compile("alloc|insufficient memory|out of memory|start new thread", re.IGNORECASE)
"""Found in the messages of libraries that raise another error than MemoryError."""


class ChildRun:
    """The counterpart of `Run` in the child process: what the work is called with."""

    def __init__(self, request: WorkRequest, events: BinaryIO) -> None:
        self.key = request.key
        self.kind = request.kind
        self.subject = request.subject
        self.params = request.params
        self.inputs = request.inputs
        self.attempts = request.attempts
        self.folder = request.folder
        self.summary = "done"
        self._events = events
        self._reported = -REPORT_SECONDS
        self._lock = threading.Lock()

    def progress(self, fraction: float, words: str) -> None:
        """Send the progress, on [0, 1], at most every `REPORT_SECONDS`."""
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self.send(ProgressEvent(progress=(float(fraction), words)))

    def log(self, words: str) -> None:
        """Send a line for the job's log."""
        self.send(LogEvent(log=words))

    def check(self) -> None:
        """Does nothing: work that must stop is killed."""

    def send(self, event: Event) -> None:
        """Write an event to the worker."""
        line = event.line()  # before the lock: what JSON cannot hold fails the job and writes nothing
        with self._lock:
            self._events.write(line)
            self._events.flush()


def main() -> None:
    """Do jobs until standard input ends."""
    events, errors = _own_output()
    _die_with(int(sys.argv[1]))
    terminal = _control_terminal()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), name="parent", daemon=True).start()
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(
            "500", "ascii"
        )  # killed before the worker and the site if memory runs out
    # Set up with the real standard error: our own loggers write no patient's value.
    nowhere, sys.stderr = sys.stderr, errors
    django_setup.set_up()
    sys.stderr = nowhere
    decoding.isolate()
    while terminal is not None:
        _do(WorkRequest.model_validate_json(requests.get()), events)


def _do(request: WorkRequest, events: BinaryIO) -> None:
    from django.conf import settings
    from django.db import connections

    from voxelry.core.errors import Problem
    from voxelry.server.jobs.failures import JobError, failure_of
    from voxelry.server.jobs.isolated import crash_file

    run = ChildRun(request, events)
    settings.VOXELRY = settings.VOXELRY.replace(data=request.data)
    tempfile.tempdir = str(request.folder)
    limit = request.memory_limit
    failure: JobError
    if 0 < limit <= LITTLE_BYTES:
        _load_libraries()
    sys.unraisablehook = partial(_unraised, run, limit)
    with crash_file(run.folder).open("w", encoding="ascii") as crash:
        faulthandler.enable(crash)
        limit_memory(limit)
        try:
            module, _, name = request.work.rpartition(":")
            result = getattr(importlib.import_module(module), name)(run)
            limit_memory(None)
            done = to_jsonable_python(result)
            run.send(DoneEvent(done=done, summary=run.summary, resident=own_bytes("VmRSS")))
            return
        except Exception as error:
            limit_memory(None)
            failure = failure_of(error)
            if _lacked_memory(error):
                failure = JobError(Problem("memory", _too_much(limit)), failure.trace)
        finally:
            faulthandler.disable()
            sys.unraisablehook = sys.__unraisablehook__
            connections.close_all()
    problem = failure.problem
    run.send(FailedEvent(failed=Failure(code=problem.code, message=problem.message, trace=failure.trace)))


def _too_much(limit: int) -> str:
    return f"it needed more than the {limit / 2**20:.0f} MiB of memory that it may have"


def _unraised(run: ChildRun, limit: int, unraisable: sys.UnraisableHookArgs) -> None:
    """Fails the job if compiled code could not raise MemoryError: it would go on slowly, to a wrong result."""
    if issubclass(unraisable.exc_type, MemoryError):
        limit_memory(None)
        run.send(FailedEvent(failed=Failure(code="memory", message=_too_much(limit), trace="")))
        os._exit(1)


def _lacked_memory(error: BaseException) -> bool:
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, MemoryError) or _NO_MEMORY.search(str(link)):
            return True
        link = link.__cause__ or link.__context__
    return False


def _load_libraries() -> None:
    for name in LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)


def _own_output() -> tuple[BinaryIO, TextIO]:
    """The pipe to the worker, and standard error. Output of libraries is discarded, because it may quote a file."""
    events = os.fdopen(os.dup(1), "wb")
    errors = os.fdopen(os.dup(2), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return events, errors


def _die_with(parent: int) -> None:
    """End with the worker: at once on Linux, elsewhere when standard input ends."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _control_terminal() -> tuple[int, ...]:
    """Make processes that the work starts end with this one, even if it is killed.

    This process gets a terminal of its own: when the leader of a terminal's session ends, the system sends SIGHUP to
    the terminal's process group.
    """
    with suppress(OSError, ImportError):
        import fcntl
        import termios

        pair = os.openpty()
        fcntl.ioctl(pair[1], termios.TIOCSCTTY, 0)
        return pair  # open until this process ends
    return ()


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    with suppress(OSError):
        os.killpg(0, signal.SIGKILL)  # kills what the work has started too
    os._exit(1)


if __name__ == "__main__":
    main()
