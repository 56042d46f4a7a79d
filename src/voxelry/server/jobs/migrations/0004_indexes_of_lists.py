"""Indexes by which the admin's lists are read; those of projects alone are parts of others."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def drop_index_of_projects(apps: Any, schema_editor: Any) -> None:
    """Drop the index of a project's key alone. Django's own way makes the table anew on SQLite."""
    connection = schema_editor.connection
    table = apps.get_model("jobs", "Job")._meta.db_table  # noqa: SLF001
    with connection.cursor() as cursor:
        known = connection.introspection.get_constraints(cursor, table)
    for index, about in known.items():
        own = about["columns"] == ["project_id"] and about["index"]
        if own and not (about["unique"] or about["primary_key"] or about["foreign_key"]):
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(index)}")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_sessions"),
        ("jobs", "0003_projects"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_of_projects, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="job",
                    name="project",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Empty: the site's own.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["queue", "-id"], name="job_by_queue"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("is_batch", True)), fields=["-id"], name="job_that_is_batch"),
        ),
    ]
