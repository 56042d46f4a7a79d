"""What is answered in front of Django is what Django answers, to those to whom it would, and as long as it would."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import imagecodecs
import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.contrib.staticfiles.finders import get_finder
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from voxelry.server.access import secrets
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.secrets import create_token
from voxelry.server.archive import held as holding
from voxelry.server.archive.models import Series
from voxelry.server.jobs.models import Job, State
from voxelry.server.site.django_handler import ThreadedDjango
from voxelry.server.site.front import Front
from voxelry.testing import synthetic_series

UNLIKE = {"content-type", "content-length", "set-cookie"}
"""Headers that Django sets on answers without content too, and cookies of forms."""


class Asking:
    """Sends requests to a front, and knows which of them came to Django."""

    def __init__(self) -> None:
        self.passed_on: list[str] = []
        self.django = ThreadedDjango()
        self.front = Front(self._django)

    async def _django(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed_on.append(scope["path"])
        await self.django(scope, receive, send)

    def get(self, address: str, *, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        path, _, query = address.partition("?")
        told: list[Any] = []
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"localhost")]
            + [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "scheme": "http",
            "root_path": "",
        }
        sent = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            message = next(sent, None)
            if message is None:
                await asyncio.sleep(60)
            return message

        async def send(message: Any) -> None:
            told.append(message)

        asyncio.run(self.front(scope, receive, send))
        start, *rest = told
        sent_headers = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], sent_headers, b"".join(message["body"] for message in rest)

    def close(self) -> None:
        """End its threads, with their connections."""
        self.front._threads.close()
        self.django._threads.close()

    def is_quick(self, address: str, **headers: str) -> bool:
        """Whether a good answer came without Django."""
        before = len(self.passed_on)
        status, _, _ = self.get(address, **headers)
        return status == 200 and len(self.passed_on) == before


@pytest.fixture
def asking() -> Iterator[Asking]:
    holding._held.clear()
    made = Asking()
    yield made
    made.close()


@pytest.fixture
def series(site: Any, tmp_path: Path) -> int:
    (key,) = site.upload(synthetic_series(tmp_path / "s", slices=4).paths)["series"]
    return int(key)


@pytest.fixture
def token(user: User) -> str:
    return f"Bearer {create_token(user, name='mine')}"


HOT = [
    "/api/series/{}/slices/1.raw",
    "/api/series/{}/slices/1.raw?axis=coronal",
    "/api/series/{}/slices/1.raw?axis=coronal&every=3",
    "/api/series/{}/slices/1.raw?v=other",
    "/api/series/{}/slices/1.png",
    "/api/series/{}/slices/1.png?center=40&width=400",
    "/api/series/{}/slices/1.jpg?axis=sagittal",
    "/api/series/{}/cut.raw?origin=-20,1e1,3.5&right=0.5,0.1,0&down=0,0,-0.5&rows=30&columns=20",
    "/api/series/{}/cut.raw?origin=0,0,0&right=1,0,0&down=0,1,0&rows=9&columns=9&slab=max&depth=3&step=0,0,1&v=other",
    "/api/series/{}/thumbnail.png",
    "/api/series/{}/histogram",
    "/api/series/{}/histogram?volume=0",
    "/api/studies",
    "/api/studies?limit=1",
    "/api/series/{}",
    "/dicomweb/projects/default/",
]


def test_answers_and_headers_are_djangos(series: int, token: str, asking: Asking) -> None:
    for address in HOT:
        asking.passed_on.clear()
        _same(address.format(series), token, asking)


def _shown(content: bytes) -> bytes:
    """What is compared of an answer: the pixels of a PNG, which may be compressed in another way each time."""
    return imagecodecs.png_decode(content).tobytes() if content.startswith(b"\x89PNG") else content


def _same(whole: str, token: str, asking: Asking) -> None:
    ask = {"authorization": token, "accept": "*/*"}
    expected = Client(SERVER_NAME="localhost").get(whole, headers=ask)
    lists = whole.startswith("/api/studies") or whole.rpartition("/")[0] == "/api/series"
    if lists:
        asking.get(whole, **ask)  # Django's answer is kept
        assert asking.passed_on.pop()
    for _ in range(2):
        status, headers, content = asking.get(whole, **ask)
        assert status == expected.status_code
        assert _shown(content) == _shown(expected.content)
        told = {name.lower(): value for name, value in expected.headers.items()}
        assert headers == told | {"content-length": str(len(content))}
    status, headers, content = asking.get(whole, method="HEAD", **ask)
    assert (status, content) == (200, b"")
    if b"PNG" not in expected.content[:8]:
        assert headers["content-length"] == str(len(expected.content))
    assert asking.passed_on == ([whole.partition("?")[0]] if lists else [])
    if "etag" in headers:
        status, headers, content = asking.get(whole, **ask, if_none_match=headers["etag"])
        again = Client(SERVER_NAME="localhost").get(whole, headers=ask | {"If-None-Match": headers["etag"]})
        assert (status, content) == (304, b"") == (again.status_code, again.content)
        assert headers == {n.lower(): v for n, v in again.headers.items() if n.lower() not in UNLIKE}


CUT = "/api/series/{}/cut.raw?origin=0,0,0&right=1,0,0&down=0,1,0&columns=2"
REFUSED: list[tuple[str, dict[str, str] | None, int]] = [
    ("/api/series/{}/slices/1.raw", {}, 401),
    ("/api/series/{}/slices/1.raw", {"authorization": "Bearer vxl_wrong"}, 401),
    ("/api/series/{}/slices/99.raw", None, 404),
    ("/api/series/99999/slices/1.raw", None, 404),
    ("/api/series/99999999999999999999999/slices/1.raw", None, 404),
    ("/api/series/{}/slices/1.raw?axis=slanted", None, 422),
    ("/api/series/{}/slices/1.raw?every=0", None, 422),
    ("/api/series/{}/slices/1.png?center=4", None, 422),
    ("/api/series/{}/slices/1.png?center=4&width=-1", None, 422),
    ("/api/series/{}/slices/1.raw?volume=1&volume=0", None, 200),
    ("/api/series/{}/slices/1.raw?other=1", None, 200),
    ("/api/series/{}/histogram?volume=1", None, 404),
    ("/api/series/{}/histogram?axis=axial", None, 200),
    (CUT + "&rows=2", {}, 401),
    (CUT, None, 422),
    (CUT + "&rows=2&depth=3", None, 422),
    (CUT + "&rows=2&other=3", None, 200),
    (CUT.replace("{}", "99999") + "&rows=2", None, 404),
    ("/api/studies?limit=0", None, 422),
    ("/dicomweb/projects/none/", None, 404),
    ("/api/series/{}/slices/1.raw", {"host": "evil.example"}, 400),
]


def test_what_is_not_as_it_should_be_is_djangos_affair(series: int, token: str, asking: Asking) -> None:
    for address, headers, status in REFUSED:
        asking.passed_on.clear()
        given = {"authorization": token, **(headers or {})} if headers is None or "host" in headers else headers
        found, _, content = asking.get(address.format(series), **given)
        assert found == status, (address, content)
        assert len(asking.passed_on) == 1, address


def _pass(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the clocks on: a test that sleeps would also have to be quick in between."""
    now, clock = timezone.now, time.time
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(seconds=seconds))
    monkeypatch.setattr(time, "time", lambda: clock() + seconds)


