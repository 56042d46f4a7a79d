"""An address below ``/dicomweb/`` is about one project, and what one may do there is the role in it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.dicomweb.conftest import Web
from voxelry.server.access.models import Membership, Project, Role, Token, free_slug
from voxelry.server.access.secrets import create_token

pytestmark = pytest.mark.django_db


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _member(name: str, *projects: Project, role: Role = Role.VIEWER) -> User:
    user = User.objects.create_user(name)
    for project in projects:
        Membership.objects.create(project=project, user=user, role=role)
    return user


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Heart", "heart"), ("Herz & Lunge", "herz-lunge"), ("Größe", "groe"), ("心臓", "project"), ("---", "project")],
)
def test_a_slug_comes_from_the_name(name: str, slug: str) -> None:
    assert free_slug(name, []) == slug
    assert free_slug(name, [slug, f"{slug}-2"]) == f"{slug}-3"


def test_a_slug_is_unique_and_stays() -> None:
    first, second = Project.objects.create(name="A B"), Project.objects.create(name="a-b")
    assert (first.slug, second.slug) == ("a-b", "a-b-2")
    first.name = "Renamed"
    first.save()
    assert Project.objects.get(pk=first.pk).slug == "a-b"


def test_the_short_address_is_that_of_the_only_project() -> None:
    heart = Project.objects.create(name="Heart")
    only = Web(_client(_member("anna", heart)), "/dicomweb")
    assert only.get("/").json()
    told = Web(_client(_member("none")), "/dicomweb").get("/", 403).json()
    assert told["code"] == "role"
    both = Web(_client(_member("both", heart, Project.objects.get(name="default"))), "/dicomweb")
    told = both.get("/", 409).json()
    assert told["code"] == "project"
    assert "/dicomweb/projects/heart/" in told["detail"]
    assert "/dicomweb/projects/default/" in told["detail"]


def test_a_token_of_one_project_has_the_short_address() -> None:
    heart = Project.objects.create(name="Heart")
    owner = _member("owner", heart, Project.objects.get(name="default"), role=Role.OWNER)
    secret = create_token(owner, name="t", project=heart, role=Role.VIEWER)
    headers = {"Authorization": f"Bearer {secret}"}
    assert Web(Client(), "/dicomweb", headers).get("/")
    Web(Client(), "/dicomweb/projects/heart", headers).get("/")
    Web(Client(), "/dicomweb/projects/default", headers).get("/", 404)
    Token.objects.all().delete()
    Web(Client(), "/dicomweb", headers).get("/", 401)


def test_another_project_is_as_one_that_there_is_not() -> None:
    Project.objects.create(name="Heart")
    web = _client(_member("anna", Project.objects.get(name="default")))
    there = web.get("/dicomweb/projects/heart/")
    nowhere = web.get("/dicomweb/projects/nowhere/")
    assert there.status_code == nowhere.status_code == 404
    assert there.content.replace(b"heart", b"nowhere") == nowhere.content


def test_nobody_is_asked_to_log_in_by_a_page() -> None:
    answer = Client().get("/dicomweb/projects/default/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert Client().get("/dicomweb/nothing/here").status_code == 401
