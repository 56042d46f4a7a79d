"""The requests of one association, one after another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType

from django.db import connections

from voxelry.network.association import Message
from voxelry.network.command_set import CommandField
from voxelry.network.failures import NetworkError, ProtocolError, TimedOutError
from voxelry.network.pdu_stream import UNEXPECTED_PDU
from voxelry.network.statuses import (
    CANNOT_UNDERSTAND,
    INVALID_ARGUMENT,
    NOT_AUTHORISED,
    PROCESSING_FAILURE,
    UNRECOGNISED_OPERATION,
)
from voxelry.server.dimse import services
from voxelry.server.dimse.acceptance import is_asked_in
from voxelry.server.dimse.session import Service, Session
from voxelry.server.jobs.failures import where

logger = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""How often what waits for a quiet moment is called."""
_WITH_DATA_SET: Mapping[CommandField, int] = MappingProxyType(
    {
        CommandField.C_STORE_RQ: CANNOT_UNDERSTAND,
        CommandField.C_FIND_RQ: CANNOT_UNDERSTAND,
        CommandField.C_MOVE_RQ: CANNOT_UNDERSTAND,
        CommandField.C_GET_RQ: CANNOT_UNDERSTAND,
        CommandField.N_ACTION_RQ: INVALID_ARGUMENT,
    }
)
"""Requests that have a data set, and the status of one that has none."""


def answer_requests(session: Session, stopping: threading.Event) -> None:
    """Do what a node asks for, until it releases the association or `stopping` is set.

    Raises
    ------
    NetworkError
        How the association ended: `ReleasedError` if in order.
    """
    association = session.association
    session.open_writer = services.open_writer(session)
    while not stopping.is_set():
        _wait_for_input(session, stopping)
        if stopping.is_set():
            break
        message = association.receive(writer=session.open_writer)
        _require_request(session, message)
        _serve(session, message)
    association.abort()


def _wait_for_input(session: Session, stopping: threading.Event) -> None:
    association = session.association
    deadline = time.monotonic() + association.waits.idle
    while not association.has_input(min(IDLE_SECONDS, max(deadline - time.monotonic(), 0.0))):
        for tidy in tuple(session.when_idle):
            tidy()
        connections.close_all()  # nodes keep associations open for long, and databases have few connections
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
    field = message.command.field
    service = services.SERVICES.get(field)
    if service is None or not is_asked_in(field, message.context.abstract_syntax):
        session.answer(message, UNRECOGNISED_OPERATION)
    elif not message.context.we_perform:
        session.answer(message, NOT_AUTHORISED, comment="the association gives no such role")
    elif field in _WITH_DATA_SET and not message.command.has_data_set:
        session.answer(message, _WITH_DATA_SET[field], comment="the request has no data set")
    else:
        _serve_by(service, session, message)


def _serve_by(service: Service, session: Session, message: Message) -> None:
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
