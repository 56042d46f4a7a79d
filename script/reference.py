"""Generate parts of docs/reference from the code: settings, commands, names, routes.

``python script/reference.py`` updates them; a test fails if they are out of date. The rest of each page is written by
hand.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer.main

import reference_steps
import voxelry
from voxelry import cli
from voxelry.core.errors import VoxelryError
from voxelry.core.step_list import steps
from voxelry.server.environment import configuration

ROOT = Path(__file__).resolve().parent.parent
KINDS = {Path: "PATH", int: "NUMBER", float: "NUMBER", str: "TEXT"}
SIGNATURE_WIDTH = 90
"""Most characters of a signature on one line."""
BEGIN, END = "<!-- from the code: python script/reference.py -->", "<!-- end -->"


def renewed(page: str) -> str:
    """A page's text with the part between the marks replaced."""
    before, _, rest = (ROOT / page).read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{PAGES[page]().strip()}\n\n{END}{after}"


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- settings ---------------------------------------------------------------------------------------------------------


def settings() -> str:
    rows = [
        (f"`{key}`" if key else "", f"`{variable}`", _default(default), words)
        for key, variable, words, default in configuration.described()
    ]
    return table(("in `voxelry.toml`", "in the environment", "default", "what it is"), rows)


def _default(value: configuration.Parsed) -> str:
    if value == configuration.DATA:
        return "the user's data folder"
    if value is None or value in ("", ()):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


# --- commands ---------------------------------------------------------------------------------------------------------


def terminal() -> str:
    return "\n\n".join(_command(name, command) for name, command in commands())


def commands() -> list[tuple[str, Any]]:
    """Every command of the terminal with its full name, such as ``voxelry token create``."""
    return list(_commands("voxelry", typer.main.get_command(cli.app)))


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):  # A group whose commands are plug-ins shows what they have in common.
        for verb, inner in getattr(command, "documented", command.commands).items():
            yield from _commands(f"{name} {verb}", inner)
    else:
        yield name, command


def _command(name: str, command: Any) -> str:
    rows = []
    usage = [name]
    kinds = get_type_hints(command.callback)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            shown = parameter.name.upper()
            usage.append(shown)
            rows.append((f"`{shown}`", parameter.help or "", ""))
        elif parameter.name != "help":
            rows.append((_flags(parameter, kinds[parameter.name]), parameter.help or "", _option_default(parameter)))
    if any(parameter.param_type_name == "option" for parameter in command.params):
        usage.insert(1, "[OPTIONS]")
    words = inspect.cleandoc(command.help or "")
    return f"### {name}\n\n{words}\n\n```text\n{' '.join(usage)}\n```\n\n{table(('', 'what it is', 'default'), rows)}"


def _flags(parameter: Any, kind: Any) -> str:
    names = ", ".join(f"`{flag}`" for flag in sorted(parameter.opts, key=len))
    if parameter.secondary_opts:
        names += ", " + ", ".join(f"`{flag}`" for flag in parameter.secondary_opts)
    if parameter.is_flag:
        return names
    # From the function's annotations: typer's own form of them changes between versions.
    found = next(part for part in (*get_args(kind), kind) if part is not type(None))
    choices = "|".join(choice.value for choice in found) if issubclass(found, Enum) else ""
    return f"{names} {parameter.metavar or choices or KINDS[found]}"


def _option_default(parameter: Any) -> str:
    default = parameter.default
    if default is None or (parameter.is_flag and default is False):
        return ""
    if isinstance(default, bool):
        return f"`{parameter.opts[0] if default else parameter.secondary_opts[0]}`"
    return f"`{getattr(default, 'value', default)}`"


# --- names ------------------------------------------------------------------------------------------------------------


def library() -> str:
    # After an import, `voxelry.steps` is the package of that name, which calls this function.
    found = {name: getattr(voxelry, name) for name in voxelry.__all__} | {"steps": steps}
    found = {name: value for name, value in found.items() if not _has_own_row(value)}
    functions = [_entry(name, value) for name, value in found.items() if inspect.isfunction(value)]
    types = [_entry(name, value) for name, value in found.items() if inspect.isclass(value)]
    if len(functions) + len(types) != len(found):
        sys.exit("voxelry.__all__ holds something that is neither a function nor a class")
    return "\n\n".join(["## Functions", *functions, "## Types", *types, "## Errors", _errors()])


def _has_own_row(value: object) -> bool:
    """True for errors, which stand in a table of their own; all but their root."""
    return inspect.isclass(value) and issubclass(value, VoxelryError) and value is not VoxelryError


def _entry(name: str, value: Any) -> str:
    kinds = dict(_kinds(value)) if inspect.isclass(value) else {}
    text = _markdown(inspect.getdoc(value) or "", kinds)
    if not inspect.isclass(value):
        return f"### {name}\n\n```text\nvoxelry.{name}{_typed_signature(value)}\n```\n\n{text}"
    told = {name for line in re.findall(r"^- ([^:(]+)", text, re.MULTILINE) for name in re.findall(r"\w+", line)}
    more = [
        f"- `{shown}`: {words}" if words else f"- `{shown}`" for key, shown, words in _members(value) if key not in told
    ]
    if more:
        text += "\n\n**Has**\n\n" + "\n".join(more)
    return f"### {name}\n\n{text}"


def _kinds(kind: type) -> Iterator[tuple[str, str]]:
    """The types of a class's fields as in the source."""
    for name, annotation in vars(kind).get("__annotations__", {}).items():
        yield name, _written(annotation, vars(kind).get("__init__", kind))


