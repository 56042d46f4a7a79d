"""Bells: telling this machine's workers, without a broker, that there is something to do.

Each worker has a named pipe in the data folder. A byte in it says: look at the rows. That is all it says, so that a
bell which nobody hears costs no more than the second after which an idle worker looks by itself.
"""

from __future__ import annotations

import glob
import os
import select
import socket
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from django.conf import settings


def folder() -> Path:
    """Where the bells hang."""
    found: Path = settings.VOXELRY.data / "bells"
    return found


def ring() -> None:
    """Wake the workers of this machine."""
    with suppress(FileNotFoundError):
        for bell in os.scandir(folder()):
            _ring(bell.path)


def _ring(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # Nobody listens: its worker was killed, or lives on another machine that shares this folder.
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
    """What killed workers of this machine left."""
    for path in folder().glob(f"{glob.escape(_machine())}*"):
        if not _ring(str(path)):
            path.unlink(missing_ok=True)


class Bell:
    """One worker's; None is heard where the system has no named pipes, and the worker looks by itself."""

    def __init__(self) -> None:
        self._path = folder() / f"{_machine()}{uuid.uuid4().hex}"
        self._descriptor: int | None = None

    def __enter__(self) -> Bell:
        if hasattr(os, "mkfifo"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _remove_dead()
            os.mkfifo(self._path, 0o600)
            # For both, so that it does not end when the last writer goes.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._path.unlink(missing_ok=True)

    def wait(self, seconds: float) -> bool:
        """Until it is rung, or the time is over; whether it was rung."""
        if self._descriptor is None:
            select.select([], [], [], seconds)
            return False
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return False
        with suppress(BlockingIOError):
            os.read(self._descriptor, 65536)
        return True
