"""The job that reports a storage commitment to the node that asked for it, until it has the report (PS3.4 J.3.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from voxelry.core.errors import Problem, VoxelryError
from voxelry.network.committing import CommitmentReport, send_report
from voxelry.network.contexts import Proposal, Roles
from voxelry.network.failures import NetworkError, NoContextError
from voxelry.network.service_uids import EXPLICIT, IMPLICIT, PUSH_MODEL
from voxelry.network.tls import TlsError
from voxelry.server.access.grants import as_site
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.submit import submit
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.calling import associate_with, our_title
from voxelry.server.nodes.commitment_reports import commitment_report, is_taking_in
from voxelry.server.nodes.commitment_request import COMMITMENT_KIND
from voxelry.server.nodes.models import Commitment, Node

GIVEN_UP_AFTER: Final = timedelta(hours=24)
PAUSES: Final = (5.0, 20.0, 60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds from one attempt to the next; the last one again and again."""
TAKING_IN_PAUSE: Final = 2.0


def report_commitment(run: Run) -> None:
    """Report the commitment that a job is about; a report that cannot be delivered is tried again later."""
    commitment = waiting_commitment(run.subject)
    if commitment is None:
        run.summary = "it is reported"
        return
    if is_taking_in(commitment):
        _again(commitment, TAKING_IN_PAUSE)
        run.summary = "what the node stored is still being taken in"
        return
    report = commitment_report(commitment)
    try:
        deliver_report(commitment.node, report)
    except (NetworkError, TlsError) as error:
        run.summary = _failed(commitment, error)
        return
    mark_reported(commitment)
    run.summary = summary_of(report)


def waiting_commitment(key: int) -> Commitment | None:
    """A commitment that is not reported yet."""
    rows = node_queries.commitments(as_site()).filter(pk=key, state=Commitment.State.WAITING)
    return rows.select_related("node").first()


def deliver_report(node: Node, report: CommitmentReport) -> None:
    """Send a report over a new association, in which we are the provider (PS3.4 J.3.3.1.2, PS3.7 D.3.3.4).

    Raises
    ------
    NetworkError, TlsError
        If the node cannot be reached, or does not take it.
    """
    proposals = [Proposal(PUSH_MODEL, (EXPLICIT, IMPLICIT))]
    with associate_with(node, proposals, roles={PUSH_MODEL: Roles(scu=False, scp=True)}) as association:
        # Nodes that do not answer the proposed role take the report all the same.
        context = next(iter(association.contexts.values()), None)
        if context is None:
            raise NoContextError(f"the node {node.name} does not take reports of storage commitments")
        send_report(association, context, report, retrieve_title=our_title())


def mark_reported(commitment: Commitment) -> None:
    """Write down that the node has its report."""
    node_queries.commitments(as_site()).filter(pk=commitment.pk, state=Commitment.State.WAITING).update(
        state=Commitment.State.REPORTED,
        attempts=commitment.attempts + 1,
        finished=timezone.now(),
        problem_code="",
        problem_message="",
    )


def summary_of(report: CommitmentReport) -> str:
    """The numbers of a report, as a job tells them."""
    return f"{len(report.committed)} committed, {len(report.failed)} not"


def _failed(commitment: Commitment, error: VoxelryError) -> str:
    """Write down an attempt that failed, and ask for the next one; what the job says."""
    attempts = commitment.attempts + 1
    is_over = timezone.now() - commitment.created >= GIVEN_UP_AFTER
    problem: Problem = error.problem
    with transaction.atomic():
        node_queries.commitments(as_site()).filter(pk=commitment.pk, state=Commitment.State.WAITING).update(
            state=Commitment.State.FAILED if is_over else Commitment.State.WAITING,
            attempts=attempts,
            problem_code=problem.code,
            problem_message=problem.message,
            finished=timezone.now() if is_over else None,
        )
        if is_over:
            return f"given up after {attempts} attempts: {problem.message}"
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        _again(commitment, pause)
    return f"attempt {attempts} failed, the next one is in {pause:g} s: {problem.message}"


def _again(commitment: Commitment, seconds: float) -> None:
    submit(COMMITMENT_KIND, subject=commitment.pk, project=commitment.node.project_id, quiet_seconds=seconds)
