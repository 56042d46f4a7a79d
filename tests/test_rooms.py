"""The rooms of plug-ins: each file is a plug-in or is shared, and no plug-in knows another."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

import grimp
import pytest

ROOMS = {"voxelry.formats": ("shared", "pictures"), "voxelry.steps": ("shared",)}
"""The rooms, and what in each of them is no plug-in."""


@cache
def _imports() -> grimp.ImportGraph:
    return grimp.build_graph("voxelry")


def _plug_ins(room: str) -> set[str]:
    """The files or folders of a room that an entry point names."""
    found = {point.value.partition(":")[0] for point in entry_points(group=room)}
    return {".".join(module.split(".")[:3]) for module in found if module.startswith(f"{room}.")}


@pytest.mark.parametrize("room", ROOMS)
def test_each_file_is_a_plug_in_or_is_shared(room: str) -> None:
    others = {f"{room}.{name}" for name in ROOMS[room]}
    assert _imports().find_children(room) == _plug_ins(room) | others


@pytest.mark.parametrize("room", ROOMS)
def test_no_plug_in_imports_another_and_what_is_shared_imports_none(room: str) -> None:
    graph, plug_ins = _imports(), _plug_ins(room)
    found = [
        f"{importer} -> {imported}"
        for importer in plug_ins | {f"{room}.{name}" for name in ROOMS[room]}
        for imported in plug_ins - {importer}
        if graph.direct_import_exists(importer=importer, imported=imported, as_packages=True)
    ]
    assert not found
