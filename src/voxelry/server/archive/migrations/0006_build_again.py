"""Volumes of earlier versions are made again: of the same originals, figures and planes may be others now."""

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef, Subquery

_ROWS = 500


def build_again(apps: Any, schema_editor: Any) -> None:
    """A job for each series with pixels that none is under way for; after what people ask for meanwhile."""
    job_model, series, instances = (
        apps.get_model(*name) for name in (("jobs", "Job"), ("archive", "Series"), ("archive", "Instance"))
    )
    under_way = job_model.objects.filter(kind="build", subject=OuterRef("pk"), state__in=["queued", "running"])
    shown = series.objects.filter(Exists(instances.objects.filter(series=OuterRef("pk"), has_pixels=True)))
    keys = shown.exclude(Exists(under_way)).order_by("pk").values_list("pk", flat=True)
    last = 0
    while some := list(keys.filter(pk__gt=last)[:_ROWS]):
        new = [job_model(kind="build", subject=key, queue="ingest", once=True, priority=0) for key in some]
        job_model.objects.bulk_create(new)
        last = some[-1]
    waiting = job_model.objects.filter(kind="build", subject=OuterRef("pk"), state="queued", once=True)
    series.objects.filter(Exists(waiting)).update(job=Subquery(waiting.values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("archive", "0005_unused_files"),
        ("jobs", "0002_steps_and_batches"),
    ]

    operations = [migrations.RunPython(build_again, migrations.RunPython.noop)]
