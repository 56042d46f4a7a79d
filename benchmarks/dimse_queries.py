"""Queries (C-FIND) that two nodes are asked in turns, on associations that stay open. Costs are those of a query."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Mapping, Sequence

import pydicom
from pydicom.uid import ExplicitVRLittleEndian

from benchmarks.dimse_processes import CALLING, DicomNode
from benchmarks.race import Row, Target
from voxelry.network.associating import associate
from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal
from voxelry.network.identifiers import encoded_identifier
from voxelry.network.peer_address import PeerAddress
from voxelry.network.service_uids import STUDY_ROOT_FIND
from voxelry.network.statuses import PENDING, SUCCESS

FACTOR = 1.0
_OF_STUDIES = (
    "PatientName PatientID PatientSex StudyInstanceUID StudyDate StudyTime StudyDescription AccessionNumber "
    "ModalitiesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances"
)
_OF_INSTANCES = "SOPInstanceUID SOPClassUID InstanceNumber"


def rows(nodes: Sequence[DicomNode], file: bytes, instances: int, rounds: int) -> list[Row]:
    """Ask for all studies, for one of them, and for the instances of a series that both nodes have."""
    header = pydicom.dcmread(io.BytesIO(file), stop_before_pixels=True)
    study, series = str(header.StudyInstanceUID), str(header.SeriesInstanceUID)
    of_studies = dict.fromkeys(_OF_STUDIES.split(), "")
    of_series = dict.fromkeys(_OF_INSTANCES.split(), "")
    asked: dict[str, tuple[str, Mapping[str, str]]] = {
        "C-FIND of studies": ("STUDY", of_studies),
        "C-FIND of one study": ("STUDY", {**of_studies, "StudyInstanceUID": study}),
        f"C-FIND of {instances} instances": (
            "IMAGE",
            {**of_series, "StudyInstanceUID": study, "SeriesInstanceUID": series},
        ),
    }
    return [_raced(nodes, name, level, keys, rounds) for name, (level, keys) in asked.items()]


def _raced(nodes: Sequence[DicomNode], name: str, level: str, keys: Mapping[str, str], rounds: int) -> Row:
    content = encoded_identifier(level, keys, transfer_syntax=ExplicitVRLittleEndian)
    costs: dict[str, list[float]] = {node.name: [] for node in nodes}
    counts: dict[str, int] = {}
    open_ones = {node.name: _association(node) for node in nodes}
    try:
        for number in range(rounds + 1):
            for name_of_node, association in open_ones.items():
                start = time.perf_counter()
                counts[name_of_node] = _answers(association, content)
                if number:  # the first one warms
                    costs[name_of_node].append((time.perf_counter() - start) * 1000)
    finally:
        for association in open_ones.values():
            association.abort()
    (ours, theirs), peer = (statistics.median(each) for each in costs.values()), nodes[1].name
    target = Target((peer,), FACTOR)
    if not all(counts.values()):
        raise RuntimeError(f"{name}: a node finds nothing: {counts}")
    note = f"{counts[nodes[0].name]} answers" + ("" if len(set(counts.values())) == 1 else f", {peer} {counts[peer]}")
    return Row("dimse", name, "ms", ours, peer, theirs, target.words, target.is_met(ours, theirs), note)


def _association(node: DicomNode) -> Association:
    address = PeerAddress(node.title, "127.0.0.1", node.port)
    return associate(address, [Proposal(STUDY_ROOT_FIND, (ExplicitVRLittleEndian,))], calling=CALLING)


def _answers(association: Association, content: bytes) -> int:
    """Ask once; the number of answers."""
    context = association.context_of(STUDY_ROOT_FIND)
    if context is None:
        raise RuntimeError(f"{association.called} does not answer queries")
    number = association.new_message_id()
    request = Command(CommandField.C_FIND_RQ, message_id=number, sop_class=STUDY_ROOT_FIND, priority=0)
    association.send(request, context, content)
    count = 0
    while (status := association.response(number).command.status) != SUCCESS:
        if status is None or status & 0xFFFE != PENDING:
            raise RuntimeError(f"{association.called} answers a query with {status}")
        count += 1
    return count
