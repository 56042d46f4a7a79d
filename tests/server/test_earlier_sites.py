"""Sites that earlier versions have filled open with everything in them, and their migrations may be killed.

Each zip in ``sites/`` was made by the version that its name says (``sites/make_site.py``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
SITES = sorted((HERE / "sites").glob("*.zip"))
STEP = 40
"""A migration is killed before each of so many of its statements, and before the one that records it as done."""


@pytest.fixture(params=SITES, ids=[path.stem for path in SITES])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder with a site's data folder, with the rows for PostgreSQL and with what the site answered."""
    folder = tmp_path / "earlier"
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(folder)
    return folder


def run(module: str, argument: object, earlier: Path, *, url: str = "") -> str:
    """Run one of the programs beside the zips on the site; what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VOXELRY_")}
    environment |= {"VOXELRY_DATA": str(earlier / "data")} | ({"VOXELRY_DATABASE_URL": url} if url else {})
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.server.sites.{module}", str(argument)],
        cwd=HERE.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def restored(earlier: Path, url: str, name: str) -> str:
    """A new database on PostgreSQL with the rows of the site; its address."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    own = f"{url.rpartition('/')[0]}/{name}"
    with psycopg.connect(own) as connection:
        connection.execute((earlier / "postgresql.sql").read_text("utf-8"))
    (earlier / "data" / "voxelry.sqlite3").unlink()
    return own


def test_everything_is_there_on_sqlite(earlier: Path) -> None:
    assert "as it was" in run("open_site", earlier / "answers.json", earlier)


@pytest.mark.servers
def test_everything_is_there_on_postgresql(earlier: Path, postgres_url: str) -> None:
    own = restored(earlier, postgres_url, f"opened_{SITES[0].stem}")
    assert "as it was" in run("open_site", earlier / "answers.json", earlier, url=own)


def check_kills(told: Any) -> None:
    assert told["killed_at_records"] == len(told["applied"])
    assert told["killed_between"] >= told["statements"] // 100
    assert {"access.0004_default_project", "archive.0008_into_default"} <= set(told["applied"])


def test_a_killed_migration_is_run_again_on_sqlite(earlier: Path) -> None:
    check_kills(json.loads(run("kill_migration", STEP, earlier)))


@pytest.mark.servers
def test_a_killed_migration_is_run_again_on_postgresql(earlier: Path, postgres_url: str) -> None:
    own = restored(earlier, postgres_url, f"killed_{SITES[0].stem}")
    check_kills(json.loads(run("kill_migration", STEP, earlier, url=own)))
