"""Who asks for rows: the doors ask with what their user may see, and one file of each room asks the tables."""

from __future__ import annotations

import ast
from pathlib import Path

import voxelry.server

SERVER = Path(voxelry.server.__file__).parent
DOORS = ("api", "dicomweb", "dimse", "site/pages.py")
MANAGERS = {"objects", "_default_manager", "_base_manager"}
ROOMS = {
    "archive": ("queries.py", {"Patient", "Study", "Series", "Instance", "Stack", "Upload", "Entry", "UnusedFile"}),
    "processing": ("process_queries.py", {"Process", "Input", "Output", "ResultFile"}),
}
"""The file of each room that asks its tables, and the models that nobody else asks for."""


def _files(place: str) -> list[Path]:
    path = SERVER / place
    found = [path] if path.is_file() else sorted(path.rglob("*.py"))
    return [one for one in found if "migrations" not in one.parts]


def _line(path: Path, node: ast.expr) -> str:
    return f"{path.relative_to(SERVER)}:{node.lineno}: {ast.unparse(node)}"


def test_no_door_asks_a_table_or_speaks_for_the_site() -> None:
    """`.objects` and `as_site` see every project: an answer to a user begins with `visible_to`."""
    looked = [path for place in DOORS for path in _files(place)]
    found = [
        _line(path, node)
        for path in looked
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in MANAGERS)
        or (isinstance(node, ast.Name | ast.Attribute) and getattr(node, "id", getattr(node, "attr", "")) == "as_site")
    ]
    assert len(looked) > 15
    assert not found


def test_one_file_of_each_room_asks_its_tables() -> None:
    found = [
        _line(path, node)
        for room, (own, models) in ROOMS.items()
        for path in _files(room)
        if path.name not in (own, "models.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in MANAGERS
        and ast.unparse(node.value).rpartition(".")[2] in models
    ]
    assert not found
