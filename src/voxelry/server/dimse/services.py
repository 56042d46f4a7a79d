"""The services of the listener: what does each kind of request."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from voxelry.network.association import DataSetWriter, Message, OpenWriter
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context
from voxelry.network.statuses import NOT_AUTHORISED, SUCCESS
from voxelry.server.dimse.commitment_service import answer_commitment
from voxelry.server.dimse.find_service import answer_query
from voxelry.server.dimse.get_service import answer_get
from voxelry.server.dimse.move_service import answer_move
from voxelry.server.dimse.session import Service, Session
from voxelry.server.dimse.store_service import open_data_set, store


def echo(session: Session, message: Message) -> None:
    """Answer a C-ECHO-RQ (PS3.4 Annex A)."""
    session.answer(message, NOT_AUTHORISED if session.node() is None else SUCCESS)


SERVICES: Mapping[CommandField, Service] = MappingProxyType(
    {
        CommandField.C_ECHO_RQ: echo,
        CommandField.C_FIND_RQ: answer_query,
        CommandField.C_STORE_RQ: store,
        CommandField.C_GET_RQ: answer_get,
        CommandField.C_MOVE_RQ: answer_move,
        CommandField.N_ACTION_RQ: answer_commitment,
    }
)


def open_writer(session: Session) -> OpenWriter | None:
    """What takes the data sets of instances while they arrive; None to have all data sets in their messages."""

    def opened(command: Command, context: Context) -> DataSetWriter | None:
        return open_data_set(session, command, context) if command.field is CommandField.C_STORE_RQ else None

    return opened
