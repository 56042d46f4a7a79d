"""Each row has a project now."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0008_into_default"),
    ]

    operations = [
        migrations.AlterField(
            model_name="patient",
            name="project",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"),
        ),
        migrations.AlterField(
            model_name="study",
            name="project",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"),
        ),
        migrations.AlterField(
            model_name="upload",
            name="project",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"),
        ),
        migrations.AlterField(
            model_name="unusedfile",
            name="project",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"),
        ),
    ]
