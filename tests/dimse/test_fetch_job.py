"""Studies are fetched from a node by a job, which goes on where it was killed."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from django.db import connections

from tests.dimse.conftest import DicomSite
from tests.network.archives import PythonArchive, orthanc_archive, python_archive
from tests.servers.running import wait_until
from voxelry.core.errors import ParameterError
from voxelry.network.failures import ConnectionFailedError
from voxelry.server.access.grants import Grants, RoleError, as_site
from voxelry.server.access.models import Project, Role
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Instance, Upload
from voxelry.server.jobs import attempts, job_run, sweep
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import retry
from voxelry.server.nodes.calling import our_title
from voxelry.server.nodes.fetch_request import request_fetch
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.query_node import query
from voxelry.testing.synthetic import SyntheticSeries, synthetic_series

DoJobs = Callable[[], None]


@pytest.fixture
def series(tmp_path: Path) -> SyntheticSeries:
    """A series of 6 slices that another archive has."""
    return synthetic_series(tmp_path / "remote", slices=6, attributes={"PatientName": "Müller^Jörg"})


def node_at(project: Project, archive: PythonArchive, **fields: object) -> Node:
    peer = archive.peer
    values = {"name": "archive", "ae_title": peer.title, "host": peer.host, "port": peer.port, **fields}
    return Node.objects.create(project=project, **values)


def uids_of(series: SyntheticSeries) -> tuple[str, list[str]]:
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in series.paths]
    return str(headers[0].StudyInstanceUID), sorted(str(header.SOPInstanceUID) for header in headers)


def stored_uids() -> list[str]:
    return sorted(Instance.objects.values_list("sop_instance_uid", flat=True))


def done(job: Job, do_jobs: DoJobs) -> Job:
    do_jobs()
    job.refresh_from_db()
    return job


def test_a_study_is_fetched_once(project: Project, series: SyntheticSeries, do_jobs: DoJobs) -> None:
    study, uids = uids_of(series)
    with python_archive(series.paths) as archive:
        node = node_at(project, archive)
        job = done(request_fetch(as_site(), node, studies=[study]), do_jobs)
        assert (job.state, job.message) == (State.SUCCEEDED, "6 fetched, 0 were here")
        assert stored_uids() == uids
        assert {upload.node for upload in Upload.objects.all()} == {"archive"}
        again = done(request_fetch(as_site(), node, studies=[study]), do_jobs)
    assert again.message == "nothing to fetch: all 6 instances are here"
    assert sorted(archive.sent) == uids
    kept = Instance.objects.get(sop_instance_uid=uids[0])
    original = next(path for path in series.paths if pydicom.dcmread(path).SOPInstanceUID == uids[0])
    assert kept.series.study.patient.name == "Müller^Jörg"
    assert kept.sha256 != hashlib.sha256(original.read_bytes()).hexdigest()  # our own file meta information


def test_what_lacks_is_fetched_after_an_abort_and_a_failure_is_retried(
    project: Project, series: SyntheticSeries, do_jobs: DoJobs
) -> None:
    study, uids = uids_of(series)
    with python_archive(series.paths, aborts_after=[2, 0]) as archive:
        node = node_at(project, archive)
        job = done(request_fetch(as_site(), node, studies=[study]), do_jobs)
        assert job.state == State.FAILED
        assert job.problem_code == "aborted"
        assert "2 of 6 instances are here, and another try fetches the others" in job.problem_message
        assert len(stored_uids()) == 2
        retry(job.pk)
        assert done(job, do_jobs).message == "4 fetched, 2 were here"
    assert stored_uids() == uids
    assert sorted(archive.sent) == uids


def test_an_instance_that_the_node_cannot_send_fails_the_job_and_is_named(
    project: Project, series: SyntheticSeries, do_jobs: DoJobs
) -> None:
    study, uids = uids_of(series)
    with python_archive(series.paths, without={uids[3]}) as archive:
        job = done(request_fetch(as_site(), node_at(project, archive), studies=[study]), do_jobs)
    assert (job.state, job.problem_code) == (State.FAILED, "not_all_fetched")
    assert job.problem_message.startswith("1 instance did not come, 5 did and 0 were here: ")
    assert any(uids[3] in line for _, line in job.log)
    assert stored_uids() == sorted(set(uids) - {uids[3]})


def test_one_series_of_a_study(project: Project, series: SyntheticSeries, tmp_path: Path, do_jobs: DoJobs) -> None:
    study, uids = uids_of(series)
    other = synthetic_series(tmp_path / "other", slices=2, seed=5, attributes={"StudyInstanceUID": study})
    chosen = str(pydicom.dcmread(series.paths[0]).SeriesInstanceUID)
    with python_archive([*series.paths, *other.paths]) as archive:
        job = done(request_fetch(as_site(), node_at(project, archive), studies=[study], series=[chosen]), do_jobs)
    assert job.message == "6 fetched, 0 were here"
    assert stored_uids() == uids


def test_a_worker_that_ends_in_the_middle_keeps_what_came(
    project: Project, series: SyntheticSeries, do_jobs: DoJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, uids = uids_of(series)
    with python_archive(series.paths) as archive:
        job = request_fetch(as_site(), node_at(project, archive), studies=[study])

        def stop_after_three(run: job_run.Run, fraction: float, words: str) -> None:
            if words.startswith("3 of"):
                job_run.stopping.set()
            run.check()

        with monkeypatch.context() as patch:
            patch.setattr(job_run.Run, "progress", stop_after_three)
            attempts.attempt_job(job.pk)
        job_run.stopping.clear()
        job.refresh_from_db()
        assert job.state == State.QUEUED
        assert len(stored_uids()) == 3
        assert done(job, do_jobs).message == "3 fetched, 3 were here"
    assert stored_uids() == uids


def test_a_worker_that_is_killed_in_the_middle(
    project: Project, tmp_path: Path, do_jobs: DoJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt dies with a batch stored and another one not; the next attempt fetches the rest, each once."""
    series = synthetic_series(tmp_path / "many", slices=12)
    study, uids = uids_of(series)
    monkeypatch.setattr(take_in, "BATCH", 5)
    with python_archive(series.paths) as archive:
        job = request_fetch(as_site(), node_at(project, archive), studies=[study])
        connections.close_all()
        child = os.fork()
        if child == 0:

            def die(run: job_run.Run, fraction: float, words: str) -> None:
                if words.startswith("8 of"):
                    os.kill(os.getpid(), signal.SIGKILL)

            monkeypatch.setattr(job_run.Run, "progress", die)
            try:
                attempts.attempt_job(job.pk)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        job.refresh_from_db()
        assert job.state == State.RUNNING
        before = stored_uids()
        assert 0 < len(before) < 8
        sweep.take_back_own()
        again = done(job, do_jobs)
        assert again.message == f"{12 - len(before)} fetched, {len(before)} were here"
        assert not set(archive.sent[8:]) & set(before)
    assert stored_uids() == uids


