"""Character sets of queries and of their answers, with pynetdicom, pydicom and dcmtk as judges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.dicomweb.stored import data_set, store
from tests.dimse.conftest import DicomSite
from tests.dimse.queries import asked, findscu, querying
from voxelry.dicom.json_model.decoded_text import decoded, encodings_of
from voxelry.dicom.json_model.encoded_text import TextEncoder

NAMES = {
    "Yamada^Tarou=山田^太郎=やまだ^たろう": (["", "ISO 2022 IR 87"], ["ISO 2022 IR 6", "ISO 2022 IR 87"]),
    "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう": (["ISO 2022 IR 13", "ISO 2022 IR 87"],),
    "Hong^Gildong=洪^吉洞=홍^길동": (["", "ISO 2022 IR 149"],),
    "Wang^XiaoDong=王^小东": ("GB18030", "GBK"),
    "Wang^XiaoDong=王^小東": ("GB18030",),
    "Διονυσιος": ("ISO_IR 126",),
    "Люкceмбypг": ("ISO_IR 144",),
    "Äneas^Rüdiger": ("ISO_IR 100",),
    "שרון^דבורה": ("ISO_IR 138",),
    "Doe^Jane": (),
}
"""Names, and character sets beside UTF-8 that have all of their characters."""
Terms = str | Sequence[str]


def _requests() -> Iterable[tuple[str, Terms]]:
    for name, sets in NAMES.items():
        for terms in ("ISO_IR 192", *sets):
            yield name, terms


@pytest.fixture
def people(site: DicomSite) -> DicomSite:
    """A study of each name."""
    store(
        data_set(1, study=number, PatientName=name, SpecificCharacterSet="ISO_IR 192")
        for number, name in enumerate(NAMES, 1)
    )
    return site


def terms_of(answer: Dataset) -> Terms | None:
    """The character set that an answer declares."""
    if "SpecificCharacterSet" not in answer:
        return None
    value = answer.SpecificCharacterSet
    assert value  # never an empty element
    return str(value) if isinstance(value, str) else [str(one) for one in value]


def test_names_are_asked_for_and_answered_in_many_character_sets(people: DicomSite) -> None:
    """The query names the patient in its own character set, and the answer is in it."""
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        with querying(people.port, syntax=syntax) as ask:
            for name, terms in _requests():
                found = ask("STUDY", {"PatientName": name}, character_set=terms)
                assert [str(one.PatientName) for one in found.answers] == [name], (name, terms)
                assert terms_of(found.answers[0]) == terms


def test_an_answer_is_in_unicode_if_the_request_has_no_such_characters(people: DicomSite) -> None:
    for terms in (None, "ISO_IR 100", ["", "ISO 2022 IR 87"]):
        found = asked(people.port, "STUDY", {"PatientName": ""}, character_set=terms)
        assert [str(one.PatientName) for one in found.answers] == list(NAMES)
        for answer in found.answers:
            name = str(answer.PatientName)
            own = name.isascii() or (terms is not None and TextEncoder(_joined(terms)).encoded(name, "PN") is not None)
            assert terms_of(answer) == (terms if own else "ISO_IR 192"), (name, terms)


def test_a_character_set_that_nobody_knows_is_answered_in_unicode(people: DicomSite, tmp_path: Path) -> None:
    keys = ("QueryRetrieveLevel=STUDY", "PatientName=d*", "SpecificCharacterSet=ISO_IR 999")
    (answer,) = findscu(people.port, tmp_path / "a", *keys)
    assert (answer.SpecificCharacterSet, answer.PatientName) == ("ISO_IR 192", "Doe^Jane")
    (answer,) = findscu(
        people.port, tmp_path / "b", "QueryRetrieveLevel=STUDY", "PatientName=d*", "SpecificCharacterSet"
    )
    assert (answer.SpecificCharacterSet, answer.PatientName) == ("ISO_IR 192", "Doe^Jane")


@pytest.mark.parametrize(
    ("terms", "text", "vr", "expected"),
    [
        ("", "Müller", "PN", None),
        ("ISO_IR 6", "Müller", "PN", None),
        ("ISO_IR 999", "Müller", "PN", None),
        ("ISO_IR 13", "山田", "PN", None),
        ("\\ISO 2022 IR 87", "10 µm 山", "LO", None),
        ("\\ISO 2022 IR 58", "Zhang=张^小东", "PN", b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab"),
        ("\\ISO 2022 IR 149", "김\\희", "LO", b"\x1b$)C\xb1\xe8\\\x1b$)C\xc8\xf1"),
        ("\\ISO 2022 IR 87", "山\r\n山", "LT", b"\x1b$B;3\x1b(B\r\n\x1b$B;3\x1b(B"),
        ("\\ISO 2022 IR 100\\ISO 2022 IR 144", "Müller=Люк", "PN", b"\x1b-AM\xfcller=\x1b-L\xbb\xee\xda"),
        ("ISO_IR 100", "Müller", "PN", b"M\xfcller"),
    ],
)
def test_text_is_encoded_exactly_or_not_at_all(terms: str, text: str, vr: str, expected: bytes | None) -> None:
    found = TextEncoder(terms.encode()).encoded(text, vr)
    assert found == expected
    if found is not None:
        assert decoded(found, vr, encodings_of(terms.encode())) == text


def _joined(terms: Terms) -> bytes:
    return (terms if isinstance(terms, str) else "\\".join(terms)).encode()
