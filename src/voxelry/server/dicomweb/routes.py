"""What a file of routes gives: addresses below the root of a project, with a function and a rule for each method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from voxelry.server.access.exchange import Answer
from voxelry.server.access.rules import Rule

Handler = Callable[..., Answer]
"""Takes an `Asked`, then the parts of the address by their names."""


@dataclass(frozen=True, slots=True)
class Route:
    """An address below the project's root, as Django writes it: ``studies/<uid:study>/series``.

    Attributes
    ----------
    methods
        The function of each method, and who may call it; HEAD is answered by that of GET.
    """

    path: str
    methods: Mapping[str, tuple[Handler, Rule]]


def methods_by_path(routes: Iterable[Route]) -> Mapping[str, Mapping[str, tuple[Handler, Rule]]]:
    """The functions of each address; several files may add methods to one."""
    found: dict[str, dict[str, tuple[Handler, Rule]]] = {}
    for route in routes:
        own = found.setdefault(route.path, {})
        twice = own.keys() & route.methods.keys()
        if twice:
            raise ValueError(f"{route.path}: {twice} are given twice")
        own.update(route.methods)
    return found


def allowed(methods: Iterable[str]) -> str:
    """The header Allow of an address."""
    names = set(methods)
    return ", ".join(sorted({*names, *(["HEAD"] if "GET" in names else []), "OPTIONS"}))
