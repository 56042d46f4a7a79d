"""The child process that does isolated work: reads a job, does it, tells what came of it, reads the next.

``python -m voxelry.server.jobs.child PARENT``; `isolated` is who starts it and has what both say. It may read the
database; what it made it leaves in the run's folder, and the rows are its worker's to write.
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
"""Requests are answered before work is done."""
REPORT_SECONDS = 0.1
LITTLE_BYTES = 2**30
LIBRARIES = ("scipy.linalg", "cv2", "SimpleITK", "onnxruntime")
"""Loaded before a job may have no more than `LITTLE_BYTES`: they are nothing that the work takes, and OpenBLAS, as
scipy loads it, asks again and again for ever where it gets no memory."""
_NO_MEMORY = re.compile("alloc|insufficient memory|out of memory|start new thread", re.IGNORECASE)
"""What libraries say that raise errors of their own."""


class ChildRun:
    """What a `Run` is to its work, on this side of the pipe."""

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
        """Tell how far it is."""
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._reported = now
            self.send(ProgressEvent(progress=(float(fraction), words)))

    def log(self, words: str) -> None:
        """Keep a line, with the time."""
        self.send(LogEvent(log=words))

    def check(self) -> None:
        """Nothing to do here: work that must stop is killed."""

    def send(self, event: Event) -> None:
        """Write an event to the worker."""
        line = event.line()  # before the lock: what JSON cannot hold fails the job and writes nothing
        with self._lock:
            self._events.write(line)
            self._events.flush()


def main() -> None:
    """Until standard input ends."""
    events, errors = _own_output()
    _die_with(int(sys.argv[1]))
    terminal = _take_others_along()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), name="parent", daemon=True).start()
    with suppress(OSError):
        os.nice(NICE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")  # rather this than the worker or the site
    # Our own loggers keep to the rules, and are heard.
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
    """What compiled code could not raise: without memory it would go on, very slowly, to a result that is wrong."""
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
    """The pipe to the worker, and the terminal; what others print goes nowhere, since it may quote a file."""
    events = os.fdopen(os.dup(1), "wb")
    errors = os.fdopen(os.dup(2), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return events, errors


def _die_with(parent: int) -> None:
    """However the worker dies: at once where Linux sees to it, else when standard input ends."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _take_others_along() -> tuple[int, ...]:
    """What the work has started ends with this process, even if it is killed: as with a terminal that is closed.

    The system hangs up on all of a terminal's group when the process that leads its session ends.
    """
    with suppress(OSError, ImportError):
        import fcntl
        import termios

        pair = os.openpty()
        fcntl.ioctl(pair[1], termios.TIOCSCTTY, 0)
        return pair  # open for as long as we live
    return ()


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    with suppress(OSError):
        os.killpg(0, signal.SIGKILL)  # whatever the work has started dies too
    os._exit(1)


if __name__ == "__main__":
    main()
