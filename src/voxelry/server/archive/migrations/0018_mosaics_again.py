"""Series of mosaics are built again: earlier versions showed them whole, and now most are volumes of slices."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery

_ROWS = 500


def build_mosaics_again(apps: Any, schema_editor: Any) -> None:
    """A job for each series with a stack of mosaics that none is under way for; after what people ask for meanwhile."""
    job_model, series, stacks = (
        apps.get_model(*name) for name in (("jobs", "Job"), ("archive", "Series"), ("archive", "Stack"))
    )
    under_way = job_model.objects.filter(kind="build", subject=OuterRef("pk"), state__in=["queued", "running"])
    mosaics = Exists(stacks.objects.filter(series=OuterRef("pk"), problem_code="mosaic"))
    whole = series.objects.filter(mosaics, project__isnull=False)  # what is in the trash has no project
    rows = whole.exclude(Exists(under_way)).order_by("pk").values_list("pk", "project_id")
    last = 0
    while some := list(rows.filter(pk__gt=last)[:_ROWS]):
        new = [
            job_model(kind="build", subject=key, project_id=project, queue="ingest", once=True, priority=0)
            for key, project in some
        ]
        job_model.objects.bulk_create(new)
        last = some[-1][0]
    waiting = job_model.objects.filter(kind="build", subject=OuterRef("pk"), state="queued", once=True)
    series.objects.filter(Exists(waiting)).update(job=Subquery(waiting.values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0017_kept_aside"),
        ("jobs", "0005_not_before"),
    ]

    operations = [migrations.RunPython(build_mosaics_again, migrations.RunPython.noop)]
