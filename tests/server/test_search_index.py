"""The index of words: it finds what a loop over all texts finds, and forgets what was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxelry.server.archive.lists import search_index
from voxelry.server.archive.lists.search_index import Indexed
from voxelry.server.archive.terms.search_words import search_text, terms_of

pytestmark = pytest.mark.django_db(transaction=True)

LETTERS = st.one_of(st.sampled_from("abcäßéŁ王小明김민あア١x7-.^ "), st.characters(exclude_categories=["Cs"]))
NAMES = st.lists(st.text(LETTERS, max_size=12), max_size=12)


@pytest.fixture(autouse=True)
def _empty_index() -> None:
    """Other tests' rows go without their entries: each table is emptied as a whole."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE archive_studygrams")
        else:
            cursor.execute("INSERT INTO archive_studywords(archive_studywords) VALUES('delete-all')")


def candidates(project: int, search: str) -> set[int] | None:
    """The keys that the index gives."""
    found = search_index.candidates(project, terms_of(search))
    if found is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {found.key} FROM {found.table} AS w WHERE {found.condition}", found.params)
        return {key for (key,) in cursor.fetchall()}


class _Undo(Exception):
    pass


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(NAMES, st.data())
def test_what_is_part_of_a_text_is_among_the_candidates(names: list[str], data: st.DataObject) -> None:
    texts = {number: search_text([name], ["2024-03-15"]) for number, name in enumerate(names, 1)}
    some = data.draw(st.sampled_from(names or [""]))
    start = data.draw(st.integers(0, len(some)))
    search = some[start : data.draw(st.integers(start, len(some)))]
    try:
        with transaction.atomic():
            search_index.write_words({key: (None, Indexed(1 + key % 2, text)) for key, text in texts.items()})
            for project in (1, 2):
                own = {key: text for key, text in texts.items() if 1 + key % 2 == project}
                wanted = {key for key, text in own.items() if all(term.matches(text) for term in terms_of(search))}
                found = candidates(project, search)
                assert found is None or wanted <= found <= set(own)
                told = search_index.candidates(project, terms_of(search))
                if told is not None and told.exact:
                    assert found == wanted
            raise _Undo
    except _Undo:
        pass


def test_what_changes_is_found_as_it_is(tmp_path: Path) -> None:
    old, new = Indexed(1, search_text(["Müller^Anna"], [])), Indexed(1, search_text(["王^小明"], []))
    search_index.write_words({7: (None, old)})
    assert candidates(1, "ulle") == {7}
    search_index.write_words({7: (old, new)})
    assert (candidates(1, "ulle"), candidates(1, "小明"), candidates(2, "小明")) == (set(), {7}, set())
    search_index.write_words({7: (new, Indexed(2, new.text))})
    assert (candidates(1, "王"), candidates(2, "王")) == (set(), {7})
    search_index.write_words({7: (Indexed(2, new.text), None)})
    assert candidates(2, "王") == set()


def test_nothing_of_a_deleted_word_stays_in_the_index() -> None:
    """Entries that were deleted stay in the files of SQLite's index until it is merged."""
    if connection.vendor == "postgresql":
        pytest.skip("its own vacuum does that")
    texts = {key: Indexed(1, search_text([f"龘^Vvw{key}"], [])) for key in range(1, 400)}
    for key, one in texts.items():
        search_index.write_words({key: (None, one)})
    assert "龘".encode() in _bytes_of_index()
    for key, one in texts.items():
        search_index.write_words({key: (one, None)})
    search_index.write_words({1: (None, Indexed(1, "another"))})
    assert search_index.purge()
    assert "龘".encode() not in _bytes_of_index()
    assert search_index.purge()
    assert (candidates(1, "another"), candidates(1, "龘")) == ({1}, set())


def _bytes_of_index() -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT block FROM archive_studywords_data")
        return b"".join(bytes(block) for (block,) in cursor.fetchall())


def test_a_search_of_signs_asks_no_index() -> None:
    assert candidates(1, "+++ ...") is None
    assert candidates(1, "") is None
