"""Sessions are seen by their user, and end by themselves, by their user, and with the account."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from voxelry.server.access import sessions
from voxelry.server.access.authentication import asking_again
from voxelry.server.access.browser_names import browser_name
from voxelry.server.access.models import Membership, Project, Role, SignedIn
from voxelry.server.access.secrets import create_token, valid_token

OLD, NEW = "an-old-one-9381", "quite-another-7712"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.fixture
def jane(transactional_db: None) -> User:
    return User.objects.create_user("jane", password=OLD)


def _logged_in(user: User) -> Client:
    client = Client(headers={"user-agent": FIREFOX})
    assert client.post("/login/", {"username": user.username, "password": OLD}).status_code == 302
    return client


def _is_in(client: Client) -> bool:
    return client.get("/api/me").status_code == 200


def _age(client: Client, seconds: float) -> None:
    session = client.session
    session["voxelry_seen"] = time.time() - seconds
    session.save()


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (f"{CHROME} Chrome/126.0.0.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        (f"{CHROME} Chrome/126.0.0.0 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "curl"),
        ("", "unknown"),
        ("<script>" * 100, "unknown"),
    ],
)
def test_browsers_are_named_in_a_few_words(agent: str, name: str) -> None:
    assert browser_name(agent) == name


def test_a_login_begins_a_session_that_its_user_sees(jane: User) -> None:
    client = _logged_in(jane)
    row = SignedIn.objects.get()
    assert (row.user, row.agent) == (jane, "Firefox on Linux")
    assert row.session_id == client.session.session_key
    page = client.get("/account/").content.decode()
    assert "Firefox on Linux" in page
    assert "this one" in page
    assert row.session_id not in page  # it is as good as the password


def test_a_session_in_use_costs_no_query_more(jane: User) -> None:
    client = _logged_in(jane)
    client.get("/api/me")
    with CaptureQueriesContext(connection) as made:
        client.get("/healthz")
    assert not [query for query in made if "signedin" in query["sql"] or "UPDATE" in query["sql"]]
    with CaptureQueriesContext(connection) as made:
        client.get("/api/me")
    assert not [query for query in made if "signedin" in query["sql"] or "UPDATE" in query["sql"]]
    assert sum("django_session" in query["sql"] for query in made) == 1


def test_the_last_use_is_written_once_a_minute_and_moves_the_end(jane: User) -> None:
    client = _logged_in(jane)
    _age(client, 61)
    long_ago = timezone.now() - timedelta(hours=3)
    SignedIn.objects.update(seen=long_ago)
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=1))
    assert "voxelry" in client.get("/api/me").cookies
    assert SignedIn.objects.get().seen > long_ago
    assert Session.objects.get().expire_date > timezone.now() + timedelta(hours=11)
    assert "voxelry" not in client.get("/api/me").cookies


@pytest.mark.parametrize(("hours", "inside"), [(11.9, True), (12.1, False)])
def test_an_idle_session_ends(jane: User, hours: float, inside: bool) -> None:
    client = _logged_in(jane)
    _age(client, hours * 3600)
    assert _is_in(client) is inside
    assert SignedIn.objects.exists() is inside
    assert Session.objects.exists() is inside


def test_a_shorter_time_holds_for_sessions_that_there_are(jane: User, settings: Any) -> None:
    client = _logged_in(jane)
    _age(client, 3600)
    settings.VOXELRY = settings.VOXELRY.replace(session_hours=0.5)
    assert not _is_in(client)


def test_a_session_from_before_the_update_gets_a_row_when_it_is_seen(jane: User) -> None:
    client = _logged_in(jane)
    SignedIn.objects.all().delete()
    session = client.session
    for name in ("voxelry_seen", "voxelry_begun"):
        del session[name]
    session.save()
    assert _is_in(client)
    assert SignedIn.objects.get().user == jane


def test_one_session_is_ended(jane: User) -> None:
    client, other = _logged_in(jane), _logged_in(jane)
    key = SignedIn.objects.get(session=other.session.session_key).pk
    assert "ended" in client.post("/account/", {"action": "end-session", "session": key}, follow=True).content.decode()
    assert (_is_in(client), _is_in(other)) == (True, False)
    assert SignedIn.objects.count() == Session.objects.count() == 1


def test_all_others_are_ended(jane: User) -> None:
    client, *others = (_logged_in(jane) for _ in range(3))
    client.post("/account/", {"action": "end-others"})
    assert _is_in(client)
    assert not any(map(_is_in, others))


def test_nobody_ends_the_sessions_of_others(jane: User) -> None:
    john = User.objects.create_user("john", password=OLD)
    client, other = _logged_in(jane), _logged_in(john)
    for key in (SignedIn.objects.get(user=john).pk, "", "x", "²", "9" * 40):
        client.post("/account/", {"action": "end-session", "session": key})
    client.post("/account/", {"action": "end-others"})
    assert _is_in(other)


def test_logging_out_removes_both_rows(jane: User) -> None:
    client = _logged_in(jane)
    client.post("/logout/")
    assert not SignedIn.objects.exists()
    assert not Session.objects.filter(pk=client.session.session_key).exists()


def test_a_new_password_ends_the_others_and_keeps_this_one(jane: User) -> None:
    client, other = _logged_in(jane), _logged_in(jane)
    begun = SignedIn.objects.get(session=client.session.session_key).created
    values = {"action": "password", "old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/account/", values).status_code == 302
    row = SignedIn.objects.get()  # of the new key, which is as old as before
    assert (row.session_id, row.created) == (client.session.session_key, begun)
    assert (_is_in(client), _is_in(other)) == (True, False)


def test_a_password_that_somebody_else_sets_ends_all(jane: User) -> None:
    client = _logged_in(jane)
    jane.set_password(NEW)
    jane.save()
    assert not _is_in(client)
    assert not SignedIn.objects.exists()


def test_a_hash_that_is_upgraded_is_no_new_password(jane: User, settings: Any) -> None:
    secret = create_token(jane, name="robot")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
    client = _logged_in(jane)
    assert User.objects.get().password.startswith("pbkdf2")
    assert _is_in(client)
    assert valid_token(secret) is not None


@pytest.mark.parametrize("how", ["inactive", "deleted"])
def test_sessions_end_with_the_account(jane: User, how: str) -> None:
    client = _logged_in(jane)
    if how == "inactive":
        jane.is_active = False
        jane.save()
    else:
        User.objects.all().delete()
    assert not _is_in(client)
    assert not SignedIn.objects.exists()


def test_a_session_that_is_ended_meanwhile_is_not_brought_back(jane: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = _logged_in(jane)
    _age(client, 61)
    original = sessions._note_use

    def ended_first(request: Any) -> None:
        sessions.end_sessions(jane)
        original(request)

    monkeypatch.setattr(sessions, "_note_use", ended_first)
    assert client.get("/api/me").status_code == 200
    assert not SignedIn.objects.exists()
    assert not Session.objects.exists()


def test_a_database_that_cannot_be_written_is_still_read(jane: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    client = _logged_in(jane)
    _age(client, 61)

    def full(*_: object, **__: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(SignedIn.objects, "filter", full)
    assert _is_in(client)


def test_a_token_touches_no_session(jane: User) -> None:
    client = _logged_in(jane)
    _age(client, 13 * 3600)
    header = {"Authorization": f"Bearer {create_token(jane, name='robot')}"}
    with CaptureQueriesContext(connection) as made:
        assert client.get("/api/me", headers=header).status_code == 200
    assert not [query for query in made if "session" in query["sql"]]


def test_expired_sessions_are_removed(jane: User) -> None:
    _logged_in(jane)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    kept = _logged_in(jane)
    sessions.remove_expired_sessions()
    assert SignedIn.objects.get().session_id == Session.objects.get().pk == kept.session.session_key


def test_the_page_lists_no_session_that_is_over(jane: User) -> None:
    client, _ = _logged_in(jane), _logged_in(jane)
    Session.objects.exclude(pk=client.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    page = client.get("/account/").content.decode()
    assert len(re.findall("Firefox on Linux</strong>", page)) == 1


@pytest.mark.parametrize("how", ["ended", "over", "in use"])
def test_an_answer_that_lasts_ends_with_its_session(jane: User, how: str) -> None:
    client = _logged_in(jane)
    heart = Project.objects.create(name="Heart")
    Membership.objects.create(project=heart, user=jane, role=Role.VIEWER)
    request: Any = RequestFactory().get("/api/jobs/1/events")
    request.user, request.session = jane, client.session
    if how == "ended":
        sessions.end_sessions(jane)
    elif how == "over":
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert asking_again(request).may(Role.VIEWER, heart.pk) is (how == "in use")


@pytest.mark.parametrize("changed", [False, True])
def test_an_answer_that_lasts_ends_with_the_password_that_was_sent(jane: User, changed: bool) -> None:
    heart = Project.objects.create(name="Heart")
    Membership.objects.create(project=heart, user=jane, role=Role.VIEWER)
    request: Any = RequestFactory().get("/api/jobs/1/events", headers={"authorization": "Basic sent"})
    request.user = User.objects.get(pk=jane.pk)
    if changed:
        jane.set_password("another-long-7781")
        jane.save()
    assert asking_again(request).may(Role.VIEWER, heart.pk) is not changed


def test_a_header_hides_no_use_of_a_page(jane: User) -> None:
    client = _logged_in(jane)
    SignedIn.objects.update(seen=timezone.now() - timedelta(hours=1))
    _age(client, 61)
    assert client.get("/account/", headers={"Authorization": "Bearer nothing"}).status_code == 200
    assert SignedIn.objects.get().seen > timezone.now() - timedelta(minutes=1)
    _age(client, 13 * 3600)
    assert client.get("/account/", headers={"Authorization": "Bearer nothing"}).status_code == 302
