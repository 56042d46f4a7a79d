"""Indexes by which the admin's lists are read; those of projects alone are parts of others."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

TABLES = ("Instance", "Patient", "Series", "Study", "Upload")


def drop_indexes_of_projects(apps: Any, schema_editor: Any) -> None:
    """Drop the indexes of a project's key alone. Django's own way makes each table anew on SQLite."""
    connection = schema_editor.connection
    for name in TABLES:
        table = apps.get_model("archive", name)._meta.db_table  # noqa: SLF001
        with connection.cursor() as cursor:
            known = connection.introspection.get_constraints(cursor, table)
        for index, about in known.items():
            own = about["columns"] == ["project_id"] and about["index"]
            if own and not (about["unique"] or about["primary_key"] or about["foreign_key"]):
                schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(index)}")


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_sessions"),
        ("archive", "0012_trash"),
        ("jobs", "0003_projects"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_indexes_of_projects, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    model_name="instance",
                    name="project",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
                migrations.AlterField(
                    model_name="patient",
                    name="project",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
                migrations.AlterField(
                    model_name="series",
                    name="project",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
                migrations.AlterField(
                    model_name="study",
                    name="project",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="project",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(condition=models.Q(("status", "skipped")), fields=["-id"], name="entry_skipped"),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(condition=models.Q(("status", "present")), fields=["-id"], name="entry_present"),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(fields=["project", "-id"], name="instance_by_project"),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(
                condition=models.Q(("has_pixels", False)), fields=["-id"], name="instance_without_pixels"
            ),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["project", "-id"], name="patient_by_project"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "modality", "-id"], name="series_by_project_modality"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["modality", "-id"], name="series_by_modality"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(
                condition=models.Q(("problem_code", ""), _negated=True), fields=["-id"], name="series_with_problem"
            ),
        ),
        migrations.AddIndex(
            model_name="stack",
            index=models.Index(condition=models.Q(("regular", False)), fields=["-id"], name="stack_irregular"),
        ),
    ]
