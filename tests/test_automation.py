"""The files that a forge and pre-commit read: they parse, and call what exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def hooks() -> list[dict[str, Any]]:
    return [hook for repo in parsed(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]


def test_ci_calls_the_project_s_own_run() -> None:
    jobs = parsed(ROOT / ".github/workflows/ci.yml")["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in runs
    assert "script/test --quick" in runs
    for run in runs:
        for program in re.findall(r"^(?:\.ci|script)/\S+", run, re.MULTILINE):
            assert os.access(ROOT / program, os.X_OK), program


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_whole(path: Path) -> None:
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads the key `on` as true
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 60
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
        assert job.get("needs", "quick") in workflow["jobs"]


def test_hooks_are_local_and_their_programs_are_pinned() -> None:
    config = parsed(ROOT / ".pre-commit-config.yaml")
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    pinned = (ROOT / "requirements/dev.txt").read_text("utf-8")
    packages = {"ruff": "ruff", "lint-imports": "import-linter", "python": None}
    for hook in hooks():
        assert hook["language"] == "system"
        program = shlex.split(hook["entry"])[0]
        package = packages[Path(program).name]
        assert Path(program).parent == Path(".venv/bin")
        assert package is None or f"\n{package}==" in pinned
        if "files" in hook:
            assert re.compile(hook["files"]).match("src/voxelry/core/volume.py")


@pytest.mark.parametrize(
    "hook", [hook for hook in hooks() if hook.get("pass_filenames", True)], ids=lambda hook: hook["id"]
)
def test_a_hook_that_takes_files_accepts_this_one(hook: dict[str, Any]) -> None:
    program, *arguments = shlex.split(hook["entry"])
    own = Path(sys.executable).parent / Path(program).name  # of the environment that runs this, wherever that lies
    command = [str(own), *arguments, *(["--check"] if "format" in arguments else []), str(Path(__file__))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
