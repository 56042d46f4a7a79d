"""The Django application of access."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from voxelry.server.access.revision import Watched, after_migration


class AccessConfig(AppConfig):
    """Projects, members, tokens, login links and sessions; what ends with an account is connected here."""

    name = "voxelry.server.access"
    label = "access"
    verbose_name = "Access"
    raises_revision = (
        Watched("access_project"),
        Watched("access_membership"),
        Watched("access_token", without=("last_used",)),
        Watched("auth_user", without=("last_login",)),
        # A session's data is written each minute with a later end; an end that is moved forward ends it.
        Watched("django_session", inserts=False, only_if="NEW.expire_date < OLD.expire_date"),
    )

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_save, pre_delete

        from voxelry.server.access import account_end

        post_migrate.connect(after_migration, sender=self, dispatch_uid="voxelry-revision")
        user_logged_in.connect(account_end.on_login, dispatch_uid="voxelry-login")
        post_save.connect(account_end.on_saved, sender=get_user_model(), dispatch_uid="voxelry-user-saved")
        pre_delete.connect(account_end.on_deleted, sender=get_user_model(), dispatch_uid="voxelry-user-deleted")
