"""The reference of steps: description and parameters from the schema."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from voxelry.core.registry import AnyStep, installed_steps

TITLES = {"filter": "Filters", "mask": "Masks", "measure": "Measures", "register": "Registration", "model": "Models"}
KINDS = {"number": "number", "integer": "whole number", "string": "text", "boolean": "yes or no"}
LIMITS = {"exclusiveMinimum": "above", "minimum": "from", "exclusiveMaximum": "below", "maximum": "up to"}
SEVERAL = {2: "two", 3: "three"}
Table = Callable[[tuple[str, ...], Sequence[tuple[str, ...]]], str]


def page(table: Table) -> str:
    """Every step of this package by group, without those of other packages."""
    own = [step for step in installed_steps() if step.function.__module__.startswith("voxelry.")]
    parts = []
    for group, title in TITLES.items():
        chosen = [step for step in own if step.group == group]
        if chosen:
            parts += [f"## {title}", *(_entry(step, table) for step in chosen)]
    return "\n\n".join(parts)


def _entry(step: AnyStep, table: Table) -> str:
    takes = ", ".join([*step.inputs, *(f"perhaps {name}" for name in step.optional)])
    schema = step.params.model_json_schema()
    rows = [
        (f"`{name}`", field.get("description", ""), _unit(field), _values(field, schema), _default(field))
        for name, field in schema.get("properties", {}).items()
    ]
    words = [f"### {step.name}", step.description, *_prose(step), f"Takes: {takes}."]
    if rows:
        words.append(table(("parameter", "what it is", "unit", "values", "default"), rows))
    return "\n\n".join(words)


def _prose(step: AnyStep) -> Iterator[str]:
    """The paragraphs of the function's docstring before its sections."""
    text = re.split(r"^\w[\w ]*\n-{3,}$", inspect.getdoc(step.function) or "", maxsplit=1, flags=re.MULTILINE)[0]
    for paragraph in text.strip().split("\n\n"):
        yield re.sub(r"``|`", "`", " ".join(paragraph.split()))


def _unit(field: Mapping[str, Any]) -> str:
    unit = str(field.get("unit", ""))
    return "" if unit == "1" else unit


def _default(field: Mapping[str, Any]) -> str:
    if "default" not in field:
        return "needed"
    default = field["default"]
    if default is None or default in ("", []):
        return ""
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else f"`{default}`"


def _values(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """The types and limits of a parameter's values, in words."""
    if "$ref" in field:
        return _values(schema["$defs"][field["$ref"].rpartition("/")[2]], schema)
    if "anyOf" in field:
        kinds = [_values(one, schema) for one in field["anyOf"] if one.get("type") != "null"]
        return ", or ".join(dict.fromkeys(kinds))
    if "enum" in field:
        return ", ".join(f"`{one}`" for one in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if field.get("type") == "array":
        inner = field.get("items") or field.get("prefixItems", [{}])[0]
        count = field.get("minItems") if field.get("minItems") == field.get("maxItems") else None
        return f"{SEVERAL.get(count or 0, 'several')} of: {_values(inner, schema)}"
    limits = [f"{words} {field[key]:g}" for key, words in LIMITS.items() if key in field]
    return " ".join([KINDS.get(str(field.get("type")), "values by name"), *limits])
