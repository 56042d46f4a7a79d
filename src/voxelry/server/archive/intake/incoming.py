"""The one way in for bytes, whoever brings them: uploads of the page and of programs, and nodes that store instances.

It knows no request. A file arrives in chunks in the temporary folder (`ArrivingFile`). Files that came together become
an upload with its job (`store_upload`); files that come one after the other while a sender is connected become an
upload that grows (`GrowingUpload`). What these acknowledge is on disk: bytes, names and rows.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, ClassVar
from weakref import finalize

from django.db import transaction

from voxelry.core.errors import VoxelryError
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.access.models import Role
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import deletions, files_at_rest, flushing, lost_and_found
from voxelry.server.archive.intake.ingest import KIND
from voxelry.server.archive.models import Upload
from voxelry.server.jobs.held_job import HeldJob
from voxelry.server.jobs.leases import in_turn
from voxelry.server.jobs.submit import JobStateError, cancel, submit


class FileTooLargeError(VoxelryError):
    """More bytes arrived than a file may have."""

    code: ClassVar[str] = "too_large"


class ArrivedFile:
    """A whole file in the temporary folder, under the name that its sender gave.

    It is removed with `remove`, or when it is garbage-collected: a request that was interrupted removes nothing. If it
    was moved away, nothing is removed.
    """

    def __init__(self, path: Path, name: str, size: int) -> None:
        self.path, self.name, self.size = path, name, size
        self.remove = finalize(self, partial(path.unlink, missing_ok=True))


class ArrivingFile:
    """A file that is being written. It is removed if it is not completed.

    Parameters
    ----------
    name
        As its sender gave it; it is shown in the report, and is no path.
    most_bytes
        The most that it may have; None for no limit.
    """

    def __init__(self, name: str, *, most_bytes: int | None = None) -> None:
        self._name, self._most, self._size = name, most_bytes, 0
        descriptor, path = tempfile.mkstemp(prefix="received-", dir=files_at_rest.temporary_folder())
        self._stream, self._path = os.fdopen(descriptor, "wb"), Path(path)
        self.drop = finalize(self, _drop, self._stream, self._path)

    def __enter__(self) -> ArrivingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    def write(self, part: bytes | memoryview) -> None:
        """Add bytes at the end.

        Raises
        ------
        FileTooLargeError
            If the file has more than ``most_bytes``. It is removed.
        """
        self._size += len(part)
        try:
            if self._most is not None and self._size > self._most:
                raise FileTooLargeError(f"{self._name}: has more than {self._most:,} bytes, which are the most")
            self._stream.write(part)
        except BaseException:
            self.drop()
            raise

    def complete(self) -> ArrivedFile:
        """Close the file; it is whole now, and not yet flushed."""
        try:
            self._stream.close()
        except BaseException:
            self.drop()
            raise
        self.drop.detach()
        return ArrivedFile(self._path, self._name, self._size)


def _drop(stream: IO[bytes], path: Path) -> None:
    with suppress(OSError):  # the disk is full: the buffered bytes cannot be written
        stream.close()
    path.unlink(missing_ok=True)


def store_upload(arrived: Sequence[ArrivedFile], *, who: Grants, project: int) -> Upload:
    """Store files as an upload to a project and submit its job. When this returns, files and rows are durable.

    Raises
    ------
    RoleError
        If they may not add to the project.
    """
    who.require(Role.UPLOADER, project)
    # Flushed before the answer, and before the transaction, during which no other process writes.
    flushing.sync_files(file.path for file in arrived)
    if files_at_rest.is_shared():
        return _store_shared(arrived, who, project)
    with transaction.atomic():
        upload = _row([file.name for file in arrived], who, project)
        _move(arrived, upload)
        _submit(upload)
    return upload


def _store_shared(arrived: Sequence[ArrivedFile], who: Grants, project: int) -> Upload:
    """Store an upload in the bucket, outside of a transaction, because sending the files may take minutes."""
    upload = _row([file.name for file in arrived], who, project)
    try:
        _move(arrived, upload)
        files_at_rest.hand_over(files_at_rest.upload_folder(upload.pk))
        with transaction.atomic():
            _submit(upload)
    except BaseException:
        remove_upload(upload)
        raise
    return upload


def _row(names: list[str], who: Grants, project: int, node: str = "") -> Upload:
    return queries.uploads(as_site()).create(user_id=who.user, project_id=project, names=names, node=node)


def _move(arrived: Sequence[ArrivedFile], upload: Upload) -> None:
    """Move the files to the upload's folder, and flush their names."""
    folder = _new_folder(upload)
    for position, file in enumerate(arrived):
        file.path.replace(folder / files_at_rest.waiting_name(position))
    flushing.sync_folder(folder)


