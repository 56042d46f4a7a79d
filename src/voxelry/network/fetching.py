"""C-GET and C-MOVE as their user: instances of a node (PS3.4 C.4.2, C.4.3, study root)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context, Proposal
from voxelry.network.failures import FailureStatusError, NetworkError, NoContextError, ProtocolError, TimedOutError
from voxelry.network.identifiers import decoded_identifier, encoded_identifier, text_of
from voxelry.network.pdu_stream import UNEXPECTED_PDU
from voxelry.network.sent_instances import Receive, SentInstances
from voxelry.network.service_uids import PLAIN_SYNTAXES, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from voxelry.network.statuses import CANCELLED, PENDING, SOME_FAILED, SUCCESS

MOVE_PROPOSALS: Final = (Proposal(STUDY_ROOT_MOVE, PLAIN_SYNTAXES),)
"""What is proposed for an association in which `fetch_by_move` is called."""
MOVE_SECONDS: Final = 600.0
"""How long a node may be silent in a C-MOVE: some answer only when all is sent."""
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class SubOperations:
    """What became of the sub-operations of a request, as the node counts them.

    Attributes
    ----------
    failed_uids
        The SOP Instance UIDs of those that failed, as far as the node says it.
    """

    completed: int = 0
    failed: int = 0
    warnings: int = 0
    remaining: int = 0
    failed_uids: tuple[str, ...] = ()

    @property
    def all(self) -> int:
        """How many there are."""
        return self.completed + self.failed + self.warnings + self.remaining


OnCounts = Callable[[SubOperations], object]
"""Called with the counts of each answer, and while nothing comes about once a second; what it raises ends the work."""


def ignore_counts(counts: SubOperations) -> None:
    """Does nothing."""


def fetch_by_get(
    association: Association,
    level: str,
    keys: Mapping[str, str],
    *,
    receive: Receive,
    on_counts: OnCounts = ignore_counts,
) -> tuple[SubOperations, SentInstances]:
    """Have a node send instances on this association.

    Parameters
    ----------
    level
        STUDY, SERIES or IMAGE.
    keys
        The unique keys of the level and of those above it.
    receive
        Opens the file of each instance.

    Returns
    -------
    counts, sent
        What the node counted, and what came.

    Raises
    ------
    NoContextError
        If the node does not provide C-GET.
    FailureStatusError
        If it answers with a failure.
    OSError
        If a file cannot be written.
    """
    context = _context(association, STUDY_ROOT_GET, "C-GET")
    message_id = association.new_message_id()
    _request(association, context, CommandField.C_GET_RQ, message_id, level, keys)
    with SentInstances(receive) as sent:
        counts = SubOperations()
        while True:
            _await_input(association, association.waits.answer, counts, on_counts)
            message = association.receive(seconds=association.waits.pdu, writer=sent.open)
            command = message.command
            if command.field is CommandField.C_STORE_RQ:
                sent.answer(association, message)
                continue
            if command.field is not CommandField.C_GET_RSP or command.responded_to != message_id:
                association.abort()
                raise ProtocolError("the node sent a message that has no place in a C-GET", reason=UNEXPECTED_PDU)
            counts = _counts(command, message.data_set, context)
            on_counts(counts)
            if command.status != PENDING:
                _require_end(command, "the C-GET")
                return counts, sent


def fetch_by_move(
    association: Association,
    level: str,
    keys: Mapping[str, str],
    *,
    destination: str,
    on_counts: OnCounts = ignore_counts,
) -> SubOperations:
    """Have a node send instances to another one that it knows by its AE title.

    Raises
    ------
    NoContextError
        If the node does not provide C-MOVE.
    FailureStatusError
        If it answers with a failure, such as that it does not know the destination.
    """
    context = _context(association, STUDY_ROOT_MOVE, "C-MOVE")
    message_id = association.new_message_id()
    _request(association, context, CommandField.C_MOVE_RQ, message_id, level, keys, destination=destination)
    counts = SubOperations()
    while True:
        _await_input(association, max(MOVE_SECONDS, association.waits.answer), counts, on_counts)
        message = association.response(message_id)
        counts = _counts(message.command, message.data_set, context)
        on_counts(counts)
        if message.command.status != PENDING:
            _require_end(message.command, "the C-MOVE")
            return counts


def _await_input(association: Association, seconds: float, counts: SubOperations, on_counts: OnCounts) -> None:
    """Wait for the next message so long; who counts may end the work meanwhile."""
    end = time.monotonic() + seconds
    while not association.has_input(_PATIENCE):
        on_counts(counts)
        if time.monotonic() > end:
            association.abort()
            raise TimedOutError(f"{association.called} did not go on within {seconds:g} s")


def _context(association: Association, uid: str, service: str) -> Context:
    context = association.context_of(uid)
    if context is None:
        raise NoContextError(f"{association.called} does not provide {service} (study root)")
    return context


def _request(
    association: Association,
    context: Context,
    field: CommandField,
    message_id: int,
    level: str,
    keys: Mapping[str, str],
    *,
    destination: str = "",
) -> None:
    identifier = encoded_identifier(level, keys, transfer_syntax=context.transfer_syntax)
    command = Command(
        field,
        message_id=message_id,
        sop_class=context.abstract_syntax,
        priority=0,
        move_destination=destination,
    )
    association.send(command, context, identifier)


def _require_end(command: Command, request: str) -> None:
    """Raise the failure that a final answer says; that some sub-operations failed is none."""
    if command.status in (SUCCESS, CANCELLED, SOME_FAILED):
        return
    raise FailureStatusError(request, command.status, comment=command.error_comment)


def _counts(command: Command, data_set: bytes, context: Context) -> SubOperations:
    return SubOperations(
        completed=command.completed or 0,
        failed=command.failed or 0,
        warnings=command.warnings or 0,
        remaining=command.remaining or 0,
        failed_uids=_failed_uids(data_set, context.transfer_syntax),
    )


def _failed_uids(data_set: bytes, transfer_syntax: str) -> tuple[str, ...]:
    if not data_set:
        return ()
    try:
        found: Dataset = decoded_identifier(data_set, transfer_syntax=transfer_syntax)
    except NetworkError:  # the counts say the same
        return ()
    return tuple(filter(None, text_of(found, "FailedSOPInstanceUIDList").split("\\")))
