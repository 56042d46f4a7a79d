"""No statement of a list goes through all studies: SQLite's own plans of them say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from voxelry.server.access.grants import Grants, grants_of
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.lists import listing_sql, study_pages
from voxelry.server.archive.lists.sql_branch import Branch
from voxelry.server.archive.terms.study_filter import StudyFilter, StudyOrder
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

FILTERS = {
    "everything": StudyFilter(),
    "a word": StudyFilter(search="smith"),
    "words": StudyFilter(search="anna smith chest"),
    "two letters": StudyFilter(search="小明"),
    "a word with a sign": StudyFilter(search="t1w_mprage"),
    "a date": StudyFilter(search="15.3.2024"),
    "a modality": StudyFilter(modalities=frozenset({"CT"})),
    "a volume": StudyFilter(has_volume=True),
    "dates": StudyFilter(date_from="2020-01-01", date_to="2020-12-31"),
    "from a day on": StudyFilter(date_from="2020-01-01"),
    "a word and a modality": StudyFilter(search="smith", modalities=frozenset({"CT"})),
    "a word and dates": StudyFilter(search="smith", date_from="2020-01-01", date_to="2020-12-31"),
}


@pytest.fixture
def identities(site: Any, tmp_path: Path) -> dict[str, Grants]:
    """An administrator, and a viewer of two projects, of which one has a study."""
    site.upload(synthetic_series(tmp_path / "s", slices=2).paths)
    viewer = User.objects.create_user("viewer")
    for project in (Project.objects.get(name="default"), Project.objects.create(name="other")):
        Membership.objects.create(project=project, user=viewer, role=Role.VIEWER)
    return {"admin": grants_of(site.user), "viewer": grants_of(viewer)}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plans are SQLite's")
@pytest.mark.parametrize("name", FILTERS)
def test_no_statement_scans_the_studies(
    name: str, identities: dict[str, Grants], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Branch] = []
    fetch = study_pages._fetch

    def noted(branch: Branch) -> list[Any]:
        asked.append(branch)
        return fetch(branch)

    monkeypatch.setattr(study_pages, "_fetch", noted)
    # As in a large archive: each project has some, so that all kinds of statements are asked.
    monkeypatch.setattr(study_pages, "_counts", lambda scopes: [count_of(scope) for scope in scopes])

    def count_of(scope: listing_sql.Scope) -> int:
        noted(listing_sql.counted(scope, 10))
        return 5_000

    for who in identities.values():
        for order in (StudyOrder("arrived"), StudyOrder("patient", descending=False), StudyOrder("date")):
            study_pages.study_page(who, FILTERS[name], order)
    assert len(asked) > 4
    for branch in asked:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {branch.sql}", branch.params)
            steps = [str(row[3]) for row in cursor.fetchall()]
        scans = [step for step in steps if step.startswith("SCAN") and _is_of_studies(step)]
        assert not scans, (branch.sql, steps)


def _is_of_studies(step: str) -> bool:
    """Whether a step reads the table of lists, and not what a statement has chosen, or the index of words."""
    words = step.split()
    return words[1] in ("l", "archive_studylisting") and "VIRTUAL" not in words
