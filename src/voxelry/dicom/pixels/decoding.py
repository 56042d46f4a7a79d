"""Decodes compressed frames in this process, or in child processes that can be killed.

A decoder that hangs or crashes stops its process. A server decodes files from unknown sources, so it uses child
processes with a limit of processor time and memory for each frame. RLE and deflated frames are decoded in linear time
and need no child. Other programs decode in their own process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from voxelry import children
from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels.codecs import cannot_be_decoded, decode
from voxelry.dicom.pixels.codestream_check import RLE
from voxelry.parallel import workers

LEAST_SECONDS = 1.0
SECONDS_PER_VALUE = 2e-6
"""Processor time that a frame may take: ten times that of the slowest codec, on a slow machine."""
LEAST_BYTES = 2**29
BYTES_PER_VALUE = 32
"""Memory that a frame may take: decoders hold values as 32-bit numbers, in several copies."""
IMPATIENT = 8
"""Divides the time limit after `patience` is used up; intact frames still have enough time."""
LEAST_WALL_SECONDS, WALL_FACTOR = 30.0, 10
"""Wall-clock limit: seconds for the start of a child, and a factor on the processor time for a busy machine."""
HEADER = struct.Struct("<QQ")
"""Before each message: the length of its JSON, and of the bytes that follow it."""
_AT_ONCE = 2**20
_MODULE = "voxelry.dicom.pixels.decoding_child"


@dataclass(slots=True)
class _Patience:
    left: float


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Context in which frames get a shorter time limit once killed decoders have used this many seconds."""
    token = _patience.set(_Patience(seconds))
    try:
        yield
    finally:
        _patience.reset(token)


def decode_frame(
    encoded: bytes, syntax: UID, *, shape: tuple[int, int, int], dtype: np.dtype[np.generic], photometric: str
) -> npt.NDArray[np.generic]:
    """One compressed frame, as `codecs.decode` gives it.

    Raises
    ------
    PixelDataError
        If it is damaged, or if its decoder was killed.
    """
    if not _children.wanted or syntax in RLE:
        return decode(encoded, syntax, shape=shape, dtype=dtype, photometric=photometric)
    asked = {"syntax": str(syntax), "shape": shape, "dtype": dtype.str, "photometric": photometric}
    return _children.decode(encoded, asked, values=shape[0] * shape[1] * shape[2])


def isolate() -> None:
    """Decode in child processes from now on."""
    _children.wanted, _children.ended = hasattr(os, "readv"), None


def close_decoders(error: type[BaseException] = SystemExit) -> None:
    """Kill the child processes. Pending and later calls raise ``error``, because the file is not at fault."""
    _children.close(error)


class _Killed(Exception):
    """The child is dead."""


class _Children:
    """A pool of child processes: as many as were needed at the same time, at most one for each core."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self.wanted = False
        self.ended: type[BaseException] | None = None

    def decode(self, encoded: bytes, asked: dict[str, Any], *, values: int) -> npt.NDArray[np.generic]:
        left = _patience.get()
        seconds = LEAST_SECONDS + SECONDS_PER_VALUE * values
        if left is not None and left.left <= 0:
            seconds /= IMPATIENT
        limits = {"seconds": seconds, "bytes": LEAST_BYTES + BYTES_PER_VALUE * values + 2 * len(encoded)}
        child = self._take()
        try:
            found = child.decode(
                encoded, {**asked, **limits}, until=time.monotonic() + LEAST_WALL_SECONDS + WALL_FACTOR * seconds
            )
        except _Killed:
            self._drop(child)
            self._check()
            if left is not None:
                left.left -= seconds
            raise PixelDataError(
                f"the compressed frame could not be decoded within {seconds:.1f} s and "
                f"{limits['bytes'] / 2**20:.0f} MiB of memory, or broke its decoder: it is damaged; copy the file again"
            ) from None
        except PixelDataError:
            self._put(child)
            raise
        except BaseException:  # in the middle of an answer, perhaps
            self._drop(child)
            raise
        self._put(child)
        return found

    def close(self, error: type[BaseException]) -> None:
        with self._lock:
            self.ended = error
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for child in idle:
            child.remove()
        for child in busy:
            child.kill()

    def _check(self) -> None:
        if self.ended is not None:
            raise self.ended

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    self._busy.add(child)
                    return child
                child.remove()
        self._check()
        child = _Child()
        with self._lock:
            self._busy.add(child)
            if self.ended is None:
                return child
        self._drop(child)
        raise self.ended

    def _put(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
            kept = self.ended is None and len(self._idle) < workers()
            if kept:
                self._idle.append(child)
        if not kept:
            child.remove()

    def _drop(self, child: _Child) -> None:
        with self._lock:
            self._busy.discard(child)
        child.remove()


class _Child:
    """One process, for one frame at a time."""

    def __init__(self) -> None:
        self._process = children.spawn(_MODULE)
        self._killing = threading.Lock()
        for stream in (self._process.stdin, self._process.stdout):
            _widen(stream)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill the process; a pending read from it ends."""
        with self._killing:
            if self._process.returncode is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()

    def remove(self) -> None:
        """Kill the process and close its pipes; no read may be pending."""
        self.kill()
        children.close(self._process)

    def decode(self, encoded: bytes, asked: dict[str, Any], *, until: float) -> npt.NDArray[np.generic]:
        self._send(encoded, json.dumps(asked).encode())
        length, size = HEADER.unpack(self._received(bytearray(HEADER.size), until))
        told = json.loads(bytes(self._received(bytearray(length), until)))
        if "refused" in told:
            raise PixelDataError(told["refused"])
        if "failed" in told:
            raise cannot_be_decoded(UID(asked["syntax"]), told["failed"])
        values = np.empty(tuple(told["shape"]), np.dtype(told["dtype"]))
        if values.nbytes != size:
            raise _Killed
        self._received(values.reshape(-1).view(np.uint8).data, until)
        return values

    def _send(self, encoded: bytes, asked: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        try:
            self._process.stdin.write(HEADER.pack(len(asked), len(encoded)) + asked)
            self._process.stdin.write(encoded)
            self._process.stdin.flush()
        except (OSError, ValueError):
            raise _Killed from None

    def _received(self, into: bytearray | memoryview, until: float) -> bytearray | memoryview:
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        descriptor, view, done = self._process.stdout.fileno(), memoryview(into), 0
        while done < len(view):
            # Polled, because another thread may kill the child.
            if not select.select([descriptor], [], [], min(1.0, max(0.0, until - time.monotonic())))[0]:
                if time.monotonic() >= until:
                    raise _Killed
                continue
            count = os.readv(descriptor, [view[done : done + _AT_ONCE]])
            if not count:
                raise _Killed
            done += count
        return into


def _widen(stream: Any) -> None:
    """Enlarge a pipe so that it holds a frame, which saves context switches."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _AT_ONCE)


_children = _Children()
