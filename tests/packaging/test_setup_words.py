"""The set-up says something every few seconds where nobody sees a moving line, and leaves no process behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLOW_PYTHON = """#!/bin/sh
case "$*" in
  "-m venv "*) until [ -e "$0.may-end" ]; do sleep 0.1; done; exit 1 ;;
  *--version*) echo "Python 3.12.0" ;;
esac
"""
LONGEST_SILENCE = 20
BEAT = re.compile(r"voxelry: still at it after \d+ s: (.*)\n")
HANG_SECONDS = 120.0

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the set-up is a script of bash")


def set_up(folder: Path, *, beat_seconds: float) -> list[str]:
    """A folder's command: the script with another interval, and a Python that makes environments until it may end."""
    (folder / "script").mkdir()
    text = (ROOT / "script/setup").read_text()
    (told,) = re.findall(r"^beat_seconds=(\d+)$", text, flags=re.MULTILINE)
    assert int(told) < LONGEST_SILENCE
    (folder / "script/setup").write_text(text.replace(f"beat_seconds={told}", f"beat_seconds={beat_seconds}"))
    (folder / "python").write_text(SLOW_PYTHON)
    (folder / "python").chmod(0o755)
    return ["bash", str(folder / "script/setup"), "server"]


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command with its standard error in a pipe; it, and all that it leaves behind, is killed if it hangs."""
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": str(folder / "python")}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    guard = Timer(HANG_SECONDS, kill)
    guard.start()
    try:
        with process:
            yield process
    finally:
        guard.cancel()
        kill()


def test_a_long_step_is_not_silent_in_a_pipe(tmp_path: Path) -> None:
    with running(set_up(tmp_path, beat_seconds=0.1), tmp_path) as process:
        assert process.stderr is not None
        said: list[str] = []
        beats = 0
        for line in process.stderr:
            beat = BEAT.fullmatch(line)
            beats += bool(beat and beat[1].startswith("making .venv "))
            if beats == 2:
                (tmp_path / "python.may-end").touch()
            said += [] if beat else [line]
    assert process.returncode == 1
    assert beats >= 2
    assert said[0] == "voxelry: making .venv with Python 3.12.0 ...\n"
    assert said[-1].startswith("voxelry: the virtual environment could not be made")


def test_nothing_that_is_left_holds_the_pipe(tmp_path: Path) -> None:
    """Whoever reads what the set-up says reads to the end, though it ends between two of its lines."""
    command = set_up(tmp_path, beat_seconds=10 * HANG_SECONDS)
    (tmp_path / "python.may-end").touch()
    with running(command, tmp_path) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait() == 1  # not killed after a hang
    assert said.endswith("voxelry: the virtual environment could not be made; see above.\n")
