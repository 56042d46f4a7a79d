"""Writes instances to files on all cores: under temporary names, which are replaced when all files are complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress, silent
from voxelry.dicom.pixels.encode import EXPLICIT, encapsulated, encode_frame
from voxelry.parallel import in_parallel

_PIXEL_DATA = b"\xe0\x7f\x10\x00"
_LONGEST = 2**32 - 2
_MOST_PIECES = 512
_AT_ONCE = 4
"""Files that one thread writes before it asks for more."""
HAS_WRITEV = hasattr(os, "writev")


@dataclass(frozen=True, slots=True)
class InstanceFile:
    """A file to be written.

    Attributes
    ----------
    head
        Gives all that comes before Pixel Data.
    frames
        Each gives the stored values of a frame, contiguous and little endian.
    frame_bytes
        Of a frame that is not compressed.
    wide
        True if a value has more than 8 bits.
    total_bytes
        Of all frames, if they are of bits, or are given several at a time; None if each has ``frame_bytes``.
    """

    name: str
    head: Callable[[], bytes]
    frames: Sequence[Callable[[], npt.NDArray[Any]]]
    frame_bytes: int
    wide: bool
    total_bytes: int | None = None


def check_names(names: str, count: int) -> list[str]:
    """The files' names by a template with ``{index}``, from 1.

    Raises
    ------
    ParameterError
        If the template gives no plain names, or not one for each file.
    """
    try:
        found = [names.format(index=index + 1) for index in range(count)]
    except (KeyError, IndexError, ValueError, AttributeError):
        raise ParameterError(f"file names are made of {{index}}, as in '{{index:04d}}.dcm', not of {names!r}") from None
    if len(set(found)) < count:
        raise ParameterError(f"{names!r} gives several files one name; it needs {{index}}, as in '{{index:04d}}.dcm'")
    for name in found:
        if name in ("", ".", "..") or "\0" in name or Path(name).name != name or "\\" in name:
            raise ParameterError(f"{names!r} gives {name!r}, which is no name of a file in the folder")
    return found


def emit(
    instances: Sequence[InstanceFile], folder: Path, transfer_syntax: str, *, progress: Progress = silent
) -> tuple[Path, ...]:
    """Write files into a folder: all of them appear together, or none if writing fails.

    Raises
    ------
    ParameterError
        If an instance is too large for its transfer syntax.
    OSError
        If the disk is full, or the folder cannot be written.
    """
    with _staging(folder) as stage:
        many = len(instances) > 1
        some = [instances[start : start + _AT_ONCE] for start in range(0, len(instances), _AT_ONCE)]
        tasks = (partial(_write_some, stage, few, transfer_syntax, alone=not many) for few in some)
        with closing(in_parallel(tasks) if many else (task() for task in tasks)) as done:
            for number, _ in enumerate(done, 1):
                progress(number / len(some), "writing DICOM")
        for one in instances:
            (stage / one.name).replace(folder / one.name)
    return tuple(folder / one.name for one in instances)


def emit_whole(content: bytes, path: Path) -> None:
    """Write one file that has no pixels: it bears its name when it is whole.

    Raises
    ------
    OSError
        If the disk is full, or the folder cannot be written.
    """
    with _staging(path.parent) as stage:
        (stage / path.name).write_bytes(content)
        (stage / path.name).replace(path)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A temporary folder in ``folder``; it is always removed, and so are created folders that stay empty."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    stage = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".voxelry-", dir=folder))
        yield stage
    except BaseException:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)
        with suppress(OSError):
            for path in made:
                path.rmdir()
        raise
    stage.rmdir()


def _write_some(stage: Path, instances: Sequence[InstanceFile], transfer_syntax: str, *, alone: bool) -> None:
    for one in instances:
        _write(stage / one.name, one, transfer_syntax, alone=alone)


def _write(path: Path, instance: InstanceFile, transfer_syntax: str, *, alone: bool) -> None:
    frames: Iterable[npt.NDArray[Any]]
    if transfer_syntax == EXPLICIT:
        length = instance.frame_bytes * len(instance.frames) if instance.total_bytes is None else instance.total_bytes
        if length > _LONGEST:
            raise ParameterError(
                f"{len(instance.frames)} frames of {length:,} bytes together are more than one uncompressed file "
                "holds (4 GiB): choose a transfer syntax that compresses, or a file for each slice"
            )
        padded = length + length % 2
        frames = in_parallel(instance.frames) if alone else (frame() for frame in instance.frames)
        vr = b"OW" if instance.wide else b"OB"
        start = _PIXEL_DATA + vr + b"\0\0" + padded.to_bytes(4, "little")
        head = instance.head() + start
        if not alone and HAS_WRITEV:
            _write_at_once(path, [head, *(frame.data.cast("B") for frame in frames), b"\0" * (padded - length)])
            return
        with path.open("xb") as file:
            file.write(head)
            for frame in frames:
                file.write(frame.data)
            file.write(b"\0" * (padded - length))
        return
    tasks = [partial(_encoded, frame, transfer_syntax) for frame in instance.frames]
    streams = list(in_parallel(tasks) if alone else (task() for task in tasks))
    with path.open("xb") as file:
        file.write(instance.head() + _PIXEL_DATA + b"OB\0\0\xff\xff\xff\xff")
        file.writelines(encapsulated(streams))


def _write_at_once(path: Path, pieces: Sequence[bytes | memoryview]) -> None:
    """A new file in as few calls as there can be."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        left = [memoryview(piece) for piece in pieces if len(piece)]
        while left:
            written = os.writev(descriptor, left[:_MOST_PIECES])
            while left and written >= len(left[0]):
                written -= len(left.pop(0))
            if left:
                left[0] = left[0][written:]
    finally:
        os.close(descriptor)


def _encoded(frame: Callable[[], npt.NDArray[Any]], transfer_syntax: str) -> bytes:
    return encode_frame(frame(), transfer_syntax)
