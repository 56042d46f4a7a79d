"""Files that could not be used, and what is wrong with instances, so that builds and uploads know of them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0004_deletions"),
    ]

    operations = [
        migrations.AddField(
            model_name="instance",
            name="problem_code",
            field=models.CharField(blank=True, max_length=50),
        ),
        migrations.AddField(
            model_name="instance",
            name="problem_message",
            field=models.TextField(blank=True, help_text="Why it is in no volume, as the last build found."),
        ),
        migrations.CreateModel(
            name="UnusedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("certain", models.BooleanField()),
                ("study_instance_uid", models.CharField(blank=True, max_length=64)),
                ("series_instance_uid", models.CharField(blank=True, db_index=True, max_length=64)),
                ("sop_instance_uid", models.CharField(blank=True, db_index=True, max_length=64)),
                ("name", models.TextField()),
                ("code", models.CharField(max_length=50)),
                ("message", models.TextField()),
                ("start", models.BinaryField(default=bytes)),
                (
                    "series",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unused_files",
                        to="archive.series",
                    ),
                ),
                (
                    "upload",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="unused_files",
                        to="archive.upload",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("certain", True), models.Q(("series_instance_uid", ""), _negated=True)),
                            models.Q(("certain", False), ("series__isnull", False)),
                            _connector="OR",
                        ),
                        name="unused_file_has_series",
                    )
                ],
            },
        ),
    ]
