"""Asks for the job that sends what waits for a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxelry.server.jobs import submit
from voxelry.server.jobs.models import Job

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KIND = "deliver"
QUIET_SECONDS = 2.0
"""What arrives within this time of the first is sent over the same association."""
PAUSES = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""Seconds until a node that could not be reached is tried again: after the first time, the second, and so on."""


def deliver_soon(node: int, *, project: int) -> None:
    """Have sent what came to wait in this transaction; a job that waits already does it when its time comes."""
    if not submit.is_queued(KIND, subject=node):
        submit.submit(KIND, subject=node, project=project, quiet_seconds=QUIET_SECONDS)


def deliver_now(node: int, *, project: int, requested_by: User | None = None) -> Job:
    """Have sent at once what waits; a pause after failures ends."""
    return submit.submit(KIND, subject=node, project=project, requested_by=requested_by)


def deliver_later(node: int, *, project: int, failures: int) -> float:
    """Have sent after a pause what still waits.

    Parameters
    ----------
    failures
        How often in succession the node could not be reached.

    Returns
    -------
    seconds
        The length of the pause.
    """
    seconds = PAUSES[min(failures, len(PAUSES)) - 1]
    if not submit.is_queued(KIND, subject=node):
        submit.submit(KIND, subject=node, project=project, params={"failures": failures}, quiet_seconds=seconds)
    return seconds
