"""Lists of studies: each page, filter and count equals what a loop over all rows gives."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Project, Role
from voxelry.server.archive import build
from voxelry.server.archive.check import check
from voxelry.server.archive.lists import search_index, study_pages
from voxelry.server.archive.lists.study_listing import refresh_all, refresh_listing
from voxelry.server.archive.lists.study_pages import study_page
from voxelry.server.archive.models import Instance, Patient, Series, Stack, Study, StudyListing
from voxelry.server.archive.remove import remove_studies
from voxelry.server.archive.repair import repair
from voxelry.server.archive.terms.search_words import folded, terms_of
from voxelry.server.archive.terms.study_filter import COLUMNS, StudyFilter, StudyOrder
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [
    "Müller^Anna",
    "MULLER^Karl",
    "Doe^Jane",
    "王^小明",
    "김^민수",
    "O'Neil^Sean",
    "",
    "Ångström^Åsa",
    "García^José",
]
DESCRIPTIONS = ["CT Chest", "MR Brain", "Thorax a.p.", "", "Abdomen/Becken"]
MODALITIES = [["CT"], ["MR"], ["CT", "SEG"], ["CR"], []]


def make_studies(count: int, seed: int = 0) -> list[Project]:
    """Random studies in three projects; the projects."""
    random_ = random.Random(seed)
    projects = [Project.objects.get_or_create(name=name)[0] for name in ("default", "second", "third")]
    for number in range(count):
        project = random_.choice(projects)
        patient = Patient.objects.create(
            project=project, name=random_.choice(NAMES), patient_id=f"P{seed}-{number}", birth_date="1960-12-31"
        )
        day = date(2024, 1, 1) + timedelta(days=random_.randrange(90))
        study = Study.objects.create(
            project=project,
            patient=patient,
            study_instance_uid=f"1.2.3.{seed}.{number}",
            date=random_.choice([day.isoformat(), day.isoformat(), ""]),
            description=random_.choice(DESCRIPTIONS),
            accession_number=f"A{random_.randrange(1000):04d}",
        )
        for index, modality in enumerate(random_.choice(MODALITIES)):
            problem = random_.choice(["", "", "gap"])
            series = Series.objects.create(
                project=project,
                study=study,
                series_instance_uid=f"{study.study_instance_uid}.{index}",
                modality=modality,
                description=random_.choice(["axial", "koronar", "Knochen 1.0"]),
                problem_code=problem,
                thumbnail=random_.random() < 0.5,
                folder="abc",
            )
            for n in range(random_.randrange(3)):
                Instance.objects.create(
                    project=project,
                    series=series,
                    sop_instance_uid=f"{series.series_instance_uid}.{n}",
                    sop_class_uid="1.2",
                    transfer_syntax_uid="1.2",
                    has_pixels=True,
                    lossy=random_.random() < 0.2,
                    sha256=f"{random_.getrandbits(256):064x}",
                    size=random_.randrange(1, 1000),
                    name="x",
                )
            if random_.random() < 0.6:
                Stack.objects.create(
                    series=series, index=0, shape=[1, 1, 1], dtype="int16", regular=True, spacing=[], default_window={},
                    planes={},
                )  # fmt: skip
    refresh_all()
    return projects


def as_member(*projects: Project) -> Grants:
    """Somebody who sees some projects."""
    return Grants(0, roles={one.pk: Role.VIEWER for one in projects})


def by_loop(who: Grants, filtered: StudyFilter, order: StudyOrder) -> list[int]:
    """The keys of the list, from a loop over all rows."""
    keys = who.projects()
    found: list[StudyListing] = []
    for row in StudyListing.objects.select_related("study__patient"):
        words = " ".join(
            (
                *(row.study.patient.name, row.study.patient.patient_id, row.study.description),
                row.study.accession_number,
                *row.study.series.values_list("modality", flat=True),
                *row.study.series.values_list("description", flat=True),
            )
        )
        text = folded(words).replace("^", " ")
        dates = "".join(
            f" \ue000{day.replace('-', '')}" for day in (row.study.date, row.study.patient.birth_date) if day
        )
        if (
            (keys is None or row.project_id in keys)
            and (not filtered.projects or row.project_id in filtered.projects)
            and (not filtered.modalities or filtered.modalities & set(row.modalities.split(",")))
            and (not filtered.date_from or (row.study.date and row.study.date >= filtered.date_from))
            and (not filtered.date_to or (row.study.date and row.study.date <= filtered.date_to))
            and filtered.has_volume in (None, Stack.objects.filter(series__study=row.pk).exists())
            and filtered.has_problem in (None, row.study.series.exclude(problem_code="").exists())
            and filtered.patient in (None, row.patient_id)
            and all(term.matches(text + dates) for term in terms_of(filtered.search))
        ):
            found.append(row)
    found.sort(key=lambda row: (getattr(row, COLUMNS[order.name]), row.pk), reverse=order.descending)
    return [row.study_id for row in found]


def walked(who: Grants, filtered: StudyFilter, order: StudyOrder, limit: int) -> list[list[int]]:
    """All pages, forwards; and they are the same backwards."""
    pages, after = [], ""
    while True:
        page = study_page(who, filtered, order, after=after, limit=limit)
        pages.append(list(page.keys))
        if page.next is None:
            break
        after = page.next
    back = [pages[-1]]
    while page.previous is not None:
        page = study_page(who, filtered, order, after=page.previous, limit=limit)
        back.append(list(page.keys))
    assert [key for page in reversed(back) for key in page] == [key for page in pages for key in page]
    return pages


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that a few studies are many."""
    monkeypatch.setattr(study_pages, "_FIRST_WINDOW", 5)
    monkeypatch.setattr(study_pages, "_FEW", 4)


