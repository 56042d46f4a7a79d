"""The requests of one association, one after another."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

from voxelry.network.association import Message
from voxelry.network.failures import NetworkError, ProtocolError, TimedOutError
from voxelry.network.pdu_stream import UNEXPECTED_PDU
from voxelry.server.dimse import services
from voxelry.server.dimse.session import Session
from voxelry.server.jobs.failures import where

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""How often what waits for a quiet moment is called."""
PROCESSING_FAILURE = 0x0110
UNRECOGNISED_OPERATION = 0x0211


def answer_requests(session: Session, stopping: threading.Event) -> None:
    """Do what a node asks for, until it releases the association or `stopping` is set.

    Raises
    ------
    NetworkError
        How the association ended: `ReleasedError` if in order.
    """
    association = session.association
    open_writer = services.open_writer(session)
    while not stopping.is_set():
        _wait_for_input(session, stopping)
        if stopping.is_set():
            break
        message = association.receive(writer=open_writer)
        _require_request(session, message)
        _serve(session, message)
    association.abort()


def _wait_for_input(session: Session, stopping: threading.Event) -> None:
    association = session.association
    deadline = time.monotonic() + association.waits.idle
    while not association.has_input(min(IDLE_SECONDS, max(deadline - time.monotonic(), 0.0))):
        for tidy in tuple(session.when_idle):
            tidy()
        if stopping.is_set():
            return
        if time.monotonic() >= deadline:
            association.abort()
            raise TimedOutError("the node asked for nothing for as long as an association may be idle")


def _require_request(session: Session, message: Message) -> None:
    """A response to nothing, or a request that cannot be answered, ends the association (PS3.7 9.3)."""
    if message.command.is_response or message.command.message_id is None:
        session.association.abort()
        raise ProtocolError("the node sent a response to no request, or a request without an ID", reason=UNEXPECTED_PDU)


def _serve(session: Session, message: Message) -> None:
    service = services.SERVICES.get(message.command.field)
    if service is None:
        session.answer(message, UNRECOGNISED_OPERATION)
        return
    try:
        service(session, message)
    except NetworkError:
        raise
    except Exception as error:
        logger.error("a request of the DICOM network failed (%s)\n%s", message.command.field.name, where(error))
        with suppress(NetworkError):
            if not session.has_answered(message):
                session.answer(message, PROCESSING_FAILURE)
        session.association.abort()
        raise ProtocolError("a request could not be done") from None
