"""The OHIF viewer as its package on npm has it, built, on a server of its own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "script"))
import web_page

VERSION = "3.13.2"
DIGEST = (
    "5997719a9986eeba85816f5924b71b82bdd70ad2e2d4a0cd3e831a798e4f3dee"
    "a3e06e1f8c48e393271933a0ba664d85f3b04ac457e9abe8dde715d907d13c10"
)
"""SHA-512 of the package."""
CACHE = Path(__file__).resolve().parents[1] / ".cache" / f"ohif-{VERSION}"


def built() -> Path:
    """The built viewer; fetched once, without its dependencies, which are built in."""
    if CACHE.is_dir():
        return CACHE / "package" / "dist"
    node = web_page.find_node()
    if node is None:
        raise RuntimeError("OHIF needs npm to be fetched")
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as name:
        folder = Path(name)
        pack = [*node.npm, "pack", f"@ohif/app@{VERSION}", "--ignore-scripts", "--silent"]
        subprocess.run(pack, cwd=folder, check=True, capture_output=True)
        (package,) = folder.glob("*.tgz")
        if hashlib.sha512(package.read_bytes()).hexdigest() != DIGEST:
            raise RuntimeError("another package than the one that was locked")
        with tarfile.open(package) as archive:
            archive.extractall(folder / "found", filter="data")
        shutil.move(folder / "found", CACHE)
    return CACHE / "package" / "dist"


def built_or_none(*, fetch: bool) -> Path | None:
    """The built viewer; None if it is not here and cannot or must not be fetched."""
    if not CACHE.is_dir() and not fetch:
        return None
    try:
        return built()
    except (OSError, RuntimeError, subprocess.CalledProcessError):
        return None


def configuration(root: str) -> str:
    """``app-config.js`` with one source of data: a DICOMweb server."""
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "voxelry",
        "configuration": {
            "friendlyName": "Voxelry",
            "name": "voxelry",
            "qidoRoot": root,
            "wadoRoot": root,
            "wadoUriRoot": f"{root}/wado",
            "qidoSupportsIncludeField": True,
            "supportsWildcard": True,
            "supportsFuzzyMatching": False,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "bulkDataURI": {"enabled": True},
        },
    }
    told = {
        "routerBasename": "/",
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": False,
        "defaultDataSourceName": "voxelry",
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(told)};\n"


@contextmanager
def served(port: int, config: str, *, proxied: str = "", headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """The viewer's address while it is served.

    Parameters
    ----------
    proxied
        A server whose ``/dicomweb/`` is there as well, so that the page and its data have one origin.
    headers
        What that server is sent besides the browser's headers.
    """
    folder = built()

    class Handler(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/app-config.js":
                content = config.encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "text/javascript")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                return
            if proxied and path.startswith("/dicomweb/"):
                self._pass_on()
                return
            if not (folder / path.lstrip("/")).is_file():
                self.path = "/index.html"  # an address of the page's own
            super().do_GET()

        def _pass_on(self) -> None:
            told = {**self.headers, **(headers or {})}
            answer = requests.get(f"{proxied}{self.path}", headers=told, timeout=60)
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in (
                    "content-encoding",
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "date",
                ):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
