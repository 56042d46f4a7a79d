"""Retrieve Capabilities (PS3.18 8.9): what this server does, from the table of its routes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.routes import Handler, Route, methods_by_path

EDITION = "2024e"
CONFORMANCE = "docs/reference/dicomweb.md"
WADL = "application/vnd.sun.wadl+xml"
_JSON = "application/json"
_GIVEN = {
    "application/json": _JSON,
    "application/dicom+json": _JSON,
    "application/*": _JSON,
    "*/*": _JSON,
    WADL: WADL,
    "application/xml": WADL,
    "text/xml": WADL,
    "text/*": WADL,
}
_PART = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class _Method:
    name: str
    words: str
    role: str


def capabilities_routes(others: tuple[Route, ...]) -> tuple[Route, ...]:
    """The route of the root, whose answers tell the other routes.

    Parameters
    ----------
    others
        All other routes.
    """

    def capabilities(asked: Asked) -> Answer:
        """What this server does, as JSON or WADL."""
        kind = _kind(asked.headers.get("accept", ""), asked.parameters())
        content = (_wadl if kind == WADL else _json)(asked.root, table)
        return Answer([content.encode()], headers={"Content-Type": kind, "Vary": "Accept"})

    root = Route("", {"GET": (capabilities, Rule.VIEWER), "OPTIONS": (capabilities, Rule.VIEWER)})
    table = methods_by_path((root, *others))
    return (root,)


def _kind(accept: str, parameters: list[tuple[str, str]]) -> str:
    accept = next((value for name, value in parameters if name.lower() == "accept"), accept) or "*/*"
    ranked = []
    for number, entry in enumerate(accept.split(",")):
        name, *rest = (part.strip().lower() for part in entry.split(";"))
        told = next((part[2:] for part in rest if part.startswith("q=")), "1")
        weight = float(told) if re.fullmatch(r"[01](\.\d*)?", told) else 0.0
        if name in _GIVEN and weight > 0:
            ranked.append((-weight, number, _GIVEN[name]))
    if not ranked:
        raise RefusedError(406, f"The capabilities are given as {_JSON} and {WADL}.")
    return min(ranked)[2]


def _resources(table: Mapping[str, Mapping[str, tuple[Handler, Rule]]]) -> Iterator[tuple[str, list[_Method]]]:
    for path, methods in table.items():
        told = [
            _Method(name, (inspect.getdoc(handler) or "").split("\n\n")[0].replace("\n", " "), rule.name.lower())
            for name, (handler, rule) in methods.items()
        ]
        if "GET" in methods:
            told += [_Method("HEAD", "The headers of GET.", method.role) for method in told if method.name == "GET"]
        yield _PART.sub(r"{\1}", path), told


def _json(root: str, table: Mapping[str, Mapping[str, tuple[Handler, Rule]]]) -> str:
    resources = [
        {
            "path": f"/{path}",
            "methods": [{"name": own.name, "description": own.words, "role": own.role} for own in methods],
        }
        for path, methods in _resources(table)
    ]
    told = {"standard": f"DICOM PS3.18 {EDITION}", "conformance": CONFORMANCE}
    return json.dumps({"root": root, **told, "resources": resources})


def _wadl(root: str, table: Mapping[str, Mapping[str, tuple[Handler, Rule]]]) -> str:
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<application xmlns="http://wadl.dev.java.net/2009/02">',
        f"<doc>DICOM PS3.18 {EDITION}; {escape(CONFORMANCE)}</doc>",
        f"<resources base={quoteattr(root + '/')}>",
    ]
    for path, methods in _resources(table):
        lines.append(f"<resource path={quoteattr(path)}>")
        lines += [f'<param name="{name}" style="template" required="true"/>' for name in re.findall(r"{(\w+)}", path)]
        lines += [f'<method name="{own.name}"><doc>{escape(own.words)}</doc></method>' for own in methods]
        lines.append("</resource>")
    return "\n".join([*lines, "</resources>", "</application>", ""])
