"""Files that came with requests, and what was edited."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("processing", "0005_project_required"),
    ]

    operations = [
        migrations.AddField(
            model_name="process",
            name="base",
            field=models.PositiveBigIntegerField(
                blank=True,
                db_index=True,
                help_text="The key of the instance that was edited; no relation, which would slow deletions.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="GivenFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField()),
                (
                    "process",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="given", to="processing.process"
                    ),
                ),
            ],
            options={
                "ordering": ["process", "pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("process", "name"), name="given_file_once_per_name"),
                    models.CheckConstraint(
                        condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="given_file_sha256_is_hex"
                    ),
                ],
            },
        ),
    ]
