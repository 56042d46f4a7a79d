"""The servers of `server_work`, as processes on free ports: this site, Orthanc, and an empty ASGI application."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ORTHANC = "/usr/sbin/Orthanc"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SITE = ("-c", "from voxelry.server.site.serve import serve; serve()")
EMPTY = """
import os, sys
import uvicorn
size = int(sys.argv[2])
content, length = os.urandom(size), str(size).encode()
async def application(scope, receive, send):
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})
uvicorn.run(application, port=int(sys.argv[1]), access_log=False, log_level="warning", lifespan="off")
"""
_START_SECONDS = 60.0
_SAMPLE_SECONDS = 0.5


@dataclass
class Server:
    """A server that is running.

    Attributes
    ----------
    web
        The path that DICOMweb addresses begin with.
    """

    name: str
    process: subprocess.Popen[bytes]
    port: int
    authorization: str
    web: str = ""
    peak: int = field(default=0)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Send a request; status and content of the answer."""
        told = {"Authorization": self.authorization, **{k.replace("_", "-"): v for k, v in headers.items()}}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)) as connection:
            connection.request(method, path, body or None, told)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def memory(self) -> int:
        """The proportional set size of all its processes, in bytes."""
        return sum(map(proportional_set_size, process_tree(self.process.pid)))


def process_tree(parent: int) -> list[int]:
    """A process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                above = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(above, []).append(int(entry.name))
    found, waiting = [], [parent]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def proportional_set_size(process: int) -> int:
    """The memory of a process in bytes, shared pages divided among those who share them; 0 if it is gone."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def missing_programs() -> str:
    """What the benchmark needs and is not installed; empty if all is there."""
    names = [name for name in ("wrk", ORTHANC) if which(name) is None]
    return ", ".join([*names, *([] if PLUGIN.is_file() else [PLUGIN.name])])


@contextmanager
def running_servers(scratch: Path, *, empty_bytes: int) -> Iterator[tuple[Server, Server, Server]]:
    """This site, Orthanc and the empty application, until the end of the block; their memory is watched."""
    with ExitStack() as stack:
        servers = (start_site(scratch, stack), _orthanc(scratch, stack), _empty(scratch, empty_bytes, stack))
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_SAMPLE_SECONDS):
                for server in servers[:2]:
                    server.peak = max(server.peak, server.memory())

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        stack.callback(watching.join)
        stack.callback(ended.set)
        yield servers


def start_site(scratch: Path, stack: ExitStack, *, program: Sequence[str] = SITE, **settings: str) -> Server:
    """This site, whose settings are given as environment variables too.

    Parameters
    ----------
    program
        What Python is given to run it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))}
    port = free_port()
    environment = kept | {
        "PYTHONPATH": str(ROOT / "src"),
        "VOXELRY_DATA": str(scratch / "site"),
        "VOXELRY_HOST": "127.0.0.1",
        "VOXELRY_PORT": str(port),
        "VOXELRY_ADMIN_PASSWORD": "benchmark",
        **settings,
    }
    process = start_process([sys.executable, *program], scratch / "site.log", stack, environment)
    _wait(process, port, "/healthz")
    command = (
        "from voxelry.server.site.token_commands import create_token\n"
        "print(create_token(user='admin', name='benchmark'))"
    )
    made = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True)
    return Server("Voxelry", process, port, f"Bearer {made.stdout.split()[-1]}", "/dicomweb")


def _orthanc(scratch: Path, stack: ExitStack) -> Server:
    port = free_port()
    settings = {
        "StorageDirectory": str(scratch / "orthanc"),
        "IndexDirectory": str(scratch / "orthanc"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"admin": "benchmark"},
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (scratch / "orthanc.json").write_text(json.dumps(settings))
    process = start_process([ORTHANC, str(scratch / "orthanc.json")], scratch / "orthanc.log", stack, dict(os.environ))
    word = "Basic " + base64.b64encode(b"admin:benchmark").decode()
    _wait(process, port, "/system", word)
    return Server("Orthanc", process, port, word, "/dicom-web")


def _empty(scratch: Path, size: int, stack: ExitStack) -> Server:
    port = free_port()
    command = [sys.executable, "-c", EMPTY, str(port), str(size)]
    process = start_process(command, scratch / "empty.log", stack, dict(os.environ))
    _wait(process, port, "/")
    return Server("an empty ASGI application", process, port, "")


def start_process(
    command: list[str], log: Path, stack: ExitStack, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """A program that is stopped at the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)

    stack.callback(stop_process, process)
    return process


def stop_process(process: subprocess.Popen[Any]) -> None:
    """End a process: asked first, killed if it does not listen."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)


def _wait(process: subprocess.Popen[bytes], port: int, path: str, word: str = "") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if Server("", process, port, word).ask("GET", path)[0] == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not answer")


def wait_for_port(port: int) -> None:
    """Wait until somebody listens; an error if nobody does for long."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on port {port}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
