"""This site with the OHIF viewer on a second port: ``python benchmarks/viewer_site.py PORT FOLDER CONFIGURATION``.

OHIF's page and the DICOMweb that it reads have one origin and one process, which is the one of this site's own page:
no proxy and no preflight request costs OHIF anything. The site's settings are environment variables.
"""

from __future__ import annotations

import mimetypes
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

CONFIGURATION_PATH = "/app-config.js"
SERVICE_WORKER_PATH = "/init-service-worker.js"
"""It would have all files of OHIF fetched in the background, beside its first picture."""


def beside(site: Any, port: int, folder: Path, configuration: Path) -> Any:
    """The site's ASGI application, with the files of a folder at another port except below ``/dicomweb/``."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["server"][1] != port or path.startswith("/dicomweb/"):
            await site(scope, receive, send)
            return
        file = configuration if path == CONFIGURATION_PATH else folder / path.lstrip("/")
        if not file.is_file():
            file = folder / "index.html"  # an address of the page's own
        content = b"" if path == SERVICE_WORKER_PATH else file.read_bytes()
        media = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = [(b"content-type", media.encode()), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return application


def main(port: int, folder: Path, configuration: Path) -> None:
    """Serve both, until SIGTERM."""
    second = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    second.bind(("127.0.0.1", port))
    second.listen(2048)
    run = uvicorn.Server.run

    def run_both(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        from voxelry.server.site import asgi

        asgi.application = beside(asgi.application, port, folder, configuration)
        run(server, [*(sockets or []), second])

    uvicorn.Server.run = run_both  # type: ignore[assignment, method-assign]
    from voxelry.server.site.serve import serve

    serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
