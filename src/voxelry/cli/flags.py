"""Command-line flags from the schema of a step's parameters."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape

from voxelry.core.parameter_words import in_words, resolved, variants
from voxelry.core.steps import Params

PREFIX = "step_"
"""Prefix that distinguishes a step's parameters from a command's other arguments."""
_KINDS = {"number": "NUMBER", "integer": "WHOLE", "string": "TEXT", "boolean": "", "array": "LIST", "object": "JSON"}


def flag_of(name: str) -> str:
    """The flag of a parameter: ``--min-size-mm3`` for ``min_size_mm3``."""
    return f"--{name.replace('_', '-')}"


def flags_of(params: type[Params], taken: set[str]) -> list[inspect.Parameter]:
    """Function parameters for typer, one for each parameter of a step; their names begin with `PREFIX`.

    Parameters
    ----------
    taken
        Names of other flags; a step's parameter of such a name is given only by ``--param``.
    """
    schema = params.model_json_schema()
    needed = set(schema.get("required", ()))
    found = []
    for name, one in schema.get("properties", {}).items():
        if name in taken:
            continue
        one = resolved(one, schema)
        option = typer.Option(
            flag_of(name) if _kind(one) != "boolean" else f"{flag_of(name)}/--no-{name.replace('_', '-')}",
            help=escape(in_words(one, needed=name in needed)),
            metavar=_metavar(one) or None,
            show_default=False,
        )
        kind: Any = bool | None if _kind(one) == "boolean" else str | None
        found.append(optional(PREFIX + name, kind, option))
    return found


def optional(name: str, kind: Any, option: Any) -> inspect.Parameter:
    """An optional function parameter."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _kind(one: Mapping[str, Any]) -> str:
    found = variants(one)
    return str(found[0].get("type", "string")) if found else "string"


def _metavar(one: Mapping[str, Any]) -> str:
    kinds = [str(other.get("type", "string")) for other in variants(one)]
    if "array" in kinds and len(kinds) > 1 and kinds[0] in ("number", "integer"):
        return "NUMBER or A,B,C"
    if kinds == ["array"]:
        items = variants(one)[0]
        count = items.get("minItems")
        return (
            ",".join("ABCDEF"[: int(count)]) if count and count == items.get("maxItems") and count <= 6 else "A,B,..."
        )
    return _KINDS.get(kinds[0], "TEXT") if kinds else "TEXT"


def typed(name: str, text: object, params: type[Params]) -> object:
    """A command-line text as a parameter's value: ``"1,2"`` becomes a list if only a list is valid."""
    if not isinstance(text, str):
        return text
    schema = params.model_json_schema()
    one = schema.get("properties", {}).get(name)
    if one is None:
        return text
    kinds = {str(other.get("type", "")) for other in variants(resolved(one, schema))}
    if not kinds & {"array", "object"}:
        return None if text.lower() == "none" and "null" in str(one.get("anyOf", "")) else text
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",")] if kinds == {"array"} else text


def params_of_flags(values: Mapping[str, object], params: type[Params]) -> Params:
    """A step's parameters from command-line values.

    Raises
    ------
    typer.BadParameter
        If a name is unknown, or a value is missing or out of range; the message says what is valid.
    """
    try:
        return params.model_validate({name: typed(name, value, params) for name, value in values.items()})
    except ValidationError as error:
        wrong: dict[str, list[str]] = {}
        for one in error.errors(include_input=False, include_url=False):
            name = str(one["loc"][0]) if one["loc"] else ""
            wrong.setdefault(name, []).append(str(one["msg"]).removeprefix("Value error, "))
        raise typer.BadParameter("; ".join(_fault(name, words, params) for name, words in wrong.items())) from None


def _fault(name: str, words: list[str], params: type[Params]) -> str:
    schema = params.model_json_schema()
    known = schema.get("properties", {})
    if not name:
        return words[0]
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none'}"
        return f"no parameter is called {name!r}; {hint}"
    needed = name in schema.get("required", ())
    own = words[0][:1].lower() + words[0][1:] if len(words) == 1 else "none of the values that it may have"
    return f"{flag_of(name)}: {own}. It is: {in_words(resolved(known[name], schema), needed=needed)}"
