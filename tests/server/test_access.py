"""Login everywhere, by session, password, token or link."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from voxelry.server.access import secrets, throttle
from voxelry.server.access.models import LoginLink, Token
from voxelry.server.api.study_routes import api
from voxelry.server.site import first_start


def _routes() -> list[tuple[str, str]]:
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
    return [
        (method.upper(), re.sub(r"\{[^}]*\}", "1", path))
        for path, methods in document["paths"].items()
        for method in methods
    ]


def test_there_are_routes_to_test() -> None:
    assert len(_routes()) > 18
    assert get_resolver().resolve("/healthz")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *_routes(),
        ("GET", "/api/openapi.json"),
        ("GET", "/api/docs"),
        ("GET", "/api"),
        ("GET", "/api/"),
        ("GET", "/api/nothing"),
        ("PUT", "/api/uploads"),
    ],
)
def test_strangers_get_401_under_the_api(transactional_db: None, method: str, path: str) -> None:
    response = Client().generic(method, path)
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthenticated"


@pytest.mark.parametrize(
    "path", ["/", "/series/1", "/measure", "/jobs", "/admin/", "/admin/archive/series/", "/admin/login/", "/nothing"]
)
def test_strangers_are_led_to_the_login_page(transactional_db: None, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/?next=")


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/login/", "/static/voxelry/door.css", "/static/admin/css/base.css", "/static/voxelry/api_docs.css"],
)
def test_these_are_open(transactional_db: None, path: str) -> None:
    assert Client().get(path).status_code == 200


def test_static_does_not_leave_its_folder(transactional_db: None) -> None:
    assert Client().get("/static/../settings.py").status_code in (302, 404)
    assert Client().get("/static/nothing.js").status_code in (302, 404)


def test_people_who_look_for_the_documents_may_log_in(transactional_db: None) -> None:
    response = Client().get("/api/docs", headers={"Accept": "text/html"})
    assert response.headers["Location"] == "/login/?next=/api/docs"


def test_login_by_password(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get("/login/?next=/measure")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token
    values = {"username": "admin", "csrfmiddlewaretoken": token[1], "next": "/measure"}
    wrong = client.post("/login/", {**values, "password": "wrong"})
    assert "correct username and password" in wrong.content.decode()
    right = client.post("/login/", {**values, "password": "correct horse"})
    assert (right.status_code, right.headers["Location"]) == (302, "/measure")
    assert client.get("/api/me").json()["username"] == "admin"
    elsewhere = client.post("/login/", {**values, "password": "correct horse", "next": "https://evil.example/"})
    assert "evil" not in elsewhere.headers.get("Location", "")


def test_too_many_wrong_passwords_close_the_door(user: User) -> None:
    client = Client()
    for _ in range(throttle.ATTEMPTS):
        client.post("/login/", {"username": "admin", "password": "wrong"})
    closed = client.post("/login/", {"username": "admin", "password": "correct horse"})
    assert "Too many" in closed.content.decode()
    assert Client().get("/api/me", headers=_basic("admin", "correct horse")).status_code == 401


def _basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_http_basic(user: User) -> None:
    assert Client().get("/api/me", headers=_basic("admin", "correct horse")).json()["is_staff"] is True
    assert Client().get("/api/me", headers=_basic("admin", "wrong")).status_code == 401
    for header in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Digest x", "Bearer"):
        assert Client().get("/api/me", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize(
    "credentials",
    ["\xff", "a\xff=", "", "=", "YQ", base64.b64encode(b"\xff:\xff").decode(), base64.b64encode(b"a\0b:c").decode()],
)
@pytest.mark.parametrize("scheme", ["Basic", "basic", "Bearer", "\xff"])
def test_credentials_that_cannot_be_read_are_no_defect(user: User, scheme: str, credentials: str) -> None:
    answer = Client(raise_request_exception=False).get("/api/me", HTTP_AUTHORIZATION=f"{scheme} {credentials}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "address", ["/login/", "/logout/", "/login/link/x/", "/healthz", "/", "/admin/", "/api/uploads"]
)
def test_a_strangers_form_of_many_files_makes_none(
    user: User, monkeypatch: pytest.MonkeyPatch, data_folder: Path, capfd: pytest.CaptureFixture[str], address: str
) -> None:
    from voxelry.server.archive.intake.receive_upload import DataFolderUploadHandler

    def made(*_: object, **__: object) -> None:
        raise AssertionError("a file was begun")

    monkeypatch.setattr(DataFolderUploadHandler, "new_file", made)
    files = {f"f{number}": SimpleUploadedFile("a", b"x") for number in range(50)}
    for client in (Client(), Client(enforce_csrf_checks=True)):
        assert client.post(address, files).status_code in (302, 400, 401, 403, 405, 410)
    assert not list(data_folder.rglob("received-*"))
    assert capfd.readouterr().err == ""  # strangers choose how often it would be said


def test_a_token_opens_until_it_is_revoked(user: User) -> None:
    token = secrets.create_token(user, name="script")
    header = {"Authorization": f"Bearer {token}"}
    assert Client().get("/api/me", headers=header).status_code == 200
    row = Token.objects.get()
    assert row.last_used is not None
    assert token not in json.dumps(list(Token.objects.values()), default=str)
    assert Client().get("/api/me", headers={"Authorization": f"Bearer {row.digest}"}).status_code == 401
    with pytest.raises(secrets.TokenError, match="script"):
        secrets.create_token(user, name="script")
    Token.objects.update(revoked=timezone.now())
    assert Client().get("/api/me", headers=header).status_code == 401
    assert secrets.create_token(user, name="script") != token


def test_a_token_of_a_user_who_left_opens_nothing(user: User) -> None:
    token = secrets.create_token(user, name="script")
    User.objects.update(is_active=False)
    assert Client().get("/api/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_a_wrong_header_is_not_covered_up_by_a_session(site: Any) -> None:
    assert site.client.get("/api/me", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_session_needs_the_csrf_token_and_a_header_does_not(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    refused = client.post("/api/uploads", {"files": SimpleUploadedFile("a", b"x")})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    client.get("/")
    cookie = client.cookies["csrftoken"].value
    files = {"files": SimpleUploadedFile("a", b"x")}
    assert client.post("/api/uploads", files, headers={"X-CSRFToken": cookie}).status_code == 202
    assert client.delete("/api/studies/1").status_code == 403
    files = {"files": SimpleUploadedFile("a", b"x")}
    with_basic = Client(enforce_csrf_checks=True).post("/api/uploads", files, headers=_basic("admin", "correct horse"))
    assert with_basic.status_code == 202


def test_a_login_link_works_once_and_expires(user: User) -> None:
    link = secrets.create_login_link(user)
    client = Client()
    assert client.get(f"/login/link/{link}/").headers["Location"] == "/"
    assert client.get("/api/me").json()["username"] == "admin"
    again = Client().get(f"/login/link/{link}/")
    assert (again.status_code, b"used already" in again.content) == (410, True)
    assert Client().get("/login/link/wrong/").status_code == 410
    old = secrets.create_login_link(user)
    LoginLink.objects.update(expires=timezone.now() - timedelta(seconds=1), created=timezone.now() - timedelta(hours=1))
    assert Client().get(f"/login/link/{old}/").status_code == 410


def test_the_first_start_makes_admin_once(transactional_db: None, settings: Any) -> None:
    way_in = first_start.welcome()
    assert way_in is not None
    assert way_in.password is not None
    assert Client().login(username="admin", password=way_in.password)
    assert first_start.welcome() is None


def test_the_first_start_takes_a_given_password(transactional_db: None, settings: Any) -> None:

    settings.VOXELRY = settings.VOXELRY.replace(admin_password="given-by-owner")
    way_in = first_start.welcome()
    assert way_in is not None
    assert way_in.password is None
    assert Client().login(username="admin", password="given-by-owner")


def test_secure_headers(site: Any) -> None:
    for path in ("/", "/api/me", "/login/", "/static/voxelry/door.css", "/admin/"):
        headers = site.client.get(path).headers
        assert "script-src 'self';" in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert site.client.get("/api/me").headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/login/", "/admin/", "/admin/archive/series/add/", "/api/docs", "/"])
def test_no_page_needs_what_the_policy_forbids(site: Any, path: str) -> None:
    client = Client() if path == "/login/" else site.client
    page = client.get(path).content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
    assert not re.findall(r"\son\w+=", page)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!www.djangoproject)', page)


def test_the_page_and_what_stands_for_it(site: Any, settings: Any, tmp_path: Path) -> None:
    settings.PAGE = tmp_path
    missing = site.client.get("/series/5")
    assert (missing.status_code, b"was not built" in missing.content) == (503, True)
    (tmp_path / "index.html").write_text("<title>page</title>")
    assert site.client.get("/series/5").content == b"<title>page</title>"
    assert "csrftoken" in site.client.cookies


def test_who_is_no_staff_cannot_try_passwords_at_the_admins_own_login(user: User) -> None:
    client = Client()
    client.force_login(User.objects.create_user("reader", password="x"))
    for _ in range(throttle.ATTEMPTS):
        client.post("/admin/login/", {"username": "admin", "password": "wrong"})
    closed = client.post("/admin/login/", {"username": "admin", "password": "correct horse"})
    assert closed.status_code == 200
    assert "Too many" in closed.content.decode()


def test_who_only_looks_ahead_does_not_use_up_the_login_link(user: User) -> None:
    address = f"/login/link/{secrets.create_login_link(user)}/"
    assert Client().head(address).status_code == 405
    assert Client().get(address, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 503
    assert Client().get(address).status_code == 302


def test_logging_out_ends_the_session_and_empties_the_browsers_cache(site: Any) -> None:
    answer = site.client.post("/logout/")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert site.client.get("/api/me").status_code == 401


def test_a_form_without_the_token_is_refused_unread(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from voxelry.server.archive.intake.receive_upload import DataFolderUploadHandler

    read: list[object] = []
    monkeypatch.setattr(DataFolderUploadHandler, "new_file", lambda *given, **named: read.append(given))
    client = Client(enforce_csrf_checks=True)
    files = {"files": SimpleUploadedFile("a", b"x")}
    assert client.post("/admin/archive/series/add/", files).status_code == 302  # a stranger
    client.force_login(user)
    assert client.post("/api/uploads", files).status_code == 403
    assert read == []
