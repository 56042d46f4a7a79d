"""Receives uploads: each file goes to the data folder while it arrives, not through memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, cast
from weakref import finalize

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import transaction

from voxelry.server.access.grants import as_site
from voxelry.server.archive import deletions, files_at_rest, flushing, lost_and_found, queries, unused_files
from voxelry.server.archive.ingest import KIND
from voxelry.server.archive.models import Upload
from voxelry.server.jobs.submit import JobStateError, cancel, submit


class ReceivedFile(UploadedFile):
    """A received file in the temporary folder; it is opened when it is read.

    It is removed when it is closed or garbage-collected: Django closes no file of a request that was interrupted.
    """

    def __init__(self, path: Path, name: str, content_type: str, size: int) -> None:
        super().__init__(None, name, content_type, size)
        self.path = path
        self._remove = finalize(self, partial(path.unlink, missing_ok=True))

    @property
    def file(self) -> IO[bytes]:
        opened: IO[bytes] | None = self.__dict__.get("_opened")
        if opened is None:
            opened = self.__dict__["_opened"] = self.path.open("rb")
        return opened

    @file.setter
    def file(self, value: IO[bytes] | None) -> None:
        self.__dict__["_opened"] = value

    def close(self) -> None:
        """Remove the file unless it was moved away; called by Django at the end of the request."""
        opened = self.__dict__.pop("_opened", None)
        if opened is not None:
            opened.close()
        self._remove()


class DataFolderUploadHandler(FileUploadHandler):
    """Writes each file of a request while it arrives."""

    chunk_size = 2**20

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._arriving: _Arriving | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._arriving = _Arriving()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        cast(_Arriving, self._arriving).write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        path = cast(_Arriving, self._arriving).complete()
        self._arriving = None
        return ReceivedFile(path, self.file_name or "file", self.content_type or "", file_size)

    def upload_interrupted(self) -> None:
        if self._arriving is not None:
            self._arriving.drop()
            self._arriving = None


class _Arriving:
    """A file that is being written. It is removed if it cannot be finished, or with its request."""

    def __init__(self) -> None:
        descriptor, name = tempfile.mkstemp(prefix="received-", dir=files_at_rest.temporary_folder())
        self._stream, self._path = os.fdopen(descriptor, "wb"), Path(name)
        self.drop = finalize(self, _drop, self._stream, self._path)

    def write(self, part: bytes) -> None:
        try:
            self._stream.write(part)
        except BaseException:
            self.drop()
            raise

    def complete(self) -> Path:
        try:
            self._stream.close()
        except BaseException:
            self.drop()
            raise
        self.drop.detach()
        return self._path


def _drop(stream: IO[bytes], path: Path) -> None:
    with suppress(OSError):  # the disk is full: the buffered bytes cannot be written
        stream.close()
    path.unlink(missing_ok=True)


def receive_upload(received: Iterable[UploadedFile], *, user: User | None, project: int) -> Upload:
    """Store received files as an upload to a project and submit its job.

    When this returns, the files and rows are durable."""
    arrived = [cast(ReceivedFile, file) for file in received]
    # Flushed before the answer, and before the transaction, during which no other process writes.
    flushing.sync_files(file.path for file in arrived)
    if files_at_rest.is_shared():
        return _receive_shared(arrived, user, project)
    with transaction.atomic():
        upload = _row(arrived, user, project)
        _move(arrived, upload)
        _submit(upload)
    return upload


def _receive_shared(arrived: list[ReceivedFile], user: User | None, project: int) -> Upload:
    """Store an upload in the bucket, outside of a transaction, because sending the files may take minutes."""
    upload = _row(arrived, user, project)
    try:
        _move(arrived, upload)
        files_at_rest.hand_over(files_at_rest.upload_folder(upload.pk))
        with transaction.atomic():
            _submit(upload)
    except BaseException:
        remove_upload(upload)
        raise
    return upload


def _row(arrived: list[ReceivedFile], user: User | None, project: int) -> Upload:
    return queries.uploads(as_site()).create(user=user, project_id=project, names=[str(file.name) for file in arrived])


def _move(arrived: list[ReceivedFile], upload: Upload) -> None:
    """Move the files to the upload's folder, and flush their names."""
    folder = files_at_rest.upload_folder(upload.pk)
    lost_and_found.put_away(
        f"uploads/{upload.pk}"
    )  # left by a killed request, or by an upload that this database has no row of
    flushing.make_folder(folder)
    for position, file in enumerate(arrived):
        file.path.replace(folder / f"{position:06d}")
    flushing.sync_folder(folder)


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
