"""Queries that pynetdicom and dcmtk ask of a listening site, and what they are answered."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from tests.dimse.conftest import NODE, TITLE, patient_entity

PATIENT_ROOT, STUDY_ROOT, PATIENT_STUDY = (f"1.2.840.10008.5.1.4.1.2.{root}.1" for root in (1, 2, 3))
UNIQUE = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


@dataclass(frozen=True)
class Found:
    """The answers to a query.

    Attributes
    ----------
    pending
        The status of each answer.
    last
        The final response: its status, and Error Comment and Offending Element where it has them.
    """

    answers: list[Dataset]
    pending: list[int]
    last: Dataset

    @property
    def status(self) -> int:
        """The final status."""
        return int(self.last.Status)


def identifier(level: str, keys: Mapping[str, object], *, character_set: str | Sequence[str] | None = None) -> Dataset:
    """An identifier; keys of which the value is a list of mappings are sequences."""
    found = Dataset()
    if character_set is not None:
        found.SpecificCharacterSet = character_set
    if level:
        found.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        if isinstance(value, list) and (not value or isinstance(value[0], Mapping)):
            value = [identifier("", item) for item in value]
        setattr(found, keyword, value)
    return found


Ask = Callable[..., Found]


@contextmanager
def querying(
    port: int, *, root: str = STUDY_ROOT, syntax: str = ExplicitVRLittleEndian, options: bytes = b""
) -> Iterator[Ask]:
    """Ask by pynetdicom on one association: takes the level, the keys and ``character_set``.

    Parameters
    ----------
    options
        The information of SOP Class Extended Negotiation.
    """
    entity = patient_entity()
    entity.add_requested_context(root, [syntax])
    negotiated: list[Any] = []
    if options:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid, item.service_class_application_information = root, options
        negotiated.append(item)
    association = entity.associate("127.0.0.1", port, ae_title=TITLE, ext_neg=negotiated)
    assert association.is_established

    def ask(level: str, keys: Mapping[str, object], *, character_set: str | Sequence[str] | None = None) -> Found:
        answers: list[Dataset] = []
        pending, last = [], Dataset()
        for status, data_set in association.send_c_find(identifier(level, keys, character_set=character_set), root):
            if status.Status in (0xFF00, 0xFF01) and data_set is not None:
                pending.append(int(status.Status))
                answers.append(data_set)
            else:
                last = status
        return Found(answers, pending, last)

    try:
        yield ask
    finally:
        association.release()


def asked(
    port: int,
    level: str,
    keys: Mapping[str, object],
    *,
    root: str = STUDY_ROOT,
    syntax: str = ExplicitVRLittleEndian,
    character_set: str | Sequence[str] | None = None,
    options: bytes = b"",
) -> Found:
    """Ask once, on an association of its own, as `querying` does."""
    with querying(port, root=root, syntax=syntax, options=options) as ask:
        return ask(level, keys, character_set=character_set)


def findscu(port: int, folder: Path, *keys: str, root: str = "-S", options: Sequence[str] = ()) -> list[Dataset]:
    """Ask by dcmtk, which writes each answer to a file; the answers, as many as it tells of in its output."""
    folder.mkdir()
    command = ["findscu", "-v", "-X", "-od", str(folder), root, *options, "-aet", NODE, "-aec", TITLE]
    for key in keys:
        command += ["-k", key]
    done = subprocess.run(
        [*command, "127.0.0.1", str(port)], capture_output=True, text=True, errors="replace", check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr + done.stdout
    told = re.findall(r"Received Find Response (\d+) \(Pending\)", done.stdout + done.stderr)
    answers: list[Dataset] = [dcmread(path) for path in sorted(folder.iterdir())]
    assert "Received Final Find Response (Success)" in done.stdout + done.stderr
    assert [int(number) for number in told] == list(range(1, len(answers) + 1))
    return answers
