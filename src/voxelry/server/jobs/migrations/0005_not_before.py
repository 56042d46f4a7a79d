"""When a job may begin: builds wait until no more instances come."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the column."""

    dependencies = [("jobs", "0004_indexes_of_lists")]

    operations = [
        migrations.AddField(
            "job",
            "not_before",
            models.DateTimeField(null=True, blank=True, help_text="Waits until then for more of its kind."),
        )
    ]
