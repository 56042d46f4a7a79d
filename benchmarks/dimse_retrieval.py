"""Retrievals (C-GET, C-MOVE) of a series by dcmtk's programs, from two nodes in turns. Costs are for each instance."""

from __future__ import annotations

import io
import os
import re
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pydicom

from benchmarks.dimse_processes import CALLING, DicomNode
from benchmarks.race import Row, Target
from benchmarks.server_processes import start_process, wait_for_port

FACTOR = 1.0
_COMMON = ("-v", "-S", "-aet", CALLING)
_COMPLETED = re.compile(r"Number of Completed Suboperations *: *(\d+)")


def rows(
    nodes: Sequence[DicomNode], file: bytes, instances: int, rounds: int, *, receiving_port: int, scratch: Path
) -> list[Row]:
    """Retrieve a series that both nodes have, on the requestor's association and at a third node.

    Parameters
    ----------
    receiving_port
        Where both nodes know `CALLING` to listen.
    """
    header = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)
    keys = {
        "QueryRetrieveLevel": "SERIES",
        "StudyInstanceUID": str(header.StudyInstanceUID),
        "SeriesInstanceUID": str(header.SeriesInstanceUID),
    }
    found = [_raced(nodes, f"C-GET of {instances} instances", ["getscu", "--ignore"], keys, instances, rounds)]
    with ExitStack() as stack:
        receiver = ["storescp", "--ignore", "-aet", CALLING, str(receiving_port)]
        start_process(receiver, scratch / "storescp.log", stack, os.environ | {"TCP_NODELAY": "1"})
        wait_for_port(receiving_port)
        command = ["movescu", "-aem", CALLING]
        found.append(_raced(nodes, f"C-MOVE of {instances} instances", command, keys, instances, rounds))
    return found


def _raced(
    nodes: Sequence[DicomNode], name: str, command: list[str], keys: Mapping[str, str], instances: int, rounds: int
) -> Row:
    costs: dict[str, list[float]] = {node.name: [] for node in nodes}
    for number in range(rounds + 1):
        for node in nodes:
            start = time.perf_counter()
            _retrieve(node, command, keys, instances)
            if number:  # the first one warms
                costs[node.name].append((time.perf_counter() - start) * 1000 / instances)
    (ours, theirs), peer = (statistics.median(each) for each in costs.values()), nodes[1].name
    target = Target((peer,), FACTOR)
    return Row("dimse", name, "ms", ours, peer, theirs, target.words, target.is_met(ours, theirs))


def _retrieve(node: DicomNode, command: list[str], keys: Mapping[str, str], instances: int) -> None:
    asked = [part for key, value in keys.items() for part in ("-k", f"{key}={value}")]
    whole = [*command, *_COMMON, "-aec", node.title, *asked, "127.0.0.1", str(node.port)]
    done = subprocess.run(
        whole, env=os.environ | {"TCP_NODELAY": "1"}, capture_output=True, text=True, errors="replace", check=False
    )
    told = done.stdout + done.stderr
    counts = _COMPLETED.findall(told)
    is_whole = int(counts[-1]) == instances if counts else "Final Move Response (Success)" in told
    if done.returncode or not is_whole:
        raise RuntimeError(f"{node.name} does not give a series: {told[-500:]}")
