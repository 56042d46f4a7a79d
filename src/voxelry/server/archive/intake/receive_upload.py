"""Django's side of `incoming`: the files of a request go to the data folder while they arrive, not through memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from voxelry.server.access.grants import Grants
from voxelry.server.archive.intake.incoming import ArrivedFile, ArrivingFile, store_upload
from voxelry.server.archive.intake.store_now import store_plain_files
from voxelry.server.archive.models import Upload


class ReceivedFile(UploadedFile):
    """A received file in the temporary folder; it is opened when it is read.

    It is removed when it is closed or garbage-collected: Django closes no file of a request that was interrupted.
    """

    def __init__(self, arrived: ArrivedFile, name: str, content_type: str) -> None:
        super().__init__(None, name, content_type, arrived.size)
        self.arrived = arrived
        self.path = arrived.path

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
        self.arrived.remove()


class DataFolderUploadHandler(FileUploadHandler):
    """Writes each file of a request while it arrives."""

    chunk_size = 2**20

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._arriving: ArrivingFile | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._arriving = ArrivingFile(self.file_name or "file")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        cast(ArrivingFile, self._arriving).write(raw_data)

    def file_complete(self, file_size: int) -> ReceivedFile:
        arrived = cast(ArrivingFile, self._arriving).complete()
        self._arriving = None
        return ReceivedFile(arrived, self.file_name or "file", self.content_type or "")

    def upload_interrupted(self) -> None:
        if self._arriving is not None:
            self._arriving.drop()
            self._arriving = None


def receive_upload(received: Iterable[UploadedFile], *, who: Grants, project: int) -> Upload:
    """Store the files of a request as an upload to a project: a few DICOM files at once, others by a job."""
    arrived = [_arrived(cast(ReceivedFile, file)) for file in received]
    stored = store_plain_files(arrived, who=who, project=project)
    return store_upload(arrived, who=who, project=project) if stored is None else stored


def _arrived(file: ReceivedFile) -> ArrivedFile:
    file.arrived.name = str(file.name)  # Django may have changed it
    return file.arrived
