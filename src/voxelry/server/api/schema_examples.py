"""An example value for a JSON schema of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

JsonObject = Mapping[str, Any]
"""An object of a JSON document."""

DEEPEST = 6
"""Levels of records inside each other; a deeper list is empty, so that a record that holds itself has an end."""
_BY_NAME = {
    "uid": "1.2.826.0.1.3680043.8.498.1",
    "uids": "1.2.826.0.1.3680043.8.498.1",
    "date": "2026-01-31",
    "modality": "CT",
    "modalities": "CT",
    "host": "pacs.example",
    "project": "Hearts",
}
_TEXTS = ("text", "2026-01-31", "1,0,0", "TEXT", "1", "#dd3c3c", "")
"""Texts of which each pattern of the document allows one."""


def example_of(schema: JsonObject, records: Mapping[str, JsonObject], *, name: str = "", depth: int = 0) -> Any:
    """A value that the schema allows: its default, its first choice, or the smallest value of its type.

    Parameters
    ----------
    schema
        Of OpenAPI 3.1, as Pydantic writes it.
    records
        The document's ``components/schemas``, by name.
    name
        The property's or parameter's name, which may say more than the schema does.
    depth
        Of how many records this value is a part.
    """
    default = schema.get("default")
    if default is not None and not (default == "" and schema.get("minLength")):
        return default
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example_of(records[record_name(schema)], records, name=name, depth=depth + 1)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _first_choice(schema[key], records, name=name, depth=depth)
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, records, depth)
    if kind == "array":
        return _array(schema, records, name=name, depth=depth)
    if kind in ("integer", "number"):
        return _number(schema)
    return {"boolean": True, "string": _text(schema, name), None: {}}.get(kind)


def record_name(reference: JsonObject) -> str:
    """The record to which a ``$ref`` leads."""
    return str(reference["$ref"]).rpartition("/")[2]


def _first_choice(choices: list[JsonObject], records: Mapping[str, JsonObject], *, name: str, depth: int) -> Any:
    values = [one for one in choices if one.get("type") != "null"]
    if depth >= DEEPEST and len(values) < len(choices):
        return None
    return example_of(values[0], records, name=name, depth=depth)


def _object(schema: JsonObject, records: Mapping[str, JsonObject], depth: int) -> dict[str, Any]:
    if "properties" in schema:
        parts = schema["properties"].items()
        return {name: example_of(part, records, name=name, depth=depth) for name, part in parts}
    others = schema.get("additionalProperties")
    return {"name": example_of(others, records, depth=depth)} if isinstance(others, Mapping) and others else {}


def _array(schema: JsonObject, records: Mapping[str, JsonObject], *, name: str, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example_of(item, records, name=name, depth=depth) for item in schema["prefixItems"]]
    count = schema.get("minItems", 0 if depth >= DEEPEST else 1)
    return [example_of(schema.get("items", {}), records, name=name, depth=depth) for _ in range(count)]


def _number(schema: JsonObject) -> int | float:
    most: int | float = min(1, schema.get("maximum", 1))
    least: int | float = schema.get("minimum", schema.get("exclusiveMinimum", most - 1) + 1)
    return max(least, most)


def _text(schema: JsonObject, name: str) -> str:
    if schema.get("format") == "date-time":
        return "2026-01-31T12:00:00Z"
    named = _BY_NAME.get(name) or _BY_NAME.get(name.rpartition("_")[2])
    texts = (named, *_TEXTS) if named else _TEXTS
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 10_000)
    pattern = re.compile(schema.get("pattern", ""))
    return next((text for text in texts if shortest <= len(text) <= longest and pattern.search(text)), texts[0])
