"""A site as in ``tests/server``, and a client of its DICOMweb server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.server.conftest import (
    Site,
    _not_stopping,
    data_folder,
    dispatched,
    django_db_modify_db_settings,
    do_jobs,
    run_jobs,
    site,
    user,
)

__all__ = [
    "Site",
    "Web",
    "_not_stopping",
    "data_folder",
    "dispatched",
    "django_db_modify_db_settings",
    "do_jobs",
    "run_jobs",
    "site",
    "user",
    "web",
    "web_of",
]
ROOT = "/dicomweb/projects/default"


@dataclass
class Web:
    """A client of the DICOMweb server of one project.

    Attributes
    ----------
    root
        The path that addresses begin with.
    headers
        Sent with each request, by their names in HTTP.
    """

    client: Client
    root: str = ROOT
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, address: str, status: int = 200, /, *, accept: str | None = None, **query: Any) -> Any:
        """GET; the response. Keys of the query may have lists for values."""
        return self.ask("GET", address, status, accept=accept, query=urlencode(query, doseq=True))

    def ask(
        self,
        method: str,
        address: str,
        status: int = 200,
        *,
        query: str = "",
        accept: str | None = None,
        content: bytes = b"",
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request with the query as it is written; the response."""
        own = {**self.headers, **({} if accept is None else {"Accept": accept}), **(headers or {})}
        path = f"{self.root}{address}" + (f"?{query}" if query else "")
        response = self.client.generic(method, path, content, content_type=content_type, headers=own)
        assert response.status_code == status, (response.status_code, response.content[:2_000])
        return response

    def search(self, address: str, status: int = 200, /, **query: Any) -> Any:
        """GET as JSON; the JSON."""
        return self.get(address, status, **query).json()


@pytest.fixture
def web(site: Site) -> Web:
    """The DICOMweb server of the project ``default``, as its administrator sees it."""
    return Web(site.client)


@pytest.fixture
def web_of(site: Site) -> Callable[..., Web]:
    """Makes a `Web` of another project, or for another client."""

    def made(project: str = "default", client: Client | None = None) -> Web:
        return Web(client or site.client, f"/dicomweb/projects/{project}")

    return made
