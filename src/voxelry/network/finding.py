"""C-FIND as its user: what a node has (PS3.4 C.4.1, study root)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pydicom.dataset import Dataset

from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context, Proposal
from voxelry.network.failures import FailureStatusError, NoContextError, ProtocolError
from voxelry.network.identifiers import decoded_identifier, encoded_identifier
from voxelry.network.pdu_stream import UNEXPECTED_PDU
from voxelry.network.service_uids import PLAIN_SYNTAXES, STUDY_ROOT_FIND
from voxelry.network.statuses import CANCELLED, PENDING, PENDING_WITH_UNSUPPORTED_KEYS, SUCCESS

FIND_PROPOSALS: Final = (Proposal(STUDY_ROOT_FIND, PLAIN_SYNTAXES),)
"""What is proposed for an association in which `find` is called."""
_MOST_AFTER_CANCEL = 10_000
"""Answers that are read after a C-CANCEL-RQ before the association is given up."""


class NodeAnswers(Iterator[Dataset]):
    """The answers to a query, while they come.

    Attributes
    ----------
    is_cut
        Whether the node has more of them than were asked for. Known at the end.
    has_unsupported_keys
        Whether the node said that it does not support an optional key, by which it did not match then (FF01).
    """

    def __init__(self, association: Association, context: Context, identifier: bytes, *, most: int) -> None:
        self._association, self._context, self._left = association, context, most
        self._message_id = association.new_message_id()
        self._is_over = False
        self.is_cut = self.has_unsupported_keys = False
        request = Command(
            CommandField.C_FIND_RQ, message_id=self._message_id, sop_class=context.abstract_syntax, priority=0
        )
        association.send(request, context, identifier)

    def __next__(self) -> Dataset:
        if self._is_over:
            raise StopIteration
        answer = self._next_answer()
        if answer is None:
            raise StopIteration
        if self._left > 0:
            self._left -= 1
            return decoded_identifier(answer, transfer_syntax=self._context.transfer_syntax)
        self._cancel()
        raise StopIteration

    def _next_answer(self) -> bytes | None:
        """The next identifier; None at the end."""
        message = self._association.response(self._message_id)
        status = message.command.status
        if status in (PENDING, PENDING_WITH_UNSUPPORTED_KEYS):
            self.has_unsupported_keys |= status == PENDING_WITH_UNSUPPORTED_KEYS
            return message.data_set
        self._is_over = True
        if status not in (SUCCESS, CANCELLED):
            raise FailureStatusError("the query", status, comment=message.command.error_comment)
        return None

    def _cancel(self) -> None:
        """Tell the node that there are enough, and read what it has sent meanwhile."""
        self.is_cut = True
        cancel = Command(CommandField.C_CANCEL_RQ, responded_to=self._message_id)
        self._association.send(cancel, self._context)
        for _ in range(_MOST_AFTER_CANCEL):
            if self._next_answer() is None:
                return
        self._association.abort()
        raise ProtocolError("the node goes on answering a cancelled query", reason=UNEXPECTED_PDU)


def find(association: Association, level: str, keys: Mapping[str, str], *, most: int) -> NodeAnswers:
    """Ask a node what it has.

    Parameters
    ----------
    level
        STUDY, SERIES or IMAGE. The unique keys of the levels above are needed (PS3.4 C.4.1.2.1).
    keys
        As `encoded_identifier` takes them.
    most
        More answers are cancelled.

    Returns
    -------
    answers
        An iterator, which is read to its end before another request is sent.

    Raises
    ------
    ParameterError
        If a key is none.
    NoContextError
        If the node does not provide C-FIND.
    FailureStatusError
        While the answers are read: if the node answers with a failure.
    """
    context = association.context_of(STUDY_ROOT_FIND)
    if context is None:
        raise NoContextError(f"{association.called} does not answer queries (C-FIND, study root)")
    identifier = encoded_identifier(level, keys, transfer_syntax=context.transfer_syntax)
    return NodeAnswers(association, context, identifier, most=most)
