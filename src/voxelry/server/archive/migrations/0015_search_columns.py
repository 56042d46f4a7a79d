"""Columns and indexes by which studies, series and instances are searched (PS3.18 10.6).

The columns of earlier rows are null until `fill_search` has read them from the stored headers.
"""

from typing import Any

from django.conf import settings
from django.db import migrations, models

_CODE_POINTS = {
    "archive_study": {"study_id": "varchar(64)", "referrer_key": "varchar(100)", "time": "varchar(16)"},
    "archive_series": {
        "performed_date": "varchar(10)",
        "performed_time": "varchar(16)",
        "scheduled_step_id": "text",
        "requested_procedure_id": "text",
        "sop_classes": "text",
    },
}


def order_by_code_points(apps: Any, schema_editor: Any) -> None:
    """PostgreSQL then finds what begins with some letters by an index, and in the order that SQLite has."""
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, columns in _CODE_POINTS.items():
        for name, kind in columns.items():
            schema_editor.execute(f'ALTER TABLE {table} ALTER COLUMN "{name}" TYPE {kind} COLLATE "C"')


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_project_slug"),
        ("archive", "0014_neutral_history"),
        ("jobs", "0004_indexes_of_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="instance",
            name="bits_allocated",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="instance",
            name="columns",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="instance",
            name="frames",
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name="instance",
            name="rows",
            field=models.IntegerField(help_text="0 if it is not told, like those that follow.", null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="attributes",
            field=models.TextField(help_text="The attributes of the series in the DICOM JSON Model.", null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="performed_date",
            field=models.CharField(help_text="When the procedure step began: YYYY-MM-DD.", max_length=10, null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="performed_time",
            field=models.CharField(max_length=16, null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="requested_procedure_id",
            field=models.TextField(help_text="Like the scheduled steps.", null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="scheduled_step_id",
            field=models.TextField(help_text="Several with backslashes around each.", null=True),
        ),
        migrations.AddField(
            model_name="series",
            name="sop_classes",
            field=models.TextField(help_text="Of its instances, with backslashes around each.", null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="attributes",
            field=models.TextField(help_text="The attributes of the study in the DICOM JSON Model.", null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="referrer",
            field=models.CharField(help_text="The Referring Physician's Name.", max_length=324, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="referrer_key",
            field=models.CharField(help_text="Folded, for comparison.", max_length=100, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="study_id",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="timezone",
            field=models.CharField(help_text="The Timezone Offset From UTC: +0100.", max_length=16, null=True),
        ),
        migrations.RunPython(order_by_code_points, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(fields=["project", "number"], name="instance_by_number"),
        ),
        migrations.AddIndex(
            model_name="instance",
            index=models.Index(condition=models.Q(("rows", None)), fields=["id"], name="instance_unfilled"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "number"], name="series_by_number"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "performed_date"], name="series_by_performed_date"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "performed_time"], name="series_by_performed_time"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "scheduled_step_id"], name="series_by_scheduled_step"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "requested_procedure_id"], name="series_by_procedure"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "sop_classes"], name="series_by_sop_classes"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(condition=models.Q(("attributes", None)), fields=["id"], name="series_unfilled"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["project", "study_id"], name="study_by_study_id"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["project", "referrer_key"], name="study_by_referrer"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["project", "time"], name="study_by_time"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(condition=models.Q(("attributes", None)), fields=["id"], name="study_unfilled"),
        ),
    ]