SEARCHES = (
    *("", "", "muller", "ler an", "王", "小明", "chest ct", "nobody", "a0", "März 2024", "12/1/2024", "x", "a.p."),
    "1960-12-31",
)
FILTERS = st.builds(
    StudyFilter,
    search=st.sampled_from(SEARCHES),
    modalities=st.sampled_from([frozenset(), frozenset({"CT"}), frozenset({"SEG", "MR"}), frozenset({"PT"})]),
    date_from=st.sampled_from(["", "", "2024-01-15", "2024-02-01"]),
    date_to=st.sampled_from(["", "", "2024-02-29", "2024-03-10"]),
    has_volume=st.sampled_from([None, None, True, False]),
    has_problem=st.sampled_from([None, None, True, False]),
)
ORDERS = st.builds(StudyOrder, st.sampled_from(sorted(COLUMNS)), st.booleans())


def test_a_walk_over_pages_visits_each_study_once_in_order(small: None) -> None:
    projects = make_studies(60)
    everybody = [Grants(0, everything=True), as_member(projects[0]), as_member(*projects[:2]), as_member()]

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(FILTERS, ORDERS, st.sampled_from(everybody), st.sampled_from([3, 7, 100]), st.booleans())
    def compare(filtered: StudyFilter, order: StudyOrder, who: Grants, limit: int, one: bool) -> None:
        if one:
            filtered = replace(filtered, projects=frozenset({projects[0].pk}))
        wanted = by_loop(who, filtered, order)
        pages = walked(who, filtered, order, limit)
        assert [key for page in pages for key in page] == wanted
        assert all(len(page) == limit for page in pages[:-1])
        counted = study_page(who, filtered)
        assert (counted.count, counted.more) == (len(wanted), False)

    compare()


def test_the_list_over_rest(site: Any, django_assert_max_num_queries: Any) -> None:
    projects = make_studies(30)
    everything = site.send("/studies/search", 200)
    assert (everything["count"], everything["more_than"], everything["next"]) == (30, False, None)
    first = site.send("/studies/search", 200, limit=10)
    assert first["items"] == everything["items"][:10]
    second = site.send("/studies/search", 200, limit=10, after=first["next"])
    assert second["items"] == everything["items"][10:20]
    assert site.send("/studies/search", 200, limit=10, after=second["previous"])["items"] == first["items"]
    with django_assert_max_num_queries(20):
        found = site.send("/studies/search", 200, search="müller", order="patient", projects=[projects[1].pk])
    assert {one["patient"]["name"] for one in found["items"]} <= {"Müller^Anna", "MULLER^Karl"}
    assert {one["project"]["name"] for one in found["items"]} == {"second"}
    row = StudyListing.objects.get(pk=everything["items"][0]["id"])
    assert everything["items"][0]["bytes"] == row.bytes
    assert everything["items"][0]["has_problem"] == row.has_problem
    for wrong in ({"after": "nonsense"}, {"after": first["next"], "order": "date"}, {"date_from": "2024-02-30"}):
        refused = site.send("/studies/search", 422, **wrong)
        assert refused["code"] in ("cursor", "validation")
    told = site.get("/studies", 422, search="Müller")
    assert told["code"] == "search_in_address"
    assert "POST /api/studies/search" in told["detail"]
    assert "ller" not in str(told)


def test_a_study_in_the_trash_is_in_no_list(site: Any) -> None:
    make_studies(3)
    key = site.send("/studies/search", 200)["items"][0]["id"]
    Study.objects.filter(pk=key).update(trashed="2024-01-01T00:00Z")
    assert refresh_listing([key]) == 1
    assert refresh_listing([key]) == 0
    found = site.send("/studies/search", 200)
    assert (found["count"], key in [one["id"] for one in found["items"]]) == (2, False)
    Study.objects.filter(pk=key).update(trashed=None)
    refresh_listing([key])
    assert site.send("/studies/search", 200)["count"] == 3


