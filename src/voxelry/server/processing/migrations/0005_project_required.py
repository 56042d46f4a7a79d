"""Each requested step has a project now."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("processing", "0004_into_default"),
    ]

    operations = [
        migrations.AlterField(
            model_name="process",
            name="project",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"),
        ),
    ]
