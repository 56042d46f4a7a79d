"""Files at rest in a bucket: the data folder may be emptied at any time, and be another one on each machine."""

from __future__ import annotations

import io
import json
import logging
import shutil
import socket
import threading
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer
from pytest_django import Settings

import voxelry
from voxelry.core.planes import plane
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Project
from voxelry.server.archive import cleanup
from voxelry.server.archive.at_rest import files_at_rest, holdings, integrity, object_store
from voxelry.server.archive.intake import incoming
from voxelry.server.archive.models import Instance, Series, Stack, Study, Upload
from voxelry.server.archive.shown import stack_files
from voxelry.server.environment.configuration import Configuration, ConfigurationError
from voxelry.server.jobs import attempts, isolated, job_run, leases
from voxelry.server.jobs.failures import Away
from voxelry.server.jobs.models import Job, State
from voxelry.server.processing.models import Process, ResultFile
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a-secret-of-this-test"
SLICES = 4


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A server that speaks as S3 does."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Bucket:
    """The bucket as its owner sees it."""

    def __init__(self, endpoint: str) -> None:
        self.name = f"b{uuid.uuid4().hex}"
        self.client = boto3.client("s3", endpoint_url=endpoint)
        self.client.create_bucket(Bucket=self.name)

    def held(self) -> set[str]:
        """All but whose they are."""
        found = {one["Key"] for one in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())}
        return {key for key in found if key.rpartition("/")[2] != object_store.OWNER}


@pytest.fixture(autouse=True)
def bucket(endpoint: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The site's, with nothing in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-name")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(object_store, "TRIES", 1)
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    made = Bucket(endpoint)
    told = {"VOXELRY_STORAGE_URL": f"s3://{made.name}/a/site", "VOXELRY_STORAGE_ENDPOINT": endpoint}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings.VOXELRY = settings.VOXELRY.replace(
        storage_url=told["VOXELRY_STORAGE_URL"], storage_endpoint=endpoint, storage_cache_bytes=0
    )
    return made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "source", slices=SLICES)
    return tmp_path / "source"


@pytest.fixture
def elsewhere(settings: Settings, tmp_path: Path) -> Callable[[], Path]:
    """Go on with a data folder in which there is nothing."""

    def go() -> Path:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        settings.VOXELRY = settings.VOXELRY.replace(data=folder)
        return folder

    return go


def jobs_elsewhere(elsewhere: Callable[[], Path]) -> None:
    """Do each job that waits on a machine of its own."""
    while (job := Job.objects.filter(state=State.QUEUED).order_by("pk").first()) is not None:
        elsewhere()
        assert attempts.attempt_job(job.pk)


def uploaded(site: Any, source: Path, elsewhere: Callable[[], Path]) -> int:
    """The key of a series that was sent, taken in and built on three machines."""
    sent = site.upload(sorted(source.iterdir()), run=False)
    jobs_elsewhere(elsewhere)
    (key,) = site.get(f"/uploads/{sent['id']}")["series"]
    return int(key)


def asked(site: Any, elsewhere: Callable[[], Path], **body: Any) -> Any:
    response = site.client.post("/api/jobs", json.dumps(body), content_type="application/json")
    assert response.status_code == 202, response.content
    jobs_elsewhere(elsewhere)
    job = site.get(f"/jobs/{response.json()['id']}")
    assert job["state"] == "succeeded", job
    return job


def shown(site: Any, series: int) -> Any:
    response = site.client.get(f"/api/series/{series}/slices/1.raw")
    assert response.status_code == 200, response.content
    return np.frombuffer(response.content, response.headers["X-Voxelry-Dtype"])


