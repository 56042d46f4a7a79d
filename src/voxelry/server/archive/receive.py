"""Uploads on their way in: straight to a file in the data folder, never through memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.db import transaction

from voxelry.server.archive import files
from voxelry.server.archive.ingest import KIND
from voxelry.server.archive.models import Upload
from voxelry.server.jobs.submit import submit


class ReceivedFile(UploadedFile):
    """A file that lies in the temporary folder, and holds no descriptor until it is read."""

    def __init__(self, path: Path, name: str, content_type: str, size: int) -> None:
        super().__init__(None, name, content_type, size)
        self.path = path

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
        """Called by Django at the end of the request: what nobody moved away is removed."""
        opened = self.__dict__.pop("_opened", None)
        if opened is not None:
            opened.close()
        self.path.unlink(missing_ok=True)


class DataFolderUploadHandler(FileUploadHandler):
    """Writes each file of a request as it comes."""

    chunk_size = 2**20

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._stream: IO[bytes] | None = None
        self._path = Path()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        descriptor, name = tempfile.mkstemp(prefix="received-", dir=files.temporary_folder())
        self._stream, self._path = os.fdopen(descriptor, "wb"), Path(name)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        cast(IO[bytes], self._stream).write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        cast(IO[bytes], self._stream).close()
        self._stream = None
        return ReceivedFile(self._path, self.file_name or "file", self.content_type or "", file_size)

    def upload_interrupted(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            self._path.unlink(missing_ok=True)


def receive(received: Iterable[UploadedFile], *, user: User | None) -> Upload:
    """An upload of these files; its job begins when the transaction commits."""
    arrived = [cast(ReceivedFile, file) for file in received]
    with transaction.atomic():
        upload = Upload.objects.create(user=user, names=[str(file.name) for file in arrived])
        folder = files.upload_folder(upload.pk)
        files.remove_folder(folder)  # of an upload whose transaction failed
        folder.mkdir(parents=True)
        for position, file in enumerate(arrived):
            file.path.replace(folder / f"{position:06d}")
        upload.job = submit(KIND, subject=upload.pk)
        upload.save(update_fields=["job"])
    return upload


def remove(upload: Upload) -> None:
    """Delete an upload and what still waits of it; the instances it brought stay."""
    key = upload.pk
    with transaction.atomic():
        upload.delete()
        transaction.on_commit(partial(files.remove_folder, files.upload_folder(key)))
