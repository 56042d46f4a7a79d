"""The listener: who is let in, and what a node is offered."""

from __future__ import annotations

import subprocess

import pytest

from tests.dimse.conftest import NODE, DicomSite, LiveDicomSite
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


def test_the_program_listens_beside_the_site(live_dicom_site: LiveDicomSite) -> None:
    asked = ["echoscu", "-aet", NODE, "-aec", "VOXELRY", "127.0.0.1", str(live_dicom_site.port)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
