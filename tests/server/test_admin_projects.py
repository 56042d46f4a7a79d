"""The admin site and projects: who sees, adds and deletes what; searches that stand in no address; bounded pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from voxelry.server.access import bounded_lists
from voxelry.server.access.admin_rows import ProjectRowsAdmin
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive import admin as archive_admin
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Stack, Study, Upload
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Process
from voxelry.testing import PATIENT_NAME, SECRETS, synthetic_instance, synthetic_series, write

LISTS = ["archive/" + name for name in ("patient", "study", "series", "instance", "stack", "entry", "upload")]
LISTS += ["jobs/job", "processing/process"]
PAGES = ("change", "history", "delete")


@dataclass(frozen=True)
class Here:
    """A project with one study, and its rows by the admin's address."""

    project: Project
    rows: dict[str, int]


@pytest.fixture
def here(site: Any, tmp_path: Path) -> Here:
    project = Project.objects.get(name="default")
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    process = Process.objects.create(project=project, job_name="median", step="median")
    rows = {
        "archive/patient": Patient.objects.get().pk,
        "archive/study": Study.objects.get().pk,
        "archive/series": Series.objects.get().pk,
        "archive/instance": Instance.objects.order_by("pk").first().pk,  # type: ignore[union-attr]
        "archive/stack": Stack.objects.get().pk,
        "archive/entry": Entry.objects.order_by("pk").first().pk,  # type: ignore[union-attr]
        "archive/upload": Upload.objects.get().pk,
        "jobs/job": Job.objects.order_by("pk").first().pk,  # type: ignore[union-attr]
        "processing/process": process.pk,
    }
    return Here(project, rows)


def staff(name: str, **roles: Role) -> Client:
    """A member of the staff with roles in projects, who is no superuser."""
    user = User.objects.create_user(name, password="x", is_staff=True)
    for project, role in roles.items():
        place, _ = Project.objects.get_or_create(name=project)
        Membership.objects.create(user=user, project=place, role=role)
    client = Client()
    client.force_login(user)
    return client


def search(client: Client, path: str, words: str) -> str:
    """The page that a search leads to."""
    page = client.post(f"/admin/{path}/", {"q": words, "posted_search": "Search"}, follow=True)
    assert page.status_code == 200
    return str(page.content.decode())


def listed(page: str, path: str) -> set[int]:
    return {int(key) for key in re.findall(rf"/admin/{path}/(\d+)/change/", page)}


def test_every_list_of_projects_is_tried_here() -> None:
    ours = [model for model, known in admin.site._registry.items() if isinstance(known, ProjectRowsAdmin)]
    assert {f"{model._meta.app_label}/{model._meta.model_name}" for model in ours} == set(LISTS)
    rooms = {"archive", "jobs", "processing"}
    assert {model for model in admin.site._registry if model._meta.app_label in rooms} == set(ours)


@pytest.mark.parametrize("path", LISTS)
def test_staff_see_their_projects_only(here: Here, path: str) -> None:
    key = here.rows[path]
    inside = staff("inside", default=Role.VIEWER)
    assert key in listed(inside.get(f"/admin/{path}/").content.decode(), path)
    assert inside.get(f"/admin/{path}/{key}/change/").status_code == 200
    outside = staff("outside", other=Role.OWNER)
    page = outside.get(f"/admin/{path}/").content.decode()
    assert listed(page, path) == set()
    assert f"0 {path.partition('/')[2]}"[:3] in page
    for name in PAGES:
        theirs, missing = (outside.get(f"/admin/{path}/{one}/{name}/") for one in (key, 987654))
        assert (theirs.status_code, theirs.headers.get("Location")) == (
            missing.status_code,
            missing.headers.get("Location"),
        ), name
        assert theirs.status_code in (302, 403)
        assert not [secret for secret in SECRETS if secret in theirs.content.decode()]


@pytest.mark.parametrize("path", LISTS)
def test_staff_without_a_project_see_no_list(here: Here, path: str) -> None:
    nobody = staff("nobody")
    assert nobody.get(f"/admin/{path}/").status_code == 403
    assert f"/admin/{path}/" not in nobody.get("/admin/").content.decode()


