"""Jobs in the admin: what was asked, what came of it, and of a batch how far it is."""

from __future__ import annotations

from typing import Any

import pytest

from voxelry.server.jobs import submit
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.submit import Item

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_admin_shows_a_job_and_its_batch(site: Any) -> None:
    parent = submit.submit_batch("test", [Item(params={"sigma": 1.5})] * 2, requested_by=site.user, priority=3)
    child = Job.objects.filter(parent=parent)[0]
    Job.objects.filter(pk=child.pk).update(log=[["2026-11-21T10:00:00.000+00:00", "half way"]], result={"count": 27})
    page = site.client.get(f"/admin/jobs/job/{child.pk}/change/").content.decode()
    for words in ("&quot;sigma&quot;: 1.5", "half way", "&quot;count&quot;: 27", f"test batch {parent.pk}", "CPU"):
        assert words in page
    assert "0 of 2 done" in site.client.get(f"/admin/jobs/job/{parent.pk}/change/").content.decode()
    search = {"q": str(parent.pk), "posted_search": "Search"}
    listed = site.client.post("/admin/jobs/job/?queue=cpu", search, follow=True).content.decode()
    assert f"test job {child.pk}" in listed
    assert "admin" in listed
