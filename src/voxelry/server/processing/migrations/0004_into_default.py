"""The steps that were requested before the site knew projects belong to the project `default`."""

from typing import Any

from django.db import migrations


def into_default(apps: Any, schema_editor: Any) -> None:
    """In one statement."""
    project = apps.get_model("access", "Project").objects.get(name="default")
    apps.get_model("processing", "Process").objects.filter(project=None).update(project=project)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_default_project"),
        ("processing", "0003_projects"),
    ]

    operations = [migrations.RunPython(into_default, migrations.RunPython.noop)]
