"""Tokens: what they were made for, no more than their user may do now, until they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from voxelry.server.access.grants import Grants, grants_of
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.secrets import TokenError, create_token, valid_token
from voxelry.server.access.token_scope import lifetimes, usual_days
from voxelry.server.site import token_commands


@pytest.fixture
def anna(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> User:
    """An uploader in the project Heart; the commands use the database of the test."""
    monkeypatch.setattr(token_commands, "open_site", lambda data, config: None)
    user = User.objects.create_user("anna", password="x")
    Membership.objects.create(project=Project.objects.create(name="Heart"), user=user, role=Role.UPLOADER)
    return user


def _grants(secret: str) -> Grants | None:
    token = valid_token(secret)
    return None if token is None else grants_of(token.user, token)


def _status(secret: str) -> int:
    return Client(headers={"authorization": f"Bearer {secret}"}).get("/api/me").status_code


def test_a_token_of_the_terminal_is_for_the_only_project(anna: User) -> None:
    found = _grants(token_commands.create_token(user="anna", name="robot"))
    assert found is not None
    assert found.roles == {Project.objects.get(name="Heart").pk: Role.UPLOADER}
    token = Token.objects.get()
    assert token.expires is not None
    assert abs(token.expires - timezone.now() - timedelta(days=90)) < timedelta(minutes=5)


def test_a_token_of_an_administrator_is_for_the_whole_account(anna: User) -> None:
    User.objects.create_superuser("root", "", "x")
    found = _grants(token_commands.create_token(user="root", name="robot"))
    assert found is not None
    assert found.everything


def test_a_project_a_role_and_an_end_may_be_named(anna: User) -> None:
    User.objects.create_superuser("root", "", "x")
    for user in ("anna", "root"):
        secret = token_commands.create_token(user=user, name="robot", project="heart", role="viewer", days=3)
        found = _grants(secret)
        assert found is not None
        assert (found.everything, list(found.roles.values())) == (False, [Role.VIEWER])
    rows = {row.user: row for row in token_commands.list_tokens()}
    assert (rows["anna"].scope, rows["anna"].state) == ("viewer in Heart", "valid")
    assert rows["anna"].expires is not None
    assert rows["anna"].expires < timezone.now() + timedelta(days=3, minutes=1)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"project": "Lung"}, "no project 'Lung' that is open"),
        ({"role": "owner"}, "your role in Heart is uploader"),
        ({"role": "king"}, "roles are viewer, analyst, uploader, owner"),
        ({"days": 367}, "1 to 366 days"),
        ({"days": 0}, "1 to 366 days"),
    ],
)
def test_what_a_user_may_not_give_a_token_is_said(anna: User, more: dict[str, Any], words: str) -> None:
    Project.objects.create(name="Lung")
    with pytest.raises(token_commands.TokenCommandError, match=words):
        token_commands.create_token(user="anna", name="robot", **more)
    assert not Token.objects.exists()


def test_of_several_projects_one_has_to_be_named(anna: User) -> None:
    Membership.objects.create(project=Project.objects.create(name="Lung"), user=anna, role=Role.VIEWER)
    with pytest.raises(token_commands.TokenCommandError, match="Heart, Lung"):
        token_commands.create_token(user="anna", name="robot")
    Membership.objects.all().delete()
    with pytest.raises(token_commands.TokenCommandError, match="member of no project"):
        token_commands.create_token(user="anna", name="robot")


def test_a_role_of_an_administrators_token_needs_a_project(anna: User) -> None:
    User.objects.create_superuser("root", "", "x")
    with pytest.raises(token_commands.TokenCommandError, match="needs a project"):
        token_commands.create_token(user="root", name="robot", role="viewer")


def test_a_token_may_do_what_its_user_still_may(anna: User) -> None:
    heart = Project.objects.get(name="Heart")
    secret = create_token(anna, name="robot", project=heart, role=Role.UPLOADER)
    for role, has in ((Role.OWNER, Role.UPLOADER), (Role.UPLOADER, Role.UPLOADER), (Role.VIEWER, Role.VIEWER)):
        Membership.objects.update(role=role)
        found = _grants(secret)
        assert found is not None
        assert found.roles == {heart.pk: has}
    Membership.objects.all().delete()
    found = _grants(secret)
    assert found is not None
    assert not found.roles


def test_a_token_ends_by_itself_and_its_name_is_free_again(anna: User) -> None:
    secret = create_token(anna, name="robot", expires=timezone.now() + timedelta(days=1))
    assert _status(secret) == 200
    with pytest.raises(TokenError):
        create_token(anna, name="robot")
    Token.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert _status(secret) == 401
    assert [row.state for row in token_commands.list_tokens(user="anna")] == ["ended"]
    assert _status(create_token(anna, name="robot")) == 200


def test_the_longest_time_is_a_setting(anna: User, settings: Any) -> None:
    assert (lifetimes(), usual_days()) == ([7, 30, 90, 180, 366], 90)
    settings.VOXELRY = settings.VOXELRY.replace(token_days=40)
    assert (lifetimes(), usual_days()) == ([7, 30, 40], 40)
    with pytest.raises(token_commands.TokenCommandError, match="1 to 40 days"):
        token_commands.create_token(user="anna", name="robot", days=41)


def _by_the_admin(user: User) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "", "x"))
    new = "quite-another-7712"
    values = {"password1": new, "password2": new, "usable_password": "true"}
    assert client.post(f"/admin/auth/user/{user.pk}/password/", values).status_code == 302


def _by_the_terminal(user: User) -> None:
    with patch("getpass.getpass", return_value="quite-another-7712"):
        call_command("changepassword", user.username)


def _closed(user: User) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize("change", [_by_the_admin, _by_the_terminal, _closed, User.delete])
def test_tokens_end_with_the_password_however_it_is_changed_and_with_the_account(anna: User, change: Any) -> None:
    secret = create_token(anna, name="robot")
    assert _status(secret) == 200
    change(anna)
    assert _status(secret) == 401
    User.objects.filter(username="anna").update(is_active=True)
    assert _status(secret) == 401


def test_tokens_of_others_stay(anna: User) -> None:
    secret = create_token(User.objects.create_user("john"), name="robot")
    _by_the_terminal(anna)
    assert _status(secret) == 200
