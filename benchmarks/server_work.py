"""A running site beside Orthanc and beside an empty ASGI application: hot reads, ingest, memory.

``wrk`` drives one server at a time, in turns, so that a busy machine is busy for all. Costs are milliseconds for each
request or instance, and bytes of memory. Orthanc has its default settings, and a login as this site has.
"""

from __future__ import annotations

import io
import json
import re
import secrets
import statistics
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.race import Row, Target
from benchmarks.series import phantom, write_series
from benchmarks.server_processes import Server, missing_programs, running_servers

REQUESTS = Path(__file__).with_name("server_requests.lua")
CONNECTIONS = (1, 8)
_TRIAL_SLICES = 100
"""With fewer slices it is tried whether the benchmark runs: fewer cases, on one connection."""
_LONGER = (20, 60)
"""Seconds, where no request ends within those of the others."""
_TRIED = ("frames", "search of studies", "rendered PNG")
_UID = re.compile(rb"2\.25\.(\d{4})")
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_MIB = 2.0**20


@dataclass(frozen=True)
class Read:
    """A kind of read.

    Attributes
    ----------
    ours, theirs
        The paths below the DICOMweb root, or from ``/api/`` on; ``theirs`` is empty if Orthanc has nothing like it.
    factors
        The ratios to Orthanc that are aimed at, at 1 and 8 connections.
    of_empty
        The part of the empty application's rate that is aimed at; None if it is not compared.
    """

    name: str
    ours: str
    theirs: str
    factors: tuple[float, ...]
    of_empty: float | None = None
    accept: str = ""


def reads(study: str, series: str) -> tuple[Read, ...]:
    """The reads of one series."""
    whole = f"/studies/{study}/series/{series}"
    one = f"{whole}/instances/UID"
    shown = f"{one}/rendered?window=CENTER,WIDTH,linear"
    return (
        Read("frames", f"{one}/frames/1", f"{one}/frames/1", (2.0, 1.5), of_empty=0.6),
        Read("slices", "/api/series/1/slices/NUMBER.raw", f"{one}/frames/1", (2.0, 1.5), of_empty=0.6),
        Read("search of studies", "/studies", "/studies", (1.0, 1.0)),
        Read("search of the instances", f"{whole}/instances", f"{whole}/instances", (20.0, 20.0)),
        Read("metadata of the series", f"{whole}/metadata", f"{whole}/metadata", (20.0, 20.0)),
        Read("rendered PNG", shown, shown, (3.0, 3.0), accept="image/png"),
        Read("rendered JPEG", shown, shown, (2.0, 2.0), accept="image/jpeg"),
    )


