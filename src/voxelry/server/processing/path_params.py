"""Finds the parameters of a step that name files."""

from __future__ import annotations

from collections.abc import Mapping

from voxelry.core.registry import AnyStep

_FORMATS = ("path", "file-path", "directory-path")


def path_params(step: AnyStep) -> list[str]:
    """The names of the parameters that are or hold paths; a request may name files below the roots only."""
    schema = step.params.model_json_schema(by_alias=False)
    own = schema.get("properties", {})
    return [name for name, value in own.items() if _holds_path(value, schema.get("$defs", {}), frozenset())]


def _holds_path(schema: object, known: Mapping[str, object], seen: frozenset[str]) -> bool:
    """Whether a value of a JSON schema is or holds a path."""
    if isinstance(schema, list):
        return any(_holds_path(one, known, seen) for one in schema)
    if not isinstance(schema, dict):
        return False
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in known and name not in seen and _holds_path(known[name], known, seen | {name}):
        return True
    return schema.get("format") in _FORMATS or any(_holds_path(value, known, seen) for value in schema.values())