def _members(value: type) -> Iterator[tuple[str, str, str]]:
    """Public fields, properties and methods, each with the first sentence of its docstring."""
    for field in fields(value) if is_dataclass(value) else ():
        yield field.name, field.name, ""
    for name, member in vars(value).items():
        if name.startswith("_"):
            continue
        words = _literals((inspect.getdoc(member) or "").partition("\n\n")[0].replace("\n", " "))
        if isinstance(member, property | cached_property):
            function = member.fget if isinstance(member, property) else member.func
            kind = _written(inspect.signature(function).return_annotation, function) if function else "Any"
            yield name, f"{name}: {kind}", words
        elif inspect.isfunction(member):
            yield name, f"{name}{_signature(member)}", words


def _errors() -> str:
    """Every error of the library with its code, in the order of the tree."""
    rows: list[tuple[str, ...]] = []

    def add(kind: type[VoxelryError]) -> None:
        above = ", ".join(f"`{base.__name__}`" for base in kind.__bases__)
        begin = " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
        rows.append((f"`{kind.__name__}`", f"`{kind.code}`", above, _literals(begin)))
        for below in kind.__subclasses__():
            if below.__module__ == VoxelryError.__module__:
                add(below)

    add(VoxelryError)
    return table(("error", "`code`", "is also", "when"), rows)


def _signature(function: Callable[..., Any]) -> str:
    """A signature of names and defaults in one line."""
    return f"({', '.join(_parameters(function, typed=False))})"


def _typed_signature(function: Callable[..., Any]) -> str:
    """A signature with types as in the source and defaults; one line per parameter if it is too long."""
    parameters = _parameters(function, typed=True)
    returned = inspect.signature(function).return_annotation
    arrow = "" if returned is inspect.Signature.empty else f" -> {_written(returned, function)}"
    line = f"({', '.join(parameters)}){arrow}"
    if len(line) <= SIGNATURE_WIDTH:
        return line
    return "(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){arrow}"


def _parameters(function: Callable[..., Any], *, typed: bool) -> list[str]:
    written = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in written:
            written.append("*")
        stars = (
            "*"
            if parameter.kind is parameter.VAR_POSITIONAL
            else "**"
            if parameter.kind is parameter.VAR_KEYWORD
            else ""
        )
        typed = typed and parameter.annotation is not parameter.empty
        kind = f": {_written(parameter.annotation, function)}" if typed else ""
        default = ""
        if parameter.default is not parameter.empty:
            plain = parameter.default is None or isinstance(parameter.default, str | int | float)
            equals = " = " if kind else "="
            default = f"{equals}{parameter.default!r}" if plain else f"{equals}..."
        written.append(f"{stars}{name}{kind}{default}")
    return written


def _written(annotation: str, function: Callable[..., Any]) -> str:
    """A type as in the source; an alias of a choice of texts is replaced by the texts."""

    def choice(name: re.Match[str]) -> str:
        meant = getattr(function, "__globals__", {}).get(name[0])
        return " | ".join(map(repr, get_args(meant))) if get_origin(meant) is Literal else name[0]

    return re.sub(r"\b[A-Z]\w+\b", choice, annotation)


def _markdown(docstring: str, kinds: Mapping[str, str]) -> str:
    """A NumPy docstring as Markdown; ``kinds`` are the types of the described names."""
    sections = re.split(r"^(\w[\w ]*)\n-{3,}\n", docstring, flags=re.MULTILINE)
    parts = [_literals(sections[0].strip())]
    for title, body in zip(sections[1::2], sections[2::2], strict=True):
        if title == "Examples":
            parts.append(f"**Example**\n\n```pycon\n{body.strip()}\n```")
            continue
        entries = re.findall(r"^(\S[^\n]*)\n((?:(?: +[^\n]*)?(?:\n|$))*)", body.strip() + "\n", re.MULTILINE)
        lines = []
        for head, words in entries:
            said = _literals(" ".join(words.split()))
            kind = kinds.get(head.partition(",")[0].strip())
            shown = f"`{head.strip()}`" + (f" (`{kind}`)" if kind else "")
            lines.append(f"- {shown}: {said}" if said else f"- {_literals(head.strip())}")
        parts.append(f"**{title}**\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _literals(text: str) -> str:
    return text.replace("``", "`")


# --- routes -----------------------------------------------------------------------------------------------------------


def rest() -> str:
    document = json.loads((ROOT / "contract/openapi.json").read_text("utf-8"))
    by_tag: dict[str, list[tuple[str, ...]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["other"])[0]
            words = _literals(operation.get("description") or operation.get("summary") or "").replace("\n", " ")
            by_tag.setdefault(tag, []).append((f"`{method.upper()} {path}`", words, _takes(operation, document)))
    return "\n\n".join(
        f"### {tag}\n\n{table(('route', 'what it does', 'takes'), sorted(by_tag[tag]))}" for tag in sorted(by_tag)
    )


def _takes(operation: dict[str, Any], document: dict[str, Any]) -> str:
    names = [f"`{p['name']}`" for p in operation.get("parameters", []) if p["in"] == "query"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        needed = schema.get("required", [])
        names += [f"`{name}`" + (" (needed)" if name in needed else "") for name in schema.get("properties", {})]
    return ", ".join(names)


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/configuration.md": settings,
    "docs/reference/library.md": library,
    "docs/reference/rest.md": rest,
    "docs/reference/steps.md": lambda: reference_steps.page(table),
    "docs/reference/terminal.md": terminal,
}


def main() -> None:
    for page in PAGES:
        path = ROOT / page
        new = renewed(page)
        if path.read_text("utf-8") != new:
            path.write_text(new, "utf-8")
            sys.stdout.write(f"renewed {page}\n")


if __name__ == "__main__":
    main()
