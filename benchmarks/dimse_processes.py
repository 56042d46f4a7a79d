"""The nodes of `dimse_work`, as processes on free ports: this site's listener, and a bare receiver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from benchmarks.server_processes import ORTHANC, ROOT, Server, free_port, start_process, start_site, wait_for_port

TITLE = "VOXELRY"
CALLING = "BENCHMARK"
PROGRAMS = ("storescu", "storescp", "getscu", "movescu")
RECEIVER = """
import logging, os, sys
from pynetdicom import AE, AllStoragePresentationContexts, ALL_TRANSFER_SYNTAXES, evt
logging.disable(logging.CRITICAL)
folder = sys.argv[2]
def store(event):
    with open(os.path.join(folder, event.request.AffectedSOPInstanceUID), "wb") as file:
        file.write(event.encoded_dataset())
        file.flush()
        os.fsync(file.fileno())
    return 0
ae = AE("RECEIVER")
ae.maximum_pdu_size = 2**17
for context in AllStoragePresentationContexts:
    ae.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
ae.start_server(("127.0.0.1", int(sys.argv[1])), block=True, evt_handlers=[(evt.EVT_C_STORE, store)])
"""
"""It writes each data set behind its File Meta Information, and flushes it."""
_ADD_NODE = """
import sys
from voxelry.server.environment import django_setup
django_setup.prepare()
django_setup.set_up()
from voxelry.server.access.models import Project
from voxelry.server.nodes.models import Node
rights = {"may_store": True, "may_find": True, "may_retrieve": True}
project = Project.objects.get(name="default")
own = {"name": "benchmark", "ae_title": "BENCHMARK", "host": "127.0.0.1", "port": int(sys.argv[1])}
Node.objects.create(project=project, **own, **rights)
"""


@dataclass(frozen=True)
class DicomNode:
    """A node that is running on this machine.

    Attributes
    ----------
    server
        Its web server, if it has one.
    """

    name: str
    title: str
    port: int
    server: Server | None = None


def missing_dicom_programs() -> str:
    """What the benchmark needs and is not installed; empty if all is there."""
    return ", ".join(name for name in PROGRAMS if which(name) is None)


def orthanc_node(scratch: Path, stack: ExitStack, *, calling_port: int) -> DicomNode | None:
    """Orthanc in its default settings, which knows `CALLING`, until the end of the block; None if it is missing."""
    if which(ORTHANC) is None:
        return None
    port, folder = free_port(), scratch / "orthanc-node"
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpServerEnabled": False,
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "DicomCheckCalledAet": False,
        "DicomModalities": {"benchmark": [CALLING, "127.0.0.1", calling_port]},
    }
    configuration = scratch / "orthanc-node.json"
    configuration.write_text(json.dumps(settings))
    start_process([ORTHANC, str(configuration)], scratch / "orthanc-node.log", stack, dict(os.environ))
    wait_for_port(port)
    return DicomNode("Orthanc", "ORTHANC", port)


@contextmanager
def running_nodes(scratch: Path, *, calling_port: int) -> Iterator[tuple[DicomNode, DicomNode]]:
    """This site, which knows `CALLING` as a node with all rights, and the bare receiver."""
    with ExitStack() as stack:
        yield _site_node(scratch, stack, calling_port), _receiver(scratch, stack)


def _site_node(scratch: Path, stack: ExitStack, calling_port: int) -> DicomNode:
    port = free_port()
    server = start_site(scratch, stack, VOXELRY_DIMSE_PORT=str(port))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "VOXELRY_DATA": str(scratch / "site")}
    subprocess.run([sys.executable, "-c", _ADD_NODE, str(calling_port)], env=environment, check=True)
    wait_for_port(port)
    return DicomNode("Voxelry", TITLE, port, server)


def _receiver(scratch: Path, stack: ExitStack) -> DicomNode:
    port = free_port()
    (scratch / "received").mkdir()
    command = [sys.executable, "-c", RECEIVER, str(port), str(scratch / "received")]
    start_process(command, scratch / "receiver.log", stack, dict(os.environ))
    wait_for_port(port)
    return DicomNode("a bare pynetdicom receiver", "RECEIVER", port)