def test_a_token_is_asked_for_once_until_something_changes(
    series: int, user: User, token: str, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = f"/api/series/{series}/slices/1.raw"
    assert asking.is_quick(raw, authorization=token)
    with CaptureQueriesContext(connection) as queries:
        assert asking.is_quick(raw, authorization=token)
    assert len(queries) == 0
    Token.objects.update(revoked=timezone.now())
    assert asking.get(raw, authorization=token)[0] == 401
    # Before its use would be noted again.
    Token.objects.update(revoked=None, expires=timezone.now() + secrets._LAST_USED_STEP / 2)
    assert asking.is_quick(raw, authorization=token)
    _pass(secrets._LAST_USED_STEP.total_seconds() / 2 + 1, monkeypatch)
    assert asking.get(raw, authorization=token)[0] == 401, "nothing changed but the time"


def _unused_for() -> timedelta:
    used = Token.objects.get().last_used
    assert used is not None
    return timezone.now() - used


def test_the_use_of_a_token_is_noted_each_minute(
    series: int, token: str, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = f"/api/series/{series}/slices/1.raw"
    assert asking.is_quick(raw, authorization=token)
    Token.objects.update(last_used=timezone.now() - timedelta(days=1))
    assert asking.is_quick(raw, authorization=token)
    assert _unused_for() > timedelta(hours=1)
    _pass(secrets._LAST_USED_STEP.total_seconds() + 1, monkeypatch)
    assert asking.is_quick(raw, authorization=token)
    assert _unused_for() < timedelta(minutes=1)


def test_a_session_is_noted_by_django_and_ends_at_once(series: int, user: User, asking: Asking) -> None:
    client = Client()
    client.force_login(user)
    cookie = f"voxelry={client.cookies['voxelry'].value}"
    raw = f"/api/series/{series}/slices/1.raw"

    def seen(seconds: float) -> None:
        session = client.session
        session["voxelry_seen"] = time.time() - seconds
        session.save()

    seen(70)
    assert not asking.is_quick(raw, cookie=cookie), "its use has to be noted"
    assert asking.is_quick(raw, cookie=cookie)
    assert asking.get(raw, cookie=cookie)[1]["vary"] == "Cookie, Authorization"
    Session.objects.all().delete()
    assert asking.get(raw, cookie=cookie)[0] == 401


def test_a_right_password_is_kept_until_it_is_another(series: int, user: User, asking: Asking) -> None:
    def basic(password: str) -> str:
        return "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()

    raw = f"/api/series/{series}/slices/1.raw"
    assert asking.is_quick(raw, authorization=basic("correct horse"))
    assert asking.is_quick(raw, authorization=basic("correct horse"))
    assert asking.get(raw, authorization=basic("wrong"))[0] == 401
    user.set_password("another one")
    user.save()
    assert asking.get(raw, authorization=basic("correct horse"))[0] == 401


def test_a_membership_that_ends_and_a_study_in_the_trash_are_gone_at_once(
    series: int, user: User, asking: Asking
) -> None:
    viewer = User.objects.create_user("jane", password="x")
    project = Project.objects.get(name="default")
    Membership.objects.create(project=project, user=viewer, role=Role.VIEWER)
    ask = {"authorization": f"Bearer {create_token(viewer, name='hers')}"}
    raw, lists, web = f"/api/series/{series}/slices/1.raw", "/api/studies", "/dicomweb/projects/default/"
    for address in (raw, lists, web):
        asking.get(address, **ask)
        assert asking.is_quick(address, **ask)
    Membership.objects.update(role=Role.OWNER)
    assert [asking.get(address, **ask)[0] for address in (raw, lists, web)] == [200, 200, 200]
    study = Series.objects.get(pk=series).study_id
    owner = Client()
    owner.force_login(user)
    assert owner.delete(f"/api/studies/{study}").status_code == 204
    assert asking.get(raw, **ask)[0] == 404
    assert b'"count": 0' in asking.get(lists, **ask)[2].replace(b'":0', b'": 0')
    Membership.objects.all().delete()
    assert asking.get(web, **ask)[0] == 404
    viewer.is_active = False
    viewer.save()
    assert asking.get(web, **ask)[0] == 401


def test_the_record_of_a_series_is_kept_when_it_is_built(series: int, token: str, asking: Asking) -> None:
    record, ask = f"/api/series/{series}", {"authorization": token}
    asking.get(record, **ask)
    assert asking.is_quick(record, **ask)
    job = Series.objects.get(pk=series).job
    assert job is not None
    Job.objects.filter(pk=job.pk).update(state=State.QUEUED, finished=None)
    for progress in (0.5, 0.75):  # a job's progress raises no revision
        Job.objects.filter(pk=job.pk).update(progress=progress)
        assert json.loads(asking.get(record, **ask)[2])["progress"] == progress
        assert not asking.is_quick(record, **ask)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED, progress=1.0, finished=timezone.now())
    assert json.loads(asking.get(record, **ask)[2])["progress"] == 1
    assert asking.is_quick(record, **ask)
    Series.objects.filter(pk=series).update(description="another")
    assert json.loads(asking.get(record, **ask)[2])["description"] == "another"


def test_the_record_of_a_series_is_kept_for_those_who_see_it(series: int, token: str, asking: Asking) -> None:
    record = f"/api/series/{series}"
    asking.get(record, authorization=token)
    assert asking.is_quick(record, authorization=token)
    stranger = f"Bearer {create_token(User.objects.create_user('jane', password='x'), name='hers')}"
    assert asking.get(record, authorization=stranger)[0] == 404
    assert asking.get(record)[0] == 401
    assert asking.get(f"{record}0", authorization=token)[0] == 404


@pytest.fixture
def page_file(tmp_path: Path, settings: Any) -> Iterator[tuple[str, bytes]]:
    """A file of a built page: its address and its content."""
    content = b"export const one = 1;\n" * 1000
    assets = tmp_path / "page" / "assets"
    assets.mkdir(parents=True)
    (assets / "One-0a1B2c3D.js").write_bytes(content)
    settings.STATICFILES_DIRS = [("page", tmp_path / "page")]
    get_finder.cache_clear()  # type: ignore[attr-defined]
    yield "/static/page/assets/One-0a1B2c3D.js", content
    get_finder.cache_clear()  # type: ignore[attr-defined]


def test_files_of_the_page_are_kept_for_everybody(page_file: tuple[str, bytes], token: str) -> None:
    address, content = page_file
    asking = Asking()
    try:
        expected = asking.get(address, authorization=token)
        assert expected[::2] == (200, content)
        assert expected[1]["cache-control"] == "max-age=315360000, public, immutable"
        assert asking.get(address) == expected == asking.get(address, cookie="voxelry=unknown")
        assert asking.passed_on == [address]
        tag = {"if_none_match": expected[1]["etag"]}
        assert asking.get(address, **tag)[::2] == (304, b"")
        assert asking.get(address, range="bytes=0-5")[::2] == (206, content[:6])
        assert asking.get(address, method="HEAD")[::2] == (200, b"")
        assert asking.get(f"{address}.map")[0] == 404
        assert len(asking.passed_on) == 5
    finally:
        asking.close()


def test_a_file_that_is_gone_is_an_error_of_djangos(series: int, token: str, asking: Asking, data_folder: Path) -> None:
    raw = f"/api/series/{series}/slices/1.raw"
    assert asking.is_quick(raw, authorization=token)
    (path,) = data_folder.glob("stacks/*/*/0/volume.npy")
    path.unlink()
    assert asking.get(raw, authorization=token)[0] == 500
    assert len(asking.passed_on) == 1
