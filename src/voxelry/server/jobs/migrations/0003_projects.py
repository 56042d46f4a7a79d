"""Jobs belong to projects."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_projects"),
        ("jobs", "0002_steps_and_batches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="in_trash",
            field=models.BooleanField(default=False, help_text="What it is about is in the trash."),
        ),
        migrations.AddField(
            model_name="job",
            name="project",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: the site's own.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.project",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["project", "-id"], name="job_by_project"),
        ),
    ]