def test_a_name_of_another_project_is_not_found(here: Here) -> None:
    outside = staff("outside", other=Role.OWNER)
    for path in LISTS:
        assert listed(search(outside, path, PATIENT_NAME.split("^")[0]), path) == set()
        assert listed(search(outside, path, Series.objects.get().series_instance_uid), path) == set()


def test_what_is_in_the_trash_is_in_no_list(site: Any, here: Here) -> None:
    from django.utils import timezone

    Study.objects.update(trashed=timezone.now())
    Series.objects.update(project=None)
    Instance.objects.update(project=None)
    Job.objects.filter(kind="build").update(in_trash=True)
    for path in ("patient", "study", "series", "instance", "stack"):
        assert listed(site.client.get(f"/admin/archive/{path}/").content.decode(), f"archive/{path}") == set()
        assert site.client.get(f"/admin/archive/{path}/{here.rows[f'archive/{path}']}/change/").status_code == 302


@pytest.mark.parametrize("path", ["archive/study", "archive/series", "archive/upload"])
@pytest.mark.parametrize("role", list(Role))
def test_only_owners_delete(here: Here, path: str, role: Role) -> None:
    model, key = {"study": Study, "series": Series, "upload": Upload}[path.partition("/")[2]], here.rows[path]
    client = staff("member", default=role, other=Role.OWNER)
    chosen = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    owner = role == Role.OWNER
    assert client.post(f"/admin/{path}/{key}/delete/", {"post": "yes"}).status_code == (302 if owner else 403)
    if not owner:
        assert client.post(f"/admin/{path}/", chosen).status_code == 403
    assert live(model).filter(pk=key).exists() is not owner


def live(model: Any) -> Any:
    """The rows that are not in the trash."""
    if model is Study:
        return Study.objects.filter(trashed=None)
    return Series.objects.exclude(project=None) if model is Series else model.objects.all()


