"""The Django application of access."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Projects, members, tokens, login links and sessions; what ends with an account is connected here."""

    name = "voxelry.server.access"
    label = "access"
    verbose_name = "Access"

    def ready(self) -> None:
        from django.contrib.auth import get_user_model
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_save, pre_delete

        from voxelry.server.access import account_end

        user_logged_in.connect(account_end.on_login, dispatch_uid="voxelry-login")
        post_save.connect(account_end.on_saved, sender=get_user_model(), dispatch_uid="voxelry-user-saved")
        pre_delete.connect(account_end.on_deleted, sender=get_user_model(), dispatch_uid="voxelry-user-deleted")
