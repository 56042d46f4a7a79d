"""A site in a process of its own, as other programs meet it: an address, a token and a few studies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers.made_tables import put_tables
from tests.servers.running import Server, free_port, running

SECONDS = 300.0
PASSWORD = "a-password-of-these-tests"


@dataclass(frozen=True)
class LiveSite:
    """Where the site is, and what its clients send.

    Attributes
    ----------
    token
        Of an administrator.
    """

    address: str
    token: str
    data: Path

    @property
    def root(self) -> str:
        """The DICOMweb address of the project default."""
        return f"{self.address}/dicomweb/projects/default"

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **headers: str) -> requests.Response:
        """GET below the DICOMweb address."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(f"{self.root}{path}", headers={**self.headers, **told}, timeout=SECONDS)

    def cookie(self) -> str:
        """The cookie of a session, of somebody who logged in on the page."""
        with requests.Session() as session:
            token = session.get(f"{self.address}/login/", timeout=SECONDS).cookies["csrftoken"]
            form = {"username": "admin", "password": PASSWORD, "csrfmiddlewaretoken": token}
            session.post(f"{self.address}/login/", data=form, timeout=SECONDS, allow_redirects=False)
            return f"voxelry={session.cookies['voxelry']}"

    def upload(self, paths: Sequence[Path]) -> Any:
        """Upload files, wait until they are stored, and return the report."""
        files = [("files", (path.name, path.read_bytes())) for path in paths]
        answer = requests.post(f"{self.address}/api/uploads", files=files, headers=self.headers, timeout=SECONDS)
        assert answer.status_code == 202, answer.text
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            address = f"{self.address}/api/uploads/{answer.json()['id']}"
            report = requests.get(address, headers=self.headers, timeout=SECONDS).json()
            if report["state"] not in ("queued", "running"):
                assert report["state"] == "succeeded", report
                return report
            time.sleep(0.05)
        raise AssertionError(f"not stored within {SECONDS:g} s")


@contextmanager
def live_site(folder: Path, **settings: str) -> Iterator[LiveSite]:
    """``voxelry serve`` with a data folder in which there are only tables.

    Parameters
    ----------
    settings
        By their variables, without ``VOXELRY_`` and in lower case.
    """
    data, port = folder / "data", free_port()
    if "database_url" not in settings:
        put_tables(data)
    told = {"admin_password": PASSWORD, **settings}
    environment = {"PYTHONUNBUFFERED": "1", **{f"VOXELRY_{name.upper()}": value for name, value in told.items()}}
    arguments = [sys.executable, "-m", "voxelry.cli"]
    serve = [*arguments, "serve", "--port", str(port), "--data", str(data)]

    def is_ready() -> bool:
        return "Ctrl-C" in (folder / "log").read_text(errors="replace")  # the port is open before the site is made

    with ExitStack() as stack:
        server = Server(serve, folder, port, environment=environment, ready=is_ready, seconds=SECONDS)
        stack.enter_context(running(server))
        create = [*arguments, "token", "create", "--user", "admin", "--name", "peers", "--data", str(data)]
        done = subprocess.run(create, capture_output=True, text=True, check=True, env={**os.environ, **environment})
        token = re.findall(r"vxl_\S+", done.stdout)
        yield LiveSite(f"http://127.0.0.1:{port}", token[0], data)
    assert "Traceback" not in (folder / "log").read_text(errors="replace")
