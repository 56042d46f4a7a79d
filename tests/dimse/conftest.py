"""A site in a temporary data folder that listens to the DICOM network, in this process or as a program."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE

from tests.peers.live_site import LiveSite, live_site
from tests.server.conftest import Site as Web
from tests.server.conftest import (
    _not_stopping,
    _uploads_by_jobs,
    data_folder,
    dispatched,
    django_db_modify_db_settings,
    do_jobs,
    run_jobs,
    user,
)
from tests.server.conftest import site as web
from tests.servers.running import free_port
from voxelry.network.associating import NO_ROLES, associate
from voxelry.network.association import Association, Waits
from voxelry.network.contexts import Proposal, Roles
from voxelry.network.peer_address import PeerAddress
from voxelry.server.access.models import Project
from voxelry.server.dimse.listener import Listener, open_door
from voxelry.server.nodes.models import Node

__all__ = [
    "DicomSite",
    "LiveDicomSite",
    "Web",
    "_not_stopping",
    "_uploads_by_jobs",
    "data_folder",
    "dispatched",
    "django_db_modify_db_settings",
    "do_jobs",
    "listener",
    "live_dicom_site",
    "node",
    "patient_entity",
    "project",
    "run_jobs",
    "site",
    "user",
    "web",
]
TITLE = "VOXELRY"
NODE = "MODALITY"
ALL_RIGHTS = {"may_store": True, "may_find": True, "may_retrieve": True}
WAITS = Waits(request=60.0, pdu=60.0, answer=180.0, idle=180.0)
"""Generous: these machines are shared, and flushing a file has taken half a minute."""


def patient_entity(title: str = NODE) -> AE:
    """An application entity of pynetdicom that waits as long as `WAITS`; it gives up after 30 s by itself."""
    entity = AE(title)
    entity.acse_timeout, entity.dimse_timeout, entity.network_timeout = WAITS.request, WAITS.answer, WAITS.idle
    return entity


@dataclass
class DicomSite:
    """A site whose listener runs in threads of this process.

    Attributes
    ----------
    web
        The site's REST API, as its administrator.
    project, node
        The project default, and a node with all rights in it, which calls as ``MODALITY`` from this machine.
    """

    web: Web
    project: Project
    node: Node
    listener: Listener

    @property
    def port(self) -> int:
        """Where the listener listens on 127.0.0.1."""
        return self.listener.port

    @property
    def address(self) -> PeerAddress:
        """The address of the listener."""
        return PeerAddress(TITLE, "127.0.0.1", self.port)

    def associate(
        self,
        proposals: Sequence[Proposal],
        *,
        calling: str = NODE,
        roles: Mapping[str, Roles] = NO_ROLES,
        waits: Waits = WAITS,
    ) -> Association:
        """An association that the node asks for."""
        return associate(self.address, proposals, calling=calling, roles=roles, waits=waits)

    def allow(self, **rights: Any) -> None:
        """Change fields of the node's row, such as ``may_find=False``."""
        Node.objects.filter(pk=self.node.pk).update(**rights)
        self.node.refresh_from_db()


@pytest.fixture
def project(transactional_db: None) -> Project:
    """The project default."""
    return Project.objects.get_or_create(name="default")[0]


@pytest.fixture
def node(project: Project) -> Node:
    """A node with all rights; it listens nowhere."""
    return Node.objects.create(
        project=project,
        name="modality",
        ae_title=NODE,
        calls_from="127.0.0.1",
        **ALL_RIGHTS,
    )


@pytest.fixture
def listener(transactional_db: None) -> Iterator[Listener]:
    """A listener on a free port of 127.0.0.1, in threads."""
    started = Listener(open_door("127.0.0.1", 0))
    started.start()
    yield started
    started.stop(0.5)


@pytest.fixture
def site(web: Web, project: Project, node: Node, listener: Listener) -> DicomSite:
    """A site that listens."""
    return DicomSite(web, project, node, listener)


_ADD_NODE = """
import json, sys
from pathlib import Path
from voxelry.server.environment import django_setup
django_setup.prepare(data=Path(sys.argv[1]))
django_setup.set_up()
from voxelry.server.access.models import Project
from voxelry.server.nodes.models import Node
Node.objects.create(project=Project.objects.get(name="default"), **json.loads(sys.argv[2]))
"""


@dataclass(frozen=True)
class LiveDicomSite:
    """``voxelry serve --dimse-port``: server, worker and listener as programs.

    Attributes
    ----------
    web
        Its address, token and data folder, and uploads.
    port
        Where it listens to the DICOM network on 127.0.0.1.
    """

    web: LiveSite
    port: int

    @property
    def address(self) -> PeerAddress:
        """The address of its listener."""
        return PeerAddress(TITLE, "127.0.0.1", self.port)

    def add_node(self, **fields: Any) -> None:
        """Add a node of the project default, as ``name``, ``ae_title``, ``may_store`` and so on say."""
        add = [sys.executable, "-c", _ADD_NODE, str(self.web.data), json.dumps(fields)]
        subprocess.run(add, check=True, capture_output=True, text=True)


@pytest.fixture
def live_dicom_site(tmp_path: Path) -> Iterator[LiveDicomSite]:
    """A site as programs, with a node that calls as ``MODALITY`` from this machine and has all rights."""
    port = free_port()
    folder = tmp_path / "live"
    folder.mkdir()
    with live_site(folder, dimse_port=str(port)) as served:
        found = LiveDicomSite(served, port)
        found.add_node(name="modality", ae_title=NODE, calls_from="127.0.0.1", **ALL_RIGHTS)
        yield found
