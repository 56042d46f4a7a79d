"""Steps as jobs: what is asked for, what is refused, what comes of it, and that it comes once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

import voxelry
from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.models import Instance, Series
from voxelry.server.jobs import attempts, isolated, job_kinds, job_run
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing import publish_results as publishing
from voxelry.server.processing.models import Output, Process, ResultFile
from voxelry.server.processing.step_request import ChosenVolume, request_batch
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)
ODD = ("all_of_it:ALL", "fails:FAILS", "breaks:BREAKS", "two:TWO", "reads:READS")
GAUSSIAN = EntryPoint("gaussian", "voxelry.steps.gaussian:STEP", "voxelry.steps")


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with these steps, whose work is done in this process."""
    odd = [EntryPoint(name, f"tests.server.odd_steps:{value}", "voxelry.steps")
           for name, _, value in (one.partition(":") for one in ODD)]  # fmt: skip
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: [GAUSSIAN, *odd]))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "source", slices=4)
    return tmp_path / "source"


@pytest.fixture
def series(site: Any, source: Path) -> int:
    """The key of a series with one volume."""
    (key,) = site.upload(sorted(source.iterdir()))["series"]
    return int(key)


def ask(site: Any, status: int = 202, **body: Any) -> Any:
    response = site.client.post("/api/jobs", json.dumps(body), content_type="application/json")
    assert response.status_code == status, response.content
    return response.json()


def done(site: Any, do_jobs: Callable[[], None], **body: Any) -> Any:
    """A job, when it and those that follow from it are over."""
    key = ask(site, **body)["id"]
    do_jobs()
    return site.get(f"/jobs/{key}")


def test_a_job_has_limits_of_its_own_within_the_configurations(site: Any, series: int, settings: Settings) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(time_limit_seconds=600.0, memory_limit_bytes=2**30)
    given = {"time_limit_seconds": 1.5, "memory_limit_bytes": 2**29}
    for address, chosen in (("", series), ("/batch", [series])):
        body = json.dumps({"job_name": "gaussian", "series": chosen, **given})
        response = site.client.post(f"/api/jobs{address}", body, content_type="application/json")
        assert response.status_code == 202, response.content
        told = site.get(f"/jobs/{response.json()['id']}")
        assert {name: told[name] for name in given} == given
    row = job_run.Run(Job.objects.latest("pk"))
    assert (row.time_limit, row.memory_limit) == (1.5, 2**29)
    usual = site.get(f"/jobs/{ask(site, job_name='gaussian', series=series)['id']}")
    assert usual["time_limit_seconds"] is usual["memory_limit_bytes"] is None
    longer = ask(site, 422, job_name="gaussian", series=series, time_limit_seconds=601)
    assert "600 seconds" in longer["detail"]
    larger = ask(site, 422, job_name="gaussian", series=series, memory_limit_bytes=2**31)
    assert "1,073,741,824 bytes" in larger["detail"]
    for wrong in ({"time_limit_seconds": 0}, {"memory_limit_bytes": 5}, {"series": True}, {"series": str(series)}):
        ask(site, 422, **{"job_name": "gaussian", "series": series, **wrong})


