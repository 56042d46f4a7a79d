"""The words of searches: folded alike, names in any script, dates in any form of writing."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voxelry.server.archive.terms.search_words import (
    MOST_TEXT,
    Term,
    chains,
    folded,
    grams,
    is_gram,
    iso_date,
    search_text,
    sort_key,
    terms_of,
)

DAYS = st.dates(date(1850, 1, 1), date(2100, 12, 31))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def found(search: str, *values: str, dates: tuple[str, ...] = ()) -> bool:
    text = search_text(values, dates)
    return all(term.matches(text) for term in terms_of(search))


@pytest.mark.parametrize(
    ("search", "name"),
    [
        ("muller", "Müller^Anna"),
        ("MÜLLER", "Mueller^Anna, Müller"),
        ("anna müll", "Müller^Anna"),
        ("strasse", "Straße"),
        ("小明", "王^小明"),
        ("王", "王^小明"),
        ("민수", "김^민수=KIM^MINSU"),
        ("ＡＢＣ", "abc"),
        ("abc", "ＡＢＣ"),
        ("Müller, Anna", "Müller^Anna"),
        ("Muller^Anna", "Müller^Anna"),
        ("neil", "O'Neil^Sean"),
        ("a-12/3", "xA-12/34"),
        ("ОЛЬГ", "Ольга"),
        ("γιωργος", "Γιώργος"),
    ],
)
def test_a_name_is_found_by_its_parts(search: str, name: str) -> None:
    assert found(search, name)


@pytest.mark.parametrize(("search", "name"), [("mullr", "Müller"), ("anna-m", "Müller^Anna"), ("明小", "王^小明")])
def test_what_is_no_part_is_not_found(search: str, name: str) -> None:
    assert not found(search, name)


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-15", "2024/3/15", "2024.03.15", "20240315", "15.3.2024", "15.03.2024", "15/03/2024", "15-3-2024",
        "3/15/2024", "15.3.24", "15 March 2024", "15th march 2024", "March 15, 2024", "15. März 2024", "15-Mar-2024",
        "15 mars 2024", "15 MAR 2024", "2024年3月15日", "Mar 2024", "march 2024", "3/2024", "03.2024", "2024-03",
        "2024年3月", "2024",
    ],
)  # fmt: skip
def test_a_date_is_found_as_people_write_it(written: str) -> None:
    assert found(written, "Doe^Jane", dates=("2024-03-15",))
    assert found(f"doe {written} jane", "Doe^Jane", dates=("", "2024-03-15"))
    assert not found(written, "Doe^Jane", dates=("1999-01-02",))


def test_a_date_of_two_readings_finds_both() -> None:
    assert found("3/4/2024", dates=("2024-04-03",))
    assert found("3/4/2024", dates=("2024-03-04",))
    assert not found("3.4.2024", dates=("2024-03-04",))
    assert not found("3/4/2024", dates=("2024-03-05",))


def test_digits_that_could_be_a_date_are_found_as_they_stand() -> None:
    assert found("20240315", "A20240315-7")
    assert found("march 2024", "March study of 2024")


def test_dates_are_found_in_descriptions_as_they_are_in_their_own_fields() -> None:
    for written in ("report of 15.3.2024", "15/03/2024 control", "seen 2024-03-15", "on 15 March 2024"):
        for typed in ("15.3.2024", "2024-03-15", "15 Mar 2024", "15/3/2024"):
            assert found(typed, written), (typed, written)
    assert not found("16.3.2024", "report of 15.3.2024")


@pytest.mark.parametrize("odd", ["31.2.2024", "2024-13-01", "99999999", "15 Smarch 2024", "0000-00-00", "١٢/٣/٢٠٢٤"])
def test_what_is_no_date_is_a_word(odd: str) -> None:
    assert found(odd, odd)
    assert not found(odd, "other", dates=("2024-03-15",))


@given(DAYS)
def test_each_form_of_a_day_finds_the_day(day: date) -> None:
    for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y", "%b %Y"):
        assert found(day.strftime(form), dates=(day.isoformat(),)), form


@given(TEXTS, st.data())
def test_each_part_of_a_word_is_found(text: str, data: st.DataObject) -> None:
    words = [word for word in search_text([text], []).split() if word]
    assume(words)
    word = data.draw(st.sampled_from(words))
    start = data.draw(st.integers(0, len(word) - 1))
    part = word[start : data.draw(st.integers(start + 1, len(word)))]
    assert Term(((part,),)).matches(search_text([text], []))
    assert {gram for chain in chains(part) for gram in chain} <= grams(word)


@given(TEXTS, TEXTS)
def test_a_gram_is_exact(text: str, part: str) -> None:
    part = folded(part)[:3]
    if is_gram(part):
        assert (part in grams(folded(text))) == (part in folded(text))


@given(TEXTS)
def test_a_text_is_found_by_itself(text: str) -> None:
    assert found(text, text)


@given(st.text(max_size=3000))
def test_any_search_is_read(search: str) -> None:
    terms_of(search)


def test_a_search_of_many_words_is_short() -> None:
    assert len(terms_of(" ".join(f"w{n}x" for n in range(500)))) <= 200
    assert [term.alternatives for term in terms_of("anna annabel ann nabel")] == [(("annabel",),)]


def test_a_text_has_an_end() -> None:
    text = search_text([f"word{n}" for n in range(10_000)], ["2024-03-15"])
    assert len(text) <= MOST_TEXT
    assert text.startswith("\ue00020240315 word0 ")


def test_keys_and_dates() -> None:
    assert sort_key("Müller^Anna  Maria") == "muller anna maria"
    assert len(sort_key("x" * 500)) == 100
    assert iso_date("2024-02-29") == "2024-02-29"
    assert [iso_date(odd) for odd in ("2024-02-30", "20240229", "", "2024-2-9", "2024-W01-1")] == [""] * 5
