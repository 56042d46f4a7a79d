"""Unused files in the trash have no project, and name the study that they went with."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0004_default_project"),
        ("archive", "0011_fill_study_listing"),
    ]

    operations = [
        migrations.AddField(
            model_name="unusedfile",
            name="trashed_with",
            field=models.ForeignKey(
                blank=True,
                help_text="Set if it has no series.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="archive.study",
            ),
        ),
        migrations.AlterField(
            model_name="unusedfile",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.project",
            ),
        ),
    ]
