"""One's own password and tokens: changed, made, listed and revoked by their owner, and by nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.secrets import create_token, valid_token

OLD, NEW = "an-old-one-9381", "quite-another-7712"
PASSWORDS = {"action": "password", "old_password": OLD, "new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def jane(transactional_db: None) -> User:
    """An analyst in the project `default`."""
    user = User.objects.create_user("jane", password=OLD)
    Membership.objects.create(project=Project.objects.get_or_create(name="default")[0], user=user, role=Role.ANALYST)
    return user


def _new_token(name: str, **more: object) -> dict[str, object]:
    return {
        "action": "create",
        "name": name,
        "project": Project.objects.get().pk,
        "role": Role.VIEWER,
        "days": 30,
        **more,
    }


def _user_of(secret: str) -> User | None:
    token = valid_token(secret)
    return None if token is None else token.user


@pytest.fixture
def client(jane: User) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(jane)
    return client


def test_strangers_are_sent_to_the_login(transactional_db: None) -> None:
    assert Client().get("/account/").headers["Location"] == "/login/?next=/account/"
    assert Client().post("/account/", PASSWORDS).status_code == 302


def test_a_token_is_no_way_to_the_page(jane: User) -> None:
    secret = create_token(jane, name="robot")
    response = Client(headers={"authorization": f"Bearer {secret}"}).post(
        "/account/", {"action": "create", "name": "x"}
    )
    assert response.status_code == 302
    assert Token.objects.count() == 1


def test_a_form_of_another_site_does_nothing(jane: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(jane)
    assert client.post("/account/", PASSWORDS).status_code == 403
    assert User.objects.get().check_password(OLD)


def test_the_password_is_changed_and_other_sessions_end(client: Client, jane: User) -> None:
    other = Client()
    other.force_login(jane)
    assert client.post("/account/", PASSWORDS).headers["Location"] == "/account/"
    assert User.objects.get().check_password(NEW)
    assert "Your password is changed" in client.get("/account/").content.decode()
    assert other.get("/account/").status_code == 302


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"old_password": "wrong"}, "entered incorrectly"),
        ({"new_password2": "different"}, "match"),
        ({"new_password1": "short", "new_password2": "short"}, "too short"),
        ({"new_password1": "password1", "new_password2": "password1"}, "too common"),
    ],
)
def test_what_is_wrong_with_a_password_is_said(client: Client, change: dict[str, str], words: str) -> None:
    response = client.post("/account/", {**PASSWORDS, **change})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert User.objects.get().check_password(OLD)
    assert NEW not in response.content.decode()


def test_an_open_session_cannot_guess_the_old_password(client: Client) -> None:
    for _ in range(10):
        client.post("/account/", {**PASSWORDS, "old_password": "wrong"})
    response = client.post("/account/", PASSWORDS)
    assert "Too many wrong passwords" in response.content.decode()
    assert User.objects.get().check_password(OLD)


def test_a_token_is_made_shown_once_listed_and_revoked(client: Client, jane: User) -> None:
    made = client.post("/account/", _new_token("laptop")).content.decode()
    found = re.search(r"vxl_[\w-]+", made)
    assert found is not None
    assert _user_of(found.group()) == jane
    listed = client.get("/account/").content.decode()
    assert "laptop" in listed
    assert found.group() not in listed
    client.post("/account/", {"action": "revoke", "token": str(Token.objects.get().pk)})
    assert _user_of(found.group()) is None
    assert "You have no token" in client.get("/account/").content.decode()


def test_a_second_token_of_one_name_is_refused(client: Client) -> None:
    client.post("/account/", _new_token("laptop"))
    response = client.post("/account/", _new_token("laptop"))
    assert response.status_code == 422
    assert "There is a token of that name" in response.content.decode()
    assert Token.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b"])
def test_names_that_are_none_are_refused(client: Client, name: str) -> None:
    assert client.post("/account/", _new_token(name)).status_code == 422
    assert Token.objects.count() == 0


def test_nobody_sees_or_revokes_the_tokens_of_others(client: Client) -> None:
    other = User.objects.create_user("john", password=OLD)
    secret = create_token(other, name="johns-robot")
    assert "johns-robot" not in client.get("/account/").content.decode()
    for key in (str(Token.objects.get().pk), "", "x", "²", "9" * 40):
        client.post("/account/", {"action": "revoke", "token": key})
    assert _user_of(secret) == other


def test_a_token_has_the_scope_and_the_end_that_were_chosen(client: Client) -> None:
    client.post("/account/", _new_token("laptop", role=Role.ANALYST, days=7))
    token = Token.objects.get()
    assert (token.project, token.role) == (Project.objects.get(), Role.ANALYST)
    assert token.expires is not None
    assert abs(token.expires - timezone.now() - timedelta(days=7)) < timedelta(minutes=5)
    page = client.get("/account/").content.decode()
    assert "analyst in default" in page
    assert "never used" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"role": Role.OWNER}, "your role in default is analyst"),
        ({"project": "all"}, "Choose one of your projects"),
        ({"project": ""}, "required"),
        ({"project": 99}, "Choose one of your projects"),
        ({"role": 7}, "Select a valid choice"),
        ({"days": 400}, "Select a valid choice"),
    ],
)
def test_a_token_of_more_than_ones_own_is_refused(client: Client, change: dict[str, object], words: str) -> None:
    response = client.post("/account/", _new_token("laptop", **change))
    assert response.status_code == 422
    assert words.lower() in response.content.decode().lower()
    assert Token.objects.count() == 0


def test_only_administrators_may_choose_all_of_their_account(jane: User) -> None:
    jane.is_superuser = True
    jane.save()
    client = Client()
    client.force_login(jane)
    assert client.post("/account/", _new_token("laptop", project="all")).status_code == 200
    token = Token.objects.get()
    assert (token.project, token.role) == (None, None)
    assert token.expires is not None


def test_tokens_from_before_are_shown_as_what_they_are(client: Client, jane: User) -> None:
    secret = create_token(jane, name="old")
    page = client.get("/account/").content.decode()
    assert "all that the account may do" in page
    assert "never ends" in page
    assert _user_of(secret) == jane


def test_a_token_says_that_it_opens_less_than_it_was_made_for(client: Client) -> None:
    client.post("/account/", _new_token("laptop", role=Role.ANALYST))
    Membership.objects.update(role=Role.VIEWER)
    assert "only viewer: the role is lower now" in client.get("/account/").content.decode()
    Membership.objects.all().delete()
    page = client.get("/account/").content.decode()
    assert "opens nothing: no member any more" in page
    assert "No project is open to you" in page
    assert 'name="project"' not in page


@pytest.mark.parametrize("keep", [False, True])
def test_tokens_end_with_the_password_unless_asked_to_stay(client: Client, jane: User, keep: bool) -> None:
    secret = create_token(jane, name="laptop")
    client.post("/account/", {**PASSWORDS, **({"keep_tokens": "on"} if keep else {})})
    assert (_user_of(secret) is not None) is keep
    assert ("and your tokens have ended" in client.get("/account/").content.decode()) is not keep


def test_no_cache_keeps_the_page(client: Client) -> None:
    response: Any = client.get("/account/")
    assert "no-store" in response.headers["Cache-Control"]
