"""Instances that a node sends to us by C-STORE, in a C-GET or to a listener that awaits them (PS3.4 Annex B)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from voxelry.core.errors import VoxelryError
from voxelry.dicom.write.header_bytes import file_head
from voxelry.dicom.write.provenance import VERSION
from voxelry.network.association import Association, DataSetWriter, Message
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context
from voxelry.network.statuses import CANNOT_UNDERSTAND, INVALID_SOP_INSTANCE, OUT_OF_RESOURCES, SUCCESS

_UID = re.compile(r"\d+(\.\d+)*")
_LONGEST_UID = 64


def is_valid_uid(text: str) -> bool:
    """Whether a text is a UID: digits and single dots, so that it is safe as the name of a file."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class SentInstance:
    """What a C-STORE-RQ says of its instance."""

    sop_class: str
    sop_instance: str
    transfer_syntax: str


class SentFile(Protocol):
    """Takes the file of an instance: preamble, our file meta information, and the data set as the node sends it."""

    def write(self, part: bytes | memoryview, /) -> object:
        """Take the next bytes."""

    def complete(self) -> object:
        """Keep the file: it is whole."""

    def drop(self) -> object:
        """Remove the file: it is not whole."""


Receive = Callable[[SentInstance], SentFile | None]
"""Opens the file of an instance; None if its bytes are not needed, because they are here or were not asked for."""


class _Writer:
    """The data set of one C-STORE; it remembers what goes wrong."""

    def __init__(self, sent: SentInstance, receive: Receive) -> None:
        self._file: SentFile | None = None
        self.error: Exception | None = None
        try:
            if not (is_valid_uid(sent.sop_class) and is_valid_uid(sent.sop_instance)):
                raise SentInstanceError("the node sent an instance without a valid SOP Class and Instance UID")
            self._file = receive(sent)
            if self._file is not None:
                self._file.write(file_head(sent.sop_class, sent.sop_instance, sent.transfer_syntax, VERSION))
        except Exception as error:
            self.fail(error)

    def write(self, part: bytes | memoryview) -> None:
        if self._file is not None:
            try:
                self._file.write(part)
            except Exception as error:
                self.fail(error)

    def complete(self) -> None:
        if self._file is not None:
            try:
                self._file.complete()
            except Exception as error:
                self.fail(error)
            self._file = None

    def drop(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            file.drop()

    def fail(self, error: Exception) -> None:
        self.error = error
        self.drop()


class SentInstanceError(VoxelryError):
    """A node sent what is no instance."""

    code = "sent_instance"


class SentInstances:
    """Takes the instances of an association, one after the other. Used in ``with``: one that is not whole is dropped.

    Attributes
    ----------
    received
        The SOP Instance UIDs of those that are whole, in order.
    refused
        Why others were not taken, by SOP Instance UID.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._writer: _Writer | None = None
        self.received: list[str] = []
        self.refused: dict[str, str] = {}

    def __enter__(self) -> SentInstances:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.drop()

    def open(self, command: Command, context: Context) -> DataSetWriter | None:
        """What takes the data set of a message; None if it is no C-STORE-RQ."""
        if command.field is not CommandField.C_STORE_RQ:
            return None
        sent = SentInstance(command.sop_class or context.abstract_syntax, command.sop_instance, context.transfer_syntax)
        self._writer = _Writer(sent, self._receive)
        return self._writer

    def answer(self, association: Association, message: Message) -> None:
        """Answer a C-STORE-RQ.

        Raises
        ------
        OSError
            If the file cannot be written: the others cannot either. The node has its answer.
        """
        command, writer = message.command, self._writer
        self._writer = None
        if writer is None or message.writer is not writer:
            association.send(command.answered(CANNOT_UNDERSTAND), message.context)
            return
        writer.complete()
        if writer.error is None:
            self.received.append(command.sop_instance)
            association.send(command.answered(SUCCESS), message.context)
            return
        self.refused[command.sop_instance] = str(writer.error) or type(writer.error).__name__
        if isinstance(writer.error, SentInstanceError):
            association.send(command.answered(INVALID_SOP_INSTANCE), message.context)
        elif isinstance(writer.error, VoxelryError):
            association.send(command.answered(CANNOT_UNDERSTAND), message.context)
        else:
            association.send(command.answered(OUT_OF_RESOURCES), message.context)
            raise writer.error
