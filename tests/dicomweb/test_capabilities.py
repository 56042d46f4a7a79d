"""Retrieve Capabilities (PS3.18 8.9)."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from django.test import Client

from tests.dicomweb.conftest import Web
from voxelry.server.dicomweb.urls import ALL

WADL = "application/vnd.sun.wadl+xml"
NAMESPACE = "{http://wadl.dev.java.net/2009/02}"


def test_a_member_is_told_the_root(web: Web) -> None:
    assert web.search("/")["root"] == "http://testserver/dicomweb/projects/default"


def test_a_project_that_there_is_not_is_not_found(web: Web) -> None:
    web.root = "/dicomweb/projects/unknown"
    web.get("/", 404)


def routes() -> set[tuple[str, str]]:
    return {(re.sub(r"<\w+:(\w+)>", r"{\1}", route.path), method) for route in ALL for method in route.methods}


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_json_tells_every_route_with_what_it_does_and_for_whom(web: Web, method: str) -> None:
    told = web.ask(method, "/").json()
    found = {(resource["path"][1:], own["name"]): own for resource in told["resources"] for own in resource["methods"]}
    assert found.keys() >= routes()
    assert {key for key in found if key[1] != "HEAD"} == routes() | {("", "GET"), ("", "OPTIONS")}
    assert all(own["description"] and own["role"] for own in found.values())
    assert told["standard"].startswith("DICOM PS3.18 ")
    assert told["conformance"]


@pytest.mark.parametrize("accept", [WADL, "application/xml", f"application/json;q=0.5, {WADL}", "text/xml;q=0.1"])
def test_wadl_tells_the_same(web: Web, accept: str) -> None:
    answer = web.get("/", accept=accept)
    assert answer["Content-Type"] == WADL
    assert "accept" in answer["Vary"].lower()
    tree = ET.fromstring(answer.content)
    assert tree.find(f"{NAMESPACE}resources").get("base") == "http://testserver/dicomweb/projects/default/"  # type: ignore[union-attr]
    found = {
        (resource.get("path"), method.get("name"))
        for resource in tree.iter(f"{NAMESPACE}resource")
        for method in resource.iter(f"{NAMESPACE}method")
    }
    assert found >= routes()
    for resource in tree.iter(f"{NAMESPACE}resource"):
        names = {param.get("name") for param in resource.iter(f"{NAMESPACE}param")}
        assert names == set(re.findall(r"{(\w+)}", resource.get("path") or ""))


@pytest.mark.parametrize("accept", ["image/png", "application/json;q=0", "nonsense"])
def test_another_type_is_not_acceptable(web: Web, accept: str) -> None:
    web.get("/", 406, accept=accept)


def test_no_accept_is_json(web: Web) -> None:
    assert web.get("/")["Content-Type"] == "application/json"
    assert web.get("/", accept="text/html,application/xhtml+xml,*/*;q=0.8")["Content-Type"] == "application/json"


def test_a_method_that_an_address_does_not_know_is_told_the_others(web: Web) -> None:
    assert web.ask("PATCH", "/", 405)["Allow"] == "GET, HEAD, OPTIONS"


def test_capabilities_need_a_login() -> None:
    assert Client().get("/dicomweb/").status_code == 401
    assert Client().options("/dicomweb/").status_code == 401
