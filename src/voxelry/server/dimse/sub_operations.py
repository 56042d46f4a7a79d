"""The sub-operations of a C-MOVE or C-GET: counted, told while they go on, and summed up (PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

import time
from typing import Final

from voxelry.dicom.write.header_bytes import encoded_element, words
from voxelry.network.association import Message
from voxelry.network.service_uids import EXPLICIT
from voxelry.network.statuses import (
    CANCELLED,
    DOES_NOT_MATCH,
    NONE_DONE,
    NOT_AUTHORISED,
    PENDING,
    SOME_FAILED,
    SUCCESS,
)
from voxelry.network.storing import StoredObject, StoreResult
from voxelry.server.dimse.arriving import wait_until_taken_in
from voxelry.server.dimse.retrieve_identifier import (
    RetrieveIdentifierError,
    named_objects,
    read_retrieve_identifier,
)
from voxelry.server.dimse.session import Session
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_queries import reading_grants

PENDING_SECONDS: Final = 0.5
"""How often a node is told how far it is."""
_TAKEN_IN_SECONDS = 30.0
_FAILED_LIST = 0x00080058
_MOST_COUNT = 0xFFFF


class Retrieval:
    """Those of one request.

    Attributes
    ----------
    waiting
        What is still to be stored, in order.
    """

    def __init__(self, session: Session, request: Message, objects: list[StoredObject]) -> None:
        self._session, self._request = session, request
        self.waiting = len(objects)
        self._completed = self._warnings = 0
        self._failed: list[str] = []
        self._next = 0.0

    def note(self, result: StoreResult) -> None:
        """Count an instance, and tell the node how far it is if it was not told for a while.

        Raises
        ------
        NetworkError
            If the node that asks is gone.
        """
        self.waiting -= 1
        if result.problem is not None:
            self._failed.append(result.stored_object.sop_instance)
        elif result.is_warning:
            self._warnings += 1
        else:
            self._completed += 1
        now = time.monotonic()
        if self.waiting and now >= self._next:
            self._next = now + PENDING_SECONDS
            self._answer(PENDING, remaining=self.waiting)

    @property
    def is_cancelled(self) -> bool:
        """Whether the node wants no more of them."""
        return self._session.association.is_cancelled(self._request.command.message_id or 0)

    def finish(self) -> None:
        """Send the final answer."""
        if self.waiting:
            self._answer(CANCELLED, remaining=self.waiting, failed_list=True)
        elif not self._failed and not self._warnings:
            self._answer(SUCCESS)
        elif self._completed or self._warnings:
            self._answer(SOME_FAILED, failed_list=True)
        else:
            self._answer(NONE_DONE, failed_list=True)

    def _answer(self, status: int, *, remaining: int | None = None, failed_list: bool = False) -> None:
        identifier = None
        if failed_list and self._failed:
            explicit = self._request.context.transfer_syntax == EXPLICIT
            identifier = failed_uid_list(self._failed, explicit=explicit)
        self._session.answer(
            self._request,
            status,
            data_set=identifier,
            remaining=None if remaining is None else min(remaining, _MOST_COUNT),
            completed=min(self._completed, _MOST_COUNT),
            failed=min(len(self._failed), _MOST_COUNT),
            warnings=min(self._warnings, _MOST_COUNT),
        )


def failed_uid_list(uids: list[str], *, explicit: bool) -> bytes:
    """An identifier with Failed SOP Instance UID List. In Explicit VR a long list is of VR UN (PS3.5 6.2.2)."""
    value = "\\".join(uids)
    if explicit:
        return encoded_element(_FAILED_LIST, words(b"UI", value))
    content = value.encode("ascii", "replace")
    content += b"\0" * (len(content) % 2)
    return b"\x08\x00\x58\x00" + len(content).to_bytes(4, "little") + content


def requested_objects(session: Session, request: Message) -> tuple[Node, list[StoredObject]] | None:
    """The node that asks, and the instances that it asks for; None if the request is refused, and answered so."""
    node = session.node()
    if node is None or not node.may_retrieve:
        session.answer(request, NOT_AUTHORISED, comment="this node has no right to retrieve")
        return None
    context = request.context
    try:
        wanted = read_retrieve_identifier(
            request.data_set, context.abstract_syntax, transfer_syntax=context.transfer_syntax
        )
    except RetrieveIdentifierError as error:
        session.answer(request, DOES_NOT_MATCH, comment=str(error))
        return None
    wait_until_taken_in(node.project_id, seconds=_TAKEN_IN_SECONDS)
    return node, named_objects(reading_grants(node), wanted)
