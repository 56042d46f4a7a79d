"""Storage commitments are written down when a node asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from django.db import transaction

from voxelry.server.access.grants import as_site
from voxelry.server.jobs.held_job import HeldJob
from voxelry.server.jobs.submit import submit
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.models import Commitment, Node

if TYPE_CHECKING:
    from voxelry.network.committing import CommitmentRequest, Reference

COMMITMENT_KIND: Final = "commitment"


def record_commitment(node: Node, request: CommitmentRequest) -> tuple[Commitment, HeldJob | None]:
    """Write down what a node asks for, with the job that reports it, which the caller holds back.

    When this returns, both are durable. A request that came before, and is not reported yet, is the same one.

    Returns
    -------
    commitment, held
        None instead of a job if there is one.
    """
    references = [list(reference) for reference in request.references]
    with transaction.atomic():
        same = node_queries.commitments(as_site()).filter(
            node=node, transaction_uid=request.transaction_uid, state=Commitment.State.WAITING
        )
        known = next((one for one in same if one.references == references), None)
        if known is not None:
            return known, None
        row = node_queries.commitments(as_site()).create(
            node=node, transaction_uid=request.transaction_uid, references=references
        )
        held = HeldJob(submit(COMMITMENT_KIND, subject=row.pk, project=node.project_id).pk)
        held.hold("waits for a moment in which the node asks for nothing")
    return row, held


def references_of(commitment: Commitment) -> list[Reference]:
    """The pairs of SOP Class and Instance UID that a node wants to be kept."""
    return [(str(sop_class), str(instance)) for sop_class, instance in cast("list[list[str]]", commitment.references)]
