"""Fetched instances as files: in a folder for each study and series, named by their UIDs, whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from voxelry.core.errors import VoxelryError
from voxelry.workflows.files.atomic import hidden

if TYPE_CHECKING:
    from collections.abc import Callable

    from voxelry.network.remote_instances import RemoteInstance
    from voxelry.network.sent_instances import SentFile, SentInstance


class UnplacedInstanceError(VoxelryError):
    """An instance says no study and series, so that there is no folder for it."""

    code = "unplaced_instance"


def file_of(folder: Path, one: RemoteInstance) -> Path:
    """Where an instance's file lies."""
    return folder / one.study / one.series / f"{one.sop_instance}.dcm"


class FetchedFiles:
    """Opens files for the instances that come.

    Attributes
    ----------
    written
        The number of files that are whole.
    """

    def __init__(self, folder: Path, wanted: Mapping[str, RemoteInstance] | None, on_file: Callable[[int], object]):
        """With ``wanted``, instances by SOP Instance UID, others are not kept."""
        self._folder, self._wanted, self._on_file = folder, wanted, on_file
        self.written = self.present = 0

    def receive(self, sent: SentInstance) -> SentFile | None:
        """Open the file of an instance."""
        if self._wanted is None:
            return _File(self, self._folder, None)
        one = self._wanted.get(sent.sop_instance)
        if one is None or file_of(self._folder, one).exists():
            return None
        return _File(self, self._folder, file_of(self._folder, one))

    def note(self, *, is_new: bool) -> None:
        """Count a file that is whole."""
        self.written += is_new
        self.present += not is_new
        self._on_file(self.written)


class _File:
    def __init__(self, files: FetchedFiles, folder: Path, final: Path | None) -> None:
        self._files, self._folder, self._final = files, folder, final
        folder.mkdir(parents=True, exist_ok=True)
        self._path = hidden(folder)
        self._stream = self._path.open("xb")
        self.write = self._stream.write

    def complete(self) -> None:
        self._stream.close()
        final = self._placed() if self._final is None else self._final
        is_new = not final.exists()
        if is_new:
            final.parent.mkdir(parents=True, exist_ok=True)
            self._path.replace(final)
        else:
            self._path.unlink()
        self._files.note(is_new=is_new)

    def drop(self) -> None:
        with suppress(OSError):
            self._stream.close()
        with suppress(OSError):
            self._path.unlink()

    def _placed(self) -> Path:
        """Where the instance belongs, as its header says."""
        from voxelry.dicom.headers.header import read_header
        from voxelry.dicom.headers.sources import FileSource
        from voxelry.network.remote_instances import RemoteInstance
        from voxelry.network.sent_instances import is_valid_uid

        header = read_header(FileSource.of(self._path, "an instance"))
        uids = header.study_instance_uid, header.series_instance_uid, header.sop_instance_uid
        if not all(map(is_valid_uid, uids)):
            raise UnplacedInstanceError("an instance came without valid Study, Series and SOP Instance UIDs")
        return file_of(self._folder, RemoteInstance(*uids))
