"""Who is told of new instances, whoever brings them: by an upload, STOW-RS, a node, or fetched from one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voxelry.server.archive.models import Instance, Upload

Follower = Callable[[Upload, Sequence[Instance]], None]
"""Called in the transaction that writes the instances, which fails if it does. Costs each arrival its time."""

_followers: list[Follower] = []


def follow_arrivals(follower: Follower) -> None:
    """Tell a function of new instances from now on; called when the applications are ready."""
    if follower not in _followers:
        _followers.append(follower)


def tell_arrived(upload: Upload, instances: Sequence[Instance]) -> None:
    """Tell of instances that an upload brought: new rows, and those whose unusable file was replaced."""
    if instances:
        for follower in _followers:
            follower(upload, instances)
