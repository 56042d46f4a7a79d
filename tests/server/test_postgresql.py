"""The archive and its jobs on PostgreSQL: the same tests, in a process with another database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.servers
def test_the_archive_and_its_jobs_keep_their_promises_on_postgresql(postgres_url: str) -> None:
    tests = [str(HERE / f"test_{name}.py") for name in ("jobs", "studies", "upload")]
    # What differs by the file alone differs by no database.
    chosen = "not bad_file_fails and not hostile and not truncated and not depth and not address"
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not corpus", "-k", chosen, *tests],
        cwd=HERE.parents[1],
        env={**os.environ, "VOXELRY_DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