def _new_folder(upload: Upload) -> Path:
    folder = files_at_rest.upload_folder(upload.pk)
    # Left by a killed request, or by an upload that this database has no row of.
    lost_and_found.put_away(f"uploads/{upload.pk}")
    flushing.make_folder(folder)
    return folder


def _submit(upload: Upload) -> None:
    upload.job = submit(KIND, subject=upload.pk, project=upload.project_id, requested_by=upload.user)
    upload.save(update_fields=["job"])


def remove_upload(upload: Upload) -> None:
    """Delete an upload and its waiting files; the instances that it brought stay."""
    key = upload.pk
    with transaction.atomic():
        if upload.job_id is not None:
            with suppress(JobStateError):
                cancel(upload.job_id)
        deletions.record([f"uploads/{key}"])
        unused_files.forget(upload=key)
        upload.delete()


@dataclass(slots=True)
class _Opened:
    """An upload that grows: its row, its job, and the names of the files in its folder."""

    upload: Upload
    held: HeldJob
    names: list[str] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)


class GrowingUpload:
    """An upload whose files come one after the other, as in an association of C-STORE; closed at the end of ``with``.

    The row and its job are written with the first file, and the job is leased to this process until the upload is
    closed. If the process is killed, the lease is lost, and the job is queued like that of a killed worker: it ingests
    the files that were acknowledged. If somebody cancels the job meanwhile, further files begin another upload.

    `add` writes no row. It flushes the file, links it into the upload's folder, flushes the folder, and only then reads
    that the job is held by this process. Whoever takes the job in claims it first, which ends the hold, and then looks
    into the folder. So if the hold is there after the name is, every later look sees the file; and the row of a held
    job is durable. If it is not there, the look may have come before the name: the file is added to another upload,
    and should the first one have it too, ingest finds the same bytes twice and keeps them once. The file is linked,
    not moved, because the job removes the folder when it is over.

    One thread adds files; any thread may close it. Not used inside of a transaction, which might read an old state.

    Parameters
    ----------
    node
        The name of the node that brings the files, if one does.

    Raises
    ------
    RoleError
        If they may not add to the project.
    """

    def __init__(self, *, who: Grants, project: int, node: str = "") -> None:
        who.require(Role.UPLOADER, project)
        self._who, self.project, self.node = who, project, node
        self._lock = threading.RLock()
        self._opened: _Opened | None = None

    def __enter__(self) -> GrowingUpload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def count(self) -> int:
        """The number of files since it was closed the last time."""
        opened = self._opened
        return 0 if opened is None else len(opened.names)

    @property
    def seconds(self) -> float:
        """How long its first file has waited; 0 if there is none."""
        opened = self._opened
        return 0.0 if opened is None else time.monotonic() - opened.since

    def add(self, file: ArrivedFile) -> tuple[Upload, Path]:
        """Add a file; returns the upload, and where the file waits in it (without a bucket).

        When this returns, the file is durable and will be ingested.
        """
        flushing.sync_files([file.path])
        while True:
            with self._lock:
                opened = self._opened = self._opened or self._begin()
                path = self._link(file, opened)
                if path is not None and opened.held.is_held():
                    break
                self.close()  # cancelled, or taken for dead
        file.remove()
        return opened.upload, path

    def close(self) -> Upload | None:
        """Let the job begin; returns the upload if there was one. A second call does nothing."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is None:
                return None
            with in_turn(), transaction.atomic():
                if opened.held.release():
                    queries.uploads(as_site()).filter(pk=opened.upload.pk).update(names=opened.names)
            return opened.upload

    def _begin(self) -> _Opened:
        with in_turn(), transaction.atomic():
            upload = _row([], self._who, self.project, self.node)
            _new_folder(upload)
            _submit(upload)
            held = HeldJob(upload.job_id or 0)
            held.hold("receiving files")
        return _Opened(upload, held)

    def _link(self, file: ArrivedFile, opened: _Opened) -> Path | None:
        """Link a file into the upload's folder and flush its name; None if the folder was removed."""
        folder = files_at_rest.upload_folder(opened.upload.pk)
        final = folder / files_at_rest.waiting_name(len(opened.names))
        if files_at_rest.is_shared():
            files_at_rest.send(file.path, final)
            opened.names.append(file.name)
            return final
        if not folder.is_dir():
            return None
        try:
            _link_or_copy(file.path, final)
            opened.names.append(file.name)
            flushing.sync_folder(folder)
        except FileNotFoundError:
            if folder.is_dir():
                raise
            return None
        return final


def _link_or_copy(path: Path, final: Path) -> None:
    """Make ``final`` another name of a flushed file; a flushed copy if the file system has no links."""
    try:
        os.link(path, final)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, final)
        flushing.sync_files([final])
