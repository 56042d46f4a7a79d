"""Random searches find what a plain loop over the data sets finds."""

from __future__ import annotations

import random
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from tests.dicomweb.conftest import Web
from tests.dicomweb.stored import data_set, store
from voxelry.server.access.models import Project
from voxelry.server.archive.by_attribute import attribute_search

NAMES = ["Doe^Jane", "Doe^John", "DOE^JOHN^Q", "Smith", "Smithson^Ann", "O'Neill^Shaun", "Müller^Jürgen", "ÖZ^Ali", ""]
REFERRERS = ["House^Gregory", "Wilson^James", "Cuddy^Lisa", ""]
DATES = ["20231231", "20240101", "20240102", "20240229", ""]
TIMES = ["000000", "0830", "083000.5", "120000", "235959", "07", ""]
LEVELS = ("/studies", "/series", "/instances")
UID_OF = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
TEXTS = ("AccessionNumber", "StudyID", "PatientID", "StudyDescription", "PatientName", "ReferringPhysicianName")


def archive(chance: random.Random) -> list[Dataset]:
    """Some studies, each with a few series and instances."""
    found = []
    for study in range(1, 13):
        shared: dict[str, Any] = {
            "SpecificCharacterSet": "ISO_IR 192",
            "PatientName": chance.choice(NAMES),
            "ReferringPhysicianName": chance.choice(REFERRERS),
            "StudyDate": chance.choice(DATES),
            "StudyTime": chance.choice(TIMES),
            "AccessionNumber": chance.choice(["A1", "A12", "a1", "B[2]", "B_2", ""]),
            "StudyID": chance.choice(["S1", "S%", "S_1", ""]),
            "StudyDescription": chance.choice(["Chest CT", "chest ct", "CT of the *", ""]),
        }
        for series in range(1, chance.randint(2, 4)):
            of_series = {
                "Modality": chance.choice(["CT", "MR", "PT"]),
                "PerformedProcedureStepStartDate": chance.choice(DATES),
                "PerformedProcedureStepStartTime": chance.choice(TIMES),
            }
            numbers = range(1, chance.randint(2, 4))
            found += [data_set(number, study=study, series=series, **shared, **of_series) for number in numbers]
    return found


def micro(time: str, *, end: bool = False) -> int:
    whole, _, fraction = time.partition(".")
    padded = whole + ("235959" if end else "000000")[len(whole) :]
    rest = fraction.ljust(6, "9" if end else "0")
    return ((int(padded[:2]) * 60 + int(padded[2:4])) * 60 + int(padded[4:6])) * 10**6 + int(rest)


def takes(query: dict[str, str], dataset: Dataset, modalities: set[str]) -> bool:
    """Whether a data set meets all keys of a query, told the plain way."""
    for key, wanted in query.items():
        value = str(dataset.get(key, "") or "")
        if key == "ModalitiesInStudy":
            met = bool(modalities & set(wanted.split(",")))
        elif key in ("SeriesNumber", "InstanceNumber"):
            met = int(value) == int(wanted)
        elif key.endswith("Date") and "-" in wanted:
            first, last = wanted.split("-")
            met = bool(value) and first <= value and (not last or value <= last)
        elif key.endswith("Time"):
            first, dash, last = wanted.partition("-")
            low = micro(first or "00")
            high = micro(last or "2359", end=True) if dash else micro(first, end=True)
            met = bool(value) and low <= micro(value) <= high
        elif key in UID_OF:
            met = value in wanted.split(",")
        elif key.endswith("Name"):
            pattern = wanted.casefold().replace("[", "[[]")
            met = bool(value) and fnmatchcase(value.casefold().rstrip("^"), pattern)
        else:
            met = bool(value) and fnmatchcase(value, wanted.replace("[", "[[]"))
        if not met:
            return False
    return True


def random_query(chance: random.Random, datasets: list[Dataset], level: int) -> dict[str, str]:
    """A query whose keys are taken from one of the data sets, some made to patterns and ranges."""
    like = chance.choice(datasets)
    keys = ["StudyDate", "StudyTime", "ModalitiesInStudy", *TEXTS, UID_OF[0]]
    if level:
        keys += ["Modality", "SeriesNumber", "PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"]
        keys.append(UID_OF[1])
    if level == 2:
        keys += ["InstanceNumber", UID_OF[2]]
    found: dict[str, str] = {}
    for key in chance.sample(keys, chance.randint(1, 3)):
        value = str(like.get(key, "") or "")
        if key == "ModalitiesInStudy":
            value = chance.choice(["CT", "MR", "CT,PT"])
        elif key.endswith("Date") and value:
            value = chance.choice([value, f"{value}-", f"-{value}", f"20240101-{max(value, '20240101')}"])
        elif key.endswith("Time") and value:
            value = chance.choice([value, f"{value}-", f"-{value}", "08-12"])
        elif key in TEXTS and value:
            at = chance.randrange(len(value))
            value = chance.choice([value, value[:at] + "*", "*" + value[at:], value[:at] + "?" + value[at + 1 :]])
            value = value.rstrip("^") if "*" not in value else value
        elif key in UID_OF:
            value = ",".join({value, str(chance.choice(datasets).get(key))})
        if value and value.strip("*"):
            found[key] = value
    for date, time in (
        ("StudyDate", "StudyTime"),
        ("PerformedProcedureStepStartDate", "PerformedProcedureStepStartTime"),
    ):
        if "-" in found.get(date, "") and "-" in found.get(time, ""):
            del found[time]  # joined to one range, which has tests of its own
    return found


@pytest.mark.slow
@pytest.mark.parametrize("few", [attribute_search.FEW, 2, -1])
def test_searches_find_what_a_plain_loop_finds(
    few: int, db: None, django_user_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``few`` of 2 and less, conditions leave too many rows, as they do in a large archive."""
    monkeypatch.setattr(attribute_search, "FEW", few)
    monkeypatch.setattr(attribute_search, "_WINDOWS", (3, 5))
    monkeypatch.setattr(attribute_search, "_WALKED", 4)
    Project.objects.get_or_create(name="default")
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("admin", "", "correct horse"))
    web = Web(client)
    chance = random.Random(f"{few}")
    datasets = archive(chance)
    store(datasets)
    modalities: dict[str, set[str]] = {}
    for one in datasets:
        modalities.setdefault(one.StudyInstanceUID, set()).add(one.Modality)
    matched = 0
    for _ in range(120):
        level = chance.randrange(3)
        query = random_query(chance, datasets, level)
        met = [one for one in datasets if takes(query, one, modalities[one.StudyInstanceUID])]
        expected = list(dict.fromkeys(one[UID_OF[level]].value for one in met))
        found = web.ask("GET", LEVELS[level], query=urlencode(query)).json()
        tag = ("0020000D", "0020000E", "00080018")[level]
        assert [one[tag]["Value"][0] for one in found] == expected, query
        matched += bool(expected)
    assert matched > 40
