"""Other archives that answer queries and send instances: pynetdicom in threads, dcmtk's dcmqrscp and Orthanc."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pydicom
import requests
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from tests.servers.running import Server, free_port, running
from voxelry.network.peer_address import PeerAddress
from voxelry.network.remote_instances import STORED_SYNTAXES

TITLE = "ARCHIVE"
_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


@dataclass
class PythonArchive:
    """pynetdicom with files.

    Attributes
    ----------
    aborts_after
        Aborts each association after so many instances, as long as there are numbers.
    without
        SOP Instance UIDs that it says it has and cannot send.
    hidden_class
        Whether answers lack the SOP Class UID.
    sent, identifiers
        The SOP Instance UIDs that it sent, and the identifiers of retrievals.
    gate
        Each instance waits for it.
    destinations
        Ports by AE title.
    """

    paths: Sequence[Path]
    port: int = 0
    charset: str = "ISO_IR 100"
    aborts_after: list[int] = field(default_factory=list)
    without: set[str] = field(default_factory=set)
    hidden_class: bool = False
    sent: list[str] = field(default_factory=list)
    identifiers: list[Dataset] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    destinations: dict[str, int] = field(default_factory=dict)
    held_after: int | None = None

    def __post_init__(self) -> None:
        self.gate.set()
        self._headers = [(path, pydicom.dcmread(path, stop_before_pixels=True)) for path in self.paths]

    @property
    def peer(self) -> PeerAddress:
        """Its address."""
        return PeerAddress(TITLE, "127.0.0.1", self.port)

    def matching(self, identifier: Dataset) -> list[tuple[Path, Dataset]]:
        """The files that match the keys that have a value."""
        return [(path, header) for path, header in self._headers if _matches(header, identifier)]

    def answer_find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        """C-FIND."""
        asked = event.identifier
        unique = _UNIQUE[asked.QueryRetrieveLevel]
        seen: set[str] = set()
        for _, header in self.matching(asked):
            if event.is_cancelled:
                yield 0xFE00, None
                return
            if header[unique].value in seen:
                continue
            seen.add(header[unique].value)
            answer = Dataset()
            answer.SpecificCharacterSet = self.charset
            for element in asked:
                if element.keyword in header and not (self.hidden_class and element.keyword == "SOPClassUID"):
                    answer[element.tag] = header[element.tag]
            answer.QueryRetrieveLevel = asked.QueryRetrieveLevel
            yield 0xFF00, answer

    def answer_get(self, event: Any) -> Iterator[Any]:
        """C-GET."""
        self.identifiers.append(event.identifier)
        found = self.matching(event.identifier)
        yield len(found)
        yield from self._send(event, found)

    def answer_move(self, event: Any) -> Iterator[Any]:
        """C-MOVE."""
        self.identifiers.append(event.identifier)
        port = self.destinations.get(event.move_destination)
        if port is None:
            yield None, None
            return
        found = self.matching(event.identifier)
        yield "127.0.0.1", port, {"contexts": _storage_contexts(header for _, header in found)}
        yield len(found)
        yield from self._send(event, found)

    def _send(self, event: Any, found: Sequence[tuple[Path, Dataset]]) -> Iterator[tuple[int, Dataset | None]]:
        count = 0
        most = self.aborts_after.pop(0) if self.aborts_after else None
        for path, header in found:
            if event.is_cancelled:
                yield 0xFE00, None
                return
            if count == most:
                event.assoc.abort()
                return
            if self.held_after is not None and len(self.sent) >= self.held_after:
                self.gate.wait(60)
            if header.SOPInstanceUID in self.without:
                broken = Dataset()
                broken.SOPInstanceUID, broken.SOPClassUID = header.SOPInstanceUID, "1.2.3.4"
                broken.file_meta = header.file_meta
                yield 0xFF00, broken
                continue
            count += 1
            self.sent.append(header.SOPInstanceUID)
            yield 0xFF00, pydicom.dcmread(path)
        yield 0x0000, None


def _storage_contexts(headers: Iterator[Dataset]) -> list[Any]:
    from pynetdicom import build_context

    kinds = dict.fromkeys((header.SOPClassUID, header.file_meta.TransferSyntaxUID) for header in headers)
    return [build_context(uid, syntax) for uid, syntax in kinds]


def _matches(header: Dataset, identifier: Dataset) -> bool:
    for element in identifier:
        if element.keyword in ("QueryRetrieveLevel", "SpecificCharacterSet") or element.value in (None, ""):
            continue
        value = str(header.get(element.keyword, ""))
        wanted = element.value if isinstance(element.value, Sequence | pydicom.multival.MultiValue) else None
        listed = [str(one) for one in wanted] if wanted is not None and not isinstance(wanted, str) else None
        if not (value in listed if listed is not None else fnmatchcase(value, str(element.value))):
            return False
    return True


@contextmanager
def python_archive(paths: Sequence[Path], **fields: Any) -> Iterator[PythonArchive]:
    """A `PythonArchive` that runs."""
    archive = PythonArchive(paths, **fields)
    entity = AE(TITLE)
    entity.maximum_associations = 20
    for uid in (
        Verification,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
        StudyRootQueryRetrieveInformationModelMove,
    ):
        entity.add_supported_context(uid)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax or "", list(STORED_SYNTAXES), scu_role=True, scp_role=True)
    handlers: list[Any] = [
        (evt.EVT_C_ECHO, lambda _: 0),
        (evt.EVT_C_FIND, archive.answer_find),
        (evt.EVT_C_GET, archive.answer_get),
        (evt.EVT_C_MOVE, archive.answer_move),
    ]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert server is not None
    assert server.socket is not None
    archive.port = server.socket.getsockname()[1]
    try:
        yield archive
    finally:
        archive.gate.set()
        server.shutdown()


@contextmanager
def dcmqrscp(folder: Path, paths: Sequence[Path], *, mover: str = "ME", mover_port: int = 0) -> Iterator[PeerAddress]:
    """dcmtk's archive with files; it knows a destination of C-MOVE."""
    storage, port = folder / "storage", free_port()
    storage.mkdir(parents=True)
    for number, path in enumerate(paths):
        (storage / f"{number:04}.dcm").write_bytes(path.read_bytes())
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nmover = ({mover}, 127.0.0.1, {mover_port or 1})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\n{TITLE} {storage} RW (500, 1024mb) ANY\nAETable END\n"
    )
    subprocess.run(
        ["dcmqridx", str(storage), *map(str, sorted(storage.glob("*.dcm")))], check=True, capture_output=True
    )
    command = ["dcmqrscp", "-c", str(configuration), "+xv"]
    with running(Server([*command, str(port)], folder, port)):
        yield PeerAddress(TITLE, "127.0.0.1", port)


@contextmanager
def orthanc_archive(
    folder: Path, paths: Sequence[Path], *, modalities: dict[str, tuple[str, int]] | None = None
) -> Iterator[PeerAddress]:
    """Orthanc with files; it knows modalities (AE title, port of 127.0.0.1) by name."""
    http, port = free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {
        "HttpPort": http,
        "DicomPort": port,
        "DicomAet": TITLE,
        "DicomCheckCalledAet": False,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "DicomAlwaysAllowMove": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "SyncStorageArea": False,
        "DicomModalities": {name: [title, "127.0.0.1", number] for name, (title, number) in (modalities or {}).items()},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with running(Server(["Orthanc", str(folder / "orthanc.json")], folder, http)):
        for path in paths:
            answer = requests.post(f"http://127.0.0.1:{http}/instances", data=path.read_bytes(), timeout=60)
            assert answer.ok, answer.text
        yield PeerAddress(TITLE, "127.0.0.1", port)