def test_owners_of_other_projects_delete_nothing_here(here: Here) -> None:
    outside = staff("outside", other=Role.OWNER)
    for path in ("archive/study", "archive/series", "archive/upload"):
        outside.post(f"/admin/{path}/{here.rows[path]}/delete/", {"post": "yes"})
        for across in ("0", "1"):
            chosen = {"action": "delete_selected", "_selected_action": [here.rows[path]], "select_across": across}
            outside.post(f"/admin/{path}/", {**chosen, "post": "yes", "index": "0"})
            outside.post(f"/admin/{path}/", {**chosen, "post": "yes"})
    assert (live(Study).count(), live(Series).count(), Upload.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(("role", "state"), [(Role.VIEWER, "queued"), (Role.UPLOADER, "cancelled")])
def test_only_who_may_add_stops_what_takes_in(site: Any, tmp_path: Path, role: Role, state: str) -> None:
    site.upload([write(synthetic_instance(), tmp_path / "a.dcm")], run=False)
    job = Job.objects.get()
    client = staff("member", default=role)
    client.post("/admin/jobs/job/", {"action": "cancel_selected", "_selected_action": [job.pk]})
    job.refresh_from_db()
    assert job.state == state


def test_add_series_offers_the_projects_that_one_may_add_to(here: Here, tmp_path: Path) -> None:
    one = staff("one", other=Role.UPLOADER, default=Role.VIEWER)
    page = one.get("/admin/archive/series/add/").content.decode()
    other = Project.objects.get(name="other")
    assert re.findall(r'<option value="(\d+)"( selected)?', page) == [(str(other.pk), " selected")]
    two = staff("two", other=Role.UPLOADER, default=Role.UPLOADER)
    page = two.get("/admin/archive/series/add/").content.decode()
    assert len(re.findall(r'<option value="\d+"', page)) == 2
    assert re.findall(r'<option value="(\d+)" selected', page) == [str(Project.objects.get(name="default").pk)]
    file = write(synthetic_instance(seed=5), tmp_path / "a.dcm").read_bytes()

    def add(client: Client, **form: Any) -> Any:
        return client.post("/admin/archive/series/add/", {"file": [SimpleUploadedFile("a.dcm", file)], **form})

    assert b"This field is required" in add(two).content
    assert b"Select a valid choice" in add(one, project=here.project.pk).content
    assert add(two, project=other.pk).status_code == 302
    assert Upload.objects.latest("pk").project == other
    assert staff("viewer", default=Role.ANALYST).get("/admin/archive/series/add/").status_code == 403


def test_a_search_stands_in_no_address_and_is_kept(site: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    name = PATIENT_NAME.split("^")[0]
    client: Client = site.client
    page = client.get("/admin/archive/series/").content.decode()
    assert re.search(r'<form id="changelist-search" method="post"', page)
    found = client.post("/admin/archive/series/?problem=no", {"q": name, "posted_search": "Search"})
    address = found.headers["Location"]
    assert re.fullmatch(r"/admin/archive/series/\?problem=no&k=[\w-]+", address)
    page = client.get(address).content.decode()
    assert listed(page, "archive/series") == {here.rows["archive/series"]}
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page)
    assert addresses
    assert not [one for one in addresses if name.lower() in one.lower()]
    key = address.partition("k=")[2]
    assert [one for one in addresses if "problem=yes" in one and f"k={key}" in one], "a filter keeps the search"
    assert f'value="{name}"' in page
    assert 'name="k"' not in page
    none = client.post(address, {"q": "", "posted_search": "Search"})
    assert none.headers["Location"] == "/admin/archive/series/?problem=no"


def test_pages_keep_the_search(site: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = admin.site._registry[Entry]
    monkeypatch.setattr(registered, "list_per_page", 1)
    monkeypatch.setattr(registered, "list_max_show_all", 1)
    found = site.client.post("/admin/archive/entry/", {"q": "dcm", "posted_search": "Search"}, follow=True)
    key = found.redirect_chain[0][0].partition("k=")[2]
    second = re.search(r'href="(\?[^"]*p=2[^"]*)"', found.content.decode())
    assert second
    assert f"k={key}" in second[1]
    page = site.client.get("/admin/archive/entry/" + second[1].replace("&amp;", "&")).content.decode()
    assert 'value="dcm"' in page
    assert len(listed(page, "archive/entry")) == 1


@pytest.mark.parametrize("path", LISTS)
def test_a_text_in_an_address_is_taken_out(site: Any, here: Here, path: str) -> None:
    answer = site.client.get(f"/admin/{path}/", {"q": PATIENT_NAME, "project": here.project.pk, "o": "1"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/admin/{path}/?project={here.project.pk}"


def test_values_in_an_address_filter_nothing(site: Any, here: Here) -> None:
    for query in ({"name__icontains": "a"}, {"study__patient__name": PATIENT_NAME}, {"study": "1 OR 1"}):
        assert site.client.get("/admin/archive/series/", query).status_code == 400
    known = "/admin/autocomplete/?app_label=archive&model_name=series&field_name=study"
    assert site.client.get(known, {"term": PATIENT_NAME}).status_code in (403, 404)


def test_somebody_elses_search_is_not_found_by_its_key(site: Any, here: Here) -> None:
    other = staff("other", default=Role.VIEWER)
    address = other.post("/admin/archive/study/", {"q": "secret words", "posted_search": "1"}).headers["Location"]
    assert "secret words" not in site.client.get(address).content.decode()


def test_the_session_keeps_few_searches(site: Any, here: Here) -> None:
    for number in range(30):
        site.client.post("/admin/archive/study/", {"q": f"words {number}", "posted_search": "1"})
    kept = site.client.session["admin_searches"]
    assert len(kept) == 20
    assert "words 29" in kept.values()


def test_the_history_and_the_messages_hold_keys_only(site: Any, here: Here) -> None:
    Study.objects.update(description=PATIENT_NAME)
    series, study = here.rows["archive/series"], here.rows["archive/study"]
    chosen = {"action": "delete_selected", "_selected_action": [series], "post": "yes"}
    site.client.post("/admin/archive/series/", chosen)
    page = site.client.post(f"/admin/archive/study/{study}/delete/", {"post": "yes"}, follow=True).content.decode()
    assert sorted(LogEntry.objects.values_list("object_repr", flat=True)) == [f"series {series}", f"study {study}"]
    assert f"study {study}" in page
    assert not [secret for secret in SECRETS if secret in page]


def test_more_rows_than_are_counted_are_told_so(site: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_lists, "MOST_COUNTED", 2)
    page = site.client.get("/admin/archive/instance/").content.decode()
    assert "more than 10,000 instances: search or filter to reach the others" in page


@pytest.mark.parametrize("path", LISTS)
def test_no_list_counts_or_sorts_over_everything(
    site: Any, here: Here, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    by_project = {} if path in ("archive/stack", "archive/entry") else {"project": str(here.project.pk)}
    for query in ({}, by_project):
        with CaptureQueriesContext(connection) as asked:
            assert site.client.get(f"/admin/{path}/", query).status_code == 200
        for one in asked:
            sql = one["sql"]
            assert "DISTINCT" not in sql
            if "COUNT(" in sql:
                assert "LIMIT 10001" in sql or " IN (" in sql, sql


def test_a_page_shows_a_bounded_number_of_parts(site: Any, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_admin, "PARTS_SHOWN", 2)
    series = here.rows["archive/series"]
    page = site.client.get(f"/admin/archive/series/{series}/change/").content.decode()
    assert len(listed(page, "archive/instance")) == 2
    address = f"/admin/archive/instance/?series={series}"
    assert f'href="{address}"' in page
    assert len(listed(site.client.get(address).content.decode(), "archive/instance")) == 3


def test_filters_find_what_they_say(site: Any, here: Here) -> None:
    Series.objects.update(modality="CT", problem_code="geometry")
    Job.objects.update(state=State.SUCCEEDED)

    def keys(path: str, **query: str) -> set[int]:
        return listed(site.client.get(f"/admin/{path}/", query).content.decode(), path)

    series = {here.rows["archive/series"]}
    assert keys("archive/series", modality="CT", problem="yes", project=str(here.project.pk)) == series
    assert keys("archive/series", modality="MR") == keys("archive/series", problem="no") == set()
    assert keys("archive/series", modality="XX; no such") == series
    assert keys("archive/stack", regular="yes") == {here.rows["archive/stack"]}
    assert keys("archive/stack", regular="no") == set()
    assert len(keys("archive/instance", pixels="yes")) == 3
    assert keys("archive/entry", status="skipped") == set()
    assert here.rows["jobs/job"] in keys("jobs/job", state="succeeded", kind="ingest")
    assert keys("jobs/job", state="failed") == set()


def test_the_admin_shows_each_project_of_one_s_own_as_a_filter(here: Here) -> None:
    Project.objects.create(name="Unseen")
    client = staff("member", default=Role.VIEWER, other=Role.VIEWER)
    page = client.get("/admin/archive/study/").content.decode()
    assert "Unseen" not in page
    hidden = Project.objects.get(name="Unseen").pk
    assert listed(client.get("/admin/archive/study/", {"project": hidden}).content.decode(), "archive/study") == set()


def test_there_is_no_way_round_by_the_link_to_a_row(here: Here, do_jobs: Callable[[], None]) -> None:
    from django.contrib.contenttypes.models import ContentType

    outside = staff("outside", other=Role.OWNER)
    kind = ContentType.objects.get_for_model(Study).pk
    answers = [outside.get(f"/admin/r/{kind}/{key}/") for key in (here.rows["archive/study"], 987654)]
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content


def test_names_in_the_history_of_before_are_forgotten(site: Any, here: Here) -> None:
    from importlib import import_module

    from django.apps import apps
    from django.contrib.contenttypes.models import ContentType

    kind = ContentType.objects.get_for_model(Study)
    LogEntry.objects.create(
        user=site.user, content_type=kind, object_id="7", object_repr=PATIENT_NAME, action_flag=3, change_message=""
    )
    import_module("voxelry.server.archive.migrations.0014_neutral_history").forget_names(apps, None)
    assert list(LogEntry.objects.values_list("object_repr", flat=True)) == ["study 7"]
