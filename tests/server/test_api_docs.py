"""The page ``/api/docs`` shows every route and record, with examples that the server would take."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import resolve

from voxelry.server.api.management.commands.openapi import document
from voxelry.server.api.route_docs import METHODS, record_docs, route_groups, type_words
from voxelry.server.api.schema_examples import example_of
from voxelry.server.api.templatetags.descriptions import paragraphs

DOCUMENT = json.loads(document())
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
ROUTES = [route for group in route_groups(DOCUMENT, {"me": "everybody"}, site="http://site") for route in group.routes]


@pytest.fixture
def page(site: Any) -> str:
    answer = site.client.get("/api/docs")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_every_route_parameter_and_record_is_on_the_page(page: str) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {*OPERATIONS, *(f"record-{name}" for name in SCHEMAS)} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            begins = page.index(f'<article class="route" id="{operation["operationId"]}"')
            article = page[begins : page.index("</article>", begins)]
            for parameter in operation.get("parameters", ()):
                assert f"<dt><code>{parameter['name']}</code>" in article
            assert "<p>For " in article or '<p class="access">For ' in article
            assert ('<details class="try"' in article) == ("get" in methods and operation is methods["get"])


def test_a_stranger_is_asked_for_the_password(transactional_db: None) -> None:
    answer = Client().get("/api/docs", headers={"Accept": "text/html"})
    assert answer.headers["Location"] == "/login/?next=/api/docs"


def test_routes_are_those_of_the_document() -> None:
    assert {route.id: (route.method.lower(), route.path) for route in ROUTES} == OPERATIONS
    assert {record.name for record in record_docs(DOCUMENT)} == set(SCHEMAS)
    assert {method for method, _ in OPERATIONS.values()} <= set(METHODS)
    assert next(route.access for route in ROUTES if route.id == "me") == "everybody"


def test_examples_are_what_their_schemas_allow() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            messages = [operation.get("requestBody", {}), *operation["responses"].values()]
            schemas = [content["schema"] for message in messages for content in message.get("content", {}).values()]
            schemas += [parameter["schema"] for parameter in operation.get("parameters", ())]
            for schema in schemas:
                if schema.get("format") == "binary" or "multipart/form-data" in messages[0].get("content", {}):
                    continue
                whole = {**schema, "components": DOCUMENT["components"]}
                example = example_of(schema, SCHEMAS)
                assert jsonschema_rs.is_valid(whole, example), (method, path, example)


def test_commands_are_whole_and_lead_to_their_routes() -> None:
    for route in ROUTES:
        words = shlex.split(route.curl)
        assert words[0] == "curl"
        assert "Authorization: Bearer $TOKEN" in words
        address = urlsplit(words[-1])
        assert "{" not in words[-1]
        assert re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", resolve(address.path).route) == route.path.lstrip("/")
        needed = {field.name for field in route.parameters if field.is_required and field.kind == "query"}
        assert needed <= {pair.partition("=")[0] for pair in address.query.split("&")}
        assert route.method == "GET" or words[words.index("-X") + 1] == route.method
        if "-d" in words:
            json.loads(words[words.index("-d") + 1])


def test_a_record_that_holds_itself_has_an_end() -> None:
    records = {"Tree": {"type": "object", "properties": {"twigs": {"type": "array", "items": {"$ref": "#/x/Tree"}}}}}
    assert json.dumps(example_of({"$ref": "#/x/Tree"}, records)).count("twigs") < 10
    branch = {"anyOf": [{"$ref": "#/x/Branch"}, {"type": "null"}]}
    records = {"Branch": {"type": "object", "properties": {"next": branch}}}
    assert json.dumps(example_of({"$ref": "#/x/Branch"}, records)).count("next") < 10


def test_types_are_told_in_words() -> None:
    several = {"anyOf": [{"type": "array", "items": {"$ref": "#/x/Tree"}}, {"type": "integer"}, {"type": "null"}]}
    assert "".join(part.words for part in type_words(several)) == "list of Tree or integer or null"
    assert [part.words for part in type_words(several) if part.is_record] == ["Tree"]


def test_descriptions_are_text_with_code_and_nothing_else() -> None:
    assert paragraphs("a ``b<c``\n\n<script>") == "<p>a <code>b&lt;c</code></p>\n<p>&lt;script&gt;</p>"
