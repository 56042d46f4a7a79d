"""A new HDF5 file on a disk that may be full: write errors are hidden from the HDF5 library, which would crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from voxelry.core.extras import needed_for
from voxelry.core.progress import Progress
from voxelry.formats.hdf5.hdf5_file import Node


@contextmanager
def created(path: str, progress: Progress) -> Iterator[tuple[Node, Progress]]:
    """Create an empty HDF5 file, with a progress function that stops the work once a write has failed.

    Raises
    ------
    OSError
        If the file cannot be written, for example because the disk is full.
    """
    with needed_for("HDF5"):
        import h5py

    with closing(_Target(path)) as target:

        def told(fraction: float, words: str) -> None:
            target.check()
            progress(fraction, words)

        with h5py.File(target, "w") as file:
            yield file, told
        target.check()


class _Target:
    """The file object that h5py writes to: after the first failure it accepts all writes and discards them.

    If the HDF5 library cannot write while it closes a file, it leaves the file half closed, and the interpreter
    crashes at exit.
    """

    def __init__(self, path: str) -> None:
        self._file = Path(path).open("w+b", buffering=0)  # noqa: SIM115 - closed by close
        self._error: OSError | None = None

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def write(self, content: memoryview) -> int:
        left = memoryview(content).cast("B")
        while left and self._error is None:
            try:
                left = left[self._file.write(left) :]
            except OSError as error:
                self._error = error
        return len(content)

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size

    def read(self, size: int) -> bytes:
        return self._file.read(size) or b""

    def readinto(self, buffer: memoryview) -> int:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""

    def close(self) -> None:
        self._file.close()
