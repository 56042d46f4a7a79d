"""No statement of a query goes through all rows of a table, and none reads the answers before they are taken."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.dicomweb.stored import data_set, store
from tests.dimse.conftest import Web
from voxelry.dicom.json_model.encoded_elements import ElementWriter
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Project, Role
from voxelry.server.archive.by_attribute import attribute_search, patient_search, search_rows
from voxelry.server.archive.lists.sql_branch import Branch
from voxelry.server.dimse.find_answers import FindAnswers
from voxelry.server.dimse.find_identifier import read_identifier

PATIENT_ROOT = "1.2.840.10008.5.1.4.1.2.1.1"
KEYS: tuple[dict[int, tuple[str, str]], ...] = (
    {0x00201200: ("IS", "")},
    {0x00100010: ("PN", "d*")},
    {0x00100010: ("PN", "*o*")},
    {0x00100020: ("LO", "P1")},
    {0x00100030: ("DA", "19700101")},
    {0x00100040: ("CS", "F")},
)


def answers_to(keys: dict[int, tuple[str, str]]) -> FindAnswers:
    """A query at PATIENT level of the project default."""
    writer = ElementWriter(explicit=True)
    elements = {tag: writer.text(tag, vr, value) for tag, (vr, value) in keys.items()}
    content = writer.data_set({0x00080052: writer.text(0x00080052, "CS", "PATIENT"), **elements})
    who = Grants(roles={Project.objects.get(name="default").pk: Role.VIEWER}, scoped=True)
    asked = read_identifier(content, PATIENT_ROOT, explicit=True)
    return FindAnswers(who, asked, title="VOXELRY", explicit=True, stop=lambda: False)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[Branch]:
    """What was asked of the database by searches so far."""
    noted: list[Branch] = []
    fetched = attribute_search.fetched_rows

    def noting(branch: Branch) -> list[Any]:
        noted.append(branch)
        return fetched(branch)

    for module in (attribute_search, patient_search, search_rows):
        monkeypatch.setattr(module, "fetched_rows", noting)
    return noted


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plans are SQLite's")
@pytest.mark.parametrize("each_leaves_many", [False, True])
def test_no_statement_for_patients_scans_a_table(
    each_leaves_many: bool, web: Web, statements: list[Branch], monkeypatch: pytest.MonkeyPatch
) -> None:
    store([data_set(1, PatientName="Doe"), data_set(1, study=2, PatientName="Doe")])
    if each_leaves_many:  # as in a large archive
        monkeypatch.setattr(attribute_search, "FEW", -1)
    found = sum(len(list(answers_to(keys).data_sets())) for keys in KEYS)
    assert found > 4
    assert any("NOT EXISTS" in branch.sql for branch in statements)
    for branch in statements:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {branch.sql}", branch.params)
            steps = [str(row[3]) for row in cursor.fetchall()]
        assert not [step for step in steps if step.startswith("SCAN") and _is_of_a_table(step)], (branch.sql, steps)


def test_answers_are_read_as_they_are_taken(
    web: Web, statements: list[Branch], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attribute_search, "_WINDOWS", (2,))
    monkeypatch.setattr(patient_search, "_CHUNK", 2)
    monkeypatch.setattr("voxelry.server.dimse.find_answers._PAGES", (2,))
    store(data_set(1, study=number) for number in range(1, 13))
    answers = answers_to({}).data_sets()
    next(answers)
    first = len(statements)
    assert first <= 4
    assert len(list(answers)) == 11
    assert len(statements) > 2 * first


def _is_of_a_table(step: str) -> bool:
    name = step.split()[1]
    return (name.startswith("archive_") or len(name) == 1) and "VIRTUAL" not in step
