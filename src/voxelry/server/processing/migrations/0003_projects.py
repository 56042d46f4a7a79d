"""Requested steps belong to projects."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_projects"),
        ("processing", "0002_same_frame_of_reference"),
    ]

    operations = [
        migrations.AddField(
            model_name="process",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"
            ),
        ),
    ]
