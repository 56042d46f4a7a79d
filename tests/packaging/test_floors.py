"""The rules on imports hold, and each of them bites."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PURE = {
    *("__future__", "abc", "bisect", "collections", "contextlib", "dataclasses", "enum", "fractions", "functools"),
    *("heapq", "itertools", "json", "math", "numbers", "operator", "re", "textwrap", "types", "typing", "warnings"),
    *("binascii", "html", "struct"),  # an inline picture as text: bytes in, bytes out
    "importlib",  # which formats and steps are installed: the registry's whole subject
    "pydantic",  # parameters of steps, and their schema
}
"""What the core may import besides numpy and itself."""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [str(program), "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, to break."""
    folder = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("__pycache__", "page")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_the_house_keeps_its_own_rules(house: Path) -> None:
    done = lint(house)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "line", "contract"),
    [
        ("dicom/headers", "import voxelry.formats", "Imports only point down"),
        ("core", "import voxelry.dicom", "Imports only point down"),
        ("workflows/load", "import voxelry.server", "The library knows no server"),
        ("dicom/headers", "import django.db", "The library knows no server"),
        ("formats/shared", "def late():\n    import celery", "The library knows no server"),
        ("testing", "import ninja", "The library knows no server"),
        ("steps/shared", "import voxelry.dicom", "Imports only point down"),
        ("steps/shared", "import voxelry.formats", "Imports only point down"),
        ("steps/shared", "import django", "The library knows no server"),
        ("core", "import pydicom", "The core does no I/O"),
        ("core", "from pathlib import Path", "The core does no I/O"),
        ("core", "import os", "The core does no I/O"),
        ("core", "import logging", "The core does no I/O"),
        ("core", "from datetime import datetime", "The core does no I/O"),
        ("core/volume.py", "def late():\n    import voxelry.core.display", "No files and no rooms"),
        ("dicom/headers", "import voxelry.dicom.frames.frame", "From bytes to objects"),
        ("dicom/values", "import voxelry.dicom.grouping.piles", "From bytes to objects"),
        ("dicom/series", "import voxelry.dicom.write.template", "From bytes to objects"),
        ("workflows/files", "import voxelry.workflows.load.loading", "The rooms of workflows point down"),
        ("workflows/convert", "import voxelry.workflows.demo", "The rooms of workflows point down"),
        ("cli/console.py", "import voxelry.cli.run", "The terminal's files point down"),
        ("server/environment", "import voxelry.server.access.models", "The server's rooms point down"),
        ("server/api", "import voxelry.server.site.gate", "The server's rooms point down"),
        ("server/jobs", "import voxelry.server.archive", "The server's rooms point down"),
        ("server/access", "import voxelry.server.jobs", "The server's rooms point down"),
        ("server/archive", "import voxelry.server.api", "The server's rooms point down"),
        ("server/jobs/models.py", "import voxelry.server.jobs.job_run", "Jobs are a ladder"),
        ("server/jobs/tasks.py", "import voxelry.server.jobs.submit", "Jobs are a ladder"),
    ],
)
def test_a_forbidden_import_is_found(house: Path, room: str, line: str, contract: str) -> None:
    place = house / "src/voxelry" / room
    intruder = place / "intruder.py" if place.is_dir() else place
    before = intruder.read_text() if intruder.exists() else None
    intruder.write_text(f"{before or ''}\n{line}\n")
    try:
        done = lint(house)
    finally:
        if before is None:
            intruder.unlink()
        else:
            intruder.write_text(before)

    assert done.returncode == 1
    broken = [text for text in done.stdout.splitlines() if " BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), done.stdout


@pytest.mark.parametrize("above", ["", "dicom", "workflows", "server", "cli"])
def test_a_new_room_must_be_given_its_floor(house: Path, above: str) -> None:
    room = house / "src/voxelry" / above / "attic"
    room.mkdir()
    (room / "__init__.py").write_text("")
    try:
        assert lint(house).returncode == 1
    finally:
        shutil.rmtree(room)


def test_the_core_imports_only_what_is_pure() -> None:
    """import-linter forbids by name; this is the other half: what is not known to be pure is not let in."""
    for path in (ROOT / "src/voxelry/core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                known = name.split(".")[0] in {*PURE, "numpy"} or name.startswith("voxelry.core")
                assert known, f"{path.name} imports {name}"