def rows(slices: int, pixels: int, rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Start the servers, and measure them; without ``wrk`` or Orthanc there is one row without figures."""
    missing = missing_programs()
    if missing:
        return [Row("server", f"a server ({missing})", "ms", 1.0, "Orthanc", None, "", None, "not installed")]
    files = [path.read_bytes() for path in write_series(scratch / "served", phantom(slices, pixels)).paths]
    trial = slices < _TRIAL_SLICES
    seconds = 1 if trial else 3
    found: list[Row] = []
    # A folder of its own for each run: the servers' files are removed at its end.
    with (
        tempfile.TemporaryDirectory(dir=scratch) as name,
        running_servers(Path(name), empty_bytes=2 * pixels * pixels) as (site, orthanc, empty),
    ):
        found += _ingest(site, orthanc, files, rounds, say)
        uids = _uids(site, renumbered(files, 0))
        (Path(name) / "uids").write_text("\n".join(uids[2:]) + "\n")
        cases = reads(*uids[:2])
        if trial:
            cases = tuple(replace(one, factors=one.factors[:1]) for one in cases if one.name in _TRIED)
        after = []
        for again in (False, True):
            for read in cases:
                say(f"server: {read.name}{' once more' if again else ''}")
                told = _read(read, site, orthanc, empty, Path(name) / "uids", seconds, rounds)
                found += [] if again else told
            after.append((site.memory(), orthanc.memory()))
    half = Target(("Orthanc",), 0.5, at_most=True)
    (ours, theirs), (ours_again, _) = after
    found.append(_row("memory after the run", "MiB", ours / _MIB, "Orthanc", theirs / _MIB, half))
    found.append(Row("server", "memory, peak", "MiB", site.peak / _MIB, "Orthanc", orthanc.peak / _MIB, "", None, ""))
    growth = Target(("after the first run",), 1.05, at_most=True)
    found.append(_row("memory after a second run", "MiB", ours_again / _MIB, growth.peers[0], ours / _MIB, growth))
    return found


def _read(read: Read, site: Server, orthanc: Server, empty: Server, uids: Path, seconds: int, rounds: int) -> list[Row]:
    found = []
    for connections, factor in zip(CONNECTIONS, read.factors, strict=False):
        asked = [(site, read.ours), (orthanc, read.theirs), *([(empty, "/")] if read.of_empty else [])]
        costs: dict[str, list[float]] = {server.name: [] for server, _ in asked}
        for _ in range(rounds):
            for server, path in asked:
                address = path if path.startswith("/api/") or path == "/" else server.web + path
                costs[server.name].append(_cost(server, address, uids, read.accept, connections, seconds))
        ours, *theirs = (statistics.median(each) for each in costs.values())
        name = f"{read.name}, {connections} connection{'s' if connections > 1 else ''}"
        found.append(_row(name, "ms", ours, orthanc.name, theirs[0], Target((orthanc.name,), factor)))
        if read.of_empty is not None:
            found.append(_row(name, "ms", ours, empty.name, theirs[1], Target((empty.name,), read.of_empty)))
    return found


def _cost(server: Server, path: str, uids: Path, accept: str, connections: int, seconds: int) -> float:
    """The milliseconds of a request, of all connections together."""
    told = ""
    for duration in (seconds, *_LONGER):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "--timeout", "60s", "-s", str(REQUESTS)]
        command += [f"http://127.0.0.1:{server.port}", "--", path, server.authorization, str(uids)]
        done = subprocess.run([*command, *([accept] if accept else [])], capture_output=True, text=True, check=True)
        told = done.stdout
        rate = _RATE.search(told)
        if "Non-2xx" in told:
            break
        if rate is not None and float(rate[1]):
            return 1000 / float(rate[1])
    raise RuntimeError(f"{server.name} does not answer {path}: {told}")


def _ingest(
    site: Server, orthanc: Server, files: Sequence[bytes], rounds: int, say: Callable[[str], None]
) -> list[Row]:
    found = []
    number = 0
    for name, factor, send in (
        ("zip", 1.5, send_zip),
        ("STOW", 1.5, _send_together),
        ("single uploads, 1 connection", 1.0, _send_each),
        ("single uploads, 4 connections", 1.0, _send_four),
    ):
        say(f"server: ingest by {name}")
        costs: dict[str, list[float]] = {site.name: [], orthanc.name: []}
        for _ in range(rounds):
            content = renumbered(files, number)
            number += 1
            for server in (site, orthanc):
                start = time.perf_counter()
                send(server, content)
                costs[server.name].append((time.perf_counter() - start) * 1000 / len(content))
                settle(server)
        ours, theirs = (statistics.median(each) for each in costs.values())
        found.append(_row(f"ingest by {name}", "ms", ours, orthanc.name, theirs, Target((orthanc.name,), factor)))
    return found


def send_zip(server: Server, files: Sequence[bytes]) -> None:
    """Upload files as a zip, and wait until they are stored."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
        for number, content in enumerate(files):
            archive.writestr(f"{number}.dcm", content)
    if server.web == "/dicom-web":
        _require(server.ask("POST", "/instances", body.getvalue()), 200)
        return
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="s.zip"\r\n\r\n'
    whole = head + body.getvalue() + b"\r\n--x--\r\n"
    answer = _require(server.ask("POST", "/api/uploads", whole, Content_Type="multipart/form-data; boundary=x"), 202)
    await_upload(server, answer, len(files))


def await_upload(server: Server, answer: bytes, count: int) -> None:
    """Wait until the files of an upload, whose answer this is, are stored."""
    upload = json.loads(answer)
    while True:
        told = json.loads(_require(server.ask("GET", f"/api/uploads/{upload['id']}?limit=1"), 200))
        if told["state"] not in ("queued", "running"):
            if told["counts"]["stored"] != count:
                raise RuntimeError(f"stored {told['counts']}")
            return
        time.sleep(0.02)


def _send_together(server: Server, files: Sequence[bytes]) -> None:
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    body = b"".join(head + content + b"\r\n" for content in files) + f"--{boundary}--\r\n".encode()
    media = f'multipart/related; type="application/dicom"; boundary={boundary}'
    _require(
        server.ask("POST", f"{server.web}/studies", body, Content_Type=media, Accept="application/dicom+json"), 200
    )


def _send_each(server: Server, files: Sequence[bytes], connections: int = 1) -> None:
    def send(content: bytes) -> None:
        if server.web == "/dicom-web":
            _require(server.ask("POST", "/instances", content), 200)
        else:
            _send_together(server, [content])

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(send, files))


def _send_four(server: Server, files: Sequence[bytes]) -> None:
    _send_each(server, files, 4)


def settle(server: Server) -> None:
    """Wait until nothing that came is still being worked on."""
    if server.web == "/dicom-web":
        return
    end = time.monotonic() + 120
    while time.monotonic() < end:
        told = json.loads(_require(server.ask("GET", "/api/series?limit=1000"), 200))
        if all(one["state"] not in ("queued", "running") for one in told["items"]):
            return
        time.sleep(0.1)


def renumbered(files: Sequence[bytes], number: int) -> list[bytes]:
    """The same series with other UIDs of the same length."""
    return [_UID.sub(b"2.25.1%03d" % number, content) for content in files]


def _uids(site: Server, files: Sequence[bytes]) -> list[str]:
    """The UIDs of the study, of the series and of the instances that were sent first."""
    answer = json.loads(_require(site.ask("GET", f"{site.web}/instances?limit=100000"), 200))
    sent = [one for one in answer if one["00080018"]["Value"][0].encode() in files[0] + files[-1]]
    study, series = (sent[0][tag]["Value"][0] for tag in ("0020000D", "0020000E"))
    return [study, series, *(one["00080018"]["Value"][0] for one in answer if one["0020000E"]["Value"][0] == series)]


def _require(answer: tuple[int, bytes], status: int) -> bytes:
    if answer[0] != status:
        raise RuntimeError(f"status {answer[0]}: {answer[1][:500]!r}")
    return answer[1]


def _row(work: str, unit: str, ours: float, peer: str, theirs: float, target: Target) -> Row:
    return Row("server", work, unit, ours, peer, theirs, target.words, target.is_met(ours, theirs))
