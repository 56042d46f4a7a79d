"""The OpenAPI document as the page ``/api/docs`` shows it: routes and records in words."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from voxelry.server.api.schema_examples import JsonObject, example_of, record_name

METHODS = ("get", "post", "put", "patch", "delete")
LONGEST_PATTERN = 60
"""Characters of a pattern that is shown; a longer one tells a reader nothing."""


@dataclass(frozen=True)
class TypePart:
    """Words of a type, or the name of a record, to which the page links."""

    words: str
    is_record: bool = False


TypeWords = tuple[TypePart, ...]


@dataclass(frozen=True)
class FieldDoc:
    """A field of a record, or a parameter of a route."""

    name: str
    type: TypeWords
    bounds: str
    is_required: bool
    default: str
    description: str
    choices: tuple[str, ...]
    kind: str = ""
    """Where a parameter stands: path or query."""


@dataclass(frozen=True)
class ContentDoc:
    """What is sent, or an answer that is no refusal."""

    status: str
    media_type: str
    type: TypeWords
    fields: tuple[FieldDoc, ...]
    """Of a form: its own fields."""
    example: str


@dataclass(frozen=True)
class RouteDoc:
    """One method of one address."""

    id: str
    method: str
    path: str
    title: str
    description: str
    access: str
    parameters: tuple[FieldDoc, ...]
    body: ContentDoc | None
    answers: tuple[ContentDoc, ...]
    refusals: tuple[str, ...]
    curl: str
    words: str
    """What the search looks through."""


@dataclass(frozen=True)
class RouteGroup:
    """Routes about one subject."""

    name: str
    routes: tuple[RouteDoc, ...]


@dataclass(frozen=True)
class RecordDoc:
    """A JSON object that routes take or answer."""

    name: str
    description: str
    type: TypeWords
    fields: tuple[FieldDoc, ...]


def route_groups(document: JsonObject, access: Mapping[str, str], *, site: str) -> tuple[RouteGroup, ...]:
    """All routes by subject.

    Parameters
    ----------
    document
        The OpenAPI document.
    access
        Who may ask, in words, by operation ID.
    site
        Scheme and host of the site, for the commands.
    """
    routes: dict[str, list[RouteDoc]] = {}
    for path, operations in sorted(document["paths"].items()):
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                route = _route(document, (method, path), operation, access=access, site=site)
                routes.setdefault(operation["tags"][0], []).append(route)
    return tuple(RouteGroup(name, tuple(routes[name])) for name in sorted(routes))


def record_docs(document: JsonObject) -> tuple[RecordDoc, ...]:
    """All records, by name."""
    schemas: Mapping[str, JsonObject] = document["components"]["schemas"]
    return tuple(
        RecordDoc(
            name,
            schema.get("description", ""),
            () if "properties" in schema else type_words(schema),
            _fields(schema),
        )
        for name, schema in sorted(schemas.items())
    )


def _route(
    document: JsonObject, address: tuple[str, str], operation: JsonObject, *, access: Mapping[str, str], site: str
) -> RouteDoc:
    method, path = address
    records = document["components"]["schemas"]
    parameters = tuple(
        _field(one["name"], one["schema"], is_required=one.get("required", False), kind=one["in"])
        for one in operation.get("parameters", ())
    )
    body = next(_contents("", operation.get("requestBody", {}), records), None)
    answers, refusals = [], []
    for status, answer in sorted(operation["responses"].items()):
        if "$ref" in answer:
            refusals.append(status)
        else:
            words = f"{status} {HTTPStatus(int(status)).phrase}"
            answers += list(_contents(words, answer, records)) or [ContentDoc(words, "", (), (), "")]
    name, title = operation["operationId"], operation["summary"]
    description = operation["description"]
    sought = [method, path, title, description, name, *operation["tags"]]
    sought += [f"{field.name} {field.description}" for field in parameters]
    sought += [part.words for content in (body, *answers) if content for part in content.type if part.is_record]
    return RouteDoc(
        name,
        method.upper(),
        path,
        title,
        description,
        access.get(name, ""),
        parameters,
        body,
        tuple(answers),
        tuple(refusals),
        _curl(address, operation, body, answers, site=site, records=records),
        " ".join(sought).lower(),
    )


def _contents(status: str, message: JsonObject, records: Mapping[str, JsonObject]) -> Iterator[ContentDoc]:
    for media_type, content in message.get("content", {}).items():
        schema = content["schema"]
        is_json = media_type == "application/json"
        example = json.dumps(example_of(schema, records), indent=2, ensure_ascii=False) if is_json else ""
        fields = _fields(schema) if media_type == "multipart/form-data" else ()
        yield ContentDoc(status, media_type, () if fields else type_words(schema), fields, example)


def _curl(
    address: tuple[str, str],
    operation: JsonObject,
    body: ContentDoc | None,
    answers: list[ContentDoc],
    *,
    site: str,
    records: Mapping[str, JsonObject],
) -> str:
    """A command for a shell, with a value for each parameter that must be given."""
    method, path = address
    query = []
    for one in operation.get("parameters", ()):
        if not one.get("required"):
            continue
        value = quote(str(example_of(one["schema"], records, name=one["name"])), safe=",:")
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", value)
        else:
            query.append(f"{one['name']}={value}")
    target = f"{site}{path}{'?' if query else ''}{'&'.join(query)}"
    media_types = {answer.media_type for answer in answers}
    flags = "-sSfN" if "text/event-stream" in media_types else "-sSf"
    words = [f"curl {flags}" if method == "get" else f"curl {flags} -X {method.upper()}"]
    words.append('-H "Authorization: Bearer $TOKEN"')
    if body and body.fields:
        words += [_form_word(field) for field in body.fields if field.is_required]
    elif body:
        compact = json.dumps(json.loads(body.example), ensure_ascii=False)
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(compact)}"]
    if not media_types <= {"", "application/json", "text/event-stream", "text/csv"}:
        words.append("-OJ" if path.endswith("}") else f"-o {shlex.quote(path.rpartition('/')[2])}")
    return " \\\n  ".join([*words, shlex.quote(target)])


def _form_word(field: FieldDoc) -> str:
    is_file = any("file" in part.words for part in field.type)
    return f"-F {field.name}={'@study.zip' if is_file else 'text'}"


def _fields(schema: JsonObject) -> tuple[FieldDoc, ...]:
    required = schema.get("required", ())
    parts: Mapping[str, JsonObject] = schema.get("properties", {})
    return tuple(_field(name, part, is_required=name in required) for name, part in parts.items())


def _field(name: str, schema: JsonObject, *, is_required: bool, kind: str = "") -> FieldDoc:
    default = schema.get("default")
    choices = next((one["enum"] for one in (schema, *schema.get("anyOf", ())) if "enum" in one), ())
    return FieldDoc(
        name,
        tuple(part for part in type_words(schema) if not kind or part.words not in (" or ", "null")),
        _bounds(schema),
        is_required,
        "" if default in (None, "", [], {}) else json.dumps(default, ensure_ascii=False),
        schema.get("description", ""),
        tuple(str(choice) for choice in choices),
        kind,
    )


def type_words(schema: JsonObject) -> TypeWords:
    """A schema's type in words: ``list of Series, or null``."""
    if "$ref" in schema:
        return (TypePart(record_name(schema), is_record=True),)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _joined([type_words(choice) for choice in schema[key]], " or ")
    if "allOf" in schema:
        return type_words(schema["allOf"][0])
    if "const" in schema:
        return (TypePart(json.dumps(schema["const"])),)
    kind = schema.get("type", "any value")
    if kind == "array":
        if "prefixItems" in schema:
            return (TypePart("list of "), *_joined([type_words(item) for item in schema["prefixItems"]], ", "))
        return (TypePart("list of "), *type_words(schema.get("items", {})))
    others = schema.get("additionalProperties")
    if kind == "object" and isinstance(others, Mapping) and others:
        return (TypePart("object of "), *type_words(others))
    if schema.get("format") == "binary":
        return (TypePart("file"),)
    return (TypePart("date and time" if schema.get("format") == "date-time" else str(kind)),)


