"""Nodes, rules and deliveries by the REST API and the admin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pydicom.dataset import Dataset
from pynetdicom import AE, evt

from tests.server.conftest import Site
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.models import Instance, Series
from voxelry.server.jobs.models import Job, State
from voxelry.server.nodes.models import Commitment, Delivery, ForwardingRule, Node
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS: dict[str, Any] = {"name": "Archive", "ae_title": "ARCHIVE", "host": "127.0.0.1", "port": 1}


@pytest.fixture
def project(user: User) -> Project:
    return Project.objects.get(name="default")


@pytest.fixture
def node(project: Project) -> Node:
    """A node at whose address nobody listens."""
    return Node.objects.create(project=project, **FIELDS)


@pytest.fixture
def series(site: Site, tmp_path: Path) -> Series:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    return Series.objects.get()


def member(project: Project, role: Role) -> Site:
    user = User.objects.create_user(f"a {role.label}", password="x")
    Membership.objects.create(project=project, user=user, role=role)
    client = Client()
    client.force_login(user)
    return Site(client, user)


def test_a_node_is_added_read_changed_and_removed(site: Site, project: Project) -> None:
    made = site.send("/nodes", 201, project=project.pk, **FIELDS, certificate=":".join(["AB"] * 32), may_store=True)
    assert made["connection"] == {
        "host": "127.0.0.1", "port": 1, "tls": False, "calls_from": "", "certificate": "ab" * 32,
    }  # fmt: skip
    assert made["project"] == {"id": project.pk, "name": "default"}
    assert (made["may_store"], made["may_find"], made["has_address"]) == (True, False, True)
    listed = site.get("/nodes")
    assert listed["items"] == [made]
    assert listed["site"] == {"ae_title": "VOXELRY", "host": "", "port": None, "tls": False, "is_listening": False}
    key = made["id"]
    changed = site.send(f"/nodes/{key}", 200, method="PATCH", host="", port=None, may_find=True)
    assert (changed["has_address"], changed["may_store"], changed["may_find"]) == (False, True, True)
    assert site.get(f"/nodes/{key}") == changed
    assert site.client.delete(f"/api/nodes/{key}").status_code == 204
    site.get(f"/nodes/{key}", 404)
    assert site.client.delete(f"/api/projects/{project.pk}").status_code == 204


def test_wrong_fields_are_told_by_field(site: Site, node: Node) -> None:
    told = site.send("/nodes", 422, project=node.project_id, name="ARCHIVE", ae_title="A\\B", host="x y", port=104)
    assert told["code"] == "node_fields"
    assert [one["loc"] for one in told["errors"]] == [["body", "name"], ["body", "ae_title"], ["body", "host"]]
    told = site.send(f"/nodes/{node.pk}", 422, method="PATCH", port=None)
    assert [one["loc"] for one in told["errors"]] == [["body", "port"]]
    node.refresh_from_db()
    assert node.port == 1


def test_uploaders_see_what_a_node_can_do_and_not_where_it_is(site: Site, node: Node) -> None:
    uploader = member(node.project, Role.UPLOADER)
    (shown,) = uploader.get("/nodes")["items"]
    assert shown["name"] == "Archive"
    assert shown["connection"] is None
    assert uploader.get(f"/nodes/{node.pk}") == shown
    uploader.send(f"/nodes/{node.pk}", 403, method="PATCH", name="x")
    uploader.send("/nodes", 403, project=node.project_id, **FIELDS)
    member(node.project, Role.ANALYST).get("/nodes", 403)


def test_a_project_with_a_node_is_not_removed(site: Site, node: Node) -> None:
    assert site.client.delete(f"/api/projects/{node.project_id}").status_code == 409


def test_a_node_that_cannot_be_reached_says_so(site: Site, node: Node) -> None:
    echo = site.send(f"/nodes/{node.pk}/echo", 200)
    assert (echo["is_answering"], echo["services"], echo["problem"]["code"]) == (False, [], "connection")
    told = site.send(f"/nodes/{node.pk}/query", 502, patient_name="Secret^Name")
    assert told["code"] == "connection"
    assert "Secret" not in told["detail"]
    site.send(f"/nodes/{node.pk}/query", 422, level="series")
    Node.objects.update(is_enabled=False)
    assert "disabled" in site.send(f"/nodes/{node.pk}/query", 502)["detail"]
    assert "disabled" in site.send(f"/nodes/{node.pk}/fetch", 502, study_instance_uids=["1.2"])["detail"]


@pytest.fixture
def asked(node: Node) -> Iterator[list[Dataset]]:
    """What a node that answers is asked; it has three studies."""
    identifiers: list[Dataset] = []

    def find(event: Any) -> Iterator[tuple[int, Dataset | None]]:
        identifiers.append(event.identifier)
        for number in range(3):
            row = Dataset()
            row.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
            row.StudyInstanceUID = f"1.2.{number}"
            if row.QueryRetrieveLevel == "STUDY":
                row.PatientName, row.StudyDate, row.StudyTime = "Doe^Jo", "20240131", "101530.5"
                row.ModalitiesInStudy = ["CT", "SR"]
            else:
                row.SeriesInstanceUID, row.Modality, row.SeriesNumber = f"1.3.{number}", "CT", number
            yield 0xFF00, row

    entity: Any = AE("ARCHIVE")
    for uid in ("1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"):
        entity.add_supported_context(uid)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find)])
    Node.objects.update(port=server.socket.getsockname()[1])
    yield identifiers
    server.shutdown()


def test_a_node_answers_what_it_has(site: Site, node: Node, series: Series, asked: list[Dataset]) -> None:
    echo = site.send(f"/nodes/{node.pk}/echo", 200)
    assert (echo["is_answering"], echo["services"], echo["problem"]) == (True, ["C-FIND"], None)
    study = series.study
    type(study).objects.update(study_instance_uid="1.2.1")
    found = site.send(
        f"/nodes/{node.pk}/query", 200, patient_name="Doe", date_from="2024-01-01", date_to="2024-12-31",
        modality="CT", description="chest", limit=2,
    )  # fmt: skip
    keys = asked[0]
    assert (str(keys.PatientName), keys.StudyDate, keys.ModalitiesInStudy) == ("Doe*", "20240101-20241231", "CT")
    assert keys.StudyDescription == "*chest*"
    assert found["is_cut"]
    first, second = found["studies"]
    assert (first["patient_name"], first["date"], first["time"]) == ("Doe^Jo", "2024-01-31", "10:15:30")
    assert (first["modalities"], first["study"], first["here"]) == (["CT", "SR"], None, 0)
    assert (second["study"], second["here"]) == (study.pk, 3)
    found = site.send(f"/nodes/{node.pk}/query", 200, level="series", study_instance_uid="1.2.1", modality="CT")
    assert [(one["series_instance_uid"], one["number"]) for one in found["series"]][1] == ("1.3.1", 1)
    assert not found["is_cut"]


def test_fetching_is_a_job(site: Site, node: Node) -> None:
    uploader = member(node.project, Role.UPLOADER)
    accepted = uploader.send(f"/nodes/{node.pk}/fetch", 202, study_instance_uids=["1.2.3"])
    assert uploader.get(f"/jobs/{accepted['id']}")["title"] == "Fetch from a node"
    uploader.send(f"/nodes/{node.pk}/fetch", 422, study_instance_uids=["1.2", "1.3"], series_instance_uids=["1.4"])


def test_studies_and_series_are_sent_seen_retried_and_cancelled(site: Site, node: Node, series: Series) -> None:
    uploader = member(node.project, Role.UPLOADER)
    place = f"/nodes/{node.pk}"
    uploader.send(f"{place}/send", 422)
    assert uploader.send(f"{place}/send", 202, studies=[series.study_id], series=[series.pk]) == {"waiting": 3}
    assert uploader.send(f"{place}/send", 202, series=[series.pk]) == {"waiting": 0}
    job = Job.objects.get(kind="deliver", state=State.QUEUED)
    assert (job.subject, job.not_before, job.project_id) == (node.pk, None, node.project_id)
    told = uploader.get(f"{place}/deliveries", limit=2)
    assert told["counts"] == {"waiting": 3, "sent": 0, "failed": 0, "more_than": False}
    assert [one["series"] for one in told["items"]] == [series.pk] * 2
    assert len(uploader.get(f"{place}/deliveries", after=told["next"])["items"]) == 1
    Delivery.objects.update(state="failed", problem_code="store_refused", problem_message="refused", attempts=1)
    (of_study,) = uploader.get(f"/studies/{series.study_id}/deliveries")
    assert (of_study["name"], of_study["counts"]["failed"]) == ("Archive", 3)
    assert of_study["problem"] == {"code": "store_refused", "message": "refused"}
    (reason,) = uploader.get(f"{place}/deliveries", state="failed")["reasons"]
    assert reason == {"state": "failed", "code": "store_refused", "message": "refused", "count": 3}
    counts = uploader.send(f"{place}/deliveries/retry", 200, study=series.study_id)
    assert (counts["waiting"], counts["failed"]) == (3, 0)
    assert uploader.send(f"{place}/deliveries/cancel", 200)["waiting"] == 0
    assert not Delivery.objects.exists()
    uploader.send(f"{place}/send", 404, studies=[10_000])


def test_what_was_sent_is_sent_again_on_request(site: Site, node: Node, series: Series) -> None:
    for instance in Instance.objects.all():
        Delivery.objects.create(node=node, instance=instance, state="sent", attempts=1)
    assert site.send(f"/nodes/{node.pk}/send", 202, series=[series.pk]) == {"waiting": 3}
    assert set(Delivery.objects.values_list("state", "attempts")) == {("waiting", 0)}


def test_what_is_deleted_for_good_takes_its_deliveries_along(site: Site, node: Node, series: Series) -> None:
    site.send(f"/nodes/{node.pk}/send", 202, series=[series.pk])
    site.delete_for_good(series.study_id)
    assert not Delivery.objects.exists()


def test_rules_are_added_changed_and_removed(site: Site, node: Node) -> None:
    place = f"/nodes/{node.pk}/rules"
    scanner = Node.objects.create(project=node.project, name="Scanner", ae_title="CT")
    made = site.send(place, 201, name="CT on", modalities=["CT", "CT"], description="a*", from_node=scanner.pk)
    assert (made["modalities"], made["from_name"], made["deliveries"]["waiting"]) == (["CT"], "Scanner", 0)
    changed = site.send(f"{place}/{made['id']}", 200, method="PATCH", from_node=None, is_enabled=False)
    assert (changed["from_node"], changed["modalities"], changed["is_enabled"]) == (None, ["CT"], False)
    assert member(node.project, Role.UPLOADER).get(place) == [changed]
    for wrong, field in (({"name": "CT on"}, "name"), ({"name": "b", "from_node": node.pk}, "from_node")):
        told = site.send(place, 422, **wrong)
        assert [one["loc"][-1] for one in told["errors"]] == [field]
    elsewhere = Node.objects.create(project=Project.objects.create(name="b"), name="Other", ae_title="O")
    site.send(place, 422, name="b", from_node=elsewhere.pk)
    site.send(f"/nodes/{elsewhere.pk}/rules/{made['id']}", 404, method="PATCH", name="c")
    assert site.client.delete(f"/api{place}/{made['id']}").status_code == 204
    assert not ForwardingRule.objects.exists()


def test_the_admin_is_for_administrators(site: Site, node: Node, series: Series) -> None:
    staff = member(node.project, Role.OWNER)
    User.objects.filter(pk=staff.user.pk).update(is_staff=True)
    rule = ForwardingRule.objects.create(node=node, name="all")
    delivery = Delivery.objects.create(node=node, instance=Instance.objects.all()[0], rule=rule, state="failed")
    commitment = Commitment.objects.create(node=node, transaction_uid="1.2", references=[])
    for name, key in (
        ("node", node.pk), ("forwardingrule", rule.pk), ("delivery", delivery.pk), ("commitment", commitment.pk)
    ):  # fmt: skip
        for address in (f"/admin/nodes/{name}/", f"/admin/nodes/{name}/{key}/change/"):
            assert site.client.get(address).status_code == 200, address
            assert staff.client.get(address).status_code == 403, address
    data = {"action": "retry_all", "_selected_action": delivery.pk}
    assert site.client.post("/admin/nodes/delivery/", data).status_code == 302
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_the_admin_checks_fields_as_the_api_does(site: Site, node: Node) -> None:
    form = {"project": node.project_id, "name": "Second", "ae_title": " B ", "host": "b", "port": 104,
            "retrieves_by": "get", "is_enabled": "on", "certificate": ":".join(["AB"] * 32)}  # fmt: skip
    page = site.client.post("/admin/nodes/node/add/", {**form, "name": "archive", "host": "x y"})
    assert b"another node has this name" in page.content
    assert b"is no host name" in page.content
    assert site.client.post("/admin/nodes/node/add/", form).status_code == 302
    made = Node.objects.get(name="Second")
    assert (made.ae_title, made.certificate) == ("B", "ab" * 32)
    assert site.client.post(f"/admin/nodes/node/{made.pk}/change/", {**form, "port": 105}).status_code == 302
    rule = {"node": node.pk, "name": "CT", "modalities": "ct,  mr", "from_node": made.pk, "is_enabled": "on"}
    assert site.client.post("/admin/nodes/forwardingrule/add/", rule).status_code == 302
    assert ForwardingRule.objects.get().modalities == "CT, MR"
    page = site.client.post("/admin/nodes/forwardingrule/add/", {**rule, "name": "b", "from_node": node.pk})
    assert b"no other node of this project" in page.content
