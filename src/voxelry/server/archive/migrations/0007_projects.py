"""Rows belong to projects: UIDs are unique within one, not in the site; and a study may be in the trash."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_projects"),
        ("archive", "0006_build_again"),
        ("jobs", "0003_projects"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="series",
            options={"ordering": ["-pk"], "verbose_name_plural": "series"},
        ),
        migrations.AlterModelOptions(
            name="study",
            options={"ordering": ["-pk"], "verbose_name_plural": "studies"},
        ),
        migrations.RemoveConstraint(
            model_name="patient",
            name="patient_id_once_per_issuer",
        ),
        migrations.AddField(
            model_name="instance",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.project",
            ),
        ),
        migrations.AddField(
            model_name="patient",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"
            ),
        ),
        migrations.AddField(
            model_name="series",
            name="project",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="access.project",
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="trashed",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="trashed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="unusedfile",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"
            ),
        ),
        migrations.AddField(
            model_name="upload",
            name="project",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="access.project"
            ),
        ),
        migrations.AlterField(
            model_name="instance",
            name="sha256",
            field=models.CharField(db_index=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="instance",
            name="sop_instance_uid",
            field=models.CharField(db_index=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="study",
            name="study_instance_uid",
            field=models.CharField(max_length=64),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["project", "-id"], name="series_by_project"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["series_instance_uid"], name="series_by_uid"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                condition=models.Q(("trashed", None)), fields=["project", "-id"], name="study_by_project"
            ),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(
                condition=models.Q(("trashed__isnull", False)), fields=["trashed"], name="study_in_trash"
            ),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["study_instance_uid"], name="study_by_uid"),
        ),
        migrations.AddIndex(
            model_name="upload",
            index=models.Index(fields=["project", "-id"], name="upload_by_project"),
        ),
        migrations.AddConstraint(
            model_name="instance",
            constraint=models.UniqueConstraint(
                fields=("project", "sop_instance_uid"), name="instance_once_per_project"
            ),
        ),
        migrations.AddConstraint(
            model_name="patient",
            constraint=models.UniqueConstraint(
                condition=models.Q(("patient_id", ""), _negated=True),
                fields=("project", "patient_id", "issuer"),
                name="patient_id_once_per_project",
            ),
        ),
        migrations.AddConstraint(
            model_name="study",
            constraint=models.UniqueConstraint(
                condition=models.Q(("trashed", None)),
                fields=("project", "study_instance_uid"),
                name="study_once_per_project",
            ),
        ),
    ]
