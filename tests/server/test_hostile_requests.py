"""Requests that no page sends: forged cursors and keys, tokens outside of their scope, staff who want more."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pydantic import FilePath
from pytest_django import Settings

from tests.server import odd_steps
from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.core.steps import Params
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.secrets import create_token
from voxelry.server.archive import trash
from voxelry.server.archive.models import Entry, SavedFilter, Series, Study
from voxelry.server.jobs import isolated
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Input, Process
from voxelry.testing import PATIENT_NAME, SECRETS, synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-password-7781"
LARGE = "9" * 40


def member(name: str, *, staff: bool = False, **roles: Role) -> User:
    """A user with roles in projects, which are made if they are not there."""
    user = User.objects.create_user(name, password=PASSWORD, is_staff=staff)
    for project, role in roles.items():
        place, _ = Project.objects.get_or_create(name=project)
        Membership.objects.create(user=user, project=place, role=role)
    return user


def session(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def coded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode()


# --- cursors ---


@pytest.mark.parametrize(
    "value",
    [
        ["patient", False, False, "\ud800", 1],
        ["patient", False, False, "a\0", 1],
        ["patient", False, False, "a", 2**70],
        ["patient", False, False, ["a"], 1],
        ["patient", False, 1, "a", 1],
        [], {}, "x",
    ],
)  # fmt: skip
def test_a_forged_cursor_of_studies_is_refused(site: Any, value: object) -> None:
    answer = site.send("/studies/search", 422, order="patient", after=coded(value))
    assert answer["code"] == "cursor"


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+14:00 1",
        "9999-12-31T23:59:59-14:00 1",
        "2026-01-01T00:00:00 1",
        f"2026-01-01T00:00:00+00:00 {LARGE}",
        "words",
    ],
)
def test_a_forged_cursor_of_the_trash_is_refused(site: Any, text: str) -> None:
    assert site.get("/trash", 422, after=coded(text))["code"] == "validation"


def test_who_deletes_for_good_what_is_restored_meanwhile_is_told_so(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=1).paths)
    study = Study.objects.get().pk
    site.client.delete(f"/api/studies/{study}")
    empty = trash.empty

    def restored_first(keys: list[int]) -> int:
        trash.restore_from_trash(study)
        return empty(keys)

    monkeypatch.setattr(trash, "empty", restored_first)
    assert site.client.delete(f"/api/trash/{study}").status_code == 404
    assert site.get(f"/studies/{study}")["id"] == study


def test_pictures_in_the_browser_s_cache_are_of_one_session(site: Any, tmp_path: Path) -> None:
    series = site.upload(synthetic_series(tmp_path / "s", slices=2).paths)["series"][0]
    token = {"authorization": f"Bearer {create_token(site.user, name='all')}"}
    pictures = ("thumbnail.png", "slices/0.png", "slices/0.jpg", "slices/0.raw", "histogram")
    for client, headers in ((site.client, {}), (Client(), token)):
        for name in pictures:
            first = client.get(f"/api/series/{series}/{name}", headers=headers)
            known = {**headers, "if-none-match": first.headers["ETag"]}
            again = client.get(f"/api/series/{series}/{name}", headers=known)
            assert (first.status_code, again.status_code) == (200, 304)
            for answer in (first, again):
                assert {"Cookie", "Authorization"} <= set(answer.headers["Vary"].split(", ")), name
                assert answer.headers["Cache-Control"].startswith("private")


def test_a_known_tag_tells_nothing_without_access(site: Any, tmp_path: Path) -> None:
    series = site.upload(synthetic_series(tmp_path / "s", slices=2).paths)["series"][0]
    study = Study.objects.get().pk
    outside = session(member("outside", other=Role.OWNER))
    for address in (f"series/{series}/thumbnail.png", f"series/{series}/slices/0.png", f"studies/{study}/archive.zip"):
        tag = site.client.get(f"/api/{address}").headers["ETag"]
        headers = {"if-none-match": tag, "range": "bytes=0-1", "if-range": tag}
        for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT"):
            theirs = outside.generic(method, f"/api/{address}", headers=headers)
            missing = outside.generic(method, re.sub(r"/\d+/", "/987654/", f"/api/{address}"), headers=headers)
            assert theirs.status_code == missing.status_code in (404, 405), (method, address)
            assert set(theirs.headers) == set(missing.headers)


# --- the admin site ---

LINKS = {
    "archive/study": ("project", "patient"),
    "archive/series": ("project", "study"),
    "archive/instance": ("project", "series"),
    "archive/stack": ("series",),
    "archive/entry": ("series", "upload"),
    "archive/upload": ("project",),
    "jobs/job": ("project", "parent"),
    "processing/process": ("project",),
}


@pytest.mark.parametrize("path", LINKS)
def test_lists_take_no_key_that_no_row_has(site: Any, path: str) -> None:
    for client in (site.client, session(member("outside", staff=True, other=Role.OWNER))):
        for name in LINKS[path]:
            for value in (LARGE, "x", "1,2"):
                answer = client.get(f"/admin/{path}/", {name: value})
                assert answer.status_code == (200 if name == "project" else 400), (name, value)
        for action in ("delete_selected", "cancel_selected", "retry_selected"):
            for key in (LARGE, "x", "\0", "-1"):
                answer = client.post(f"/admin/{path}/", {"action": action, "_selected_action": [key], "index": "0"})
                assert answer.status_code < 500, (action, key)
                assert client.get(f"/admin/{path}/").status_code == 200


def test_results_and_reports_of_what_is_in_the_trash_are_in_no_list(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    series = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)["series"][0]
    Series.objects.filter(pk=series).update(description=PATIENT_NAME)
    process = Process.objects.create(
        project=Project.objects.get(name="default"), job_name="median", step="median", rows=[{"a": 1}],
        published=timezone.now(),
    )  # fmt: skip
    Input.objects.create(process=process, position=0, series_id=series, stack=0)
    Job.objects.create(kind="step", subject=process.pk, project=process.project)
    address = f"/admin/processing/process/{process.pk}/change/"
    assert site.client.get(address).status_code == 200
    assert PATIENT_NAME in site.client.get("/admin/archive/entry/").content.decode()
    study = Study.objects.get().pk
    assert site.client.delete(f"/api/studies/{study}").status_code == 204
    assert site.client.get(address).status_code == 302
    assert address not in site.client.get("/admin/processing/process/").content.decode()
    entries = site.client.get("/admin/archive/entry/").content.decode()
    key = Entry.objects.latest("pk").pk
    pages = [entries, site.client.get(f"/admin/archive/entry/{key}/change/").content.decode()]
    assert not [secret for secret in SECRETS for page in pages if secret in page]
    site.send(f"/trash/{study}/restore", 200)
    assert site.client.get(address).status_code == 200


def test_staff_make_nobody_an_administrator_and_take_no_account(site: Any) -> None:
    manager = member("manager", staff=True, mine=Role.OWNER)
    manager.user_permissions.set(Permission.objects.all())
    client = session(manager)
    form = {
        "username": "manager", "is_superuser": "on", "is_staff": "on", "is_active": "on",
        "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00",
    }  # fmt: skip
    assert client.post(f"/admin/auth/user/{manager.pk}/change/", form).status_code == 302
    manager.refresh_from_db()
    assert not manager.is_superuser
    assert manager.user_permissions.exists()
    taken = {"password1": "another-long-7781", "password2": "another-long-7781", "usable_password": "true"}
    mine, theirs = member("mine", mine=Role.VIEWER), member("theirs", default=Role.VIEWER)
    for user, allowed in ((mine, True), (theirs, False), (site.user, False)):
        client.post(f"/admin/auth/user/{user.pk}/password/", taken)
        client.post(f"/admin/auth/user/{user.pk}/change/", {**form, "username": f"new-{user.pk}"})
        user.refresh_from_db()
        assert user.check_password("another-long-7781") is allowed
        assert (user.username == f"new-{user.pk}") is allowed
    chosen = {"action": "delete_selected", "_selected_action": [theirs.pk, site.user.pk], "post": "yes"}
    client.post("/admin/auth/user/", chosen)
    assert User.objects.filter(pk__in=[theirs.pk, site.user.pk]).count() == 2


def test_tokens_of_others_are_for_administrators(site: Any) -> None:
    create_token(site.user, name="theirs")
    viewer = member("viewer", staff=True, default=Role.OWNER)
    viewer.user_permissions.set(Permission.objects.all())
    client = session(viewer)
    key = Token.objects.get().pk
    client.post("/admin/access/token/", {"action": "revoke", "_selected_action": [key]})
    assert client.get("/admin/access/token/").status_code == 403
    assert Token.objects.get().revoked is None


def test_a_page_that_deletes_a_project_lists_nothing_of_it(site: Any, tmp_path: Path) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=1).paths)
    project = Project.objects.get(name="default")
    page = site.client.get(f"/admin/access/project/{project.pk}/delete/").content.decode()
    assert "have to go first" in page
    assert not [secret for secret in SECRETS if secret in page]
    chosen = {"action": "delete_selected", "_selected_action": [project.pk], "post": "yes"}
    site.client.post("/admin/access/project/", chosen)
    assert Project.objects.filter(pk=project.pk).exists()


def test_the_admin_s_own_ways_out_and_to_a_password_are_the_site_s(site: Any) -> None:
    answer = site.client.get("/admin/password_change/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/")
    wrong = {"old_password": "wrong", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert site.client.post("/admin/password_change/", wrong).status_code == 302
    answer = site.client.post("/admin/logout/")
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (302, '"cache"')
    assert site.client.get("/admin/").status_code == 302


# --- tokens ---


@pytest.mark.parametrize("admin", [False, True])
def test_a_token_of_one_project_reads_no_filter_of_the_account(site: Any, admin: bool) -> None:
    user = site.user if admin else member("two", default=Role.OWNER, other=Role.OWNER)
    other, _ = Project.objects.get_or_create(name="other")
    kept = SavedFilter.objects.create(user=user, name=PATIENT_NAME, filter={"search": PATIENT_NAME})
    scoped = {"authorization": f"Bearer {create_token(user, name='one', project=other, role=Role.OWNER)}"}
    whole = {"authorization": f"Bearer {create_token(user, name='all')}"}
    client = Client()
    body = json.dumps({"name": "a", "filter": {}})
    for answer in (
        client.get("/api/filters", headers=scoped),
        client.put("/api/filters", body, content_type="application/json", headers=scoped),
        client.delete(f"/api/filters/{kept.pk}", headers=scoped),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "role")
        assert PATIENT_NAME not in answer.content.decode()
    assert list(SavedFilter.objects.all()) == [kept]
    assert client.get("/api/filters", headers=whole).json()["items"][0]["name"] == PATIENT_NAME


@pytest.mark.parametrize("path", ["/account/", "/admin/", "/", "/login/", "/admin/auth/user/"])
def test_a_token_opens_no_page(site: Any, path: str) -> None:
    headers = {"authorization": f"Bearer {create_token(site.user, name='all')}"}
    for send in (Client().get, Client().post):
        answer = send(path, headers=headers)
        assert answer.status_code == (200 if path == "/login/" else 302)
        assert "vxl_" not in answer.content.decode()
    make = {"action": "create", "name": "more", "project": "all"}
    Client().post("/account/", make, headers=headers)
    assert Token.objects.count() == 1


# --- steps that name files ---


class Nested(Params):
    """Holds a path."""

    file: Path


class HiddenParams(Params):
    """Names files in ways that are harder to see."""

    found: FilePath | None = None
    several: tuple[Path, ...] = ()
    inner: Nested | None = None


HIDDEN = replace(odd_steps.READS, name="hidden", params=HiddenParams)  # type: ignore[arg-type]


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {"hidden": "tests.server.test_hostile_requests:HIDDEN", "reads": "tests.server.odd_steps:READS"}
    steps = [EntryPoint(name, address, "voxelry.steps") for name, address in points.items()]
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: steps))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


def test_who_may_name_no_file_does_not_learn_whether_it_is_there(
    site: Any, hidden: None, tmp_path: Path, settings: Settings
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(processing_roots=(str(tmp_path),))
    series = site.upload(synthetic_series(tmp_path / "s", slices=2).paths)["series"][0]
    owner = session(member("owner", default=Role.OWNER))
    there, missing = str(tmp_path / "there"), str(tmp_path / "missing")
    Path(there).write_text("x")

    def ask(client: Client, **params: object) -> tuple[int, str]:
        body = json.dumps({"job_name": "hidden", "series": series, "params": params})
        answer = client.post("/api/jobs", body, content_type="application/json")
        return answer.status_code, answer.content.decode()

    for name, of in (("found", str), ("several", lambda path: [path]), ("inner", lambda path: {"file": path})):
        answers = [ask(owner, **{name: of(path)}) for path in (there, missing)]
        assert answers[0] == answers[1], name
        assert answers[0][0] == 403, name
    assert ask(site.client, found=there)[0] == 202
    assert ask(site.client, several=[there])[0] == 422
    assert ask(site.client, inner={"file": there})[0] == 422


def test_a_batch_that_names_a_file_is_begun_again_by_administrators(
    site: Any, hidden: None, tmp_path: Path, settings: Settings, do_jobs: Callable[[], None]
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(processing_roots=(str(tmp_path),))
    keys = [site.upload(synthetic_series(tmp_path / str(n), slices=2, seed=n).paths)["series"][0] for n in (1, 2)]
    (tmp_path / "model").write_text("x")
    body = {"job_name": "reads", "series": keys, "params": {"model": str(tmp_path / "model")}}
    batch = site.send("/jobs/batch", 202, **body)["id"]
    site.post(f"/jobs/{batch}/cancel", 200)
    analyst = session(member("analyst", default=Role.ANALYST))
    assert analyst.post(f"/api/jobs/{batch}/retry").status_code == 403
    staff = session(member("staff", staff=True, default=Role.ANALYST))
    for key in (batch, *Job.objects.filter(parent=batch).values_list("pk", flat=True)):
        staff.post("/admin/jobs/job/", {"action": "retry_selected", "_selected_action": [key]})
    assert set(Job.objects.filter(parent=batch).values_list("state", flat=True)) == {State.CANCELLED}
    assert set(Job.objects.filter(parent=batch).values_list("requested_by", flat=True)) == {site.user.pk}
    site.post(f"/jobs/{batch}/retry", 200)


def test_a_batch_is_not_begun_again_on_what_is_in_the_trash(
    site: Any, hidden: None, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    keys = [site.upload(synthetic_series(tmp_path / str(n), slices=2, seed=n).paths)["series"][0] for n in (1, 2)]
    batch = site.send("/jobs/batch", 202, job_name="reads", series=keys)["id"]
    site.post(f"/jobs/{batch}/cancel", 200)
    study = Series.objects.get(pk=keys[0]).study_id
    site.client.delete(f"/api/studies/{study}")
    site.post(f"/jobs/{batch}/retry", 200)
    states = dict(Job.objects.filter(parent=batch).values_list("in_trash", "state"))
    assert states == {True: State.CANCELLED, False: State.QUEUED}
    do_jobs()
    assert site.get(f"/jobs/{batch}")["state"] == "succeeded"
