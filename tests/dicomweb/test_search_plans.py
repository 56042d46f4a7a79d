"""No statement of a search goes through all rows of a table: SQLite's own plans of them say so."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.dicomweb.conftest import Site, Web
from tests.dicomweb.stored import data_set, store
from voxelry.server.archive.by_attribute import attribute_search
from voxelry.server.archive.lists.sql_branch import Branch
from voxelry.testing import uid

ADDRESSES = {
    "/studies": (
        "", "PatientName=smith*", "PatientName=*smith*", "PatientName=*a?b", "PatientID=P1", "PatientID=*1",
        "AccessionNumber=A*", "StudyDate=20200101-20201231", "StudyDate=20200101-&StudyTime=10-", "StudyTime=1000-1015",
        "ModalitiesInStudy=CT", "ModalitiesInStudy=C*", "ReferringPhysicianName=house*", "ReferringPhysicianName=*se*",
        "StudyID=S1", "StudyID=*1", "StudyInstanceUID=1.2,1.3", "StudyDescription=*chest*", "PatientBirthDate=19700101",
        "PatientSex=F", "PatientName=*smith*&StudyDate=20200101-&limit=1&offset=5",
    ),
    "/series": (
        "", "Modality=CT", "SeriesInstanceUID=1.2", "SeriesNumber=1", "PerformedProcedureStepStartDate=20200101",
        "PerformedProcedureStepStartTime=10-11", "RequestAttributesSequence.RequestedProcedureID=RP1",
        "RequestAttributesSequence.ScheduledProcedureStepID=S*", "SeriesDescription=a*",
        "Modality=CT&PatientName=*smith*",
    ),
    "/instances": (
        "", "SOPClassUID=1.2", "SOPInstanceUID=1.2", "InstanceNumber=1", "PatientID=P1&Modality=CT&InstanceNumber=1",
        "Modality=CT&SOPClassUID=1.2",
    ),
    f"/studies/{uid('study 1')}/series": ("", "Modality=CT"),
    f"/studies/{uid('study 1')}/instances": ("", "InstanceNumber=1"),
    f"/studies/{uid('study 1')}/series/{uid('series 1 1')}/instances": ("", "InstanceNumber=1"),
}  # fmt: skip


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plans are SQLite's")
@pytest.mark.parametrize("each_leaves_many", [False, True])
def test_no_statement_scans_a_table(
    each_leaves_many: bool, site: Site, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    store([data_set(1), data_set(1, study=2)])
    asked: list[Branch] = []
    fetch = attribute_search.fetched_rows

    def noted(branch: Branch) -> list[Any]:
        asked.append(branch)
        return fetch(branch)

    def noted_keys(branch: Branch) -> list[int]:
        return [key for (key,) in noted(branch)]

    monkeypatch.setattr(attribute_search, "fetched_rows", noted)
    monkeypatch.setattr(attribute_search, "fetched_keys", noted_keys)
    if each_leaves_many:  # as in a large archive
        monkeypatch.setattr(attribute_search, "FEW", -1)
        monkeypatch.setattr(attribute_search, "_WALKED", 1)
    for address, queries in ADDRESSES.items():
        for query in queries:
            web.ask("GET", address, query=query)
    assert len(asked) > 60
    for branch in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {branch.sql}", branch.params)
            steps = [str(row[3]) for row in cursor.fetchall()]
        scans = [step for step in steps if step.startswith("SCAN") and _is_of_a_table(step)]
        assert not scans, (branch.sql, steps)


def _is_of_a_table(step: str) -> bool:
    """Whether a step reads a table from its beginning, and not what a statement has chosen, or the index of words."""
    name = step.split()[1]
    return (name.startswith("archive_") or len(name) == 1) and "VIRTUAL" not in step
