"""The set-up says something every few seconds where nobody sees a moving line, and leaves no process behind."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW_PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*) sleep 1.5; exit 1 ;;
  *--version*) echo "Python 3.12.0" ;;
esac
"""
LONGEST_SILENCE = 20


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the script and a Python that takes its time and fails; lines come fifty times as often."""
    (tmp_path / "script").mkdir()
    text = (ROOT / "script/setup").read_text()
    (told,) = re.findall(r"^beat_seconds=(\d+)$", text, flags=re.MULTILINE)
    assert int(told) < LONGEST_SILENCE
    (tmp_path / "script/setup").write_text(text.replace(f"beat_seconds={told}", "beat_seconds=0.3"))
    (tmp_path / "python").write_text(SLOW_PYTHON)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="the set-up is a script of bash")
def test_a_long_step_is_not_silent_in_a_pipe(clone: Path) -> None:
    begun = time.monotonic()
    done = subprocess.run(
        ["bash", str(clone / "script/setup"), "server"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(clone / "python")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert time.monotonic() - begun < 10  # nothing that is left holds the pipe
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "voxelry: making .venv with Python 3.12.0 ..."
    beats = [line for line in lines if re.fullmatch(r"voxelry: still at it after \d+ s: making \.venv .*", line)]
    assert len(beats) >= 2
    assert lines[-1].startswith("voxelry: the virtual environment could not be made")
