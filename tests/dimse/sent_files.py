"""DICOM files as C-STORE sends them: their data sets, and what their File Meta Information says."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pydicom.filereader import read_file_meta_info

from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal
from voxelry.server.archive.at_rest.files_at_rest import open_kept
from voxelry.server.archive.models import Instance


@dataclass(frozen=True)
class SentFile:
    """A file without its File Meta Information."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    data_set: bytes

    @property
    def proposal(self) -> Proposal:
        """The context that it needs."""
        return Proposal(self.sop_class, (self.transfer_syntax,))


def data_set_of(content: bytes) -> bytes:
    """What follows the File Meta Information of a file."""
    assert content[128:132] == b"DICM"
    stream = io.BytesIO(content)
    stream.seek(132)
    assert stream.read(8) == b"\2\0\0\0UL\4\0"
    length = int.from_bytes(stream.read(4), "little")
    return content[stream.tell() + length :]


def sent_file(path: Path) -> SentFile:
    """A file of the disk."""
    meta = read_file_meta_info(path)
    return SentFile(
        str(meta.MediaStorageSOPClassUID),
        str(meta.MediaStorageSOPInstanceUID),
        str(meta.TransferSyntaxUID),
        data_set_of(path.read_bytes()),
    )


def changed(path: Path, **values: object) -> SentFile:
    """A file whose attributes have other values; those that are None are left out."""
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    stream = io.BytesIO()
    dataset.save_as(stream)
    given = sent_file(path)
    return SentFile(given.sop_class, given.sop_instance, given.transfer_syntax, data_set_of(stream.getvalue()))


def request(association: Association, file: SentFile) -> Command:
    """A C-STORE-RQ for a file."""
    return Command(
        CommandField.C_STORE_RQ,
        message_id=association.new_message_id(),
        sop_class=file.sop_class,
        sop_instance=file.sop_instance,
        priority=0,
    )


def stored(association: Association, file: SentFile) -> tuple[int, str]:
    """Store a file; the status, and the Error Comment."""
    context = association.context_of(file.sop_class, file.transfer_syntax)
    assert context is not None
    command = request(association, file)
    association.send(command, context, file.data_set)
    answer = association.response(command.message_id or 0).command
    assert (answer.sop_class, answer.sop_instance) == (file.sop_class, file.sop_instance)
    assert answer.status is not None
    return answer.status, answer.error_comment


def kept_data_sets() -> dict[str, bytes]:
    """The data sets of all instances of the site, by SOP Instance UID."""
    found = {}
    for row in Instance.objects.all():
        with open_kept(row.sha256) as file:
            found[row.sop_instance_uid] = data_set_of(file.read())
    return found