def _joined(types: list[TypeWords], between: str) -> TypeWords:
    distinct = list(dict.fromkeys(types))
    return tuple(part for n, parts in enumerate(distinct) for part in ((TypePart(between),) if n else ()) + parts)


def _bounds(schema: JsonObject) -> str:
    """What a value must be like, in words."""
    bounded = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    words = [_range(bounded, least, most, unit) for least, most, unit in _RANGES]
    if "exclusiveMinimum" in bounded:
        words.append(f"more than {bounded['exclusiveMinimum']}")
    pattern = bounded.get("pattern", "")
    if 0 < len(pattern) <= LONGEST_PATTERN:
        words.append(f"pattern `{pattern}`")
    return ", ".join(filter(None, words))


_RANGES = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items"))
_HUGE = 2**53 - 1
"""Bounds beyond what JSON holds exactly are not worth a word."""


def _range(schema: JsonObject, least_name: str, most_name: str, unit: str) -> str:
    least, most = schema.get(least_name), schema.get(most_name)
    if most is not None and most >= _HUGE:
        most = None
    if least is not None and most is not None:
        return f"{least:,}{unit}" if least == most else f"{least:,} to {most:,}{unit}"
    if most is not None:
        return f"at most {most:,}{unit}"
    return f"at least {least:,}{unit}" if least is not None else ""
