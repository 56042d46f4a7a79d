"""Large bodies: read of users only, and only so much; nothing of a refused one reaches the disk."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from voxelry.server.access import secrets
from voxelry.server.site.gate import STRANGERS_BYTES, Gate

PIECE = bytes(2**18)
MUCH = [PIECE] * 6
LARGEST = 2**21


class Behind:
    """Stands for Django: reads the body and says how much it was."""

    def __init__(self, failing: OSError | None = None) -> None:
        self.read: int | None = None
        self.failing = failing

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        total = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            total += len(message["body"])
            if self.failing is not None:
                raise self.failing
            if not message["more_body"]:
                break
        self.read = total
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def _ask(
    behind: Behind,
    body: Iterable[bytes],
    headers: Mapping[str, str],
    *,
    path: str = "/api/uploads",
    declared: bool = False,
) -> tuple[int, dict[str, str], Any]:
    parts = list(body)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    if declared:
        raw.append((b"content-length", str(sum(map(len, parts))).encode()))
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *raw],
        "client": ("127.0.0.1", 1),
    }
    coming = iter([{"type": "http.request", "body": part, "more_body": True} for part in parts])
    told: list[Any] = []

    async def receive() -> Any:
        return next(coming, {"type": "http.request", "body": b"", "more_body": False})

    async def send(message: Any) -> None:
        told.append(message)

    asyncio.run(Gate(behind, largest=LARGEST)(scope, receive, send))
    start, *rest = told
    content = b"".join(message["body"] for message in rest)
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], answered, json.loads(content) if content else None


@pytest.fixture
def session(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"voxelry={client.cookies['voxelry'].value}"}


@pytest.fixture
def token(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {secrets.create_token(user, name='x')}"}


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "voxelry=made-up"},
        {"Authorization": "Bearer made-up"},
        {"Authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()},
    ],
)
def test_a_large_body_of_a_stranger_is_not_read(user: User, headers: dict[str, str], declared: bool) -> None:
    behind = Behind()
    status, answered, problem = _ask(behind, MUCH, headers, declared=declared)
    assert (status, problem["code"], behind.read) == (401, "unauthenticated", None)
    assert answered["content-type"] == "application/problem+json"
    assert answered["www-authenticate"] == "Bearer"
    assert answered["cache-control"] == "private, no-store"
    assert answered["x-content-type-options"] == "nosniff"


def test_a_stranger_at_a_page_is_led_to_the_login(user: User) -> None:
    behind = Behind()
    status, answered, _ = _ask(behind, MUCH, {}, path="/admin/archive/series/add/", declared=True)
    assert (status, answered["location"]) == (302, "/login/?next=/admin/archive/series/add/")
    assert behind.read is None


@pytest.mark.parametrize("declared", [True, False])
def test_a_users_body_is_passed_on_whole(session: dict[str, str], token: dict[str, str], declared: bool) -> None:
    for headers in (session, token):
        behind = Behind()
        assert _ask(behind, MUCH, headers, declared=declared)[0] == 200
        assert behind.read == len(PIECE) * 6


@pytest.mark.parametrize("declared", [True, False])
def test_nobody_sends_more_than_the_limit(token: dict[str, str], declared: bool) -> None:
    behind = Behind()
    status, _, problem = _ask(behind, MUCH * 2, token, declared=declared)
    assert (status, problem["code"], behind.read) == (413, "too_large", None)
    assert "2,097,152 bytes" in problem["detail"]


def test_a_small_body_of_a_stranger_is_djangos_affair() -> None:
    # And costs no look into the database, which this test has none of.
    behind = Behind()
    assert _ask(behind, [bytes(STRANGERS_BYTES)], {}, declared=True)[0] == 200
    assert _ask(behind, [bytes(STRANGERS_BYTES)], {})[0] == 200


def test_a_full_disk_is_said_and_another_error_is_not_hidden(token: dict[str, str]) -> None:
    full = Behind(OSError(errno.ENOSPC, "No space left on device"))
    status, _, problem = _ask(full, MUCH, token)
    assert (status, problem["code"]) == (507, "storage_full")
    with pytest.raises(OSError, match="I/O"):
        _ask(Behind(OSError(errno.EPIPE, "no I/O")), MUCH, token)


def test_the_site_stands_behind_the_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    code = "from voxelry.server import asgi; import tempfile; print(type(asgi.application).__name__, tempfile.tempdir)"
    monkeypatch.setenv("VOXELRY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2] / "src"))
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    # What Django keeps of a body until it is read goes to the data folder: /tmp may be memory.
    assert told == ["Gate", str(tmp_path / "data" / "temp")]
