"""HEAD on every GET route of the API: the same status and headers, no content (RFC 9110, 9.3.2)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from voxelry.server.api.study_routes import api
from voxelry.testing import synthetic_series

SAME = ("Content-Type", "Content-Length", "ETag", "Cache-Control", "Content-Disposition", "Allow")


def _addresses() -> list[str]:
    paths = api.get_openapi_schema(path_prefix="/api/")["paths"]
    found = [re.sub(r"\{[^}]*\}", "1", path) for path, methods in paths.items() if "get" in methods]
    return [*found, "/api/openapi.json", "/api/docs", "/api/nothing", "/api/series/99"]


@pytest.mark.parametrize("address", _addresses())
def test_head_is_get_without_content(site: Any, tmp_path: Path, address: str) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    get, head = site.client.get(address), site.client.head(address)
    assert head.status_code == get.status_code
    assert head.content == b""
    for name in SAME:
        assert head.headers.get(name) == get.headers.get(name), name
    get.close()


def test_a_route_without_get_has_no_head(site: Any) -> None:
    refused = site.client.head("/api/measure")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    assert "HEAD" in site.client.put("/api/uploads").headers["Allow"]


def test_strangers_get_no_head(transactional_db: None) -> None:
    from django.test import Client

    assert Client().head("/api/series").status_code == 401


@pytest.mark.parametrize("address", ["/", "/login/", "/healthz", "/admin/archive/series/", "/static/voxelry/door.css"])
def test_pages_have_it_too(site: Any, address: str) -> None:
    assert site.client.head(address).status_code == site.client.get(address).status_code