def test_all_of_it_on_machines_that_share_nothing_else(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket, settings: Settings
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(across_bytes=0)
    series = uploaded(site, source, elsewhere)
    volume = voxelry.load_volume(source)
    elsewhere()
    np.testing.assert_array_equal(shown(site, series), plane(volume, 1).ravel())
    there = elsewhere()
    sagittal = site.client.get(f"/api/series/{series}/slices/1.raw?axis=sagittal")
    assert sagittal.content == np.ascontiguousarray(plane(volume, 1, axis="sagittal")).tobytes()
    assert list(there.glob("stacks/*/*/0/across.npy"))
    elsewhere()
    assert site.get(f"/series/{series}/histogram")["values"]
    for name in ("thumbnail.png", "slices/0.png"):
        elsewhere()
        assert site.client.get(f"/api/series/{series}/{name}").content.startswith(b"\x89PNG")
    elsewhere()
    blurred = asked(site, elsewhere, job_name="gaussian", series=series, params={"sigma": 2})
    (output,) = blurred["result"]["series"]
    elsewhere()
    assert shown(site, output["id"]).size == plane(volume, 1).size
    surface = asked(site, elsewhere, job_name="surface", series=series, params={"format": "stl"})
    (file,) = surface["result"]["files"]
    elsewhere()
    content = b"".join(site.client.get(file["address"]).streaming_content)
    assert len(content) == file["size"]
    elsewhere()
    study = Study.objects.get()
    zipped = b"".join(site.client.get(f"/api/studies/{study.pk}/archive.zip").streaming_content)
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        found = {archive.read(name) for name in archive.namelist()}
    assert {path.read_bytes() for path in source.iterdir()} <= found
    assert all(key.startswith("a/site/") for key in bucket.held())
    assert {key.split("/")[2] for key in bucket.held()} == {"files", "stacks"}  # what waited is taken in
    elsewhere()
    site.delete_for_good(study.pk)
    assert bucket.held() == set()


def test_dicomweb_fetches_what_it_sends(site: Any, source: Path, elsewhere: Callable[[], Path]) -> None:
    uploaded(site, source, elsewhere)
    row = Instance.objects.select_related("series__study").order_by("number")[0]
    study = f"/dicomweb/studies/{row.series.study.study_instance_uid}"
    series = f"{study}/series/{row.series.series_instance_uid}"
    path, body = min(source.iterdir()), b""
    for address, sent in (
        (f"{series}/instances/{row.sop_instance_uid}/frames/1", voxelry.load_volume(source).array[0].size * 2),
        (f"{series}/metadata", 2),
        (study, SLICES * path.stat().st_size),
    ):
        elsewhere()
        response = site.client.get(address)
        assert response.status_code == 200, response.content
        body = b"".join(response.streaming_content) if response.streaming else response.content
        assert len(body) > sent
    assert path.read_bytes() in body


def test_a_step_in_a_child_process_uses_the_bucket(
    site: Any, source: Path, elsewhere: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    series = uploaded(site, source, elsewhere)
    monkeypatch.setattr(isolated, "IN_PROCESS", False)
    isolated.tidy(0)  # those of other tests know no bucket
    try:
        (output,) = asked(site, elsewhere, job_name="gaussian", series=series, params={"sigma": 2})["result"]["series"]
    finally:
        isolated.tidy(0)
    elsewhere()
    assert shown(site, output["id"]).any()


def test_the_same_bytes_are_sent_once(site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket) -> None:
    uploaded(site, source, elsewhere)
    before = bucket.held()
    elsewhere()
    site.upload(sorted(source.iterdir()))
    assert Upload.objects.latest("pk").present == SLICES
    assert bucket.held() == before


def test_what_others_cached_goes_with_its_rows(
    site: Any, source: Path, elsewhere: Callable[[], Path], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = uploaded(site, source, elsewhere)
    worker = settings.VOXELRY
    shown(site, series)
    files_at_rest.open_kept(Instance.objects.all()[0].sha256).close()
    elsewhere()
    site.delete_for_good(Study.objects.get().pk)
    settings.VOXELRY = worker
    assert _files(worker.data)
    monkeypatch.setattr(cleanup, "FORGOTTEN_SECONDS", -60)
    cleanup.remove_forgotten()
    assert not _files(worker.data)


def test_a_build_killed_before_its_row_leaves_nothing(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = site.upload(sorted(source.iterdir()), run=False)
    assert attempts.attempt_job(Job.objects.get(kind="ingest").pk)
    with monkeypatch.context() as patch:
        patch.setattr(job_run.Run, "publishing", _killed)
        with pytest.raises(_Killed):
            attempts.attempt_job(Job.objects.get(kind="build").pk)
    left = {key for key in bucket.held() if "/stacks/" in key}
    assert left
    assert not Stack.objects.exists()
    monkeypatch.setattr(cleanup, "FORGOTTEN_SECONDS", -60)
    elsewhere()
    cleanup.remove_forgotten()
    assert not any("/stacks/" in key for key in bucket.held())
    Job.objects.filter(kind="build").update(state=State.QUEUED, owner="", lease_until=None)
    jobs_elsewhere(elsewhere)
    elsewhere()
    shown(site, site.get(f"/uploads/{sent['id']}")["series"][0])
    cleanup.remove_forgotten()  # what has rows stays
    elsewhere()
    shown(site, site.get(f"/uploads/{sent['id']}")["series"][0])


def test_another_database_removes_nothing(
    site: Any,
    source: Path,
    elsewhere: Callable[[], Path],
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An empty one, started on the same prefix by mistake, knows no row of all that is there."""
    monkeypatch.setattr(cleanup, "FORGOTTEN_SECONDS", -60)
    cleanup.remove_forgotten()  # the first that tidies up has the prefix
    uploaded(site, source, elsewhere)
    held = bucket.held()
    Study.objects.all().delete()
    monkeypatch.setattr(cleanup, "_database", lambda: "another")
    cleanup.remove_forgotten()
    assert held
    assert bucket.held() == held
    assert "another database" in caplog.text


def test_only_what_a_killed_request_left_is_tidied(
    source: Path, tmp_path: Path, bucket: Bucket, user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = min(source.iterdir())
    with first.open("rb") as stream:
        sha256, size = integrity.sha256_and_size(stream)
    shutil.copy(first, aside := files_at_rest.temporary_folder() / "aside")
    files_at_rest.keep_all([files_at_rest.Aside(aside, sha256, size)])
    upload = Upload.objects.create(project=Project.objects.get(), user=user, names=["one"])
    folder = files_at_rest.upload_folder(upload.pk)
    folder.mkdir(parents=True)
    (folder / "000000").write_bytes(b"one")
    files_at_rest.hand_over(folder)
    needed, unneeded = (tmp_path / "needed", tmp_path / "unneeded")
    process = Process.objects.create(project=Project.objects.get(), job_name="gaussian", step="gaussian")
    row = ResultFile.objects.create(process=process, name="a", sha256="a" * 64, size=1)
    for path in (needed, unneeded):
        path.write_bytes(b"1")
    files_at_rest.send_ahead({row.stored_name: needed, f"results/{process.pk}/{'b' * 64}": unneeded})
    assert len(bucket.held()) == 4
    cleanup.remove_forgotten()
    assert len(bucket.held()) == 4  # somebody may be working on it
    monkeypatch.setattr(cleanup, "FORGOTTEN_SECONDS", -60)
    cleanup.remove_forgotten()
    # What has no row may be what a database that was brought back does not know: `check` tells of it.
    assert len(bucket.held()) == 3
    assert not any("/uploads/" in key for key in bucket.held())
    assert not Upload.objects.exists()


class _Killed(BaseException):
    pass


def _killed(_: job_run.Run) -> Any:
    raise _Killed


def test_a_bucket_that_is_away_is_told_and_jobs_wait(
    site: Any, source: Path, elsewhere: Callable[[], Path], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    series = uploaded(site, source, elsewhere)
    there = settings.VOXELRY
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings.VOXELRY = there.replace(storage_endpoint=nowhere)
    elsewhere()
    for response in (
        site.client.get(f"/api/series/{series}/slices/0.raw"),
        site.client.post("/api/uploads", {"files": [SimpleUploadedFile("one.dcm", b"1")]}),
    ):
        assert response.status_code == 503
        assert response.json()["code"] == Away.code
        assert "cannot be reached" in response.json()["detail"]
    assert Upload.objects.count() == 1  # what could not be sent has no row
    body = {"job_name": "gaussian", "series": series, "params": {"sigma": 2}}
    key = site.client.post("/api/jobs", json.dumps(body), content_type="application/json").json()["id"]
    assert attempts.attempt_job(key)
    job = Job.objects.get(pk=key)
    assert (job.state, job.attempts) == (State.QUEUED, 1)
    assert "cannot be reached" in job.log[-1][1]
    settings.VOXELRY = there.replace(storage_endpoint=nowhere, attempts=2)
    assert attempts.attempt_job(key)
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (State.FAILED, Away.code)
    settings.VOXELRY = there
    site.client.post(f"/api/jobs/{key}/retry")
    jobs_elsewhere(elsewhere)
    job.refresh_from_db()
    assert job.state == State.SUCCEEDED
    assert SECRET not in caplog.text


def test_away_in_the_middle_of_a_build_is_no_fault_of_the_files(
    site: Any, source: Path, elsewhere: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    site.upload(sorted(source.iterdir()), run=False)
    assert attempts.attempt_job(Job.objects.get(kind="ingest").pk)
    build = Job.objects.get(kind="build")
    with monkeypatch.context() as patch:
        patch.setattr(files_at_rest, "bring", lambda digests: None)
        patch.setattr(object_store.Bucket, "fetch", _away)
        elsewhere()
        assert attempts.attempt_job(build.pk)
    build.refresh_from_db()
    assert build.state == State.QUEUED
    jobs_elsewhere(elsewhere)
    assert Series.objects.get().problem_code == ""


def _away(*_: Any) -> None:
    raise object_store._away("gone")


def test_what_cannot_be_removed_now_is_removed_later(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded(site, source, elsewhere)
    with monkeypatch.context() as patch:
        patch.setattr(object_store.Bucket, "remove", _away)
        patch.setattr(object_store.Bucket, "remove_folder", lambda *_, **__: _away())
        site.delete_for_good(Study.objects.get().pk)
    assert bucket.held()
    monkeypatch.setattr(cleanup, "FORGOTTEN_SECONDS", -60)
    cleanup.remove_forgotten()
    assert bucket.held() == set()


def test_a_missing_bucket_and_a_refused_one_are_told(tmp_path: Path, settings: Settings) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1")
    place = settings.VOXELRY.data / "files" / "one"
    object_store.bucket().put(file, place)  # type: ignore[union-attr]
    with pytest.raises(Away, match=r"access to the bucket .* is denied"):
        set_initial_no_auth_action_count(0)(object_store.bucket().put)(file, place)  # type: ignore[union-attr]
    settings.VOXELRY = settings.VOXELRY.replace(storage_url="s3://there-is-none")
    with pytest.raises(Away, match="there is no bucket 'there-is-none'"):
        object_store.bucket().put(file, place)  # type: ignore[union-attr]


def test_bytes_that_are_not_those_that_were_sent_are_refused(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket
) -> None:
    uploaded(site, source, elsewhere)
    sha256 = Instance.objects.all()[0].sha256
    key = f"a/site/files/{holdings.stored_name(sha256)}"
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"something else")
    data = elsewhere()
    with pytest.raises(OSError, match="other bytes"):
        files_at_rest.open_kept(sha256)
    assert not _files(data)


def test_the_cache_is_bounded_and_what_is_open_stays_readable(
    site: Any,
    source: Path,
    elsewhere: Callable[[], Path],
    bucket: Bucket,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    series = uploaded(site, source, elsewhere)
    data = elsewhere()
    volume = stack_files.open_volume(Stack.objects.select_related("series").get(series=series))
    digests = list(Instance.objects.values_list("sha256", flat=True))
    size = Instance.objects.all()[0].size
    limit = 2 * size + size // 2
    settings.VOXELRY = settings.VOXELRY.replace(storage_cache_bytes=limit)
    files_at_rest.bring(digests)
    assert _bytes(data) > limit  # all of it was in use just now
    mine = data / "files" / "instances" / "mine"
    mine.write_bytes(b"not in the bucket")
    monkeypatch.setattr(object_store, "GRACE_SECONDS", -1)
    object_store._bucket.cache_clear()  # another process
    keys = bucket.held()
    for sha256 in [*digests, digests[0]]:
        with files_at_rest.open_kept(sha256) as file:
            assert file.read(size)
    object_store.bucket().shrink(limit)  # type: ignore[union-attr]
    assert _bytes(data) <= limit
    assert (data / "files" / holdings.stored_name(digests[0])).exists()  # used last
    assert not (data / "files" / holdings.stored_name(digests[1])).exists()
    assert mine.exists()
    assert bucket.held() == keys
    np.testing.assert_array_equal(volume.array, voxelry.load_volume(source).array)
    monkeypatch.setattr(object_store, "GRACE_SECONDS", 60)
    shown(site, series)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "temp" not in path.relative_to(folder).parts]


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def test_folder_fetched_by_two_at_once_is_one(site: Any, source: Path, elsewhere: Callable[[], Path]) -> None:
    series = uploaded(site, source, elsewhere)
    elsewhere()
    stack = Stack.objects.select_related("series").get(series=series)
    folder = files_at_rest.stacks_folder(series) / stack.series.folder / "0"
    bucket = object_store.bucket()
    assert bucket is not None
    taken, turn = bucket._download, threading.Lock()

    def slower(key: str, target: Path, path: Path) -> int:
        with turn:
            if not folder.exists():
                shutil.copytree(source, folder)  # another process has it meanwhile
        return taken(key, target, path)

    bucket._download = slower  # type: ignore[method-assign]
    bucket.fetch_folder(folder)
    assert {path.name for path in folder.iterdir()} == {path.name for path in source.iterdir()}


@pytest.mark.parametrize(
    "told",
    [
        {"storage_url": "/a/folder"},
        {"storage_url": "s3://"},
        {"storage_endpoint": "minio:9000"},
        {"storage_endpoint": f"https://user:{SECRET}@minio"},
        {"storage_cache_bytes": -1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_their_secrets(told: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Configuration(**told)
    assert SECRET not in str(caught.value)


def test_rows_and_the_bucket_are_compared_and_nothing_is_lost_by_a_repair(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket
) -> None:
    """As a database that was brought back finds it: what it does not know is taken in again or put away."""
    from voxelry.server.archive.check import check
    from voxelry.server.archive.repair import repair

    uploaded(site, source, elsewhere)
    elsewhere()
    first, second, third, _ = Instance.objects.order_by("pk")
    keys = [f"a/site/files/{holdings.stored_name(one.sha256)}" for one in (first, second, third)]
    contents = {key: bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in keys}
    bucket.client.delete_object(Bucket=bucket.name, Key=keys[0])
    bucket.client.put_object(Bucket=bucket.name, Key=keys[1], Body=contents[keys[1]][:-1] + b"x")
    Instance.objects.filter(pk=third.pk).delete()
    stray = f"a/site/files/results/9/{'c' * 64}"
    bucket.client.put_object(Bucket=bucket.name, Key=stray, Body=b"a result")
    found = check()
    assert [f"a/site/{place}" for place in (*found.missing, *found.damaged)] == keys[:2]
    assert [f"a/site/{place}" for place in found.orphaned] == sorted([keys[2], stray])
    done = repair(found)
    assert (len(done.taken_in), done.put_away) == (1, [f"lost+found/files/results/9/{'c' * 64}"])
    assert f"a/site/{done.put_away[0]}" in bucket.held()
    assert stray not in bucket.held()
    study = Study.objects.get()
    assert site.client.get(f"/api/studies/{study.pk}/archive.zip").status_code == 409
    # Sent again, what is gone or damaged is whole.
    elsewhere()
    site.upload(sorted(source.iterdir()), run=False)
    jobs_elsewhere(elsewhere)
    assert check().fine
    assert site.client.get(f"/api/studies/{study.pk}/archive.zip").status_code == 200
    assert all(bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read() == contents[key] for key in keys)


def test_an_upload_of_a_key_that_the_bucket_has_already_replaces_nothing(
    site: Any, source: Path, elsewhere: Callable[[], Path], bucket: Bucket
) -> None:
    first = site.upload(sorted(source.iterdir()), run=False)["id"]
    waiting = {key for key in bucket.held() if "/uploads/" in key}
    for key in list(waiting):
        bucket.client.copy(
            {"Bucket": bucket.name, "Key": key},
            bucket.name,
            key.replace(f"/uploads/{first}/", f"/uploads/{first + 1}/"),
        )
    elsewhere()
    assert site.upload(sorted(source.iterdir())[:1], run=False)["id"] == first + 1
    assert len({key for key in bucket.held() if f"/lost+found/uploads/{first + 1}/" in key}) == SLICES


def test_files_that_a_killed_sender_brought_are_ingested_elsewhere(
    source: Path, bucket: Bucket, user: Any, elsewhere: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    growing = incoming.GrowingUpload(who=as_site(), project=Project.objects.get().pk)
    for number, path in enumerate(sorted(source.iterdir())):
        with incoming.ArrivingFile(path.name) as file:
            file.write(path.read_bytes())
            upload, _ = growing.add(file.complete())
        assert f"a/site/uploads/{upload.pk}/{number:06d}" in bucket.held()
    leases.lease_renewer._leased.clear()  # the process is gone
    Job.objects.update(state=State.QUEUED, owner="", lease_until=None)  # as `sweep` does
    jobs_elsewhere(elsewhere)
    assert Instance.objects.count() == SLICES
    assert Series.objects.get().problem_code == ""
    assert not any("/uploads/" in key for key in bucket.held())
