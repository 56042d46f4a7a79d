"""Asks for the job that sends what waits for a node."""

from __future__ import annotations

from voxelry.server.jobs import submit
from voxelry.server.jobs.models import State

KIND = "deliver"
QUIET_SECONDS = 2.0
"""What arrives within this time of the first is sent over the same association."""
PAUSES = (10.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""Seconds until a node that could not be reached is tried again: after the first time, the second, and so on."""


def deliver_soon(node: int, *, project: int) -> None:
    """Have sent what came to wait in this transaction.

    A job that waits does it when its time comes, which may be the end of a pause; one that runs looks again at its end.
    """
    if not submit.open_states(KIND, subject=node):
        submit.submit(KIND, subject=node, project=project, quiet_seconds=QUIET_SECONDS)


def deliver_now(node: int, *, project: int) -> None:
    """Have sent what came to wait in this transaction; a pause after failures ends."""
    if State.RUNNING not in submit.open_states(KIND, subject=node):
        submit.submit(KIND, subject=node, project=project)


def deliver_again(node: int, *, project: int, failures: int) -> float:
    """Have sent what still waits at the end of a job; called where the job is published.

    Parameters
    ----------
    failures
        How often in succession the node could not be reached.

    Returns
    -------
    seconds
        The length of the pause before.
    """
    seconds = PAUSES[min(failures, len(PAUSES)) - 1] if failures else 0.0
    submit.submit(KIND, subject=node, project=project, params={"failures": failures}, quiet_seconds=seconds)
    return seconds
