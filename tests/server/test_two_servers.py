"""Two server processes of one site: what is ended through one is refused by the other at the next request."""

from __future__ import annotations

import http.client
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.servers.running import free_port

_SEED = """
import json
from voxelry.server.environment import django_setup
django_setup.prepare(); django_setup.set_up()
from voxelry.server.site import first_start
first_start.migrate()
from django.contrib.auth.models import User
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from tests.server.archive_rows import project_row, study_rows
from voxelry.server.access.models import Membership, Role
from voxelry.server.access.secrets import create_token
import time
project = project_row("heart")
study = study_rows(project, instances=3)
told = {"study": study.pk, "project": project.pk}
for name in ("owner", "revoked", "member", "asleep", "session", "trash"):
    user = User.objects.create(username=name, password="!" + name)
    Membership.objects.create(project=project, user=user, role=Role.OWNER)
    told[name] = {"authorization": "Bearer " + create_token(user, name="mine")}
session = SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
user = User.objects.get(username="session")
session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
session["voxelry_seen"] = session["voxelry_begun"] = time.time()
session.create()
told["session"] = {"cookie": "voxelry=" + session.session_key}
print(json.dumps(told))
"""
_SERVE = "from voxelry.server.site.serve import serve; serve(worker=False)"
SECONDS = 300.0
ADDRESSES = ("/dicomweb/projects/heart/studies", "/api/studies")


def _environment(data: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VOXELRY_")}
    return kept | {"VOXELRY_DATA": str(data), "VOXELRY_HOST": "127.0.0.1"} | more


def _ask(port: int, path: str, headers: dict[str, str], method: str = "GET") -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[dict[str, Any], list[int], Path]]:
    """What was made, and the ports of two servers on it."""
    data = tmp_path / "data"
    seeded = subprocess.run(
        [sys.executable, "-c", _SEED],
        env=_environment(data),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seeded.returncode == 0, seeded.stderr
    ports = [free_port(), free_port()]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env=_environment(data, VOXELRY_PORT=str(port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for port in ports
    ]
    try:
        end = time.monotonic() + SECONDS
        waiting = set(ports)
        while waiting and time.monotonic() < end:
            for port in list(waiting):
                with suppress(OSError, http.client.HTTPException):
                    if _ask(port, "/healthz", {})[0] == 200:
                        waiting.discard(port)
            time.sleep(0.05)
        assert not waiting
        yield json.loads(seeded.stdout.splitlines()[-1]), ports, data / "voxelry.sqlite3"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(SECONDS)


def test_what_is_ended_through_one_is_refused_by_the_other(
    servers: tuple[dict[str, Any], list[int], Path],
) -> None:
    made, (first, second), database = servers
    names = ("owner", "revoked", "member", "asleep", "session", "trash")
    for name in names:
        for address in ADDRESSES:
            for _ in range(2):  # the second answer is kept
                status, content = _ask(second, address, made[name])
                assert (status, b'"1.2"' in content) == (200, True), (name, address, content)

    def seen(name: str) -> list[int]:
        return [_ask(second, address, made[name])[0] for address in ADDRESSES]

    changes = {
        "revoked": "UPDATE access_token SET revoked = '2026-01-01 00:00:00' WHERE user_id = {}",
        "asleep": "UPDATE auth_user SET is_active = 0 WHERE id = {}",
    }
    with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as rows:
        keys = dict(rows.execute("SELECT username, id FROM auth_user"))
        for name, statement in changes.items():
            rows.execute(statement.format(keys[name]))
            assert seen(name) == [401, 401], name
        rows.execute("DELETE FROM access_signedin")
        rows.execute("DELETE FROM django_session")
        assert seen("session") == [401, 401]
    address = f"/api/projects/{made['project']}/members/member"
    assert _ask(first, address, made["owner"], "DELETE")[0] == 204
    assert seen("member") == [404, 200]
    assert b'"1.2"' not in _ask(second, "/api/studies", made["member"])[1]
    assert _ask(first, f"/api/studies/{made['study']}", made["owner"], "DELETE")[0] == 204
    assert [b'"1.2"' in _ask(second, address, made["trash"])[1] for address in ADDRESSES] == [False, False]