def test_a_volume_becomes_a_series_of_the_study(
    site: Any, series: int, source: Path, do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    job = done(site, do_jobs, job_name="gaussian", series=series, params={"sigma": 2})
    assert (job["state"], job["problem"], job["title"], job["requested_by"]) == (
        "succeeded",
        None,
        "Gaussian blur",
        "admin",
    )
    assert job["params"]["sigma"] == 2
    assert job["log"][0]["words"].startswith("gaussian on 4 x ")
    (made,) = job["result"]["series"]
    told = site.get(f"/series/{made['id']}")
    assert told["study"]["id"] == site.get(f"/series/{series}")["study"]["id"]
    assert (told["state"], len(told["volumes"])) == ("succeeded", 1)
    wanted = voxelry.load_volume(source)
    expected = registry.step_named("gaussian").run(wanted, {"sigma": 2}).volumes[0].array
    raw = site.client.get(f"/api/series/{made['id']}/slices/1.raw")
    values = np.frombuffer(raw.content, raw.headers["X-Voxelry-Dtype"]).reshape(wanted.array.shape[1:])
    assert np.abs(values - expected[1]).max() <= 1e-3 * np.ptp(expected)


def test_everything_a_step_gives_is_published(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="all_of_it", series=series, params={"level": 0.5, "count": 3})
    assert job["message"] == "2 series, 3 rows, 2 files"
    result = job["result"]
    assert "this was made by a test" in result["warnings"]
    assert [one["modality"] for one in result["series"]] == ["CT", "SEG"]
    assert result["rows"]["columns"] == ["segment", "label", "mm3"]
    rows = site.client.get(result["rows"]["json_address"]).json()
    assert rows == [{"segment": n, "label": "=1+1", "mm3": 2.5 * n} for n in range(3)]
    table = site.client.get(result["rows"]["csv_address"]).content.decode()
    assert [row["label"] for row in csv.DictReader(io.StringIO(table))] == ["'=1+1"] * 3  # no formula
    assert {file["name"]: file["size"] for file in result["files"]} == {"surface.stl": 13, "words.txt": 10}
    response = site.client.get(result["files"][0]["address"])
    assert b"".join(response.streaming_content) == b"solid nothing"
    assert response.headers["Content-Disposition"] == 'attachment; filename="surface.stl"'
    for one in result["series"]:
        assert site.get(f"/series/{one['id']}")["volumes"], "it opens in the viewer"


def test_begun_again_it_publishes_the_same_once(
    site: Any, series: int, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = publishing.publish_results, []

    def dies_first(this: Any, result: Any) -> Any:
        kept = whole(this, result)
        calls.append(sorted(one["sha256"] for one in result["instances"]))
        if len(calls) == 1:
            raise OSError(5, "the disk went away")  # the transaction is rolled back, the files lie about
        return kept

    kind = job_kinds.find("step")
    assert kind is not None
    monkeypatch.setattr(job_kinds, "_kinds", {"step": replace(kind, publish=dies_first)})
    before = Instance.objects.count()
    key = ask(site, job_name="all_of_it", series=series, params={"level": 0})["id"]
    attempts.attempt_job(key)
    assert (Job.objects.get(pk=key).state, Instance.objects.count(), Output.objects.count()) == ("failed", before, 0)
    assert site.get(f"/jobs/{key}")["result"] is None
    site.client.post(f"/api/jobs/{key}/retry")
    attempts.attempt_job(key)
    assert calls[0] == calls[1], "the same bytes, UIDs and all"
    assert (Job.objects.get(pk=key).state, Instance.objects.count()) == ("succeeded", before + 5)
    assert (Series.objects.count(), ResultFile.objects.count()) == (3, 2)


def test_a_failure_is_a_sentence_and_where_it_was_is_for_staff(
    site: Any, series: int, do_jobs: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    job = done(site, do_jobs, job_name="fails", series=series)
    assert (job["state"], job["problem"]["code"]) == ("failed", "geometry")
    assert job["problem"]["message"] == "the slices are tilted by 3 degrees; straighten them first"
    broken = done(site, do_jobs, job_name="breaks", series=series)
    assert broken["problem"]["code"] == "internal"
    assert "odd_steps.py" in broken["trace"]
    assert "Doe" not in json.dumps(broken) + caplog.text
    site.user.is_staff = site.user.is_superuser = False
    site.user.save()
    Membership.objects.create(project=Project.objects.get(), user=site.user, role=Role.ANALYST)
    assert site.get(f"/jobs/{broken['id']}")["trace"] is None
    retried = site.client.post(f"/api/jobs/{job['id']}/retry").json()
    assert (retried["state"], retried["problem"]) == ("queued", None)


def test_two_volumes(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="two", series=series, second=series)
    assert [one["series"] for one in job["inputs"]] == [series, series]
    assert site.client.get(job["result"]["rows"]["json_address"]).json() == [{"volumes": 2}]
    problem = ask(site, 422, job_name="two", series=series)
    assert problem["detail"] == "two takes 2 to 3 volumes (fixed and moving and perhaps mask), not 1"
    assert ask(site, 422, job_name="gaussian", series=series, second=series)["code"] == "input"


def test_the_seeds_job_is_known(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="3dblur", series=series)
    assert (job["state"], job["job_name"], job["params"]["sigma"]) == ("succeeded", "3dblur", 1.0)
    assert job["title"] == "3-D blur"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({}, ["level"]),
        ({"level": 2}, ["level"]),
        ({"level": 0.5, "count": 10, "method": "other"}, ["count", "method"]),
        ({"level": 0.5, "sigma": 1}, ["sigma"]),
        ({"level": "Doe^Jane"}, ["level"]),
        ({"level": 0.5, "label": "a\0b"}, ["label"]),
    ],
)
def test_wrong_parameters_are_told_each_at_its_place(
    site: Any, series: int, params: dict[str, Any], places: list[str]
) -> None:
    problem = ask(site, 422, job_name="all_of_it", series=series, params=params)
    assert problem["code"] == "parameter"
    assert [error["loc"] for error in problem["errors"]] == [["body", "params", place] for place in places]
    assert "Doe" not in json.dumps(problem)
    assert not Process.objects.exists()


def test_of_a_number_or_three_only_what_was_meant_is_told(site: Any, series: int) -> None:
    for sigma, place, words in (
        (-1, ["sigma"], "Input should be greater than or equal to 0"),
        ("wide", ["sigma"], "Input should be a valid number, unable to parse string as a number"),
        ([1, 2], ["sigma", "2"], "Field required"),
        ([1, -2, 3], ["sigma", "1"], "Input should be greater than or equal to 0"),
        (0, ["sigma"], "at least one sigma has to be above 0"),
    ):
        problem = ask(site, 422, job_name="gaussian", series=series, params={"sigma": sigma})
        assert [(error["loc"], error["msg"]) for error in problem["errors"]] == [(["body", "params", *place], words)]
        assert problem["detail"] == f"gaussian: {'.'.join(place)}: {words}"


def test_what_is_not_there_is_told(site: Any, series: int) -> None:
    unknown = ask(site, 422, job_name="sharpen", series=series)
    assert unknown["detail"].startswith("no job is named 'sharpen'; known are 3dblur, ")
    assert "gaussian" in unknown["detail"], "the known are listed"
    assert ask(site, 404, job_name="gaussian", series=9999)["detail"] == "there is no series 9999"
    assert ask(site, 404, job_name="gaussian", series=series, stack=1)["code"] == "not_found"
    assert ask(site, 422, job_name="gaussian")["code"] == "input"
    assert ask(site, 422, job_name="gaussian", series=series, else_=1)["code"] == "validation"
    site.get("/jobs/9999", 404)
    site.get("/jobs/9999/events", 404)


def test_volumes_that_are_not_built_yet_are_not_worked_on(site: Any, source: Path) -> None:
    key = site.upload(sorted(source.iterdir()), run=False)["id"]
    attempts.attempt_job(Job.objects.get(kind="ingest", subject=key).pk)
    (series,) = site.get(f"/uploads/{key}")["series"]
    assert ask(site, 409, job_name="gaussian", series=series)["code"] == "not_ready"


def test_a_stranger_gets_nothing(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="all_of_it", series=series, params={"level": 0.5})
    made = [job["result"]["rows"]["csv_address"], job["result"]["files"][0]["address"]]
    addresses = [f"/api/jobs/{job['id']}", f"/api/jobs/{job['id']}/events", "/api/steps", *made]
    site.client.logout()
    for address in addresses:
        assert site.client.get(address).status_code == 401
    response = site.client.post("/api/jobs", json.dumps({"job_name": "gaussian"}), content_type="application/json")
    assert response.status_code == 401


@pytest.mark.parametrize("name", ["..%2f..%2fsecret-key", "....//words.txt", "%00", "surface.STL", ".stl", "nothing"])
def test_only_files_of_the_job_are_given(site: Any, series: int, do_jobs: Callable[[], None], name: str) -> None:
    job = done(site, do_jobs, job_name="all_of_it", series=series, params={"level": 0.5})
    assert site.client.get(f"/api/jobs/{job['id']}/files/{name}").status_code == 404


# --- folders on the server --------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> Path:
    """A folder that jobs may read."""
    folder = tmp_path / "root"
    folder.mkdir()
    settings.VOXELRY = settings.VOXELRY.replace(processing_roots=(str(folder),))
    return folder


def test_a_folder_below_a_root(site: Any, root: Path, do_jobs: Callable[[], None]) -> None:
    synthetic_series(root / "study" / "one", slices=3)
    synthetic_series(root / "study" / "two", slices=4, seed=1)
    job = done(site, do_jobs, job_name="all_of_it", in_dir=str(root / "study"), params={"level": 0.5})
    assert (job["state"], job["in_dir"], job["inputs"]) == ("succeeded", str(root / "study"), [])
    assert len(job["result"]["series"]) == 4
    rows = site.client.get(job["result"]["rows"]["json_address"]).json()
    assert [row["volume"] for row in rows] == [1, 2]
    assert [file["name"] for file in job["result"]["files"]] == [
        "1-surface.stl", "1-words.txt", "2-surface.stl", "2-words.txt",
    ]  # fmt: skip


def test_of_many_volumes_one_that_cannot_be_done_spoils_no_other(
    site: Any, root: Path, do_jobs: Callable[[], None]
) -> None:
    for seed, name in enumerate("abc"):
        shear = (0.0, 0.6 * (name == "b"), 0.0)
        synthetic_series(root / "study" / name, slices=4, seed=seed, shear=shear)
    job = done(site, do_jobs, job_name="gaussian", in_dir=str(root / "study"))
    assert (job["state"], len(job["result"]["series"])) == ("succeeded", 2)
    (left,) = [words for words in job["result"]["warnings"] if "left out" in words]
    assert re.match(r"volume [123] of 3 was left out: the stack is tilted \(sheared\) by 11.31 degrees", left)
    alone = done(site, do_jobs, job_name="gaussian", in_dir=str(root / "study" / "b"))
    assert (alone["state"], alone["problem"]["code"]) == ("failed", "geometry")
    assert "gaussian.py" in alone["trace"]


def test_only_below_a_root(site: Any, root: Path, tmp_path: Path, source: Path, settings: Settings) -> None:
    (root / "link").symlink_to(source)
    (root / "deep").mkdir()
    (root / "deep" / "link").symlink_to(tmp_path)
    inside_out = [str(source), str(tmp_path / "nothing"), "/", "", "root", f"{root}/../source", f"{root}/link",
                  f"{root}/deep/link/source", str(root) + "-beside", "\0", f"{root}/\0", "~", "a" * 5000]  # fmt: skip
    for path in inside_out:
        body = {"job_name": "gaussian", "in_dir": path}
        response = site.client.post("/api/jobs", json.dumps(body), content_type="application/json")
        assert response.status_code in (403, 422), path
        assert response.json()["code"] in ("outside_roots", "validation", "input")
        assert str(tmp_path) not in response.content.decode(), "nothing is told of what is there"
    for name in ("nothing", "a" * 300):  # longer than any name may be
        assert ask(site, 422, job_name="gaussian", in_dir=f"{root}/{name}")["code"] == "nothing_found"
    assert ask(site, 422, job_name="two", in_dir=str(root))["code"] == "input"
    settings.VOXELRY = settings.VOXELRY.replace(processing_roots=())
    assert ask(site, 403, job_name="gaussian", in_dir=str(root))["code"] == "outside_roots"
    assert not Process.objects.exists()


def test_a_link_below_a_root_may_not_lead_out(site: Any, root: Path, source: Path, do_jobs: Callable[[], None]) -> None:
    synthetic_series(root / "own", slices=3)
    (root / "own" / "more").symlink_to(root / "beside")
    (root / "beside").mkdir()
    (root / "beside" / "out").symlink_to(source / min(source.iterdir()).name)
    job = done(site, do_jobs, job_name="gaussian", in_dir=str(root / "own"))
    assert (job["state"], job["problem"]["code"]) == ("failed", "outside_roots")
    (root / "beside" / "out").unlink()
    (root / "beside" / "round").symlink_to(root / "own")  # in a circle, and inside
    assert done(site, do_jobs, job_name="gaussian", in_dir=str(root / "own"))["state"] == "succeeded"


def test_parameters_name_no_file_outside_a_root(
    site: Any, series: int, root: Path, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    (root / "model").write_text("a model")
    (root / "link").symlink_to(tmp_path)
    job = done(site, do_jobs, job_name="reads", series=series, params={"model": str(root / "model")})
    assert site.client.get(job["result"]["rows"]["json_address"]).json() == [{"content": "a model"}]
    for params in (
        {"model": "/etc/passwd"},
        {"model": f"{root}/../secret"},
        {"model": "model"},
        {"folder": str(tmp_path)},
        {"folder": f"{root}/link"},
    ):
        assert ask(site, 403, job_name="reads", series=series, params=params)["code"] == "outside_roots"
    assert ask(site, job_name="reads", series=series, params={})["id"]


def test_the_paths_of_a_models_files_are_known_as_such() -> None:
    found = registry.StepRegistry().named("onnx").params.model_json_schema()["properties"]
    assert [name for name, told in found.items() if told.get("format") == "path"] == ["model", "manifest"]


# --- batches, lists, deletion -----------------------------------------------------------------------------------------


@pytest.fixture
def three(site: Any, tmp_path: Path) -> list[int]:
    """Keys of three series."""
    for seed, name in enumerate("abc"):
        synthetic_series(tmp_path / name, slices=3, seed=seed)
    files = [path for name in "abc" for path in sorted((tmp_path / name).iterdir())]
    return [int(key) for key in site.upload(files)["series"]]


def test_a_batch(site: Any, three: list[int], do_jobs: Callable[[], None]) -> None:
    body: dict[str, Any] = {"job_name": "all_of_it", "series": [*three, three[0]], "params": {"level": 0.1}}
    accepted = site.client.post("/api/jobs/batch", json.dumps(body), content_type="application/json")
    assert accepted.status_code == 202
    parent = site.get(f"/jobs/{accepted.json()['id']}")
    assert (parent["job_name"], parent["totals"]["total"], parent["totals"]["queued"]) == ("all_of_it", 3, 3)
    do_jobs()
    parent = site.get(f"/jobs/{parent['id']}")
    assert (parent["state"], parent["totals"]["succeeded"]) == ("succeeded", 3)
    children = site.get("/jobs", parent=parent["id"])
    assert sorted(one["series"] for one in children["items"]) == sorted(three)
    listed = site.get("/jobs", top=True, job_name="all_of_it")
    assert [one["id"] for one in listed["items"]] == [parent["id"]]
    body["series"] = [*three, 9999]
    refused = site.client.post("/api/jobs/batch", json.dumps(body), content_type="application/json")
    assert refused.status_code == 404
    assert Process.objects.count() == 3, "all or none"


def test_lists_are_filtered(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    blurred = done(site, do_jobs, job_name="gaussian", series=series)
    failed = done(site, do_jobs, job_name="fails", series=series)

    def keys(**query: Any) -> list[int]:
        return [one["id"] for one in site.get("/jobs", **query)["items"] if one["kind"] == "step"]

    assert keys() == [failed["id"], blurred["id"]]
    assert keys(state="failed") == [failed["id"]]
    assert keys(job_name="gaussian") == [blurred["id"]]
    assert keys(series=series) == [failed["id"], blurred["id"]]
    assert keys(series=blurred["result"]["series"][0]["id"]) == []
    assert keys(job_name="\0gaussian") == [blurred["id"]]
    assert site.get("/jobs", limit=1)["count"] > 1


def test_a_list_asks_no_more_for_more(
    site: Any, series: int, do_jobs: Callable[[], None], django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        done(site, do_jobs, job_name="fails", series=series)
    with django_assert_max_num_queries(10):
        assert site.get("/jobs")["count"] >= 6


def test_a_deleted_study_takes_results_and_work_along(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="all_of_it", series=series, params={"level": 0.5})
    stored = [file.stored_name for file in ResultFile.objects.all()]
    assert all(map(default_storage.exists, stored))
    waiting = ask(site, job_name="gaussian", series=series)["id"]
    study = site.get(f"/series/{series}")["study"]["id"]
    assert site.client.delete(f"/api/studies/{study}").status_code == 204
    assert Job.objects.get(pk=waiting).state == State.CANCELLED
    for key in (waiting, job["id"]):
        site.get(f"/jobs/{key}", 404)
    assert site.client.delete(f"/api/trash/{study}").status_code == 204
    assert not Process.objects.exists()
    assert not Job.objects.filter(kind="step").exists()
    assert not any(map(default_storage.exists, stored))


def test_a_study_on_which_much_was_done_is_deleted_by_few_statements(
    site: Any, series: int, django_assert_max_num_queries: Any
) -> None:
    many = 100
    batch = request_batch("fails", [ChosenVolume(series)] * many, who=as_site())
    study = site.get(f"/series/{series}")["study"]["id"]
    with django_assert_max_num_queries(50):
        assert site.client.delete(f"/api/studies/{study}").status_code == 204
    site.get(f"/jobs/{batch.pk}", 404)
    assert set(Job.objects.filter(kind="step").values_list("state", "in_trash")) == {("cancelled", True)}
    with django_assert_max_num_queries(2 * many):
        assert site.client.delete(f"/api/trash/{study}").status_code == 204
    assert not Process.objects.exists()
    assert not Job.objects.filter(kind="step").exists()


def test_what_was_deleted_while_it_was_done_is_not_published(
    site: Any, series: int, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = job_kinds.find("step")
    assert kind is not None

    def slow(this: Any) -> Any:
        result = kind.work(this)
        Process.objects.all().delete()
        Job.objects.update(cancel_requested=False)  # which came too late
        return result

    monkeypatch.setattr(job_kinds, "_kinds", {"step": replace(kind, work=slow)})
    key = ask(site, job_name="all_of_it", series=series, params={"level": 0.5})["id"]
    attempts.attempt_job(key)
    assert site.get(f"/jobs/{key}")["problem"]["code"] == "process_gone"
    assert Series.objects.count() == 1


def test_staff_see_what_was_asked_for(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    done(site, do_jobs, job_name="gaussian", series=series)
    search = {"q": "gaussian", "posted_search": "Search"}
    listed = site.client.post("/admin/processing/process/", search, follow=True)
    assert "gaussian" in listed.content.decode()
    (key,) = Process.objects.values_list("pk", flat=True)
    assert site.client.get(f"/admin/processing/process/{key}/change/").status_code == 200
    assert site.client.get("/admin/processing/process/add/").status_code == 403


# --- steps and events -------------------------------------------------------------------------------------------------


def test_steps_are_listed_with_their_schemas(site: Any) -> None:
    listed = {step["name"]: step for step in site.get("/steps")}
    assert set(listed) == {"3dblur", "gaussian", "all_of_it", "fails", "breaks", "two", "reads"}
    assert listed["3dblur"]["title"] == "3-D blur"
    assert listed["3dblur"]["params"] == listed["gaussian"]["params"]
    assert listed["two"]["inputs"] == ["fixed", "moving"]
    assert listed["two"]["optional"] == ["mask"]
    schema = listed["all_of_it"]["params"]
    assert schema["required"] == ["level"]
    assert schema["properties"]["level"]["maximum"] == 1


def events(content: bytes) -> list[Any]:
    """The jobs that a stream of events tells of."""
    parts = [part for part in content.decode().split("\n\n") if part.startswith("event: job\n")]
    return [json.loads(part.partition("data: ")[2]) for part in parts]


def test_events_end_with_the_job(site: Any, series: int, do_jobs: Callable[[], None]) -> None:
    job = done(site, do_jobs, job_name="fails", series=series)
    response = site.client.get(f"/api/jobs/{job['id']}/events")
    assert response.headers["Content-Type"] == "text/event-stream"
    (told,) = events(b"".join(response.streaming_content))
    assert told == site.get(f"/jobs/{job['id']}")
