"""What a file of routes gives: addresses below the root of a project, with a function and a rule for each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
