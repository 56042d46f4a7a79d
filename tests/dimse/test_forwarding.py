"""What arrives is sent on by rules: once the node has it or says why not, and nothing is lost on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.dimse.conftest import LiveDicomSite, Web
from tests.dimse.receiving_node import CLASSES, ReceivingNode
from tests.peers.live_site import LiveSite
from voxelry.server.access.models import Project
from voxelry.server.archive.intake.arrivals import tell_arrived
from voxelry.server.archive.models import Instance, Upload
from voxelry.server.jobs.attempts import attempt_job
from voxelry.server.jobs.models import Job, State
from voxelry.server.nodes import delivery_job
from voxelry.server.nodes.delivery_request import KIND, PAUSES
from voxelry.server.nodes.delivery_tidying import tidy_deliveries
from voxelry.server.nodes.models import Delivery, ForwardingRule, Node
from voxelry.testing import synthetic_series

GUARD_SECONDS = 120.0
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archive() -> ReceivingNode:
    """A node that does not listen yet."""
    node = ReceivingNode()
    with node.listening():  # chooses a port
        pass
    return node


@pytest.fixture
def listening(archive: ReceivingNode) -> Iterator[ReceivingNode]:
    with archive.listening():
        yield archive


@pytest.fixture
def target(web: Web, project: Project, archive: ReceivingNode) -> Node:
    return Node.objects.create(project=project, name="archive", ae_title="ARCHIVE", host="127.0.0.1", port=archive.port)


@pytest.fixture
def rule(target: Node) -> ForwardingRule:
    return ForwardingRule.objects.create(node=target, name="all")


def series_of(folder: Path, *, slices: int = 4, seed: int = 0, **attributes: str) -> list[Path]:
    return list(synthetic_series(folder, slices=slices, seed=seed, attributes=attributes).paths)


def arrive(web: Web, paths: list[Path], *, by: str = "") -> Upload:
    """Upload files, as a node of a name brings them, and take them in."""
    key = web.upload(paths, run=False)["id"]
    Upload.objects.filter(pk=key).update(node=by)
    job = Job.objects.get(kind="ingest", subject=key)
    assert attempt_job(job.pk)
    return Upload.objects.get(pk=key)


def deliver() -> Job:
    """Do the only job that waits to send, even if it is in a pause."""
    job = Job.objects.get(kind=KIND, state=State.QUEUED)
    assert attempt_job(job.pk)
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED, (job.problem_code, job.trace)
    return job


def waiting_jobs() -> int:
    return Job.objects.filter(kind=KIND, state=State.QUEUED).count()


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def uid_of(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def uids(paths: list[Path]) -> set[str]:
    return {uid_of(path) for path in paths}


def content(path: Path) -> bytes:
    """The data set of a file."""
    whole = path.read_bytes()
    return whole[132 + 12 + int.from_bytes(whole[140:144], "little") :]


def test_what_arrives_is_sent_byte_for_byte(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s")
    arrive(web, paths)
    assert states() == ["waiting"] * 4
    job = deliver()
    assert job.message == "4 sent"
    assert job.project_id == rule.node.project_id
    assert states() == ["sent"] * 4
    assert sorted(one for (one,) in listening.received.values()) == sorted(content(path) for path in paths)
    assert listening.associations == 1
    assert waiting_jobs() == 0
    row = web.get("/jobs", job_name=KIND)["items"][0]
    assert (row["title"], row["state"]) == ("Send to a node", "succeeded")


def test_what_no_context_can_be_asked_for_fails_and_the_rest_is_sent(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    arrive(web, series_of(tmp_path / "s"))
    Instance.objects.filter(pk=Instance.objects.order_by("pk")[0].pk).update(sop_class_uid="")
    assert deliver().message == "3 sent; 1 refused"
    assert sorted(states()) == ["failed", "sent", "sent", "sent"]
    assert Delivery.objects.get(state="failed").problem_code == "no_context"
    assert (len(listening.received), waiting_jobs()) == (3, 0)


def test_what_came_again_is_not_sent_again(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s")
    for _ in range(2):
        arrive(web, paths)
    deliver()
    arrive(web, paths)
    assert waiting_jobs() == 0
    assert {len(one) for one in listening.received.values()} == {1}


@pytest.mark.parametrize(
    ("values", "brought_by", "is_sent"),
    [
        ({}, "", True),
        ({}, "archive", False),  # is not sent back
        ({}, "ARCHIVE", False),
        ({"modalities": "MR, CT"}, "", True),
        ({"modalities": "MR"}, "", False),
        ({"description": "thorax*"}, "", True),
        ({"description": "*without*"}, "", True),
        ({"description": "thorax"}, "", False),
        ({"description": "t?orax with*"}, "", True),
        ({"modalities": "MR", "description": "*"}, "", False),
        ({"from": "scanner"}, "scanner", True),
        ({"from": "scanner"}, "Scanner", True),
        ({"from": "scanner"}, "", False),
        ({"from": "scanner"}, "another", False),
        ({"is_enabled": False}, "", False),
    ],
)
def test_a_rule_chooses(
    web: Web, target: Node, tmp_path: Path, values: dict[str, Any], brought_by: str, is_sent: bool
) -> None:
    values = dict(values)
    if (name := values.pop("from", None)) is not None:
        values["from_node"] = Node.objects.create(project=target.project, name=name, ae_title="SCANNER")
    ForwardingRule.objects.create(node=target, name="chosen", **values)
    paths = series_of(
        tmp_path / "s", slices=1, StudyDescription="Thorax without contrast", SeriesDescription="Thorax with"
    )
    arrive(web, paths, by=brought_by)
    assert Delivery.objects.count() == waiting_jobs() == int(is_sent)


def test_what_arrives_elsewhere_or_for_a_disabled_node_is_not_sent(
    web: Web, rule: ForwardingRule, tmp_path: Path
) -> None:
    other = Project.objects.create(name="another")
    Node.objects.filter(pk=rule.node_id).update(project=other)
    arrive(web, series_of(tmp_path / "s"))
    Node.objects.filter(pk=rule.node_id).update(project=Project.objects.get(name="default"), is_enabled=False)
    arrive(web, series_of(tmp_path / "t", seed=2))
    assert not Delivery.objects.exists()


def test_without_a_rule_an_arrival_costs_one_small_query(web: Web, target: Node, tmp_path: Path) -> None:
    upload = arrive(web, series_of(tmp_path / "s"))
    with CaptureQueriesContext(
        connection,
    ) as asked:
        tell_arrived(upload, list(Instance.objects.filter(upload=upload)))
    assert len(asked) == 2  # one of them reads the instances


def test_a_node_that_is_away_is_tried_again_with_growing_pauses_until_it_has_all(
    web: Web, rule: ForwardingRule, archive: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s")
    arrive(web, paths)
    for number in range(3):
        job = deliver()
        assert job.message.startswith(f"0 sent; the rest waits {PAUSES[number]:g} s: ")
        following = Job.objects.get(kind=KIND, state=State.QUEUED)
        assert following.not_before is not None
        pause = (following.not_before - following.created).total_seconds()
        assert abs(pause - PAUSES[number]) < 1
        if number == 1:
            arrive(web, series_of(tmp_path / "t", seed=3))  # does not end the pause
            following.refresh_from_db()
            assert (following.not_before - following.created).total_seconds() > 20
    assert set(Delivery.objects.values_list("state", "attempts", "problem_code")) == {("waiting", 0, "connection")}
    told = web.get(f"/nodes/{rule.node_id}/deliveries")
    assert told["counts"] == {"waiting": 8, "sent": 0, "failed": 0, "more_than": False}
    assert [(one["state"], one["count"]) for one in told["reasons"]] == [("waiting", 8)]
    with archive.listening():
        deliver()
    assert states() == ["sent"] * 8
    assert {len(one) for one in archive.received.values()} == {1}
    assert Delivery.objects.exclude(problem_code="").count() == waiting_jobs() == 0


def test_what_a_node_refuses_fails_with_its_words_and_the_rest_is_sent(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    first, second, third, fourth = sorted(uids(paths := series_of(tmp_path / "s")))
    answers = {first: 0xA900, second: 0xC001, third: 0xB000}
    listening.answer = lambda uid, _: answers.get(uid, 0)
    arrive(web, paths)
    assert deliver().message == "2 sent; 2 refused"
    rows = {row.instance.sop_instance_uid: row for row in Delivery.objects.select_related("instance")}
    assert {uid: row.state for uid, row in rows.items()} == {
        first: "failed", second: "failed", third: "sent", fourth: "sent"
    }  # fmt: skip
    assert "A900" in rows[first].problem_message
    assert "C001" in rows[second].problem_message
    assert rows[third].problem_code == "store_warning"
    assert waiting_jobs() == 0
    listening.answer = lambda *_: 0
    web.send(f"/nodes/{rule.node_id}/deliveries/retry", 200)
    deliver()
    assert states() == ["sent"] * 4


def test_a_node_without_resources_gets_the_rest_and_later_what_it_did_not_take(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s")
    large = min(uids(paths))
    listening.answer = lambda uid, _: 0xA700 if uid == large else 0
    arrive(web, paths)
    assert deliver().message.startswith("3 sent; the rest waits 10 s: ")
    waits = Delivery.objects.get(state="waiting")
    assert (waits.problem_code, waits.instance.sop_instance_uid) == ("store_refused", large)
    listening.answer = lambda *_: 0
    deliver()
    assert states() == ["sent"] * 4


def test_a_node_full_for_all_is_not_asked_for_each(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    listening.answer = lambda *_: 0xA701
    arrive(web, series_of(tmp_path / "s", slices=9))
    deliver()
    assert listening.came == delivery_job.MOST_BREAKS
    assert states() == ["waiting"] * 9


def test_a_node_that_aborts_in_the_middle_gets_every_instance(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s", slices=12)
    listening.answer = lambda _, count: None if count % 5 == 2 else 0
    arrive(web, paths)
    for _ in range(10):
        if waiting_jobs():
            deliver()
    assert states() == ["sent"] * 12
    assert listening.received.keys() == uids(paths)


def test_an_instance_on_which_a_node_breaks_does_not_hold_the_others_back(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    paths = series_of(tmp_path / "s", slices=6)
    bad = min(uids(paths))
    listening.answer = lambda uid, _: None if uid == bad else 0
    arrive(web, paths)
    deliver()
    assert listening.received.keys() == uids(paths) - {bad}
    waits = Delivery.objects.get(state="waiting")
    assert waits.instance.sop_instance_uid == bad
    assert waits.attempts >= 1
    assert waiting_jobs() == 1


def test_a_class_that_a_node_does_not_take_fails_with_words(
    web: Web, rule: ForwardingRule, archive: ReceivingNode, tmp_path: Path
) -> None:
    archive.classes = CLASSES[1:]
    with archive.listening():
        arrive(web, series_of(tmp_path / "s"))
        deliver()
    assert set(Delivery.objects.values_list("state", "problem_code")) == {("failed", "no_context")}
    assert waiting_jobs() == 0


def test_what_goes_to_the_trash_is_not_sent(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    arrive(web, series_of(tmp_path / "s"))
    study = Instance.objects.first().series.study_id  # type: ignore[union-attr]
    assert web.client.delete(f"/api/studies/{study}").status_code == 204
    arrive(web, paths := series_of(tmp_path / "t", seed=4))
    deliver()
    assert listening.received.keys() == uids(paths)
    assert states() == ["sent"] * 4
    web.client.delete(f"/api/trash/{study}")


def test_a_disabled_rule_or_node_stops_and_goes_on_when_it_is_enabled(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    arrive(web, series_of(tmp_path / "s"))
    place = f"/nodes/{rule.node_id}"
    web.send(f"{place}/rules/{rule.pk}", 200, method="PATCH", is_enabled=False)
    deliver()
    assert not listening.received
    web.send(place, 200, method="PATCH", is_enabled=False)
    web.send(f"{place}/rules/{rule.pk}", 200, method="PATCH", is_enabled=True)
    assert waiting_jobs() == 0
    web.send(place, 200, method="PATCH", is_enabled=True)
    deliver()
    assert states() == ["sent"] * 4


def test_a_job_that_ended_otherwise_is_begun_again_by_tidying(
    web: Web, rule: ForwardingRule, listening: ReceivingNode, tmp_path: Path
) -> None:
    arrive(web, series_of(tmp_path / "s"))
    web.post(f"/jobs/{Job.objects.get(kind=KIND).pk}/cancel", 200)
    tidy_deliveries()
    tidy_deliveries()
    deliver()
    assert states() == ["sent"] * 4
    Delivery.objects.update(finished="2020-01-01T00:00:00Z")
    tidy_deliveries()
    assert not Delivery.objects.exists()


def test_a_killed_worker_loses_no_instance(
    live_dicom_site: LiveDicomSite, archive: ReceivingNode, tmp_path: Path
) -> None:
    """The worker is killed three times while it sends."""
    web, paths = live_dicom_site.web, series_of(tmp_path / "s", slices=40)
    live_dicom_site.add_node(name="archive", ae_title="ARCHIVE", host="127.0.0.1", port=archive.port)
    (key,) = [one["id"] for one in _asked(web, "GET", "/nodes")["items"] if one["name"] == "archive"]
    _asked(web, "POST", f"/nodes/{key}/rules", name="all")
    kills = iter([3, 11, 24])
    due = next(kills)

    def answer(_: str, count: int) -> int:
        nonlocal due
        if count >= due:
            due = next(kills, 10_000)
            _kill_worker(web.data)
        return 0

    archive.answer = answer
    with archive.listening():
        web.upload(paths)
        deadline = time.monotonic() + GUARD_SECONDS
        while (counts := _asked(web, "GET", f"/nodes/{key}/deliveries")["counts"])["sent"] < 40:
            assert time.monotonic() < deadline, (counts, len(archive.received))
            time.sleep(0.1)
    assert due == 10_000
    assert archive.received.keys() == uids(paths)
    sent = {uid_of(path): content(path) for path in paths}
    assert all(set(came) == {sent[uid]} for uid, came in archive.received.items())


def _asked(web: LiveSite, method: str, address: str, **values: Any) -> Any:
    body = values if method == "POST" else None
    place = f"{web.address}/api{address}"
    answer = requests.request(method, place, headers=web.headers, timeout=GUARD_SECONDS, json=body)
    assert answer.ok, answer.text
    return answer.json()


def _kill_worker(data: Path) -> None:
    """Kill the process that the running job's row names."""
    with contextlib.closing(sqlite3.connect(data / "voxelry.sqlite3", timeout=30)) as database:
        rows = database.execute("SELECT owner FROM jobs_job WHERE kind = 'deliver' AND state = 'running'").fetchall()
    ((owner,),) = rows
    os.kill(int(owner.split("/")[1]), signal.SIGKILL)
