"""Asks a node what it has, by C-FIND."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxelry.server.nodes.calling import associate_with
from voxelry.server.nodes.models import Node

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RETURNED: Mapping[str, tuple[str, ...]] = {
    "STUDY": (
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyID",
        "StudyDescription",
        "ReferringPhysicianName",
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
    ),
    "SERIES": (
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "BodyPartExamined",
        "SeriesDate",
        "SeriesTime",
        "NumberOfSeriesRelatedInstances",
    ),
    "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber"),
}
"""The attributes that are asked for at each level."""


@dataclass(frozen=True, slots=True)
class NodeRows:
    r"""What a node answered.

    Attributes
    ----------
    rows
        The attributes of `RETURNED` and those that were matched, by keyword, as DICOM has them as text: dates are
        ``20240131``, names ``Family^Given``, several values have ``\\`` between them. Empty: the node did not say.
    is_cut
        Whether the node has more.
    has_unsupported_keys
        Whether the node said that it did not match by all keys.
    """

    rows: tuple[Mapping[str, str], ...]
    is_cut: bool
    has_unsupported_keys: bool


def query(node: Node, level: str, keys: Mapping[str, str], *, most: int = 500) -> NodeRows:
    """Ask a node what it has.

    Parameters
    ----------
    level
        STUDY, SERIES or IMAGE. The unique keys of the levels above are needed.
    keys
        Values to match by keyword, as text, with ``*`` and ``?``; dates and ranges as DICOM writes them.

    Raises
    ------
    ParameterError
        If there is no such level or keyword.
    NetworkError
        If the node cannot be reached, rejects the association, has no C-FIND or answers with a failure.
    """
    from voxelry.network.finding import FIND_PROPOSALS, find

    asked = {**dict.fromkeys(RETURNED.get(level, ()), ""), **keys}
    with associate_with(node, FIND_PROPOSALS) as association:
        answers = find(association, level, asked, most=most)
        rows = tuple(_row(answer, asked) for answer in answers)
    return NodeRows(rows, answers.is_cut, answers.has_unsupported_keys)


def _row(answer: Dataset, asked: Mapping[str, str]) -> Mapping[str, str]:
    from voxelry.network.identifiers import text_of

    return {keyword: text_of(answer, keyword) for keyword in asked}
