"""The project `default`, and the users that there are as its owners."""

from typing import Any

from django.conf import settings
from django.db import migrations

OWNER = 40


def make_default(apps: Any, schema_editor: Any) -> None:
    """New users get no membership by themselves."""
    project, _ = apps.get_model("access", "Project").objects.get_or_create(name="default")
    users = apps.get_model(settings.AUTH_USER_MODEL).objects.values_list("pk", flat=True)
    members = apps.get_model("access", "Membership")
    new = [members(project=project, user_id=key, role=OWNER) for key in users]
    members.objects.bulk_create(new, batch_size=500, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_projects"),
        ("auth", "0012_alter_user_first_name_max_length"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(make_default, migrations.RunPython.noop)]
