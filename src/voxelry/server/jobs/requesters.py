"""Jobs of users whose membership or account ends: what somebody may not ask for any more is not done either."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db.models.signals import post_save, pre_delete

from voxelry.core.errors import Problem
from voxelry.server.access.grants import Grants, as_site, grants_of
from voxelry.server.access.models import Role
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.submit import cancel_all


class MembershipEndedError(JobError):
    """Who asked for the job may not do that any more."""


def require_requester(user: int | None, *, least: Role, project: int | None, everything: bool = False) -> None:
    """Check that who asked for a job may do that now, when it starts and again when it publishes.

    Parameters
    ----------
    user
        The key of who asked, as it was when the attempt began; None for the site itself.
    everything
        Whether it needs an administrator.

    Raises
    ------
    MembershipEndedError
        If the account is closed or deleted, or the role in the project is lower now.
    """
    grants = _grants_now(user)
    if not grants.may(least, project) or (everything and not grants.everything):
        who = "an administrator of the site" if everything else f"{least.label} in the project"
        words = f"whoever asked for this is no {who} any more; somebody who is one can begin it again"
        raise MembershipEndedError(Problem("membership", words))


def _grants_now(user: int | None) -> Grants:
    return as_site() if user is None else grants_of(User.objects.filter(pk=user).first())


def follow_accounts() -> None:
    """Cancel the jobs of users who are deleted or no longer active; called once, when the applications are ready."""
    pre_delete.connect(_on_deleted, sender=get_user_model(), dispatch_uid="voxelry-requester-deleted")
    post_save.connect(_on_saved, sender=get_user_model(), dispatch_uid="voxelry-requester-saved")


def _on_deleted(instance: User, **_: Any) -> None:
    """Before the rows forget who asked: they would be the site's own."""
    cancel_all(Job.objects.filter(requested_by=instance, is_batch=False))


def _on_saved(instance: User, **_: Any) -> None:
    if not instance.is_active:
        cancel_all(Job.objects.filter(requested_by=instance, is_batch=False))
