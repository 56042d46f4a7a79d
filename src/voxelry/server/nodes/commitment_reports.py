"""What a storage commitment is answered: which instances the project of the node keeps, and which it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final, cast

from django.utils import timezone

from voxelry.network.committing import (
    CLASS_CONFLICT,
    CLASS_NOT_SUPPORTED,
    DUPLICATE_TRANSACTION,
    NO_SUCH_INSTANCE,
    PROCESSING_FAILURE,
    RESOURCE_LIMITATION,
    CommitmentReport,
    Reference,
)
from voxelry.network.storage_classes import is_storage
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import integrity
from voxelry.server.archive.at_rest.holdings import stored_name
from voxelry.server.jobs.models import State
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.commitment_request import references_of
from voxelry.server.nodes.models import Commitment, Node

TAKING_IN_SECONDS: Final = 3600.0
"""How long a report waits for uploads that were acknowledged before it was asked for."""
_AT_ONCE = 500
_NOT_OVER = (State.QUEUED, State.RUNNING)


def is_taking_in(commitment: Commitment) -> bool:
    """Whether something is not there yet that may come: an upload from before the request is still taken in."""
    if timezone.now() - commitment.created > timedelta(seconds=TAKING_IN_SECONDS):
        return False
    wanted = {instance for _, instance in references_of(commitment)}
    if not _may_come(commitment):
        return False
    return len(wanted) > sum(1 for _ in _rows(commitment.node, sorted(wanted)))


def size_of_commitment(commitment: Commitment) -> int:
    """The bytes of the instances of a commitment, which its report has to read."""
    return sum(size for *_, size in _rows(commitment.node, [instance for _, instance in references_of(commitment)]))


def commitment_report(commitment: Commitment) -> CommitmentReport:
    """What the node's project keeps now: bytes at rest whose SHA-256 is that of their row.

    Raises
    ------
    Away
        If the bucket cannot be reached.
    """
    references = references_of(commitment)
    if _is_transaction_in_use(commitment):
        failed = [(reference, DUPLICATE_TRANSACTION) for reference in references]
        return CommitmentReport(commitment.transaction_uid, [], failed)
    rows = {uid: row for uid, *row in _rows(commitment.node, [instance for _, instance in references])}
    missing = RESOURCE_LIMITATION if _may_come(commitment) else NO_SUCH_INSTANCE
    committed, failures = [], []
    for reference in references:
        reason = _failure_reason(reference, rows.get(reference[1]), missing=missing)
        if reason is None:
            committed.append(reference)
        else:
            failures.append((reference, reason))
    return CommitmentReport(commitment.transaction_uid, committed, failures)


def _failure_reason(reference: Reference, row: Sequence[object] | None, *, missing: int) -> int | None:
    sop_class, _ = reference
    if row is None:
        return missing if is_storage(sop_class) else CLASS_NOT_SUPPORTED
    own_class, sha256, size = row
    if own_class != sop_class:
        return CLASS_CONFLICT
    digest = str(sha256)
    is_whole = integrity.is_whole(stored_name(digest), digest, cast("int", size))
    return None if is_whole else PROCESSING_FAILURE


def _rows(node: Node, uids: Sequence[str]) -> Iterator[tuple[str, str, str, int]]:
    own = queries.instances(as_site()).filter(project=node.project_id).order_by()
    for start in range(0, len(uids), _AT_ONCE):
        some = own.filter(sop_instance_uid__in=uids[start : start + _AT_ONCE])
        yield from some.values_list("sop_instance_uid", "sop_class_uid", "sha256", "size")


def _may_come(commitment: Commitment) -> bool:
    """Whether an upload of the node from before the request is not taken in yet."""
    before = queries.uploads(as_site()).filter(project=commitment.node.project_id, created__lte=commitment.created)
    return before.filter(job__state__in=_NOT_OVER, node=commitment.node.name).exists()


def _is_transaction_in_use(commitment: Commitment) -> bool:
    """Whether the node asked for something else under the same Transaction UID before, which is not reported yet."""
    others = node_queries.commitments(as_site()).filter(
        node=commitment.node_id, transaction_uid=commitment.transaction_uid, state=Commitment.State.WAITING
    )
    return others.filter(pk__lt=commitment.pk).exists()
