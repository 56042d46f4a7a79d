"""A full disk, a database that is away, a data folder that is gone: said in words, and over when they are."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from tests.server.test_gate import Behind, _ask
from voxelry.server.environment.disk_errors import is_away, is_full
from voxelry.server.jobs.failures import failure_of
from voxelry.server.site import pages

Usage = namedtuple("Usage", "total used free")


def full_database(path: Path) -> OperationalError:
    """As Django tells it of SQLite where there is no room; a limit on its pages stands for the disk."""
    rows = sqlite3.connect(path)
    rows.execute("CREATE TABLE t (x)")
    rows.execute("PRAGMA max_page_count = 3")
    try:
        rows.execute("INSERT INTO t VALUES (zeroblob(100000))")
    except sqlite3.OperationalError as cause:
        error = OperationalError(*cause.args)
        error.__cause__ = cause
        return error
    finally:
        rows.close()
    raise AssertionError


class FullOfPostgreSQL(Exception):
    sqlstate = "53100"


def test_a_full_disk_is_known_by_whoever_tells_of_it(tmp_path: Path) -> None:
    assert is_full(full_database(tmp_path / "rows"))
    error = OperationalError()
    error.__cause__ = FullOfPostgreSQL()
    assert is_full(error)
    assert is_full(OSError(errno.ENOSPC, ""))
    assert not is_full(OperationalError("database is locked"))
    assert failure_of(full_database(tmp_path / "more")).problem.code == "storage_full"


@pytest.fixture
def fails(site: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks for a list while the database raises."""

    def asked(error: Exception, path: str = "/api/jobs") -> Any:
        def raises(*_: object, **__: object) -> Any:
            raise error

        client = Client(raise_request_exception=False)
        client.force_login(site.user)
        with monkeypatch.context() as patch:
            patch.setattr("voxelry.server.api.job_records.found", raises)
            patch.setattr("voxelry.server.site.pages.Path.read_bytes", raises)
            return client.get(path)

    return asked


def test_a_full_database_is_no_defect(fails: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answer = fails(full_database(tmp_path / "rows"))
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert "make room" in answer.json()["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Traceback" not in caplog.text


def test_a_database_that_is_away_is_no_defect(fails: Any) -> None:
    answer = fails(OperationalError("secret"))
    assert (answer.status_code, answer.json()["code"]) == (503, "database")
    assert "secret" not in answer.text
    assert "Try again" in answer.json()["detail"]


def test_a_disk_that_takes_no_writes_is_no_defect(fails: Any) -> None:
    answer = fails(OSError(errno.EROFS, "Read-only file system"))
    assert (answer.status_code, answer.json()["code"]) == (503, "storage")


def test_pages_say_so_too(fails: Any) -> None:
    answer = fails(OSError(errno.EROFS, "Read-only file system"), "/")
    assert answer.status_code == 503
    assert "data folder cannot be used" in answer.text
    answer = fails(ValueError("secret"), "/")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_what_is_wrong_inside_stays_a_defect(fails: Any, caplog: pytest.LogCaptureFixture) -> None:
    answer = fails(OSError(errno.ENOENT, "secret"))
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "failed inside" in caplog.text
    assert "secret" not in answer.text + caplog.text


def test_a_folder_that_is_gone_is_away(tmp_path: Path) -> None:
    missing = FileNotFoundError(errno.ENOENT, "")
    assert is_away(missing, tmp_path / "gone")
    assert not is_away(missing, tmp_path)


def test_the_gate_says_it_when_it_cannot_ask_who_it_is(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(request: object) -> None:
        raise OperationalError

    monkeypatch.setattr("voxelry.server.site.gate.identify_sender", raises)
    status, _, answer = _ask(Behind(), [bytes(2**20)] * 2, {"authorization": "Bearer x"})
    assert (status, answer["code"]) == (503, "database")


def test_health_tells_of_the_disk(
    transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    def told() -> tuple[int, str]:
        answer = Client().get("/healthz")
        return answer.status_code, answer.json()["status"]

    assert told() == (200, "ok")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: Usage(1, 1, pages.LEAST_FREE_BYTES - 1))
        assert told() == (200, "disk full")
    with monkeypatch.context() as patch:
        patch.setattr("voxelry.server.site.pages.os.access", lambda *_: False)
        assert told() == (200, "data folder read-only")
    settings.VOXELRY = settings.VOXELRY.replace(data=data_folder / "gone")
    assert told() == (200, "data folder unreachable")

    def away() -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", away)
        assert told() == (503, "database unreachable")