def test_by_move_to_the_listener(site: DicomSite, series: SyntheticSeries, do_jobs: DoJobs) -> None:
    study, uids = uids_of(series)
    with python_archive(series.paths, destinations={our_title(): site.port}) as archive:
        node = node_at(site.project, archive, retrieves_by="move", may_store=True, calls_from="127.0.0.1")
        job = done(request_fetch(as_site(), node, studies=[study]), do_jobs)
        assert (job.state, job.problem_message) == (State.SUCCEEDED, "")
        assert job.message == "6 fetched, 0 were here"

    def all_are_here() -> bool:
        do_jobs()
        return stored_uids() == uids

    wait_until(all_are_here, "the ingest of what the listener received", 60)


def test_a_node_that_does_not_know_us_says_so(project: Project, series: SyntheticSeries, do_jobs: DoJobs) -> None:
    study, _ = uids_of(series)
    with python_archive(series.paths) as archive:
        job = done(request_fetch(as_site(), node_at(project, archive, retrieves_by="move"), studies=[study]), do_jobs)
    assert (job.state, job.problem_code) == (State.FAILED, "failure_status")
    assert "A801" in job.problem_message


def test_from_orthanc(project: Project, series: SyntheticSeries, tmp_path: Path, do_jobs: DoJobs) -> None:
    study, uids = uids_of(series)
    with orthanc_archive(tmp_path / "orthanc", series.paths) as peer:
        node = Node.objects.create(project=project, name="orthanc", ae_title=peer.title, host=peer.host, port=peer.port)
        assert done(request_fetch(as_site(), node, studies=[study]), do_jobs).message == "6 fetched, 0 were here"
    assert stored_uids() == uids


def test_queries_have_text(project: Project, series: SyntheticSeries) -> None:
    study, _ = uids_of(series)
    with python_archive(series.paths) as archive:
        found = query(node_at(project, archive), "STUDY", {"PatientName": "Mü*"})
        assert not query(node_at(project, archive, name="b"), "STUDY", {"PatientName": "Ma*"}).rows
    assert [(row["StudyInstanceUID"], row["PatientName"]) for row in found.rows] == [(study, "Müller^Jörg")]
    assert not found.is_cut


def test_who_may_ask_and_for_what(project: Project, node: Node) -> None:
    viewer = Grants(user=1, roles={project.pk: Role.VIEWER})
    with pytest.raises(ConnectionFailedError, match="it only calls"):
        request_fetch(as_site(), node, studies=["1.2"])
    node.host, node.port = "127.0.0.1", 104
    with pytest.raises(RoleError):
        request_fetch(viewer, node, studies=["1.2"])
    for studies, series in (([], []), (["1..2"], []), (["1.2", "1.3"], ["1.4"])):
        with pytest.raises(ParameterError):
            request_fetch(as_site(), node, studies=studies, series=series)
