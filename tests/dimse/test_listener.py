"""The listener: who is let in, and what a node is offered."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.dimse.conftest import NODE, TITLE, DicomSite, LiveDicomSite
from tests.network.raw_peer import ABORT, STORE, STORE_BEGUN, RawPeer, fragment, pdu, request_pdu
from tests.network.raw_peer import ECHO as ECHO_PDU
from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal
from voxelry.network.failures import RejectedError

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
ECHO = [Proposal(VERIFICATION, (IMPLICIT,))]


def echoed(association: Association) -> int | None:
    """The status of a C-ECHO."""
    context = association.context_of(VERIFICATION)
    assert context is not None
    number = association.new_message_id()
    association.send(Command(CommandField.C_ECHO_RQ, message_id=number, sop_class=VERIFICATION), context)
    return association.response(number).command.status


def test_a_known_node_is_answered(site: DicomSite) -> None:
    with site.associate(ECHO) as association:
        assert echoed(association) == 0
        assert echoed(association) == 0


def test_a_stranger_is_rejected_as_one(site: DicomSite) -> None:
    with pytest.raises(RejectedError) as caught:
        site.associate(ECHO, calling="STRANGER")
    assert (caught.value.result, caught.value.source, caught.value.reason) == (1, 1, 3)


def _listener_of(live: LiveDicomSite) -> int | None:
    """The process of the site's listener, which holds the socket and says so in its arguments."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and b"voxelry.server.dimse.listener" in (entry / "cmdline").read_bytes():
                data = f"VOXELRY_DATA={live.web.data}".encode()
                if data in (entry / "environ").read_bytes().split(b"\0"):
                    return int(entry.name)
    return None


def _echoscu(port: int) -> subprocess.CompletedProcess[str]:
    asked = ["echoscu", "-to", "60", "-ta", "60", "-td", "60", "-aet", NODE, "-aec", TITLE, "127.0.0.1", str(port)]
    return subprocess.run(asked, capture_output=True, text=True, check=False)


ENDS = (b"", ABORT, b"\xff" * 50, STORE_BEGUN, pdu(4, fragment(STORE, 3, context=3)) + ABORT)
ASSOCIATIONS = 200
GROWTH_BYTES = 24 * 2**20


def _visit(port: int, number: int) -> None:
    """An association that ends in one of many ways."""
    with RawPeer.of(port) as peer:
        peer.send(request_pdu())
        assert peer.read()[0] == 2
        peer.send(ECHO_PDU)
        assert peer.read()[0] == 4
        peer.send(ENDS[number % len(ENDS)])


def _held(process: int) -> tuple[int, int, int]:
    """Descriptors, threads and resident bytes of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    descriptors = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return descriptors, int(status["Threads"]), int(status["VmRSS"].split()[0]) * 1024


def test_the_program_listens_beside_the_site(live_dicom_site: LiveDicomSite) -> None:
    """It is started again when it is killed, and costs as much after many associations as before."""
    live = live_dicom_site
    assert f"DICOM network: {TITLE}@127.0.0.1:{live.port}" in (live.web.data.parent / "log").read_text()
    done = _echoscu(live.port)
    assert done.returncode == 0, done.stderr
    first = _listener_of(live)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    done = _echoscu(live.port)  # the socket is open all the time: who calls now waits for the next one
    assert done.returncode == 0, done.stderr
    second = _listener_of(live)
    assert second not in (None, first)
    assert second is not None
    for number in range(50):
        _visit(live.port, number)
    descriptors, threads, memory = _held(second)
    for number in range(ASSOCIATIONS):
        _visit(live.port, number)
    after = _held(second)
    for _ in range(3_000):
        if after[0] <= descriptors and after[1] <= threads:
            break
        threading.Event().wait(0.01)
        after = _held(second)
    assert after[0] <= descriptors
    assert after[1] <= threads
    assert after[2] < memory + GROWTH_BYTES


def test_a_site_whose_port_is_taken_does_not_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        serve = [sys.executable, "-m", "voxelry.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
        done = subprocess.run([*serve, "--dimse-port", port], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"cannot listen for the DICOM network on 127.0.0.1:{port}" in " ".join(done.stderr.split())
    assert "Voxelry:" not in done.stdout


def test_a_site_whose_certificate_is_not_there_does_not_start(tmp_path: Path) -> None:
    environment = {**os.environ, "VOXELRY_DIMSE_TLS_CERTIFICATE": str(tmp_path / "none.pem")}
    listen = [sys.executable, "-m", "voxelry.cli", "listen", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        listen, capture_output=True, text=True, check=False, env={**environment, "VOXELRY_DIMSE_PORT": "1"}
    )
    assert done.returncode == 1
    assert "none.pem" in "".join(done.stderr.split())
