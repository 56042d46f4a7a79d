"""``kill -9`` of listener and worker while nodes store: what was acknowledged is there once, byte for byte."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from django.db import connections

from tests.dimse.conftest import ALL_RIGHTS, NODE, TITLE, WAITS, run_jobs
from tests.dimse.sent_files import SentFile, kept_data_sets, sent_file, stored
from voxelry.network.associating import associate
from voxelry.network.failures import NetworkError
from voxelry.network.peer_address import PeerAddress
from voxelry.server.archive.models import Entry, Instance
from voxelry.server.dimse.listener import Listener, open_door
from voxelry.server.jobs import sweep
from voxelry.server.jobs.models import Job, State
from voxelry.server.nodes.models import Node
from voxelry.testing import synthetic_series

# What is killed leaves no account of its lines: counting them would only take time.
pytestmark = pytest.mark.no_cover

COUNT = 40
GUARD_SECONDS = 240.0


class Parts(Protocol):
    """A listener and a worker that can be killed."""

    def kill(self, which: str) -> None:
        """End one at once."""

    def revive(self) -> None:
        """Start what is dead again."""


def store_all(files: Sequence[SentFile], door: socket.socket, parts: Parts, seed: int) -> None:
    """Store each file until it is acknowledged, while parts are killed at random moments."""
    chance = random.Random(seed)  # so that a failure can be repeated, as far as the machine repeats itself
    moments = dict(zip(chance.sample(range(1, len(files)), 5), ("listener", "worker") * 3, strict=False))
    peer = PeerAddress(TITLE, "127.0.0.1", door.getsockname()[1])
    deadline = time.monotonic() + GUARD_SECONDS
    association = None
    for number, file in enumerate(files):
        timer = None
        if number in moments:
            # No waiting for anything: the moment is to be any.
            timer = threading.Timer(chance.uniform(0, 0.03), parts.kill, [moments[number]])
            timer.start()
        while True:
            assert time.monotonic() < deadline
            try:
                association = association or associate(peer, [file.proposal], calling=NODE, waits=WAITS)
                assert stored(association, file)[0] == 0
                break
            except NetworkError:
                association = None
                parts.revive()
        if timer is not None:
            timer.join()
        parts.revive()
    if association is not None:
        with suppress(NetworkError):
            association.release()


class Forks:
    """A listener and a worker as forks of this process, at its database."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._children: dict[str, int] = {}
        self._killed: set[str] = set()

    def kill(self, which: str) -> None:
        self._killed.add(which)
        os.kill(self._children[which], signal.SIGKILL)

    def revive(self) -> None:
        for which, work in (("listener", self._listen), ("worker", self._work)):
            if which in self._killed:
                os.waitpid(self._children.pop(which), 0)
                self._killed.discard(which)
            if which not in self._children:
                self._children[which] = _forked(work)

    def end(self) -> None:
        for which, child in self._children.items():
            self.kill(which)
            os.waitpid(child, 0)

    def _listen(self) -> None:
        sweep.take_back_own()
        Listener(self._door).start()
        threading.Event().wait()

    def _work(self) -> None:
        sweep.take_back_own()
        while True:
            run_jobs()
            time.sleep(0.01)


def _forked(work: Callable[[], None]) -> int:
    connections.close_all()
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(int(os.environ.get("VOXELRY_KILL_SEEDS", "3"))))
def test_kill_9_of_listener_and_worker(seed: int, node: Node, tmp_path: Path, data_folder: Path) -> None:
    files = [sent_file(path) for path in synthetic_series(tmp_path / "s", slices=COUNT).paths]
    with open_door("127.0.0.1", 0) as door:
        parts = Forks(door)
        parts.revive()
        try:
            store_all(files, door, parts, seed)
        finally:
            parts.end()
    sweep.take_back_own()
    run_jobs()
    left = Job.objects.exclude(state=State.SUCCEEDED)
    assert not [(job.kind, job.state, job.attempts, job.problem_code, job.problem_message) for job in left]
    assert kept_data_sets() == {file.sop_instance: file.data_set for file in files}
    assert Instance.objects.count() == COUNT
    assert not Entry.objects.filter(status=Entry.Status.SKIPPED).exists()
    assert not list(data_folder.glob("uploads/*"))


MAKE = """
import json, sys
import django
django.setup()
from voxelry.server.access.models import Project
from voxelry.server.nodes.models import Node
Node.objects.create(project=Project.objects.get_or_create(name="default")[0], **json.loads(sys.argv[1]))
"""
SHOW = """
import hashlib, json
import django
django.setup()
from tests.dimse.sent_files import kept_data_sets
from voxelry.server.jobs.models import Job
open_ones = Job.objects.filter(state__in=("queued", "running")).count()
kept = {uid: hashlib.sha256(content).hexdigest() for uid, content in kept_data_sets().items()}
print(json.dumps([open_ones, kept]))
"""


class Programs:
    """A listener and a worker as programs of a site."""

    def __init__(self, door: socket.socket, environment: dict[str, str], log: Path) -> None:
        self._door, self._environment, self._log = door, environment, log
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._killed: set[str] = set()

    def kill(self, which: str) -> None:
        self._killed.add(which)
        self._running[which].kill()

    def revive(self) -> None:
        for which, module, told in (
            ("listener", "voxelry.server.dimse.listener", ["--door", str(self._door.fileno())]),
            ("worker", "voxelry.server.site.worker", []),
        ):
            if which in self._killed:
                self._running.pop(which).wait(GUARD_SECONDS)
                self._killed.discard(which)
            if which not in self._running:
                with self._log.open("ab") as log:
                    self._running[which] = subprocess.Popen(
                        [sys.executable, "-m", module, *told],
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        pass_fds=[self._door.fileno()],
                    )

    def end(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(GUARD_SECONDS)


@pytest.fixture
def environment(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """Of a site on PostgreSQL that knows the node."""
    own = {
        "DJANGO_SETTINGS_MODULE": "voxelry.server.settings",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "VOXELRY_DATA": str(tmp_path / "site"),
        "VOXELRY_DATABASE_URL": postgres_url,
    }
    told = {**os.environ, **own}
    subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=told, check=True)
    fields = {"name": "modality", "ae_title": NODE, "calls_from": "127.0.0.1", **ALL_RIGHTS}
    subprocess.run([sys.executable, "-c", MAKE, json.dumps(fields)], env=told, check=True)
    return told


def test_kill_9_on_postgresql(environment: dict[str, str], tmp_path: Path) -> None:
    files = [sent_file(path) for path in synthetic_series(tmp_path / "s", slices=COUNT).paths]
    wanted = {file.sop_instance: hashlib.sha256(file.data_set).hexdigest() for file in files}
    with open_door("127.0.0.1", 0) as door:
        parts = Programs(door, environment, tmp_path / "log")
        parts.revive()
        try:
            store_all(files, door, parts, 5)
            deadline = time.monotonic() + GUARD_SECONDS
            while True:
                shown = subprocess.run([sys.executable, "-c", SHOW], env=environment, check=True, capture_output=True)
                open_jobs, kept = json.loads(shown.stdout)
                if not open_jobs:
                    break
                assert time.monotonic() < deadline
        finally:
            parts.end()
    assert kept == wanted
