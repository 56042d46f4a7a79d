"""Retrieve Capabilities (PS3.18 8.9)."""

from __future__ import annotations

from tests.dicomweb.conftest import Web


def test_a_member_is_told_the_root(web: Web) -> None:
    assert web.search("/")["root"] == "http://testserver/dicomweb/projects/default"


def test_a_project_that_there_is_not_is_not_found(web: Web) -> None:
    web.root = "/dicomweb/projects/unknown"
    web.get("/", 404)
