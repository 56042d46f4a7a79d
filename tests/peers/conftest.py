"""One site for all peers, with studies that each of them reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest

from tests.peers.live_site import LiveSite, live_site
from tests.peers.orthanc import Orthanc, orthanc
from tests.servers.running import free_port
from voxelry.testing import synthetic_series


@dataclass(frozen=True)
class Known:
    """A series that the site holds: its files, as they were uploaded."""

    paths: tuple[Path, ...]

    @property
    def datasets(self) -> list[pydicom.FileDataset]:
        """Read anew, in the order of the files."""
        return [pydicom.dcmread(path) for path in self.paths]

    @property
    def uids(self) -> tuple[str, str, str]:
        """Study, series and first instance."""
        first = self.datasets[0]
        return str(first.StudyInstanceUID), str(first.SeriesInstanceUID), str(first.SOPInstanceUID)


@pytest.fixture(scope="session")
def ohif_port() -> int:
    """Where OHIF will be served: the site must know its origin when it starts."""
    return free_port()


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, ohif_port: int) -> Iterator[LiveSite]:
    """The site."""
    with live_site(tmp_path_factory.mktemp("live"), dicomweb_origins=f"http://localhost:{ohif_port}") as site:
        yield site


@pytest.fixture(scope="session")
def ct(live: LiveSite, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A CT of 5 slices with a window of its own; each slice has a square at another place."""
    pixels = np.full((5, 96, 128), 1000, np.uint16)
    ramp = np.linspace(0, 300, 128).astype(np.uint16)
    for number, plane in enumerate(pixels):
        plane += ramp
        plane[10 + 12 * number : 26 + 12 * number, 16 + 16 * number : 40 + 16 * number] = 1600
        plane[80:90, 8:20] = 400
    made = synthetic_series(
        tmp_path_factory.mktemp("ct"),
        pixels=pixels,
        slices=5,
        rows=96,
        columns=128,
        spacing=(3.0, 0.8, 0.8),
        attributes={
            "PatientName": "Peers^Ada",
            "PatientID": "PEERS-1",
            "StudyDescription": "Study of peers",
            "SeriesDescription": "Squares",
            "AccessionNumber": "A1",
            "StudyDate": "20240315",
            "StudyTime": "101112",
            "WindowCenter": "200",
            "WindowWidth": "900",
        },
    )
    live.upload(made.paths)
    return Known(tuple(made.paths))


@pytest.fixture(scope="session")
def beside(live: LiveSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An Orthanc that knows the site as ``voxelry``."""
    known = {
        "Url": live.root,
        "HttpHeaders": live.headers,
        "HasDelete": True,
        "ChunkedTransfers": True,
        "HasWadoRsUniversalTransferSyntax": True,
    }
    with orthanc(tmp_path_factory.mktemp("orthanc"), {"voxelry": known}) as server:
        yield server
