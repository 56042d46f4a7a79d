"""Wakes the workers of this machine without a broker, by named pipes in the data folder.

Each worker reads one pipe. A byte means: look at the rows. If it is lost, an idle worker looks within a second anyway.
"""

from __future__ import annotations

import glob
import os
import select
import socket
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from django.conf import settings

LONGEST_SECONDS = 15.0
_lock = threading.Lock()
_later: threading.Timer | None = None


def pipes_folder() -> Path:
    """The folder of the named pipes."""
    folder: Path = settings.VOXELRY.data / "bells"
    return folder


def wake_workers() -> None:
    """Wake all workers of this machine that share the data folder."""
    with suppress(FileNotFoundError):
        for pipe in os.scandir(pipes_folder()):
            _wake(pipe.path)


def wake_workers_later(seconds: float) -> None:
    """Wake them after a while. Until then further calls do nothing, so that a long while is left to idle workers."""
    global _later  # noqa: PLW0603 - there is one timer in a process
    if seconds > LONGEST_SECONDS:
        return

    def wake() -> None:
        global _later  # noqa: PLW0603
        with _lock:
            _later = None
        wake_workers()

    with _lock:
        if _later is None or not _later.is_alive():
            _later = threading.Timer(seconds, wake)
            _later.daemon = True
            _later.start()


def _wake(path: str) -> bool:
    """Write a byte into a pipe; False if no process reads it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # No process reads it: its worker was killed, or runs on another machine that shares this folder.
        return False
    try:
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(descriptor, b"\n")
    finally:
        os.close(descriptor)
    return True


def _machine() -> str:
    return f"{socket.gethostname()}-"


def _remove_dead() -> None:
    """Remove the pipes that killed workers of this machine left."""
    for path in pipes_folder().glob(f"{glob.escape(_machine())}*"):
        if not _wake(str(path)):
            path.unlink(missing_ok=True)


class WakeUpPipe:
    """The named pipe of one worker. On a system without named pipes `wait` only waits."""

    def __init__(self) -> None:
        self._path = pipes_folder() / f"{_machine()}{uuid.uuid4().hex}"
        self._descriptor: int | None = None

    def __enter__(self) -> WakeUpPipe:
        if hasattr(os, "mkfifo"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _remove_dead()
            os.mkfifo(self._path, 0o600)
            # Open for writing too, so that reading does not end when the last writer closes.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._path.unlink(missing_ok=True)

    def wait(self, seconds: float) -> bool:
        """Wait until a byte arrives or the time is over; returns whether one arrived."""
        if self._descriptor is None:
            select.select([], [], [], seconds)
            return False
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        with suppress(BlockingIOError):
            os.read(self._descriptor, 65536)
        return True
