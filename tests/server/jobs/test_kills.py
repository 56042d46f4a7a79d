"""Whatever is killed in the middle: every job ends once, with the right bytes, and none is lost."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from tests.server.jobs.conftest import Parts, databases, gone, kill, kill_group
from tests.servers.running import Server, create_database, free_port, wait_until

# What is killed leaves no account of its lines: counting them would only take time.
pytestmark = pytest.mark.no_cover

MOMENTS = random.Random(5)  # so that a failure can be repeated, as far as the machine repeats itself


def _done(line: str) -> int:
    return int(line.split()[1]) if line.startswith("done") else -1


def test_kill_9_of_the_worker_at_random_moments_of_fifty_jobs(site_parts: Parts) -> None:
    worker = site_parts.work()
    moments = sorted(MOMENTS.sample(range(1, 45), 5))
    with site_parts.driven("many", "50", "1") as said:
        for line in said:
            if moments and _done(line) >= moments[0]:
                moments = [moment for moment in moments if moment > _done(line)]
                time.sleep(MOMENTS.uniform(0, 0.1))  # no waiting for anything: the moment is to be any
                kill(worker)
                worker = site_parts.work()
    assert not moments


def test_kill_9_of_the_whole_server(site_parts: Parts) -> None:
    site_parts.settings["VOXELRY_PORT"] = str(free_port())
    serve = ("-c", "from voxelry.server.site.serve import serve; serve()")
    server = site_parts.start(*serve)
    moments = [5, 15]
    try:
        with site_parts.driven("many", "25", "2") as said:
            for line in said:
                if moments and _done(line) >= moments[0]:
                    moments = [moment for moment in moments if moment > _done(line)]
                    kill_group(server)
                    server = site_parts.start(*serve)
        assert not moments
    finally:
        server.terminate()
        server.wait(120)


def test_two_workers_do_each_job_once(site_parts: Parts) -> None:
    for _ in range(2):
        site_parts.work()
    with site_parts.driven("many", "40", "3") as said:
        attempts = [line for line in said if line.startswith("attempts")]
    assert attempts == ["attempts {1: 40}"]


def test_a_thousand_small_jobs_none_lost_and_none_doubled(site_parts: Parts) -> None:
    for _ in range(2):
        site_parts.work()
    with site_parts.driven("batch", "1000") as said:
        attempts = [line for line in said if line.startswith("attempts")]
    assert attempts == ["attempts {1: 1000}"]


def test_the_broker_and_the_database_start_again(site_parts: Parts, request: pytest.FixtureRequest) -> None:
    if site_parts.broker is None or site_parts.database is None:
        return  # the default site has neither
    worker = site_parts.work()
    moments = [(3, site_parts.broker), (15, site_parts.database)]
    with site_parts.driven("many", "40", "4") as said:
        for line in said:
            if moments and _done(line) >= moments[0][0]:
                server = moments.pop(0)[1]
                server.crash()
                server.start(wait=False)
    assert not moments
    assert worker.poll() is None, site_parts.log
    for server in (site_parts.broker, site_parts.database):
        wait_until(server.answers, "the server that was crashed", 120)
    # And by messages again, for a worker that lived through all of it.
    with site_parts.driven("many", "6", "5"):
        pass
    assert worker.poll() is None, site_parts.log


def test_what_a_killed_worker_had_started_dies_with_it(tmp_path: Path) -> None:
    site = Parts(tmp_path, {}).migrate()
    try:
        worker = site.work()
        with site.driven("hold") as said:
            pids = next(line for line in said if line.startswith("pids")).split()[1:]
        assert len(pids) == 2
        kill(worker)
        for pid in pids:
            gone(int(pid), 120)
    finally:
        site.end()


@pytest.mark.servers
def test_postgresql_alone_is_enough_and_no_bell_is_needed(tmp_path: Path, database_server: tuple[Path, Server]) -> None:
    binaries, database = database_server
    name = f"jobs_{next(databases)}"
    create_database(binaries, database.port, name, check=True)
    url = f"postgresql://voxelry@127.0.0.1:{database.port}/{name}"
    site = Parts(tmp_path, {"VOXELRY_DATABASE_URL": url}).migrate()
    bells = tmp_path / "data" / "bells"
    try:
        for count in (1, 2):
            site.work()
            wait_until(lambda: bells.is_dir() and len(list(bells.iterdir())) == count, "a worker's bell")  # noqa: B023
        shutil.rmtree(bells)  # as on machines that share the database only
        with site.driven("many", "20", "6") as said:
            attempts = [line for line in said if line.startswith("attempts")]
        assert attempts == ["attempts {1: 20}"]
    finally:
        site.end()
