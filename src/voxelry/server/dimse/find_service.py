"""C-FIND as its provider (PS3.4 C.4.1): searches of the node's project, at all levels, answered while they go on."""

from __future__ import annotations

import logging
from contextlib import closing
from functools import partial
from typing import Final

from django.db import DatabaseError
from pydicom.uid import ImplicitVRLittleEndian

from voxelry.network.association import Message
from voxelry.network.statuses import (
    CANCELLED,
    NOT_AUTHORISED,
    PENDING,
    PENDING_WITH_UNSUPPORTED_KEYS,
    SUCCESS,
    UNABLE_TO_PROCESS,
)
from voxelry.server.dimse.arriving import wait_until_taken_in
from voxelry.server.dimse.find_answers import FindAnswers
from voxelry.server.dimse.find_identifier import IdentifierError, agreed_options, read_identifier
from voxelry.server.dimse.session import Session
from voxelry.server.jobs.failures import where
from voxelry.server.nodes.calling import our_title
from voxelry.server.nodes.node_queries import reading_grants

logger = logging.getLogger(__name__)
_TAKEN_IN_SECONDS: Final = 20.0
"""What was stored before is found; a query does not wait for longer than its node waits for the answer."""


def answer_query(session: Session, message: Message) -> None:
    """Answer a C-FIND-RQ with what the node's project has; a C-CANCEL-RQ ends it."""
    node = session.node()
    if node is None or not node.may_find:
        session.answer(message, NOT_AUTHORISED, comment="this node has no right to find")
        return
    explicit = message.context.transfer_syntax != ImplicitVRLittleEndian
    sop_class = message.context.abstract_syntax
    options = agreed_options(session.association.extended.get(sop_class, b""))
    try:
        asked = read_identifier(message.data_set, sop_class, explicit=explicit, options=options)
    except IdentifierError as error:
        session.answer(message, error.status, comment=str(error), offending=error.offending)
        return
    wait_until_taken_in(node.project_id, seconds=_TAKEN_IN_SECONDS)
    number = message.command.message_id or 0
    session.association.cancelled.discard(number)  # of an earlier request with this ID, which was answered already
    is_cancelled = partial(session.association.is_cancelled, number)
    answers = FindAnswers(
        reading_grants(node), asked, title=our_title(), explicit=explicit, stop=is_cancelled
    ).data_sets()
    pending = PENDING_WITH_UNSUPPORTED_KEYS if asked.has_unmatched else PENDING
    # What the network raises goes through: nobody waits for answers any more.
    try:
        with closing(answers):
            for data_set in answers:
                if is_cancelled():
                    break
                session.answer(message, pending, data_set=data_set)
    except DatabaseError as error:  # its words may quote values
        logger.error("a query of the node %s ended early (%s)\n%s", node.pk, type(error).__name__, where(error))
        session.answer(message, UNABLE_TO_PROCESS, comment="the archive could not be searched; see the log of the site")
        return
    session.answer(message, CANCELLED if is_cancelled() else SUCCESS)
