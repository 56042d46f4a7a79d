"""Deleting, restoring and copying by REST: what is in the trash is served nowhere, and comes back as it was."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db import connections
from django.test import Client

from tests.server.archive_rows import project_row, study_rows
from tests.server.test_deletions import _killed_at, _left
from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive import cleanup, trash
from voxelry.server.archive.at_rest import holdings
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Deletion, Instance, Patient, Series, Study, Upload
from voxelry.server.jobs import attempts, isolated, job_kinds
from voxelry.server.jobs.models import Job
from voxelry.testing import synthetic_instance, synthetic_series, write

pytestmark = pytest.mark.django_db(transaction=True)
PATIENT = "Trashed^Patient"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site with one step, whose work is done in this process."""
    odd = EntryPoint("all_of_it", "tests.server.odd_steps:ALL", "voxelry.steps")
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: [odd]))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=3, attributes={"PatientName": PATIENT}).paths)


def _ask(who: Client, method: str, path: str, status: int, body: object = None) -> Any:
    sent = () if body is None else (json.dumps(body), "application/json")
    response = who.generic(method, f"/api{path}", *sent)
    assert response.status_code == status, response.content
    return json.loads(response.content) if response.content else None


def _member(name: str, **roles: Role) -> Client:
    user = User.objects.create_user(name)
    for project, role in roles.items():
        Membership.objects.create(project=project_row(project), user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def _study_of(site: Any, series: int) -> int:
    return int(site.get(f"/series/{series}")["study"]["id"])


def _content(site: Any, address: str) -> tuple[int, bytes]:
    response = site.client.get(address)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, content


def _addresses(site: Any, series: int, study: int, job: int) -> Iterator[str]:
    """Every address that tells of the study."""
    result = site.get(f"/jobs/{job}")["result"]
    yield from (f"/api/studies/{study}", f"/api/studies/{study}/archive.zip", f"/api/jobs/{job}")
    yield from (f"/api/patients/{site.get(f'/studies/{study}')['patient']['id']}",)
    yield from (file["address"] for file in result["files"])
    yield from (result["rows"]["json_address"], result["rows"]["csv_address"])
    for key in (series, *(one["id"] for one in result["series"])):
        build = site.get(f"/series/{key}")["job"]["id"]
        yield from (f"/api/series/{key}", f"/api/series/{key}/thumbnail.png", f"/api/jobs/{build}")
        for rest in ("slices/0.png", "slices/0.jpg", "slices/0.raw", "histogram", "measure"):
            yield f"/api/series/{key}/{rest}"


def _lists(site: Any) -> dict[str, Any]:
    found = {f"/{name}": site.get(f"/{name}")["count"] for name in ("studies", "series", "jobs?job_name=step")}
    for name in ("studies", "patients"):
        found[name] = len(_ask(site.client, "POST", f"/{name}/search", 200, {"search": "Trashed"})["items"])
    return found


def test_what_is_deleted_is_served_nowhere_and_comes_back_as_it_was(
    site: Any, paths: list[Path], do_jobs: Callable[[], None]
) -> None:
    report = site.upload(paths)
    (series,) = report["series"]
    study = _study_of(site, series)
    asked = {"job_name": "all_of_it", "series": series, "params": {"level": 0.5}}
    job = _ask(site.client, "POST", "/jobs", 202, asked)["id"]
    do_jobs()
    before = {address: _content(site, address) for address in _addresses(site, series, study, job)}
    assert {status for status, _ in before.values()} == {200}
    assert len(before) >= 20
    lists = _lists(site)
    assert site.client.delete(f"/api/studies/{study}").status_code == 204
    missing = {address: _content(site, address) for address in before}
    assert {address for address, (status, _) in missing.items() if status != 404} == set()
    assert not [address for address, (_, content) in missing.items() if b"Trashed" in content]
    assert set(_lists(site).values()) == {0}
    told = site.get(f"/uploads/{report['id']}")
    assert (told["counts"], told["series"], {entry["series"] for entry in told["entries"]}) == (
        report["counts"],
        [],
        {None},
    )
    _ask(site.client, "POST", "/jobs", 404, asked)
    _ask(site.client, "POST", f"/jobs/{job}/retry", 404)
    (row,) = site.get("/trash")["items"]
    assert (row["id"], row["patient"]["name"], row["deleted_by"], row["days_left"]) == (study, PATIENT, "admin", 7)
    assert (row["series_count"], row["instance_count"], row["modalities"]) == (3, 7, ["CT", "SEG"])
    for name in ("patient", "study", "series", "stack", "instance"):
        listed = site.client.get(f"/admin/archive/{name}/").content.decode()
        assert not re.search(rf"/admin/archive/{name}/\d", listed)
        assert "Trashed" not in listed
    assert _ask(site.client, "POST", f"/trash/{study}/restore", 200)["id"] == study
    do_jobs()
    assert {address: _content(site, address) for address in before} == before
    assert _lists(site) == lists
    assert site.get("/trash")["items"] == []


def test_the_same_upload_has_the_answers_of_a_new_one(site: Any, paths: list[Path]) -> None:
    first = site.upload(paths)
    old = _study_of(site, first["series"][0])
    site.client.delete(f"/api/studies/{old}")
    second = site.upload(paths)
    for report in (first, second):
        for entry in report["entries"]:
            entry["series"] = None
    assert (second["counts"], second["entries"]) == (first["counts"], first["entries"])
    new = _study_of(site, second["series"][0])
    assert new != old
    refused = _ask(site.client, "POST", f"/trash/{old}/restore", 409)
    assert (refused["code"], "nothing was changed" in refused["detail"]) == ("restore_conflict", True)
    site.delete_for_good(new)
    assert _ask(site.client, "POST", f"/trash/{old}/restore", 200)["id"] == old
    assert _content(site, f"/api/studies/{old}/archive.zip")[0] == 200


def test_an_original_goes_with_its_last_row(site: Any, paths: list[Path], data_folder: Path) -> None:
    """Copies in other projects and studies in the trash keep it."""
    (series,) = site.upload(paths)["series"]
    study = _study_of(site, series)
    other = project_row("other")
    copy = _ask(site.client, "POST", f"/studies/{study}/copy", 201, {"project": other.pk})["study"]["id"]
    names = [holdings.stored_name(row.sha256) for row in Instance.objects.filter(series__study=study)]

    def kept() -> set[bool]:
        return set(map(default_storage.exists, names))

    site.delete_for_good(study)
    assert kept() == {True}
    site.client.delete(f"/api/studies/{copy}")
    site.upload(paths)
    again = Study.objects.get(trashed=None).pk
    site.delete_for_good(again)
    assert kept() == {True}
    assert site.client.delete(f"/api/trash/{copy}").status_code == 204
    assert kept() == {False}
    assert (_left(data_folder), Deletion.objects.count(), Patient.objects.count()) == ([], 0, 0)


def test_emptying_that_is_killed_at_any_step_is_finished_or_was_not_begun(
    site: Any, tmp_path: Path, data_folder: Path
) -> None:
    killed, going = 0, 0
    for step in range(80):
        if not Study.objects.exists():
            both = [write(synthetic_instance(seed=seed), tmp_path / f"{seed}.dcm") for seed in ("a", "b")]
            site.upload(both)
            trash.move_to_trash(Study.objects.values_list("pk", flat=True), None)
        keys = list(Study.objects.values_list("pk", flat=True))
        if not _killed_at(step, lambda keys=keys: trash.empty(keys)):  # type: ignore[misc]
            break
        killed += 1
        if site.get("/trash")["count"]:
            assert site.get("/trash")["count"] == 2
        else:
            going += 1
            cleanup.remove_forgotten()
            assert (_left(data_folder), Study.objects.count(), Deletion.objects.count()) == ([], 0, 0)
    assert killed < 79
    assert going >= 10


def test_what_waits_of_an_upload_goes_with_its_study(
    site: Any, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload is stopped when a part of it is deleted; its files go for good with that part."""
    monkeypatch.setattr(take_in, "BATCH", 1)
    paths = synthetic_series(tmp_path / "s", slices=4).paths
    site.upload(paths, run=False)
    store = take_in._store
    moved: list[int] = []

    def deleted_meanwhile(*given: Any) -> Any:
        if Study.objects.exists() and not moved:
            moved.extend(Study.objects.values_list("pk", flat=True))
            trash.move_to_trash(moved, None)
        return store(*given)

    monkeypatch.setattr(take_in, "_store", deleted_meanwhile)
    job = Job.objects.get()
    assert attempts.attempt_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.in_trash) == ("cancelled", False)
    assert not Instance.objects.filter(project__isnull=False).exists()
    assert not Job.objects.filter(kind="build", in_trash=False).exists()
    assert any(place.startswith("uploads/") for place in _left(data_folder))
    assert site.client.delete(f"/api/trash/{moved[0]}").status_code == 204
    assert _left(data_folder) == []
    assert Upload.objects.exists()


def test_moves_to_the_trash_and_uploads_do_not_wait_for_each_other_for_ever(
    site: Any, tmp_path: Path, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes first, what is of a study in the trash is of no project, and the rest is."""
    monkeypatch.setattr(take_in, "BATCH", 1)
    paths = synthetic_series(tmp_path / "s", slices=4).paths
    failed: list[BaseException] = []

    def taken_in(job: int) -> None:
        try:
            attempts.attempt_job(job)
        except BaseException as error:
            failed.append(error)
        finally:
            connections.close_all()

    for _ in range(4):
        site.upload(paths, run=False)
        thread = threading.Thread(target=taken_in, args=(Job.objects.filter(kind="ingest").latest("pk").pk,))
        thread.start()
        while thread.is_alive():
            trash.move_to_trash(Study.objects.filter(trashed=None).values_list("pk", flat=True), None)
        thread.join()
        do_jobs()
    assert failed == []
    assert Study.objects.exclude(trashed=None).exists()
    for rows, study in ((Series.objects, "study"), (Instance.objects, "series__study")):
        live = {f"{study}__trashed": None}
        assert not rows.filter(**live, project=None).exists()
        assert not rows.exclude(**live).exclude(project=None).exists()
    assert not Job.objects.filter(kind="ingest", state__in=["queued", "running", "failed"]).exists()


def test_a_step_whose_study_is_deleted_meanwhile_publishes_nothing(
    site: Any, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (series,) = site.upload(paths)["series"]
    kind = job_kinds.find("step")
    assert kind is not None

    def slow(this: Any) -> Any:
        result = kind.work(this)
        trash.move_to_trash([Series.objects.get(pk=series).study_id], None)
        return result

    monkeypatch.setitem(job_kinds._kinds, "step", job_kinds.Kind(**{**_fields(kind), "work": slow}))
    asked = {"job_name": "all_of_it", "series": series, "params": {"level": 0.5}}
    job = _ask(site.client, "POST", "/jobs", 202, asked)["id"]
    attempts.attempt_job(job)
    row = Job.objects.get(pk=job)
    assert (row.state, row.in_trash) == ("cancelled", True)
    assert Series.objects.count() == 1
    assert not Series.objects.filter(project__isnull=False).exists()


def _fields(kind: Any) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in kind.__dataclass_fields__}


def test_only_owners_delete_and_see_what_is_in_the_trash(user: User) -> None:
    ours, theirs = project_row("ours"), project_row("theirs")
    study, other = study_rows(ours).pk, study_rows(theirs).pk
    owner, stranger = _member("owner", ours=Role.OWNER), _member("stranger", theirs=Role.OWNER)
    uploader = _member("uploader", ours=Role.UPLOADER)
    _ask(uploader, "DELETE", f"/studies/{study}", 403)
    _ask(stranger, "DELETE", f"/studies/{study}", 404)
    _ask(owner, "POST", "/studies/delete", 404, {"studies": [study, other]})
    _ask(uploader, "POST", "/studies/delete", 403, {"studies": [study]})
    for wrong in ([], [0], [study] * 1001, "all"):
        _ask(owner, "POST", "/studies/delete", 422, {"studies": wrong})
    assert not Study.objects.exclude(trashed=None).exists()
    _ask(owner, "POST", "/studies/delete", 204, {"studies": [study, study]})
    _ask(owner, "POST", "/studies/delete", 404, {"studies": [study]})
    assert _ask(owner, "GET", "/trash", 200)["items"][0]["deleted_by"] == "owner"
    assert _ask(stranger, "GET", "/trash", 200)["items"] == []
    _ask(uploader, "GET", "/trash", 403)
    for method, path in (("POST", f"/trash/{study}/restore"), ("DELETE", f"/trash/{study}")):
        _ask(uploader, method, path, 403)
        _ask(stranger, method, path, 404)
    for method in ("GET", "DELETE"):
        _ask(uploader, method, f"/trash?project={ours.pk}", 403)
        _ask(stranger, method, f"/trash?project={ours.pk}", 404)
    _ask(owner, "DELETE", "/trash", 422)
    assert Study.objects.count() == 2
    assert _ask(owner, "DELETE", f"/trash?project={ours.pk}", 200) == {"studies": 1}
    assert [row.pk for row in Study.objects.all()] == [other]


def test_the_trash_is_listed_in_pages(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, other = project_row("ours"), project_row("other")
    keys = [study_rows(ours, f"1.{number}").pk for number in range(2, 7)]
    elsewhere = study_rows(other).pk
    trash.move_to_trash(keys[:3], None)  # at one moment
    trash.move_to_trash(keys[3:], None)
    trash.move_to_trash([elsewhere], None)
    found: list[int] = []
    after = ""
    while after is not None:
        page = site.get("/trash", limit=2, project=ours.pk, after=after)
        assert (page["count"], page["more_than"]) == (5, False)
        found += [row["id"] for row in page["items"]]
        after = page["next"]
    assert found == [keys[4], keys[3], *reversed(keys[:3])]
    assert site.get("/trash", limit=1)["items"][0]["id"] == elsewhere
    monkeypatch.setattr("voxelry.server.access.bounded_lists.MOST_COUNTED", 3)
    page = site.get("/trash")
    assert (page["count"], page["more_than"]) == (3, True)
    for wrong in ("x", "MjAyNg==", "%00", "MjAyNi0wMS0wMSAx"):
        site.get(f"/trash?after={wrong}", 422)


def test_a_page_of_the_trash_takes_few_statements(site: Any, django_assert_max_num_queries: Any) -> None:
    ours = project_row("ours")
    trash.move_to_trash([study_rows(ours, f"1.{number}").pk for number in range(2, 32)], None)
    with django_assert_max_num_queries(10):
        assert len(site.get("/trash")["items"]) == 30


def test_a_series_deleted_in_the_admin_comes_back(site: Any, tmp_path: Path) -> None:
    (series,) = site.upload(synthetic_series(tmp_path / "a", slices=2).paths)["series"]
    study = _study_of(site, series)
    answer = site.client.post(f"/admin/archive/series/{series}/delete/", {"post": "yes"})
    assert answer.status_code == 302
    site.get(f"/series/{series}", 404)
    assert site.get(f"/studies/{study}")["series"] == []
    (row,) = site.get("/trash")["items"]
    assert _ask(site.client, "POST", f"/trash/{row['id']}/restore", 200)["id"] == study
    assert site.get(f"/series/{series}")["volume_count"] == 1
    assert Study.objects.count() == 1


def test_a_copy_by_rest(site: Any, paths: list[Path], do_jobs: Callable[[], None]) -> None:
    (series,) = site.upload(paths)["series"]
    study = _study_of(site, series)
    default, theirs = Project.objects.get(name="default"), project_row("theirs")
    answer = _ask(site.client, "POST", f"/studies/{study}/copy", 201, {"project": theirs.pk})
    assert answer["counts"] == {"copied": 3, "present": 0, "conflicts": 0}
    do_jobs()
    copy = site.get(f"/studies/{answer['study']['id']}")
    assert (copy["project_id"], copy["patient"]["name"], copy["instance_count"]) == (theirs.pk, PATIENT, 3)
    own = site.get(f"/studies/{study}")
    assert copy["patient"]["id"] != own["patient"]["id"]
    first, second = own["series"][0]["id"], copy["series"][0]["id"]
    for rest in ("slices/1.png", "slices/1.raw", "thumbnail.png", "histogram"):
        assert _content(site, f"/api/series/{first}/{rest}") == _content(site, f"/api/series/{second}/{rest}")
    again = _ask(site.client, "POST", f"/studies/{study}/copy", 200, {"project": theirs.pk})
    assert again["counts"] == {"copied": 0, "present": 3, "conflicts": 0}
    owner = _member("owner", default=Role.OWNER, theirs=Role.UPLOADER)
    _ask(owner, "POST", f"/studies/{study}/copy", 403, {"project": theirs.pk})
    _ask(owner, "POST", f"/studies/{study}/copy", 404, {"project": project_row("unseen").pk})
    taker = _member("taker", default=Role.UPLOADER, theirs=Role.OWNER)
    _ask(taker, "POST", f"/studies/{study}/copy", 403, {"project": theirs.pk})
    _ask(_member("out", theirs=Role.OWNER), "POST", f"/studies/{study}/copy", 404, {"project": theirs.pk})
    site.client.delete(f"/api/studies/{study}")
    _ask(site.client, "POST", f"/studies/{study}/copy", 404, {"project": theirs.pk})
    assert default.pk != theirs.pk
    assert site.get(f"/studies/{copy['id']}") == copy


def test_a_copy_reports_what_differs(site: Any, tmp_path: Path) -> None:
    report = site.upload([write(synthetic_instance(), tmp_path / "a.dcm")])
    study = _study_of(site, report["series"][0])
    theirs = project_row("theirs")
    _ask(site.client, "POST", f"/studies/{study}/copy", 201, {"project": theirs.pk})
    row = Instance.objects.get(project=theirs)
    Instance.objects.filter(pk=row.pk).update(sha256="0" * 64)
    again = _ask(site.client, "POST", f"/studies/{study}/copy", 200, {"project": theirs.pk})
    assert again["counts"] == {"copied": 0, "present": 0, "conflicts": 1}
    assert again["conflicting"] == [row.sop_instance_uid]
    Study.objects.filter(project=theirs).update(study_instance_uid="9.9")
    refused = _ask(site.client, "POST", f"/studies/{study}/copy", 409, {"project": theirs.pk})
    assert refused["code"] == "copy_conflict"
