"""The DICOM network: what programs of dcmtk store, in a running site and in what they are compared with.

All run on this machine in turns, so that a busy machine is busy for all. Costs are milliseconds for each instance.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import dimse_queries, dimse_retrieval
from benchmarks.dimse_processes import CALLING, DicomNode, missing_dicom_programs, orthanc_node, running_nodes
from benchmarks.race import Row, Target, emptied
from benchmarks.series import phantom, write_series
from benchmarks.server_processes import Server, free_port
from benchmarks.server_work import renumbered, settle

ASSOCIATIONS = (1, 4)
STUDIES = 200
FIRST_STUDY = 500
"""Studies of one instance that are searched, renumbered from here on: three digits."""
STORE_FACTOR = 0.8
"""The part of the bare receiver's rate that is aimed at."""


def rows(slices: int, pixels: int, rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Start the nodes, and measure them; without dcmtk there is one row without figures."""
    missing = missing_dicom_programs()
    if missing:
        return [Row("dimse", f"C-STORE ({missing})", "ms", 1.0, "a bare receiver", None, "", None, "not installed")]
    files = [path.read_bytes() for path in write_series(scratch / "sent", phantom(slices, pixels)).paths]
    # A folder of its own for each run: the nodes' files are removed at its end.
    calling_port = free_port()
    with (
        tempfile.TemporaryDirectory(dir=scratch) as name,
        running_nodes(Path(name), calling_port=calling_port) as (site, receiver),
    ):
        found = _store(site, receiver, files, rounds, Path(name) / "parts", say)
        with ExitStack() as stack:
            peer = orthanc_node(Path(name), stack, calling_port=calling_port)
            found += _queries(site, peer, files, rounds, Path(name) / "parts", say)
            if peer is not None:
                say("dimse: C-GET, C-MOVE")
                found += dimse_retrieval.rows(
                    (site, peer), files[0], len(files), rounds, receiving_port=calling_port, scratch=Path(name)
                )
        return found


def _queries(
    site: DicomNode,
    peer: DicomNode | None,
    files: Sequence[bytes],
    rounds: int,
    scratch: Path,
    say: Callable[[str], None],
) -> list[Row]:
    """C-FIND of studies and of the instances of a series, which both nodes are sent before."""
    if peer is None:
        return [Row("dimse", "C-FIND", "ms", 1.0, "Orthanc", None, "", None, "not installed")]
    say("dimse: C-FIND")
    sent = [one for number in range(STUDIES) for one in renumbered(files[:1], FIRST_STUDY + number)]
    for node in (site, peer):
        for some in (sent, files):
            _send(node, _written(some, 1, scratch))
        if node.server is not None:
            _settle(node.server)
    return dimse_queries.rows((site, peer), files[0], len(files), rounds * 4)


def _store(
    site: DicomNode,
    receiver: DicomNode,
    files: Sequence[bytes],
    rounds: int,
    scratch: Path,
    say: Callable[[str], None],
) -> list[Row]:
    found = []
    number = 1  # 0 would give the instances of the series itself, in another study
    for associations in ASSOCIATIONS:
        name = f"C-STORE, {associations} association{'s' if associations > 1 else ''}"
        say(f"dimse: {name}")
        costs: dict[str, list[float]] = {site.name: [], receiver.name: []}
        for _ in range(rounds):
            parts = _written(renumbered(files, number), associations, scratch)
            number += 1
            for node in (site, receiver):
                start = time.perf_counter()
                _send(node, parts)
                costs[node.name].append((time.perf_counter() - start) * 1000 / len(files))
                if node.server is not None:
                    _settle(node.server)
        ours, theirs = (statistics.median(each) for each in costs.values())
        target = Target((receiver.name,), STORE_FACTOR)
        met = target.is_met(ours, theirs)
        found.append(Row("dimse", name, "ms", ours, receiver.name, theirs, target.words, met))
    return found


def _written(files: Sequence[bytes], associations: int, scratch: Path) -> list[Path]:
    """The files in a folder for each association."""
    emptied(scratch)
    parts = [scratch / str(number) for number in range(min(associations, len(files)))]
    for number, part in enumerate(parts):
        part.mkdir()
        for position, content in enumerate(files[number :: len(parts)]):
            (part / f"{position:06d}").write_bytes(content)
    return parts


def _settle(server: Server) -> None:
    """Wait until what came is taken in, and its volumes are built."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        told = json.loads(server.ask("GET", "/api/uploads?limit=1000")[1])
        if all(one["state"] not in ("queued", "running") for one in told["items"]):
            settle(server)
            return
        time.sleep(0.1)


def _send(node: DicomNode, parts: Sequence[Path]) -> None:
    """Send folders, each on an association of its own."""
    command = ["storescu", "-aet", CALLING, "-aec", node.title, "+sd", "127.0.0.1", str(node.port)]
    environment = os.environ | {"TCP_NODELAY": "1"}
    running = [
        subprocess.Popen([*command, str(part)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for part in parts
    ]
    for one in running:
        told, _ = one.communicate()
        if one.returncode:
            raise RuntimeError(f"{node.name} does not take a series: {told.decode(errors='replace')[-500:]}")
