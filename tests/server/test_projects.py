"""Projects and their members: what each role may do inside, and what is not there for those outside."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from voxelry.server.access import bounded_lists
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.access.secrets import create_token
from voxelry.server.archive.models import Patient, Study


@pytest.fixture
def heart(transactional_db: None) -> Project:
    """A project with a member of each role, named as it is."""
    project = Project.objects.create(name="Heart", description="Beating")
    for role in Role:
        user = User.objects.create_user(role.label, password="x")
        Membership.objects.create(project=project, user=user, role=role)
    User.objects.create_user("stranger", password="x")
    User.objects.create_superuser("root", "", "x")
    return project


def _ask(name: str, method: str, path: str, status: int, body: object = None, **headers: str) -> Any:
    client = Client(headers=headers or None)
    if not headers:
        client.force_login(User.objects.get(username=name))
    sent = () if body is None else (json.dumps(body), "application/json")
    response = client.generic(method, f"/api{path}", *sent)
    assert response.status_code == status, response.content
    return response.json() if response.content else None


def _members(project: Project) -> dict[str, int]:
    return dict(Membership.objects.filter(project=project).values_list("user__username", "role"))


def test_me_says_what_is_open_to_one(heart: Project) -> None:
    me = _ask("analyst", "GET", "/me", 200)
    assert (me["is_admin"], me["projects"]) == (False, [{"id": heart.pk, "name": "Heart", "role": "analyst"}])
    assert _ask("stranger", "GET", "/me", 200)["projects"] == []
    root = _ask("root", "GET", "/me", 200)
    assert root["is_admin"] is True
    assert {"id": heart.pk, "name": "Heart", "role": "owner"} in root["projects"]


def test_me_of_a_token_says_what_is_open_to_it(heart: Project) -> None:
    root = User.objects.get(username="root")
    secret = create_token(root, name="robot", project=heart, role=Role.VIEWER)
    me = _ask("", "GET", "/me", 200, authorization=f"Bearer {secret}")
    assert (me["is_admin"], me["projects"]) == (False, [{"id": heart.pk, "name": "Heart", "role": "viewer"}])


def test_projects_are_listed_with_ones_role_and_a_bounded_count(
    heart: Project, monkeypatch: pytest.MonkeyPatch
) -> None:

    patient = Patient.objects.create(project=heart, patient_id="1")
    for number in range(3):
        Study.objects.create(project=heart, patient=patient, study_instance_uid=f"1.2.{number}")
    Study.objects.create(project=heart, patient=patient, study_instance_uid="1.2.9", trashed="2026-01-01T00:00:00Z")
    (only,) = _ask("viewer", "GET", "/projects", 200)
    assert (only["name"], only["role"], only["study_count"], only["more_studies"]) == ("Heart", "viewer", 3, False)
    monkeypatch.setattr(bounded_lists, "MOST_COUNTED", 2)
    found = _ask("viewer", "GET", f"/projects/{heart.pk}", 200)
    assert (found["study_count"], found["more_studies"]) == (2, True)
    assert _ask("stranger", "GET", "/projects", 200) == []
    assert "Heart" in [row["name"] for row in _ask("root", "GET", "/projects", 200)]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("PUT", "/members/stranger", {"role": "owner"}),
        ("PUT", "/members/owner", {"role": "viewer"}),
        ("PUT", "/members/nobody", {"role": "viewer"}),
        ("DELETE", "/members/viewer", None),
        ("DELETE", "/members/nobody", None),
    ],
)
def test_another_project_is_one_that_does_not_exist(heart: Project, method: str, path: str, body: object) -> None:
    other = Project.objects.create(name="Lung")
    Membership.objects.create(project=other, user=User.objects.get(username="stranger"), role=Role.OWNER)
    there = _ask("stranger", method, f"/projects/{heart.pk}{path}", 404, body)
    nowhere = _ask("stranger", method, f"/projects/{heart.pk + 1000}{path}", 404, body)
    assert there == {**nowhere, "detail": nowhere["detail"].replace(str(heart.pk + 1000), str(heart.pk))}
    assert (Project.objects.get(pk=heart.pk).name, len(_members(heart))) == ("Heart", 4)


@pytest.mark.parametrize("name", ["viewer", "analyst", "uploader"])
def test_members_see_members_and_only_owners_change_them(heart: Project, name: str) -> None:
    listed = _ask(name, "GET", f"/projects/{heart.pk}/members", 200)
    assert [row["username"] for row in listed] == ["analyst", "owner", "uploader", "viewer"]
    for method, path, body in (
        ("PATCH", "", {"name": "Mine"}),
        ("PUT", f"/members/{name}", {"role": "owner"}),
        ("PUT", "/members/stranger", {"role": "viewer"}),
        ("PUT", "/members/nobody", {"role": "viewer"}),
        ("DELETE", "/members/owner", None),
        ("DELETE", "", None),
    ):
        assert _ask(name, method, f"/projects/{heart.pk}{path}", 403, body)["code"] == "role"
    assert _members(heart)["owner"] == Role.OWNER


def test_owners_name_the_project_and_choose_members(heart: Project) -> None:
    changed = _ask("owner", "PATCH", f"/projects/{heart.pk}", 200, {"name": " Cor ", "description": ""})
    assert (changed["name"], changed["description"]) == ("Cor", "")
    assert _ask("owner", "PATCH", f"/projects/{heart.pk}", 200, {"description": "new"})["name"] == "Cor"
    added = _ask("owner", "PUT", f"/projects/{heart.pk}/members/stranger", 200, {"role": "uploader"})
    assert (added["username"], added["role"], added["is_active"]) == ("stranger", "uploader", True)
    assert _ask("owner", "PUT", f"/projects/{heart.pk}/members/stranger", 200, {"role": "viewer"})["role"] == "viewer"
    _ask("owner", "DELETE", f"/projects/{heart.pk}/members/stranger", 204)
    _ask("owner", "DELETE", f"/projects/{heart.pk}/members/stranger", 404)
    assert "stranger" not in _members(heart)
    assert _ask("owner", "DELETE", f"/projects/{heart.pk}", 403)["code"] == "role"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/members/nobody", {"role": "viewer"}, 404),
        ("/members/a%00b", {"role": "viewer"}, 404),
        ("/members/Stranger", {"role": "viewer"}, 404),
        ("/members/closed", {"role": "viewer"}, 404),
        ("/members/stranger", {"role": "king"}, 422),
        ("/members/stranger", {}, 422),
        ("/members/stranger", {"role": "viewer", "more": 1}, 422),
    ],
)
def test_who_cannot_be_a_member(heart: Project, path: str, body: object, status: int) -> None:
    User.objects.create_user("closed", is_active=False)
    _ask("owner", "PUT", f"/projects/{heart.pk}{path}", status, body)
    assert len(_members(heart)) == 4


def test_the_last_owner_stays_unless_an_administrator_says_so(heart: Project) -> None:
    own = f"/projects/{heart.pk}/members/owner"
    assert _ask("owner", "DELETE", own, 409)["code"] == "last_owner"
    assert _ask("owner", "PUT", own, 409, {"role": "uploader"})["code"] == "last_owner"
    assert _ask("owner", "PUT", own, 200, {"role": "owner"})["role"] == "owner"
    closed = User.objects.create_user("closed", is_active=False)
    Membership.objects.create(project=heart, user=closed, role=Role.OWNER)
    assert _ask("owner", "DELETE", own, 409)["code"] == "last_owner"  # nobody can log in as the other one
    _ask("owner", "PUT", f"/projects/{heart.pk}/members/viewer", 200, {"role": "owner"})
    _ask("owner", "PUT", own, 200, {"role": "viewer"})
    assert _ask("owner", "PUT", own, 403, {"role": "owner"})["code"] == "role"
    _ask("root", "DELETE", f"/projects/{heart.pk}/members/viewer", 204)
    assert Role.OWNER not in [role for name, role in _members(heart).items() if name != "closed"]


def test_of_two_owners_who_remove_each_other_at_once_one_stays(heart: Project) -> None:
    second = User.objects.create_user("second", password="x")
    Membership.objects.create(project=heart, user=second, role=Role.OWNER)
    clients = {}
    for name, other in (("owner", "second"), ("second", "owner")):
        clients[other] = Client()
        clients[other].force_login(User.objects.get(username=name))
    begin = threading.Barrier(2)

    def remove(other: str) -> int:
        begin.wait()
        try:
            return clients[other].delete(f"/api/projects/{heart.pk}/members/{other}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(remove, clients))
    assert statuses[0] == 204
    assert statuses[1] in (404, 409)  # removed before it asked, or after
    assert list(_members(heart).values()).count(Role.OWNER) == 1


def test_an_owners_token_of_a_lower_role_changes_no_members(heart: Project) -> None:
    owner = User.objects.get(username="owner")
    for role, status in ((Role.UPLOADER, 403), (Role.OWNER, 200)):
        secret = create_token(owner, name=role.label, project=heart, role=role)
        path = f"/projects/{heart.pk}/members/stranger"
        _ask("", "PUT", path, status, {"role": "viewer"}, authorization=f"Bearer {secret}")


def test_administrators_make_and_remove_projects(heart: Project) -> None:
    made = _ask("root", "POST", "/projects", 201, {"name": "Lung"})
    assert (made["name"], made["description"], made["role"], made["study_count"]) == ("Lung", "", "owner", 0)
    assert _ask("root", "POST", "/projects", 409, {"name": "LUNG"})["code"] == "project_name"
    assert _ask("root", "PATCH", f"/projects/{made['id']}", 409, {"name": "heart"})["code"] == "project_name"
    for name in ("owner", "stranger"):
        assert _ask(name, "POST", "/projects", 403, {"name": "Mine"})["code"] == "role"
    for name in ("", "  ", "x" * 61, "a\0b"):
        _ask("root", "POST", "/projects", 422, {"name": name})
    create_token(
        User.objects.get(username="root"), name="robot", project=Project.objects.get(name="Lung"), role=Role.VIEWER
    )
    _ask("root", "DELETE", f"/projects/{made['id']}", 204)
    _ask("root", "DELETE", f"/projects/{made['id']}", 404)


@pytest.mark.parametrize("trashed", [None, "2026-01-01T00:00:00Z"])
def test_a_project_that_holds_something_is_not_removed(heart: Project, trashed: str | None) -> None:
    patient = Patient.objects.create(project=heart, patient_id="1")
    Study.objects.create(project=heart, patient=patient, study_instance_uid="1.2", trashed=trashed)
    assert _ask("root", "DELETE", f"/projects/{heart.pk}", 409)["code"] == "project_not_empty"
    assert len(_members(heart)) == 4


def test_an_administrator_whose_account_is_closed_sees_nothing(heart: Project) -> None:
    client = Client()
    client.force_login(User.objects.get(username="root"))
    User.objects.filter(username="root").update(is_active=False)
    assert client.get("/api/projects").status_code == 401


# --- the admin --------------------------------------------------------------------------------------------------------


def _admin() -> Client:
    client = Client()
    client.force_login(User.objects.get(username="root"))
    return client


def test_the_admin_has_projects_memberships_and_users_with_theirs(heart: Project) -> None:
    client, stranger = _admin(), User.objects.get(username="stranger")
    for path in (
        "access/project/", f"access/project/{heart.pk}/change/", "access/project/add/", "access/membership/",
        "access/membership/add/", "auth/user/", "auth/user/add/", f"auth/user/{stranger.pk}/change/", "access/token/",
    ):  # fmt: skip
        assert client.get(f"/admin/{path}").status_code == 200, path
    page = client.get(f"/admin/auth/user/{stranger.pk}/change/").content.decode()
    assert "memberships-0-project" in page


@pytest.mark.parametrize("given", [False, True])
def test_a_new_account_has_the_memberships_that_its_maker_gives_it(heart: Project, given: bool) -> None:
    values = {
        "username": "new", "password1": "quite-another-7712", "password2": "quite-another-7712",
        "usable_password": "true",
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
        "memberships-MIN_NUM_FORMS": "0", "memberships-MAX_NUM_FORMS": "1000",
        "memberships-0-project": heart.pk if given else "", "memberships-0-role": "20" if given else "",
    }  # fmt: skip
    response = _admin().post("/admin/auth/user/add/", values)
    assert response.status_code == 302, response.content
    assert ("new" in _members(heart)) is given


def test_the_admin_removes_no_project_that_holds_something(heart: Project) -> None:
    Patient.objects.create(project=heart, patient_id="1")
    page = _admin().post(f"/admin/access/project/{heart.pk}/delete/", {"post": "yes"})
    assert page.status_code == 200
    assert Project.objects.filter(pk=heart.pk).exists()


def test_staff_who_are_no_administrators_change_no_projects(heart: Project) -> None:
    staff = User.objects.get(username="viewer")
    staff.is_staff = True
    staff.save()
    staff.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(staff)
    for path in ("access/project/", "access/project/add/", f"access/project/{heart.pk}/change/", "access/membership/"):
        assert client.get(f"/admin/{path}").status_code == 403, path
    assert "memberships-0-project" not in client.get(f"/admin/auth/user/{staff.pk}/change/").content.decode()
