"""The command ``send``: instances are stored at a node of the DICOM network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxelry.cli.console import end, plain, print_json, say, show_skipped, tell, warn, working
from voxelry.cli.path_options import JsonOption
from voxelry.cli.peer_options import (
    AuthoritiesOption,
    CalledPeer,
    CallingOption,
    CertificateOption,
    KeyOption,
    PeerArgument,
    TlsFiles,
    TlsOption,
    called_peer,
)
from voxelry.cli.site_options import ConfigOption, DataOption
from voxelry.core.errors import Problem

if TYPE_CHECKING:
    from voxelry.core.progress import Progress
    from voxelry.network.storing import StoredObject

_READING = 0.1
"""The part of the progress in which headers are read."""


def send(
    path: Annotated[Path, typer.Argument(help="DICOM: a file, a folder at any depth, or a zip archive.")],
    node: PeerArgument,
    calling: CallingOption = None,
    tls: TlsOption = False,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    authorities: AuthoritiesOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Send DICOM files to a node (C-STORE).

    A data set goes as its file has it, or uncompressed where the node takes only that.
    """
    peer = called_peer(
        node, calling=calling, tls=TlsFiles(tls, certificate, key, authorities), data=data, config=config
    )
    began = time.monotonic()
    with working() as progress:
        objects, skipped = _objects_below(path, progress)
        sent, warned, failed = _sent(objects, peer, progress)
    seconds = time.monotonic() - began
    if as_json:
        print_json(
            {
                "node": str(peer.address),
                "sent": sent,
                "warnings": warned,
                "failed": {name: problem.record for name, problem in failed.items()},
                "skipped": {name: problem.record for name, problem in skipped.items()},
            }
        )
    else:
        if objects:
            say(f"{sent} of {len(objects)} instances sent to {peer.address} in {seconds:.1f} s")
        if warned:
            warn(f"the node stored {warned} of them with a warning")
        _show_failed(failed)
        show_skipped(skipped)
    nothing = f"nothing was sent to {peer.address}" if objects else f"{path}: holds no DICOM instance"
    end(done=bool(sent), nothing=nothing, complete=not failed)


def _objects_below(path: Path, progress: Progress) -> tuple[list[StoredObject], dict[str, Problem]]:
    """The instances below a path, and why other files are none."""
    from voxelry.core.errors import VoxelryError
    from voxelry.core.progress import part
    from voxelry.dicom.headers.file_search import scan
    from voxelry.dicom.headers.header import read_header
    from voxelry.network.storing import StoredObject

    objects: list[StoredObject] = []
    skipped: dict[str, Problem] = {}
    for source, head in scan(path, on_problem=skipped.__setitem__, progress=part(progress, 0.0, _READING)):
        try:
            header = read_header(source, head)
            header.require_uids()
        except VoxelryError as error:
            skipped[source.name] = error.problem
            continue
        objects.append(StoredObject(header.sop_class_uid, header.sop_instance_uid, header.transfer_syntax_uid, source))
    return objects, skipped


def _sent(objects: list[StoredObject], peer: CalledPeer, progress: Progress) -> tuple[int, int, dict[str, Problem]]:
    """The numbers of instances that the node has now, and of those that it warned of; why it lacks the others."""
    from voxelry.network.failures import NetworkError
    from voxelry.network.storing import send_objects

    waiting = {one.source.name: one for one in objects}
    sent = warned = 0
    failed: dict[str, Problem] = {}
    try:
        for result in send_objects(peer.address, objects, calling=peer.calling, waits=peer.waits, tls=peer.tls):
            name = result.stored_object.source.name
            waiting.pop(name, None)
            if result.problem is not None:
                failed[name] = result.problem
            else:
                sent += 1
                warned += result.is_warning
            done = sent + len(failed)
            progress(_READING + (1 - _READING) * done / len(objects), f"{done} of {len(objects)} instances")
    except NetworkError as error:
        if not sent:
            raise
        failed |= dict.fromkeys(waiting, error.problem)
    return sent, warned, failed


def _show_failed(failed: dict[str, Problem]) -> None:
    reasons: dict[str, list[str]] = {}
    for name, problem in failed.items():
        reasons.setdefault(problem.message, []).append(name)
    for reason, names in reasons.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        tell((f"{len(names)} not sent", "red"), f"  {plain(names[0])}{more}: {plain(reason)}")
