"""Descriptions of a step's parameters, from the JSON Schema of their model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StepParameter:
    """A parameter of a step.

    Attributes
    ----------
    description
        What it is, with its unit, its range and its default: ``"Standard deviation (mm, at least 0)."``.
    needed
        True if there is no default.
    """

    name: str
    description: str
    needed: bool

    def __str__(self) -> str:
        return f"{self.name}: {self.description}"


def parameters_of(schema: Mapping[str, Any]) -> Iterator[StepParameter]:
    """The parameters in a model's schema, in their order."""
    required = set(schema.get("required", ()))
    for name, one in schema.get("properties", {}).items():
        needed = name in required
        yield StepParameter(name, in_words(resolved(one, schema), needed=needed), needed)


def resolved(one: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A property's schema with what it refers to."""
    found = dict(one)
    for key in ("$ref", "allOf"):
        target = found.pop(key, None)
        if isinstance(target, list) and len(target) == 1:
            target = target[0].get("$ref")
        if isinstance(target, str):
            found = {**schema.get("$defs", {}).get(target.rpartition("/")[2], {}), **found}
    if "anyOf" in found:
        found["anyOf"] = [resolved(other, schema) for other in found["anyOf"]]
    return found


def in_words(one: Mapping[str, Any], *, needed: bool = False) -> str:
    """What a parameter is: ``"Standard deviation of the Gaussian (mm, at least 0, default 1)"``."""
    description = str(one.get("description") or one.get("title") or "").rstrip(".")
    facts = []
    unit = one.get("unit")
    if unit and unit != "1" and not re.search(rf"\b{re.escape(str(unit))}\b", description):
        facts.append(str(unit))
    facts += [words for words in (_range(one), _choices(one)) if words]
    if needed:
        facts.append("needed")
    elif one.get("default") not in (None, "", []):
        facts.append(f"default {shown(one['default'])}")
    return f"{description} ({', '.join(facts)})." if facts else f"{description}."


def shown(value: object) -> str:
    """A default as it would be typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ",".join(map(shown, value))
    return str(value) if isinstance(value, int | str) else json.dumps(value)


def variants(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The kinds of value that a parameter may have, without none."""
    return [other for other in one.get("anyOf", [one]) if other.get("type") != "null"]


def _range(one: Mapping[str, Any]) -> str:
    first = variants(one)[0] if variants(one) else one
    low, high = first.get("minimum"), first.get("maximum")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    words = []
    for key, word in (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"),
                      ("exclusiveMaximum", "below")):  # fmt: skip
        if first.get(key) is not None:
            words.append(f"{word} {first[key]:g}")
    return " and ".join(words)


def _choices(one: Mapping[str, Any]) -> str:
    return " or ".join(shown(choice) for other in variants(one) for choice in _constants(other))


def _constants(one: Mapping[str, Any]) -> list[object]:
    return list(one["enum"]) if "enum" in one else [one["const"]] if "const" in one else []
