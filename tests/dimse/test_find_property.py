"""Random queries find what a plain loop over the data sets finds, and what QIDO-RS finds."""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import urlencode

import pytest
from pydicom.dataset import Dataset

from tests.dicomweb.conftest import Web as DicomWeb
from tests.dicomweb.stored import data_set, store
from tests.dicomweb.test_search_property import archive, random_query, takes
from tests.dimse.conftest import DicomSite
from tests.dimse.queries import PATIENT_ROOT, UNIQUE, Ask, asked, querying
from voxelry.server.archive.by_attribute import attribute_search, patient_search
from voxelry.server.dimse import find_answers

LEVELS = ("STUDY", "SERIES", "IMAGE")
UNICODE = "ISO_IR 192"
RELATIONAL = b"\1\1"
"""Agreed upon, queries are answered as those of QIDO-RS are: at any level, with dates and times as one range."""
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@pytest.mark.slow
@pytest.mark.parametrize("few", [attribute_search.FEW, 2, -1])
def test_queries_find_what_a_plain_loop_and_qido_find(
    few: int, site: DicomSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``few`` of 2 and less, conditions leave too many rows, as they do in a large archive."""
    monkeypatch.setattr(attribute_search, "FEW", few)
    monkeypatch.setattr(attribute_search, "_WINDOWS", (3, 5))
    monkeypatch.setattr(attribute_search, "_WALKED", 4)
    monkeypatch.setattr(patient_search, "_CHUNK", 3)
    chance = random.Random(f"{few}")
    datasets = archive(chance)
    store(datasets)
    modalities: dict[str, set[str]] = {}
    for one in datasets:
        modalities.setdefault(one.StudyInstanceUID, set()).add(one.Modality)
    web = DicomWeb(site.web.client)
    matched = 0
    with querying(site.port, options=RELATIONAL) as ask:
        for _ in range(30):
            matched += _agree(chance, datasets, modalities, ask, web)
    assert matched > 8


def _agree(
    chance: random.Random, datasets: list[Dataset], modalities: dict[str, set[str]], ask: Ask, web: DicomWeb
) -> bool:
    """Ask for something, three times; whether anything was found."""
    number = chance.randrange(3)
    level = LEVELS[number]
    query = random_query(chance, datasets, number)
    keys: dict[str, Any] = {key: value.replace(",", "\\").split("\\") for key, value in query.items()}
    keys = {UNIQUE[level]: "", **{key: value if len(value) > 1 else value[0] for key, value in keys.items()}}
    found = ask(level, keys, character_set=UNICODE)
    assert found.status == 0
    uids = [one[UNIQUE[level]].value for one in found.answers]
    met = [one for one in datasets if takes(query, one, modalities[one.StudyInstanceUID])]
    assert uids == list(dict.fromkeys(one[UNIQUE[level]].value for one in met)), query
    by_qido = web.ask("GET", ("/studies", "/series", "/instances")[number], query=urlencode(query)).json()
    tag = ("0020000D", "0020000E", "00080018")[number]
    assert uids == [one[tag]["Value"][0] for one in by_qido]
    return bool(uids)


@pytest.mark.parametrize("few", [attribute_search.FEW, -1])
def test_patients_are_found_once_each(few: int, site: DicomSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attribute_search, "FEW", few)
    monkeypatch.setattr(attribute_search, "_WINDOWS", (3, 5))
    monkeypatch.setattr(patient_search, "_CHUNK", 3)
    chance = random.Random(7)
    datasets = archive(chance)
    for one in datasets:
        one.PatientID = f"P{int(one.StudyID[1:] or 0) % 4 if one.StudyID[1:].isdigit() else 5}"
        one.PatientName = {"P0": "Doe^Jane", "P1": "Doe^John", "P2": "Roe"}.get(one.PatientID, "Smith")
    store(datasets)
    questions: tuple[dict[str, str], ...] = (
        {},
        {"PatientName": "doe*"},
        {"PatientID": "P1"},
        {"PatientName": "nobody"},
        {"PatientID": "P*"},
    )
    with querying(site.port, root=PATIENT_ROOT) as ask:
        for keys in questions:
            found = ask("PATIENT", {"PatientID": "", **keys})
            expected = [one for one in datasets if takes(keys, one, set())]
            assert [one.PatientID for one in found.answers] == list(dict.fromkeys(one.PatientID for one in expected)), (
                keys
            )


def test_a_large_answer_comes_whole(site: DicomSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """More answers than a page has."""
    monkeypatch.setattr(find_answers, "_PAGES", (2, 3))
    monkeypatch.setattr(find_answers, "_PAGE", 5)
    store(data_set(number) for number in range(1, 41))
    like = data_set(1)
    keys = {
        "StudyInstanceUID": like.StudyInstanceUID,
        "SeriesInstanceUID": like.SeriesInstanceUID,
        "InstanceNumber": "",
    }
    found = asked(site.port, "IMAGE", keys)
    assert [one.InstanceNumber for one in found.answers] == list(range(1, 41))
