"""Storage commitment as its provider (PS3.4 Annex J): the request is answered, and its report follows.

The report goes over the same association if that is still open and quiet, else over a new one by a job. What is asked
for is in the database before it is answered, so that a killed listener or worker loses none.
"""

from __future__ import annotations

import logging
from typing import Final

from django.db import transaction

from voxelry.network.association import Message
from voxelry.network.committing import (
    REQUEST_COMMITMENT,
    CommitmentRequestError,
    ReportRefusedError,
    read_commitment_request,
    send_report,
)
from voxelry.network.service_uids import PUSH_MODEL, PUSH_MODEL_INSTANCE
from voxelry.network.statuses import (
    INVALID_ARGUMENT,
    NO_SUCH_ACTION,
    NO_SUCH_CLASS,
    NO_SUCH_INSTANCE,
    NOT_AUTHORISED,
    SUCCESS,
)
from voxelry.server.dimse.arriving import wait_until_taken_in
from voxelry.server.dimse.session import Session
from voxelry.server.jobs.failures import Away
from voxelry.server.jobs.held_job import HeldJob
from voxelry.server.jobs.leases import DatabaseTrouble
from voxelry.server.nodes.calling import our_title
from voxelry.server.nodes.commitment_job import mark_reported, waiting_commitment
from voxelry.server.nodes.commitment_reports import commitment_report, is_taking_in, size_of_commitment
from voxelry.server.nodes.commitment_request import record_commitment

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 2**30
"""The report on more bytes than these is left to a worker: they are read, while the association does nothing else."""


def answer_commitment(session: Session, request: Message) -> None:
    """Answer an N-ACTION-RQ, and let its report follow."""
    node = session.node()
    command = request.command
    if node is None or not node.may_store:
        session.answer(request, NOT_AUTHORISED)
        return
    if command.requested_class != PUSH_MODEL or request.context.abstract_syntax != PUSH_MODEL:
        session.answer(request, NO_SUCH_CLASS)
        return
    if command.requested_instance != PUSH_MODEL_INSTANCE:
        session.answer(request, NO_SUCH_INSTANCE)
        return
    if command.action_type != REQUEST_COMMITMENT:
        session.answer(request, NO_SUCH_ACTION)
        return
    try:
        wanted = read_commitment_request(request.data_set, transfer_syntax=request.context.transfer_syntax)
    except CommitmentRequestError as error:
        session.answer(request, INVALID_ARGUMENT, comment=str(error))
        return
    commitment, held = record_commitment(node, wanted)
    if held is not None:
        report = _FollowingReport(session, request, commitment.pk, held)
        session.at_end.callback(report.hand_over)
        session.when_idle.append(report.send)
    session.answer(request, SUCCESS)
    wait_until_taken_in(node.project_id, seconds=0)


class _FollowingReport:
    """The report of a commitment, as long as it may go over the association that asked for it."""

    def __init__(self, session: Session, request: Message, key: int, held: HeldJob) -> None:
        self._session, self._request, self._key, self._held = session, request, key, held
        self._is_over = False

    def send(self) -> None:
        """Send the report if all that was stored is taken in.

        Raises
        ------
        NetworkError
            If the association ends before the report is answered.
        """
        commitment = waiting_commitment(self._key)
        if self._is_over or commitment is None or not self._held.is_held():
            self.hand_over()
            return
        if is_taking_in(commitment):
            return
        if size_of_commitment(commitment) > MOST_BYTES:
            self.hand_over()
            return
        try:
            report = commitment_report(commitment)
            send_report(
                self._session.association,
                self._request.context,
                report,
                retrieve_title=our_title(),
                writer=self._session.open_writer,
            )
        except (Away, ReportRefusedError) as error:
            logger.warning("a storage commitment is reported over another association (%s)", type(error).__name__)
        else:
            mark_reported(commitment)
        self.hand_over()

    def hand_over(self) -> None:
        """Leave the rest to the job, which finds that nothing is left if the node has its report."""
        if self.send in self._session.when_idle:
            self._session.when_idle.remove(self.send)
        if self._is_over:
            return
        self._is_over = True
        try:
            with transaction.atomic():
                self._held.release()
        except DatabaseTrouble as error:  # its lease ends, and then the job is queued
            logger.warning("a storage commitment is reported later (%s)", type(error).__name__)
