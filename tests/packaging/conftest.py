"""A site that runs in a process of its own, and a client that asks it."""

from __future__ import annotations

import base64
import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.servers import running

ROOT = Path(__file__).resolve().parents[2]
HANG_SECONDS = 600.0
"""How long a site may take to start, to answer and to finish a job, on a machine that does much else."""


@dataclass(frozen=True)
class Client:
    """Speaks to a site as the user admin, whose password it was given at its start."""

    password: ClassVar[str] = "as it was chosen"
    address: str

    def ask(self, path: str, *, files: dict[str, bytes] | None = None, field: str = "file") -> Any:
        """GET a path, or POST files to it; the JSON of the answer."""
        headers = {"Authorization": "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()}
        body = None
        if files is not None:
            boundary = uuid.uuid4().hex
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            parts = [
                f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'.encode()
                + b"Content-Type: application/octet-stream\r\n\r\n"
                + content
                + b"\r\n"
                for name, content in files.items()
            ]
            body = b"".join(parts) + f"--{boundary}--\r\n".encode()
        request = urllib.request.Request(self.address + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=HANG_SECONDS) as answer:
            return json.load(answer)

    def wait_for_start(self, process: subprocess.Popen[Any], seconds: float = HANG_SECONDS) -> None:
        def healthy() -> bool:
            if process.poll() is not None:
                raise AssertionError(f"the server ended with exit code {process.returncode}")
            try:
                return bool(self.ask("/healthz")["status"] == "ok")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                return False

        self.wait_until(healthy, seconds)

    def wait_until(self, ready: Callable[[], bool], seconds: float = HANG_SECONDS) -> None:
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"not ready after {seconds:.0f} seconds"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def connect() -> type[Client]:
    """Makes clients: ``connect("http://127.0.0.1:8000")``."""
    return Client


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds ports that nobody listens on."""

    return running.free_port


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes fresh clones of the project, as it is committed."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("clone")
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)], check=True)
        return folder

    return make
