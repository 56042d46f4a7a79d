"""Runs the terminal in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from voxelry.cli import app


def run(*arguments: object) -> Result:
    """The program with these arguments; its output is not wrapped."""
    return CliRunner().invoke(app, [str(one) for one in arguments])


def run_json(*arguments: object) -> Any:
    """What the program prints as JSON."""
    return json.loads(run(*arguments, "--json").stdout)


def run_alone(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program as a process: it sets up Django."""
    command = [sys.executable, "-m", "voxelry.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
