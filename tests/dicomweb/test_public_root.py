"""URLs in answers: from the configured address or from trusted proxies, never from a Host that anybody sends."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.dicomweb.conftest import Web
from voxelry.server.access.exchange import RefusedError
from voxelry.server.dicomweb.public_root import public_root

PROXY, STRANGER = "10.0.0.1", "203.0.113.5"
BEHIND = {"x-forwarded-proto": "https", "x-forwarded-host": "pacs.example.org"}


@pytest.fixture(autouse=True)
def _hosts(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(trusted_proxies=("10.0.0.0/24",))
    settings.ALLOWED_HOSTS = ["pacs.example.org", "inside", "127.0.0.1", "[::1]"]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "http://inside:8000"),
        (BEHIND, "https://pacs.example.org"),
        ({**BEHIND, "x-forwarded-host": "pacs.example.org:8443"}, "https://pacs.example.org:8443"),
        ({**BEHIND, "x-forwarded-port": "8443"}, "https://pacs.example.org:8443"),
        ({**BEHIND, "x-forwarded-port": "443"}, "https://pacs.example.org"),
        ({**BEHIND, "x-forwarded-port": "8443, x"}, "https://pacs.example.org"),
        ({**BEHIND, "x-forwarded-prefix": "/images/"}, "https://pacs.example.org/images"),
        ({**BEHIND, "x-forwarded-prefix": "/../<script>"}, "https://pacs.example.org"),
        ({"x-forwarded-proto": "HTTPS"}, "https://inside:8000"),
        ({"x-forwarded-proto": "javascript"}, "http://inside:8000"),
        ({"forwarded": 'for=192.0.2.1;proto=https;host="pacs.example.org:444"'}, "https://pacs.example.org:444"),
        ({"forwarded": "for=192.0.2.1;Host=pacs.example.org"}, "http://pacs.example.org"),
    ],
)
def test_a_trusted_proxy_says_where_the_site_is(headers: dict[str, str], expected: str) -> None:
    assert public_root("http", "inside:8000", headers, PROXY) == expected


def test_only_what_trusted_proxies_appended_counts() -> None:
    appended = {"x-forwarded-host": "evil.example, pacs.example.org", "x-forwarded-for": "203.0.113.5"}
    assert public_root("http", "inside", appended, PROXY) == "http://pacs.example.org"

    two = {
        "x-forwarded-host": "evil.example, pacs.example.org, inside",
        "x-forwarded-proto": "http, https, http",
        "x-forwarded-for": f"{STRANGER}, 10.0.0.2",
    }
    assert public_root("http", "inside", two, PROXY) == "https://pacs.example.org"

    chain = {
        "forwarded": f"host=evil.example, for={STRANGER};host=pacs.example.org;proto=https, for=10.0.0.2;host=inside"
    }
    assert public_root("http", "inside", chain, PROXY) == "https://pacs.example.org"


@pytest.mark.parametrize("headers", [BEHIND, {"forwarded": "proto=https;host=pacs.example.org"}])
def test_nobody_else_is_believed(headers: dict[str, str]) -> None:
    assert public_root("http", "inside", headers, STRANGER) == "http://inside"


@pytest.mark.parametrize("host", ["evil.example", "inside.evil.example", "inside@evil.example", "", "inside/x", "a b"])
def test_a_strange_host_is_refused(settings: Any, host: str) -> None:
    with pytest.raises(RefusedError) as caught:
        public_root("http", host, {}, STRANGER)
    assert caught.value.status == 400
    settings.VOXELRY = settings.VOXELRY.replace(public_url="https://pacs.example.org")
    with pytest.raises(RefusedError):
        public_root("http", host, {}, STRANGER)


def test_a_strange_host_is_refused_from_a_proxy_too() -> None:
    with pytest.raises(RefusedError):
        public_root("http", "inside", {"x-forwarded-host": "evil.example"}, PROXY)


def test_the_configured_address_is_first(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(public_url="https://Images.example.org:443/voxelry/")
    assert public_root("http", "inside", BEHIND, PROXY) == "https://images.example.org/voxelry"


@pytest.mark.parametrize(
    ("host", "here", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 8000), "http://127.0.0.1:8000"),
        ("[::1]", ("::1", 8000), "http://[::1]:8000"),
        ("127.0.0.1", ("127.0.0.1", 80), "http://127.0.0.1"),
        ("127.0.0.1:9000", ("127.0.0.1", 8000), "http://127.0.0.1:9000"),
        ("127.0.0.1", ("10.0.0.9", 8000), "http://127.0.0.1"),
        ("pacs.example.org", ("127.0.0.1", 8000), "http://pacs.example.org"),
        ("127.0.0.1", ("127.0.0.1", None), "http://127.0.0.1"),
    ],
)
def test_a_client_that_leaves_the_port_out_is_told_it(host: str, here: tuple[str, int | None], expected: str) -> None:
    """dicomweb-client of Python does so."""
    assert public_root("http", host, {}, STRANGER, here) == expected
    assert public_root("http", host, {"x-forwarded-for": "192.0.2.1"}, STRANGER, here) == f"http://{host}"


def test_an_origin_of_the_site_says_its_scheme(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(trusted_origins=("https://pacs.example.org",))
    assert public_root("http", "pacs.example.org", {}, STRANGER) == "https://pacs.example.org"


@pytest.mark.django_db(transaction=True)
def test_answers_hold_it(settings: Any, web: Web) -> None:
    def root(**headers: str) -> str:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return str(web.ask("GET", "/", headers={"Host": "inside", **told}).json()["root"])

    assert root() == "http://inside/dicomweb/projects/default"
    assert root(x_forwarded_host="pacs.example.org", x_forwarded_proto="https") == root()
    assert Client().get("/dicomweb/", headers={"Host": "evil.example"}).status_code == 400
    settings.VOXELRY = settings.VOXELRY.replace(trusted_proxies=("127.0.0.1",))
    found = root(x_forwarded_host="pacs.example.org", x_forwarded_proto="https", x_forwarded_prefix="/v")
    assert found == "https://pacs.example.org/v/dicomweb/projects/default"
    settings.VOXELRY = settings.VOXELRY.replace(public_url="https://voxelry.example.org/v")
    assert root() == "https://voxelry.example.org/v/dicomweb/projects/default"
