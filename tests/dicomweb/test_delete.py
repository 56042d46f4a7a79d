"""DELETE of studies and series: by owners, into the trash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.dicomweb.conftest import Site, Web
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.models import Instance, Series, Study
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def series(site: Site, tmp_path: Path) -> list[Series]:
    """Two series of one study."""
    first = synthetic_series(tmp_path / "a", slices=2)
    second = synthetic_series(
        tmp_path / "b", slices=2, seed=1, attributes={"StudyInstanceUID": first.study_instance_uid}
    )
    site.upload([*first.paths, *second.paths])
    return list(Series.objects.order_by("pk"))


def address_of(series: Series) -> str:
    return f"/studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"


def test_a_study_goes_to_the_trash(web: Web, series: list[Series]) -> None:
    study = series[0].study
    web.ask("DELETE", f"/studies/{study.study_instance_uid}", 204)
    study.refresh_from_db()
    assert study.trashed is not None
    assert study.trashed_by == User.objects.get()
    assert not Instance.objects.filter(project__isnull=False).exists()
    web.ask("DELETE", f"/studies/{study.study_instance_uid}", 404)
    web.ask("DELETE", "/studies/1.2.3", 404)
    assert web.client.post(f"/api/trash/{study.pk}/restore").status_code == 200
    assert Instance.objects.filter(project__isnull=False).count() == 4


def test_a_series_goes_to_the_trash(web: Web, series: list[Series]) -> None:
    web.ask("DELETE", address_of(series[0]), 204)
    web.ask("DELETE", address_of(series[0]), 404)
    assert Study.objects.filter(trashed=None).get().series.get() == series[1]
    web.ask("DELETE", address_of(series[1]), 204)
    assert not Study.objects.filter(trashed=None).exists()
    assert Study.objects.count() == 2


def test_instances_are_not_deleted(web: Web, series: list[Series]) -> None:
    instance = series[0].instances.all()[0]
    response = web.ask("DELETE", f"{address_of(series[0])}/instances/{instance.sop_instance_uid}", 405)
    assert "DELETE" not in response.headers["Allow"]


def test_only_owners_delete(web: Web, series: list[Series], web_of: Callable[..., Web]) -> None:
    who = User.objects.create_user("uploads", "", "correct horse")
    Membership.objects.create(project=Project.objects.get(), user=who, role=Role.UPLOADER)
    client = Client(enforce_csrf_checks=True)
    client.force_login(who)
    client.get("/")
    token = {"X-CSRFToken": client.cookies["csrftoken"].value}
    own = Web(client, web.root)
    address = f"/studies/{series[0].study.study_instance_uid}"
    own.ask("DELETE", address, 403, headers=token)
    Membership.objects.filter(user=who).update(role=Role.OWNER)
    Project.objects.create(name="other")
    web_of("other", client).ask("DELETE", address, 404, headers=token)
    own.ask("DELETE", address, 403)  # without the token
    assert Study.objects.get().trashed is None
    own.ask("DELETE", address, 204, headers=token)
