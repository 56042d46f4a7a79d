"""One's own password and tokens: changed, made, listed and revoked by their owner, and by nobody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from voxelry.server.access.models import Token
from voxelry.server.access.secrets import create_token, valid_token

OLD, NEW = "an-old-one-9381", "quite-another-7712"
PASSWORDS = {"action": "password", "old_password": OLD, "new_password1": NEW, "new_password2": NEW}


def opened(secret: str) -> User | None:
    token = valid_token(secret)
    return None if token is None else token.user


@pytest.fixture
def jane(transactional_db: None) -> User:
    return User.objects.create_user("jane", password=OLD)


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
    made = client.post("/account/", {"action": "create", "name": "laptop"}).content.decode()
    found = re.search(r"vxl_[\w-]+", made)
    assert found is not None
    assert opened(found.group()) == jane
    listed = client.get("/account/").content.decode()
    assert "laptop" in listed
    assert found.group() not in listed
    client.post("/account/", {"action": "revoke", "token": str(Token.objects.get().pk)})
    assert opened(found.group()) is None
    assert "You have no token" in client.get("/account/").content.decode()


def test_a_second_token_of_one_name_is_refused(client: Client) -> None:
    client.post("/account/", {"action": "create", "name": "laptop"})
    response = client.post("/account/", {"action": "create", "name": "laptop"})
    assert response.status_code == 422
    assert "There is a token of that name" in response.content.decode()
    assert Token.objects.count() == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\0b"])
def test_names_that_are_none_are_refused(client: Client, name: str) -> None:
    assert client.post("/account/", {"action": "create", "name": name}).status_code == 422
    assert Token.objects.count() == 0


def test_nobody_sees_or_revokes_the_tokens_of_others(client: Client) -> None:
    other = User.objects.create_user("john", password=OLD)
    secret = create_token(other, name="johns-robot")
    assert "johns-robot" not in client.get("/account/").content.decode()
    for key in (str(Token.objects.get().pk), "", "x", "²", "9" * 40):
        client.post("/account/", {"action": "revoke", "token": key})
    assert opened(secret) == other


def test_no_cache_keeps_the_page(client: Client) -> None:
    response: Any = client.get("/account/")
    assert "no-store" in response.headers["Cache-Control"]
