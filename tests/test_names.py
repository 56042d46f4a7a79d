"""No two public classes, functions or files of the package have one name for different things."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src/voxelry"
DJANGO = frozenset({"__init__.py", "admin.py", "apps.py", "models.py", "urls.py"})
"""Files that Django finds by their names. Migrations and management commands are left out too."""

SAME_NAMES = {
    "Study, Series, Stack": "DICOM levels: read from files in dicom, rows of the database in server.archive",
    "main": "the function that a module runs when it is started as a program",
    "measure, rectify, segmentation.py, measure.py, resample.py": "mathematics, and the verb, step or object on it",
    "structure_sets.py, steps.py": "what a room holds, and the tools in voxelry.testing that test it",
    "failures.py": "how the work of a room fails: jobs, and associations of the DICOM network",
    "check, convert, create_token, listen, serve": "commands of the terminal, and the functions that do their work",
    "echo, find": "services of DICOM: asked for in network, provided in server.dimse; find: also the kind of a job",
    "send": "the command that stores at a node, and what brings a file of the archive to its bucket",
    "volumes": "rows of volumes in the archive, and synthetic volumes in voxelry.testing",
    "asgi.py, settings.py, wsgi.py": "Django's own names at the top of server, whose content is in server.site",
}
"""Names that stand for one thing, or for implementations of one protocol, and why."""


def _definitions() -> dict[str, set[str]]:
    """The files that define each public class or function, or have each base name."""
    files: dict[str, set[str]] = defaultdict(set)
    for path in sorted(ROOT.rglob("*.py")):
        if {"migrations", "commands"} & set(path.parts):
            continue
        file = str(path.relative_to(ROOT))
        if path.name not in DJANGO:
            files[path.name].add(file)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                files[node.name].add(file)
    return files


def test_each_name_stands_for_one_thing() -> None:
    reasoned = {name for names in SAME_NAMES for name in names.split(", ")}
    repeated = {name: sorted(files) for name, files in _definitions().items() if len(files) > 1}
    assert {name: files for name, files in repeated.items() if name not in reasoned} == {}
