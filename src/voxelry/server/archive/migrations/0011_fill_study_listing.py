"""Writes the row of each study that the site has, and the counts of its series."""

from typing import Any

from django.db import migrations

from voxelry.server.archive.lists.study_listing import refresh_all


def fill(apps: Any, schema_editor: Any) -> None:
    """In batches, so that it takes little memory; begun again after a kill, it writes what is missing."""
    refresh_all(tables=apps.get_model)


class Migration(migrations.Migration):
    dependencies = [("archive", "0010_study_listing"), ("jobs", "0003_projects")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
