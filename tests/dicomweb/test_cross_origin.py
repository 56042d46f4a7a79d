"""Pages on other sites: only those of the setting, with a token and never with a cookie."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.dicomweb.conftest import Web

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = "https://viewer.example.org"
ASK = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,range"}


@pytest.fixture(autouse=True)
def _origins(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(dicomweb_origins=(ORIGIN, "http://localhost:3000"))


def names(value: str) -> set[str]:
    return {name.strip().lower() for name in value.split(",")}


@pytest.mark.parametrize("root", ["/dicomweb/", "/dicomweb/projects/default/", "/dicomweb/projects/unknown/"])
def test_a_preflight_request_needs_no_login(root: str) -> None:
    answer = Client().options(root, headers={"Origin": ORIGIN, **ASK})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert names(answer["Access-Control-Allow-Methods"]) == {"get", "head", "options"} == names(answer["Allow"])
    allowed = names(answer["Access-Control-Allow-Headers"])
    assert allowed >= {"authorization", "accept", "content-type", "range", "if-none-match"}
    assert int(answer["Access-Control-Max-Age"]) > 0
    assert "Access-Control-Allow-Credentials" not in answer
    assert "origin" in names(answer["Vary"])


def test_another_origin_is_allowed_nothing(web: Web) -> None:
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", ORIGIN.replace("https", "http"), "*"):
        preflight = Client().options("/dicomweb/", headers={"Origin": origin, **ASK})
        answer = web.ask("GET", "/", headers={"Origin": origin})
        for found in (preflight, answer):
            assert not [name for name in found.headers if name.startswith("Access-Control-")]
            assert "origin" in names(found["Vary"])
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_answers_and_errors_may_be_read_by_the_page(web: Web) -> None:
    answers = [
        web.ask("GET", "/", headers={"Origin": ORIGIN}),
        Client().get("/dicomweb/", headers={"Origin": ORIGIN}),
        web.ask("PUT", "/", 405, headers={"Origin": ORIGIN}),
        web.client.get("/dicomweb/nothing/here", headers={"Origin": ORIGIN}),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 405, 404]
    for answer in answers:
        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        exposed = names(answer["Access-Control-Expose-Headers"])
        assert exposed >= {"warning", "content-location", "etag", "content-range", "location", "retry-after", "link"}
        assert "Access-Control-Allow-Credentials" not in answer
        assert "origin" in names(answer["Vary"])


def test_by_default_and_elsewhere_no_page_is_allowed(site: Any, web: Web, settings: Any) -> None:
    for path in ("/api/me", "/login/", "/dicomwebs"):
        answer = site.client.get(path, headers={"Origin": ORIGIN})
        assert "Access-Control-Allow-Origin" not in answer
    settings.VOXELRY = settings.VOXELRY.replace(dicomweb_origins=())
    answer = web.ask("GET", "/", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer
    preflight = Client().options("/dicomweb/", headers={"Origin": ORIGIN, **ASK})
    assert preflight.status_code == 204
    assert "Access-Control-Allow-Origin" not in preflight


def test_a_session_of_the_page_stores_nothing_without_its_token(settings: Any, site: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(site.user)
    answer = client.put("/dicomweb/", headers={"Origin": ORIGIN})
    assert answer.status_code == 403


def test_options_of_an_unknown_address_is_not_answered() -> None:
    assert Client().options("/dicomweb/nothing/here", headers={"Origin": ORIGIN, **ASK}).status_code in (401, 404)
