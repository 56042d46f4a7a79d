"""Orthanc with its DICOMweb plug-in: a server for us to read from, and a client of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers.running import Server, free_port, running

PROGRAM = "Orthanc"
TITLE = "ORTHANC"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
SECONDS = 300.0


@dataclass(frozen=True)
class Orthanc:
    """A running one.

    Attributes
    ----------
    dicom_port
        Where it listens to the DICOM network, as ``ORTHANC``; 0 if it does not.
    """

    address: str
    dicom_port: int = 0

    @property
    def root(self) -> str:
        """Its own DICOMweb address."""
        return f"{self.address}/dicom-web"

    def get(self, path: str) -> Any:
        """GET as JSON."""
        return self._checked(requests.get(f"{self.address}{path}", timeout=SECONDS)).json()

    def file(self, instance: str) -> bytes:
        """An instance's file, by Orthanc's own identifier."""
        return self._checked(requests.get(f"{self.address}/instances/{instance}/file", timeout=SECONDS)).content

    def add(self, content: bytes) -> str:
        """Store a file; Orthanc's identifier of the instance."""
        answer = self._checked(requests.post(f"{self.address}/instances", data=content, timeout=SECONDS)).json()
        return str(answer["ID"])

    def ask(self, server: str, verb: str, **values: Any) -> requests.Response:
        """Have it ask another DICOMweb server."""
        address = f"{self.root}/servers/{server}/{verb}"
        return self._checked(requests.post(address, json=values, timeout=SECONDS))

    def post(self, path: str, values: Any) -> Any:
        """POST JSON, and read JSON."""
        return self._checked(requests.post(f"{self.address}{path}", json=values, timeout=SECONDS)).json()

    def clear(self) -> None:
        """Remove all studies."""
        for study in self.get("/studies"):
            requests.delete(f"{self.address}/studies/{study}", timeout=SECONDS)

    @staticmethod
    def _checked(answer: requests.Response) -> requests.Response:
        assert answer.ok, (answer.status_code, answer.text[:2000])
        return answer


@contextmanager
def orthanc(
    folder: Path,
    servers: Mapping[str, Mapping[str, object]],
    *,
    modalities: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[Orthanc]:
    """An empty one that knows other DICOMweb servers by name.

    Parameters
    ----------
    modalities
        Application entities that it knows by name. Without them it does not listen to the DICOM network.
    """
    port, dicom_port = free_port(), 0 if modalities is None else free_port()
    configuration = {
        "Name": "peer",
        "HttpPort": port,
        "DicomServerEnabled": modalities is not None,
        "DicomAet": TITLE,
        "DicomPort": dicom_port or 4242,
        "DicomModalities": modalities or {},
        "DicomCheckCalledAet": True,
        "DicomScuTimeout": int(SECONDS),
        "DicomScpTimeout": int(SECONDS),
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "SyncStorageArea": False,
        "HttpTimeout": int(SECONDS),
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "Servers": servers},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with running(Server([PROGRAM, str(folder / "orthanc.json")], folder, port)):
        yield Orthanc(f"http://127.0.0.1:{port}", dicom_port)
