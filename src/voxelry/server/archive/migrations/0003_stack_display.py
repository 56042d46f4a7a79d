"""How slices are shown: tables, each slice's own window, cine, and places of slices that form no grid."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0002_series_report"),
    ]

    operations = [
        migrations.AddField(
            model_name="stack",
            name="display",
            field=models.JSONField(
                default=dict,
                help_text="Tables, what each slice is shown with where they differ, cine, places of slices.",
            ),
        ),
        migrations.AlterField(
            model_name="stack",
            name="planes",
            field=models.JSONField(help_text="Count, rows, columns, spacing and shape of the pixels of each plane."),
        ),
    ]