def test_a_study_is_found_by_its_uid(site: Any) -> None:
    make_studies(3)
    found = site.send("/studies/search", 200, search="1.2.3.0.1")
    assert [one["study_instance_uid"] for one in found["items"]] == ["1.2.3.0.1"]
    assert found["count"] == 1


def test_patients(site: Any) -> None:
    make_studies(20)
    patient = Patient.objects.get(patient_id="P0-3")
    newer = Study.objects.create(project=patient.project, patient=patient, study_instance_uid="1.9")
    refresh_listing([newer.pk])
    found = site.send("/patients/search", 200, limit=7)
    assert found["items"][0]["last_study"] == newer.pk
    keys = [one["id"] for one in found["items"]]
    while found["next"]:
        found = site.send("/patients/search", 200, limit=7, after=found["next"])
        keys += [one["id"] for one in found["items"]]
    assert sorted(keys) == sorted(Patient.objects.values_list("pk", flat=True))
    found = site.send("/patients/search", 200, search="p0-3")
    assert [one["patient_id"] for one in found["items"]] == ["P0-3"]
    told = site.get(f"/patients/{patient.pk}", limit=1)
    assert told["name"] == patient.name
    assert [one["id"] for one in told["studies"]["items"]] == [newer.pk]
    rest = site.get(f"/patients/{patient.pk}", limit=1, after=told["studies"]["next"])
    assert (len(rest["studies"]["items"]), rest["studies"]["next"]) == (1, None)


def test_filters_are_ones_own(site: Any) -> None:
    kept = site.send("/filters", 200, method="PUT", name="mine", filter={"search": "Müller", "has_problem": True})
    assert site.get("/filters")["items"] == [kept]
    again = site.send("/filters", 200, method="PUT", name="mine", filter={"order": "date"})
    assert again == {"id": kept["id"], "name": "mine", "filter": {"order": "date"}}
    site.send("/filters", 422, method="PUT", name="mine", filter={"unknown": 1})
    site.client.force_login(User.objects.create_user("other"))
    assert site.get("/filters")["items"] == []
    assert site.client.delete(f"/api/filters/{kept['id']}").status_code == 204
    site.client.force_login(site.user)
    assert site.get("/filters")["items"] == [again]
    assert site.client.delete(f"/api/filters/{kept['id']}").status_code == 204
    assert site.get("/filters")["items"] == []


def test_rows_that_differ_from_the_truth_are_found_and_mended(site: Any) -> None:
    make_studies(6)
    keys = list(StudyListing.objects.order_by("pk").values_list("pk", flat=True))
    assert check().unlisted == []
    StudyListing.objects.filter(pk=keys[0]).update(name_key="wrong")
    StudyListing.objects.filter(pk=keys[1]).delete()
    Series.objects.filter(pk__in=Series.objects.filter(study=keys[2]).values("pk")).update(instance_count=99)
    Study.objects.filter(pk=keys[3]).update(trashed="2024-01-01T00:00Z")
    wrong = [key for key in keys[:4] if key != keys[2] or Series.objects.filter(study=key).exists()]
    found = check()
    assert (found.unlisted, found.fine) == (wrong, False)
    assert repair(found).listed == wrong
    assert check().unlisted == []


def test_a_failed_build_is_a_problem_of_the_study(
    site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, do_jobs: Any
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    (study,) = site.send("/studies/search", 200)["items"]
    assert (study["has_volume"], study["has_problem"], study["building"]) == (True, False, False)
    assert study["thumbnail"]["series"] == Series.objects.get().pk
    with transaction.atomic():
        build.submit_build(Series.objects.get())
    assert site.send("/studies/search", 200)["items"][0]["building"]
    monkeypatch.setattr(build, "_headers", lambda *_: 1 / 0)
    do_jobs()
    assert site.send("/studies/search", 200, has_problem=True)["count"] == 1


def test_the_cost_of_a_change_is_that_of_the_study(django_assert_max_num_queries: Any) -> None:
    make_studies(5)
    key = StudyListing.objects.order_by("pk")[0].study_id
    with django_assert_max_num_queries(16), transaction.atomic():
        Study.objects.filter(pk=key).update(description="changed")
        refresh_listing([key])


def test_what_is_deleted_leaves_the_index(site: Any) -> None:
    make_studies(4)
    study = Study.objects.select_related("patient").order_by("pk")[0]
    site.send("/studies/search", 200, search="changed")
    remove_studies([study.pk])
    assert not StudyListing.objects.filter(pk=study.pk).exists()
    found = search_index.candidates(study.project_id, terms_of(study.accession_number))
    assert found is not None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {found.key} FROM {found.table} AS w WHERE {found.condition}", found.params)
        assert study.pk not in {key for (key,) in cursor.fetchall()}
