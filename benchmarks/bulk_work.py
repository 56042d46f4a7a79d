"""Races of a volume from a running site: one request, plain or compressed, and a request for each slice."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from isal import isal_zlib

from benchmarks.race import Race, Row, Runner, Target, run
from benchmarks.series import BenchmarkSeries

_SECONDS = 300.0
_PLAIN, _PACKED, _EACH = "one request, plain", "one request, gzip", "a request for each slice"


def rows(series: BenchmarkSeries, rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Start a site, store the series there, and run the races."""
    say("bulk: making the site")
    with _site(scratch / "bulk") as site:
        key = site.store(series)
        return [row for race in _races(site, key, series) for row in run(race, rounds, say)]


class _Site:
    """A running site, and one connection to it."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}"}

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, {**self._headers, **told})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status} at {path}")
        return content

    def store(self, series: BenchmarkSeries) -> int:
        """Upload the series; its key when its volume is made."""
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%d.dcm"\r\n\r\n%s\r\n'
        body = b"".join(head % (number, path.read_bytes()) for number, path in enumerate(series.paths)) + b"--x--\r\n"
        upload = json.loads(self.ask("POST", "/api/uploads", body, Content_Type="multipart/form-data; boundary=x"))
        self._wait(f"/api/uploads/{upload['id']}")
        key = int(json.loads(self.ask("GET", f"/api/uploads/{upload['id']}"))["series"][0])
        self._wait(f"/api/series/{key}")
        return key

    def _wait(self, path: str) -> None:
        end = time.monotonic() + _SECONDS
        while json.loads(self.ask("GET", path))["state"] in ("queued", "running"):
            if time.monotonic() > end:
                raise TimeoutError(path)
            time.sleep(0.1)


def _races(site: _Site, key: int, series: BenchmarkSeries) -> Iterator[Race]:
    address = f"/api/series/{key}/volume.raw"
    expected = series.array.tobytes()
    what = f"{len(series.paths)} slices of {series.array.shape[1]} x {series.array.shape[2]} from a site"

    def packed() -> bytes:
        return bytes(isal_zlib.decompress(site.ask("GET", address, Accept_Encoding="gzip"), wbits=31))

    def plain() -> bytes:
        return site.ask("GET", address)

    def each() -> bytes:
        return b"".join(site.ask("GET", f"/api/series/{key}/slices/{n}.raw") for n in range(len(series.paths)))

    def check(found: object) -> None:
        if not isinstance(found, bytes) or not np.array_equal(np.frombuffer(found, "<i2"), series.array.reshape(-1)):
            raise ValueError("other values")

    yield Race(
        "bulk",
        f"{what}, decoded",
        Runner("voxelry", plain),
        (Runner(_EACH, each), Runner(_PACKED, packed)),
        (Target((_EACH,), 2.0),),
        check,
    )
    yield Race(
        "bulk-size",
        f"{what}: bytes on the wire",
        Runner("voxelry", lambda: len(site.ask("GET", address, Accept_Encoding="gzip")) / 1e6),
        (Runner(_PLAIN, lambda: len(expected) / 1e6),),
        (Target((_PLAIN,), 0.55, at_most=True),),
        unit="MB",
    )


@contextmanager
def _site(folder: Path) -> Iterator[_Site]:
    folder.mkdir()
    log = folder / "log"
    command = [sys.executable, "-m", "voxelry.cli"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        serve = [*command, "serve", "--port", "0", "--data", str(folder / "data")]
        process = subprocess.Popen(serve, stdout=output, stderr=output, env=environment)
    try:
        end = time.monotonic() + _SECONDS
        while "Ctrl-C" not in (text := log.read_text()):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(text)
            time.sleep(0.1)
        port = re.search(r"Voxelry: http://\S+:(\d+)", text)
        create = [*command, "token", "create", "--user", "admin", "--name", "bulk", "--data", str(folder / "data")]
        token = subprocess.run(create, check=True, capture_output=True, text=True, env=environment).stdout.split()
        if port is None:
            raise RuntimeError(text)
        site = _Site(int(port[1]), next(word for word in token if word.startswith("vxl_")))
        try:
            yield site
        finally:
            site.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
