"""A row for each live study with all that lists show, the index of its words, and filters that users keep."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from voxelry.server.archive.models import StudyKey

_KEYS = ("date", "month", "name_key", "patient_id_key", "description_key", "accession_key", "facet")


def make_index(apps: Any, schema_editor: Any) -> None:
    """The tables of the search index, and the order of keys, which is that of code points on every site."""
    if schema_editor.connection.vendor == "postgresql":
        for name in _KEYS:
            schema_editor.execute(
                f'ALTER TABLE archive_studylisting ALTER COLUMN "{name}" TYPE varchar({_LENGTHS[name]}) COLLATE "C"'
            )
        schema_editor.execute(
            "CREATE TABLE archive_studygrams "
            '(study_id bigint PRIMARY KEY, grams text[] COLLATE "C" NOT NULL, text text COLLATE "C" NOT NULL)'
        )
        schema_editor.execute("CREATE INDEX study_by_grams ON archive_studygrams USING gin (grams)")
    else:
        schema_editor.execute(
            "CREATE VIRTUAL TABLE archive_studywords USING fts5(grams, content='', columnsize=0, tokenize='ascii')"
        )


def drop_index(apps: Any, schema_editor: Any) -> None:
    """Undo `make_index`."""
    own = "archive_studygrams" if schema_editor.connection.vendor == "postgresql" else "archive_studywords"
    schema_editor.execute(f"DROP TABLE {own}")


_LENGTHS = {
    "date": 10,
    "month": 7,
    "facet": 310,
    **dict.fromkeys(("name_key", "patient_id_key", "description_key", "accession_key"), 100),
}


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_default_project"),
        ("archive", "0009_project_required"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="series",
            name="bytes",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="series",
            name="instance_count",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="series",
            name="lossy",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="SavedFilter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("filter", models.JSONField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("user", "name"), name="saved_filter_once_per_name")],
            },
        ),
        migrations.CreateModel(
            name="StudyListing",
            fields=[
                (
                    "study",
                    StudyKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="listing",
                        serialize=False,
                        to="archive.study",
                    ),
                ),
                ("arrived", models.DateTimeField()),
                ("date", models.CharField(blank=True, help_text="YYYY-MM-DD, or empty.", max_length=10)),
                ("month", models.CharField(blank=True, help_text="YYYY-MM, or empty.", max_length=7)),
                ("name_key", models.CharField(blank=True, max_length=100)),
                ("patient_id_key", models.CharField(blank=True, max_length=100)),
                ("description_key", models.CharField(blank=True, max_length=100)),
                ("accession_key", models.CharField(blank=True, max_length=100)),
                ("modalities", models.CharField(blank=True, max_length=300)),
                ("facet", models.CharField(max_length=310)),
                ("has_volume", models.BooleanField()),
                ("has_problem", models.BooleanField()),
                ("series_count", models.PositiveIntegerField()),
                ("instance_count", models.PositiveIntegerField()),
                ("bytes", models.PositiveBigIntegerField()),
                ("thumbnail_series", models.PositiveBigIntegerField(null=True)),
                ("thumbnail_version", models.CharField(blank=True, max_length=100)),
                ("text", models.TextField(help_text="Folded words that the study is found by.")),
                (
                    "patient",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="archive.patient",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="access.project",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["project", "study"], name="listing_by_arrival"),
                    models.Index(fields=["project", "date", "study"], name="listing_by_date"),
                    models.Index(fields=["project", "month", "study"], name="listing_by_month"),
                    *(
                        models.Index(fields=["project", column, "study", "facet", "date"], name=f"listing_by_{name}")
                        for name, column in (
                            ("name", "name_key"),
                            ("patient_id", "patient_id_key"),
                            ("description", "description_key"),
                            ("accession", "accession_key"),
                            ("series", "series_count"),
                            ("instances", "instance_count"),
                            ("size", "bytes"),
                        )
                    ),
                    models.Index(fields=["project", "facet", "study"], name="listing_by_facet"),
                    models.Index(fields=["project", "facet", "date", "study"], name="listing_by_facet_date"),
                    models.Index(fields=["patient", "study"], name="listing_by_patient"),
                ],
            },
        ),
        migrations.RunPython(make_index, drop_index),
    ]
