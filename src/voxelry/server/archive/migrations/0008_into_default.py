"""All that the site had before it knew projects goes into the project `default`."""

from typing import Any

from django.db import migrations

_MODELS = ("Patient", "Study", "Series", "Upload", "Instance", "UnusedFile")


def into_default(apps: Any, schema_editor: Any) -> None:
    """One statement for each table, so that it takes no memory; begun again after a kill, it changes nothing twice."""
    project = apps.get_model("access", "Project").objects.get(name="default")
    for name in _MODELS:
        apps.get_model("archive", name).objects.filter(project=None).update(project=project)
    apps.get_model("jobs", "Job").objects.filter(project=None).update(project=project)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_default_project"),
        ("archive", "0007_projects"),
        ("jobs", "0003_projects"),
    ]

    operations = [migrations.RunPython(into_default, migrations.RunPython.noop)]
