"""Search (QIDO-RS, PS3.18 10.6): keys, attributes, pages and errors."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from django.db import transaction
from django.test import Client
from pydicom.data import get_charset_files
from pydicom.dataset import Dataset
from pytest_django import Settings
from requests.adapters import BaseAdapter

from tests.dicomweb.conftest import Site, Web
from tests.dicomweb.stored import data_set, file_bytes, store
from voxelry.dicom.headers.sources import MemorySource
from voxelry.server.access.models import Project
from voxelry.server.archive.at_rest.files_at_rest import Kept
from voxelry.server.archive.by_attribute import fill_search
from voxelry.server.archive.copy_study import copy_to_project
from voxelry.server.archive.intake import store_instance
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Instance, Series, Study
from voxelry.testing import uid

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
STUDY = {
    *("00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010"),
    *("00100020", "00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"),
}
"""Table 10.6.3-3, without Timezone Offset From UTC."""
SERIES = {"00080060", "0008103E", "00081190", "0020000E", "00200011", "00201209"}
INSTANCE = {"00080016", "00080018", "00080056", "00081190", "00200013", "00280010", "00280011", "00280100"}


@pytest.fixture
def three(site: Site) -> list[Instance]:
    """Three studies: a CT of two series, an MR with requests, and a CT with an SR."""
    requests = [
        {"ScheduledProcedureStepID": "SPS1", "RequestedProcedureID": "RP1"},
        {"ScheduledProcedureStepID": "SPS2", "RequestedProcedureID": "RP2"},
    ]
    first: dict[str, Any] = {
        "PatientName": "Doe^Jane", "StudyDate": "20240101", "StudyTime": "080000", "AccessionNumber": "A100",
        "ReferringPhysicianName": "House^Gregory", "PatientBirthDate": "19700102", "PatientSex": "F",
        "StudyDescription": "Chest CT", "TimezoneOffsetFromUTC": "+0100",
    }  # fmt: skip
    second: dict[str, Any] = {
        "PatientName": "Doe^John", "StudyDate": "20240102", "StudyTime": "235959.5", "AccessionNumber": "A200",
        "ReferringPhysicianName": "Wilson^James", "PerformedProcedureStepStartDate": "20240102",
        "PerformedProcedureStepStartTime": "113000", "requests": requests[:1], "Modality": "MR", "PatientSex": "M",
    }  # fmt: skip
    third: dict[str, Any] = {
        "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "SpecificCharacterSet": "ISO_IR 192",
        "StudyDate": "20240301", "StudyTime": "12", "AccessionNumber": "B300", "requests": requests,
    }  # fmt: skip
    no_pixels = {"PixelData": None, "Rows": None, "Columns": None, "BitsAllocated": None, "SOPClassUID": SR}
    return store(
        [
            data_set(1, study=1, **first),
            data_set(2, study=1, **first),
            data_set(1, study=1, series=2, **first),
            data_set(1, study=2, **second),
            data_set(1, study=3, **third),
            data_set(7, study=3, series=2, Modality="SR", **no_pixels, **third),
        ]
    )


def studies_of(found: list[dict[str, Any]]) -> list[int]:
    """The numbers of the studies of some results, in their order."""
    numbers = {uid(f"study {number}"): number for number in range(1, 100)}
    return [numbers[one["0020000D"]["Value"][0]] for one in found]


def test_required_attributes_come_without_being_asked_for(three: list[Instance], web: Web) -> None:
    study, *_ = web.search("/studies")
    assert study.keys() >= STUDY | {"00080201"}
    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}
    assert study["00080061"] == {"vr": "CS", "Value": ["CT"]}
    assert [study[tag]["Value"] for tag in ("00201206", "00201208", "00080056")] == [[2], [3], ["ONLINE"]]
    assert study["00080020"]["Value"] == ["20240101"]
    assert study["00080201"] == {"vr": "SH", "Value": ["+0100"]}
    series = web.search(f"/studies/{uid('study 2')}/series")[0]
    assert series.keys() >= SERIES | {"00400244", "00400245", "00400275"}
    assert "00100010" not in series  # the address names the study
    assert series["00400275"]["Value"][0]["00401001"]["Value"] == ["RP1"]
    assert web.search("/series")[0].keys() >= SERIES | STUDY
    address = f"/studies/{uid('study 1')}/series/{uid('series 1 1')}/instances"
    instance = web.search(address)[0]
    assert instance.keys() >= INSTANCE
    assert [instance[tag]["Value"] for tag in ("00280010", "00280011", "00280100")] == [[2], [3], [16]]
    assert instance["00081190"]["Value"] == [f"http://testserver{web.root}{address}/{uid('instance 1 1 1')}"]
    assert web.search("/instances")[0].keys() >= INSTANCE | SERIES | STUDY
    (report,) = web.search("/instances", SOPClassUID=SR)
    assert "00280010" not in report
    for level in ("/studies", "/series", "/instances"):
        for result in web.search(level):
            assert list(result) == sorted(result)
            Dataset.from_json(result)


QUERIES = {
    "StudyDate=20240101": [1],
    "StudyDate=20240102-": [2, 3],
    "StudyDate=-20240102": [1, 2],
    "StudyDate=20240102-20240229": [2],
    "StudyTime=0800": [1],
    "StudyTime=080000-120000": [1, 3],
    "StudyTime=235959.4-": [2],
    "StudyTime=235959.6-": [],
    "StudyTime=-0800": [1],
    "StudyDate=20240101-20240102&StudyTime=2200-0600": [],
    "StudyDate=20240101-20240103&StudyTime=2200-0600": [2],
    "StudyDate=20240102-20240301&StudyTime=0900-1100": [2],
    "StudyDate=20240101&StudyTime=0700-0900": [1],
    "StudyDate=20240101&StudyTime=0600-0730&TimezoneOffsetFromUTC=%2B0000": [1],
    "StudyDate=20240101&StudyTime=0800&TimezoneOffsetFromUTC=%2B0000": [],
    "AccessionNumber=A100": [1],
    "AccessionNumber=a100": [],
    "AccessionNumber=A*": [1, 2],
    "AccessionNumber=?300": [3],
    "00080050=A200": [2],
    "accessionnumber=A200": [2],
    "0008009A=x": [1, 2, 3],  # no key of this server: ignored, and told in a warning
    "ModalitiesInStudy=CT": [1, 3],
    "ModalitiesInStudy=MR,SR": [2, 3],
    "ModalitiesInStudy=MR%5CSR": [2, 3],
    "ModalitiesInStudy=MR&ModalitiesInStudy=SR": [2, 3],
    "ModalitiesInStudy=?R": [2, 3],
    "Modality=SR": [3],
    "ReferringPhysicianName=house*": [1],
    "ReferringPhysicianName=*son*": [2],
    "PatientName=doe*": [1, 2],
    "PatientName=DOE^JANE": [1],
    "PatientName=DOE^JANE^^^": [1],
    "PatientName=doe": [],
    "PatientName=*j?n*": [1],
    "PatientName=*jo*": [2],
    "PatientName=%E5%B1%B1%E7%94%B0*": [3],
    "PatientName=*=%E5%B1%B1%E7%94%B0%5E%E5%A4%AA%E9%83%8E": [3],
    "PatientName=yamada^tarou": [3],
    "PatientName=*^jane": [1],
    "PatientID=P2": [2],
    "PatientID=p2": [],
    "PatientID=P%5B": [],
    "PatientID=P*": [1, 2, 3],
    "PatientID=*3": [3],
    "PatientID=": [1, 2, 3],
    "PatientID=*": [1, 2, 3],
    "StudyInstanceUID=*": [1, 2, 3],
    "StudyDate=*": [1, 2, 3],
    "StudyTime=": [1, 2, 3],
    f"StudyInstanceUID={uid('study 1')},{uid('study 3')}": [1, 3],
    f"0020000d={uid('study 1')}%5C{uid('study 2')}": [1, 2],
    "StudyInstanceUID=1.2.3": [],
    "StudyID=S3": [3],
    "StudyID=S*": [1, 2, 3],
    "StudyID=*2": [2],
    "PatientBirthDate=19700102": [1],
    "PatientBirthDate=-19700101": [2, 3],
    "PatientSex=F": [1],
    "StudyDescription=chest*": [],
    "StudyDescription=Chest*": [1],
    "StudyDescription=*CT": [1],
    "PatientName=Doe*&ModalitiesInStudy=MR": [2],
    "includefield=00080060%2C00081030&PatientID=P1": [1],
}


def test_studies_are_matched(three: list[Instance], web: Web) -> None:
    found = {query: studies_of(web.ask("GET", "/studies", query=query).json()) for query in QUERIES}
    assert found == QUERIES


BELOW = {
    "/series?Modality=SR": 1,
    "/series?Modality=CT": 3,
    "/series?SeriesNumber=2": 2,
    "/series?SeriesNumber=99": 0,
    "/series?PerformedProcedureStepStartDate=20240102": 1,
    "/series?PerformedProcedureStepStartDate=20240101-20240103&PerformedProcedureStepStartTime=1000-1200": 1,
    "/series?PerformedProcedureStepStartTime=1130": 1,
    "/series?PerformedProcedureStepStartTime=12-": 0,
    "/series?RequestAttributesSequence.RequestedProcedureID=RP1": 3,
    "/series?RequestAttributesSequence.RequestedProcedureID=RP2": 2,
    "/series?00400275.00401001=RP?": 3,
    "/series?00400275.00400009=SPS2": 2,
    "/series?requestattributessequence.scheduledprocedurestepid=SPS3": 0,
    "/series?PatientID=P1&SeriesNumber=1": 1,
    f"/series?SeriesInstanceUID={uid('series 1 2')}": 1,
    f"/studies/{uid('study 1')}/series?SeriesInstanceUID={uid('series 2 1')}": 0,
    f"/studies/{uid('study 1')}/series": 2,
    f"/studies/{uid('study 1')}/series?StudyInstanceUID={uid('study 2')}": 0,
    "/studies/1.2.3/series": 0,
    "/studies/no%00uid/series": 0,
    "/instances": 6,
    "/instances?PatientID=P1&Modality=CT": 3,
    "/instances?PatientName=doe*&Modality=MR": 1,
    f"/instances?SOPClassUID={CT}": 5,
    f"/instances?SOPClassUID={SR}": 1,
    "/instances?SOPClassUID=1.2.3": 0,
    "/instances?InstanceNumber=7": 1,
    "/instances?InstanceNumber=1&StudyDate=20240101": 2,
    f"/instances?SOPInstanceUID={uid('instance 1 1 1')},{uid('instance 3 1 1')}": 2,
    f"/studies/{uid('study 1')}/instances": 3,
    f"/studies/{uid('study 1')}/instances?InstanceNumber=2": 1,
    f"/studies/{uid('study 1')}/series/{uid('series 1 1')}/instances": 2,
    f"/studies/{uid('study 2')}/series/{uid('series 1 1')}/instances": 0,
}


def test_series_and_instances_are_matched(three: list[Instance], web: Web) -> None:
    asked = {address: address.partition("?") for address in BELOW}
    found = {address: len(web.ask("GET", path, query=query).json()) for address, (path, _, query) in asked.items()}
    assert found == BELOW


REFUSED = (
    "limit=-1", "limit=x", "limit=1.5", "offset=-3", "offset=%C2%B2", "limit=99999999999999999999", "limit=1&limit=2",
    "StudyInstanceUID=1.2.*", "StudyInstanceUID=no%20uid", "StudyDate=2024*", "StudyTime=1?", "SeriesNumber=1*",
    "InstanceNumber=one", "StudyDate=20241301", "StudyDate=2024-01-01", "StudyDate=20240102-20240101", "StudyDate=-",
    "StudyTime=1200-1100", "StudyDate=20240101&StudyTime=1200-1100", "StudyTime=25", "StudyDate=yesterday",
    "fuzzymatching=perhaps", "PatientID=a&PatientID=b", "PatientName=%00", "PatientName=%ED%A0%80", "PatientID=%FF",
    "TimezoneOffsetFromUTC=CET", "PatientName=" + "Q" * 2_000, "PatientName=" + "Q" * 100_000, "a=1&" * 1_000,
    "InstanceNumber=" + "9" * 400, "StudyDate=" + "9" * 400,
)  # fmt: skip


def test_what_cannot_be_asked_is_refused_in_words(site: Site, web: Web) -> None:
    for query in REFUSED:
        problem = web.ask("GET", "/instances", 400, query=query).json()
        assert problem["status"] == 400, query
        assert len(problem["detail"]) > 20
        assert "QQQ" not in problem["detail"]


def test_unknown_parameters_are_ignored_with_a_warning(three: list[Instance], web: Web) -> None:
    response = web.ask("GET", "/studies", query="Manufacturer=x&nothing=%22Doe%22&%22%0D%0Ax=1&PatientID=P1")
    assert studies_of(response.json()) == [1]
    warning = response.headers["Warning"]
    assert warning.startswith("299 ")
    assert "Manufacturer, nothing, (unreadable)" in warning
    assert "Doe" not in warning


def test_fuzzy_matching_is_refused_politely(three: list[Instance], web: Web) -> None:
    response = web.get("/studies", PatientName="Doe^Jane", fuzzymatching="true")
    assert studies_of(response.json()) == [1]
    assert "fuzzymatching parameter is not supported" in response.headers["Warning"]
    assert "Warning" not in web.get("/studies", fuzzymatching="false").headers


def test_included_fields(three: list[Instance], web: Web) -> None:
    own = f"/studies/{uid('study 1')}/series/{uid('series 1 1')}/instances"
    for query in (
        "includefield=00200032,0020,00080062",
        "includefield=ImagePositionPatient&includefield=SOPClassesInStudy",
    ):
        result = web.ask("GET", own, query=query).json()[0]
        assert result["00200032"] == {"vr": "DS", "Value": [-10.0, 20.0, -30.0]}
        assert result["00080062"]["Value"] == [CT]
        assert result["00081190"]["Value"][0].endswith(f"/instances/{uid('instance 1 1 1')}")
    whole = web.search(own, includefield="all")[0]
    assert whole.keys() >= {"00200032", "00200037", "00280030", "00081190"}
    assert "7FE00010" not in whole
    series = web.search("/series", includefield=["RequestAttributesSequence", "all"], PatientID="P2")[0]
    assert series["00400275"]["Value"][0]["00400009"]["Value"] == ["SPS1"]
    assert "00081030" in web.ask("GET", "/studies", query="includefield=00081030%2C00080060").json()[0]
    assert web.search("/studies", includefield="all")[2]["00080062"]["Value"] == [CT, SR]


def test_pages_neither_lose_nor_repeat(three: list[Instance], web: Web) -> None:
    for level, count in (("/studies", 3), ("/series", 5), ("/instances", 6)):
        whole = web.search(level)
        assert len(whole) == count
        walked = []
        for offset in range(count + 1):
            response = web.get(level, limit=1, offset=offset)
            walked += response.json()
            left = count - offset - 1
            told = f"There are {left} additional results that can be requested"
            assert (told in response.headers.get("Warning", "")) == (left > 0)
        assert walked == whole
    before = web.search("/studies", limit=2)
    store([data_set(1, study=9)])  # comes behind the others
    assert [*before, *web.search("/studies", limit=2, offset=2)] == web.search("/studies")
    assert web.get("/studies", limit=0).json() == []
    assert web.search("/studies", limit="", offset="") == web.search("/studies")


def test_no_match_is_an_empty_list(three: list[Instance], web: Web, settings: Settings) -> None:
    assert web.get("/studies", PatientID="nobody").content == b"[]"
    settings.VOXELRY = settings.VOXELRY.replace(dicomweb_empty_search=204)
    assert web.get("/studies", 204, PatientID="nobody").content == b""


def test_media_types(three: list[Instance], web: Web) -> None:
    for accept in ("application/dicom+json", "application/json", "*/*", "application/*", None, ""):
        assert web.get("/studies", accept=accept).headers["Content-Type"] == "application/dicom+json"
    for accept in ("text/plain", "image/png", 'multipart/related; type="application/dicom"', "application/dicom+xml"):
        web.get("/studies", 406, accept=accept)
    head = web.ask("HEAD", "/studies")
    assert (head.content, int(head.headers["Content-Length"])) == (b"", len(web.get("/studies").content))


def test_xml(three: list[Instance], web: Web) -> None:
    response = web.get("/studies", accept="multipart/related; type=application/dicom+xml")
    content_type, _, boundary = response.headers["Content-Type"].partition("; boundary=")
    assert content_type == 'multipart/related; type="application/dicom+xml"'
    parts = response.content.decode().split(f"--{boundary}")[1:-1]
    roots = [ET.fromstring(part.partition("\r\n\r\n")[2].strip()) for part in parts]
    assert len(roots) == 3
    space = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
    names = {one.get("tag"): one for one in roots[2]}
    ideographic = names["00100010"].find(f"{space}PersonName/{space}Ideographic")
    assert ideographic is not None
    assert [part.text for part in ideographic] == ["山田", "太郎"]
    assert names["0020000D"].findtext(f"{space}Value") == uid("study 3")


def test_a_series_of_several_classes(site: Site, web: Web) -> None:
    synthetic = [data_set(1), data_set(2, SOPClassUID=SR), data_set(3)]
    made = [store_instance.read_values(MemorySource("a.dcm", file_bytes(one))) for one in synthetic]
    with transaction.atomic():  # one maker for all, as in an upload
        maker = store_instance.RowMaker(Project.objects.get(name="default").pk)
        rows = [maker.instance(values, Kept(f"{number:064x}", 1), name="") for number, values in enumerate(made)]
        Instance.objects.bulk_create(rows)
        refresh_listing([rows[0].series.study_id])
    assert len(web.search("/instances", SOPClassUID=SR)) == 1
    assert len(web.search("/instances", SOPClassUID=f"{CT},{SR}")) == 3
    assert web.search("/studies", includefield="SOPClassesInStudy")[0]["00080062"]["Value"] == [CT, SR]


def test_a_project_sees_nothing_of_another(three: list[Instance], web: Web, web_of: Callable[..., Web]) -> None:
    Project.objects.create(name="other", slug="other")
    store([data_set(1, study=5)], project="other")
    assert studies_of(web_of("other").search("/studies")) == [5]
    assert len(web_of("other").search("/instances")) == 1
    assert web_of("other").search(f"/studies/{uid('study 1')}/series") == []
    assert 5 not in studies_of(web.search("/studies"))
    assert web.search("/instances", SOPInstanceUID=uid("instance 5 1 1")) == []
    Web(Client()).get("/studies", 401)


def test_a_copy_is_found_by_the_same_keys(three: list[Instance], web_of: Callable[..., Web]) -> None:
    other = Project.objects.create(name="other", slug="other")
    copy_to_project(Study.objects.get(study_instance_uid=uid("study 2")).pk, other.pk)
    found = web_of("other").search(
        "/series", **{"RequestAttributesSequence.RequestedProcedureID": "RP1", "StudyID": "S2"}
    )
    assert len(found) == 1
    assert web_of("other").search("/instances")[0]["00280010"]["Value"] == [2]


def test_rows_from_before_are_found_once_they_are_filled(three: list[Instance], web: Web) -> None:
    levels = ("/studies", "/series", "/instances")
    before = [web.search(level, includefield="all") for level in levels]
    forgotten = dict.fromkeys(("study_id", "referrer", "referrer_key", "timezone", "attributes"))
    Study.objects.update(**forgotten)
    names = (
        "performed_date",
        "performed_time",
        "scheduled_step_id",
        "requested_procedure_id",
        "sop_classes",
        "attributes",
    )
    Series.objects.update(**dict.fromkeys(names))
    Instance.objects.update(rows=None, columns=None, bits_allocated=None, frames=None)
    assert [web.search(level, includefield="all") for level in levels] == before
    assert len(web.search("/instances", SOPClassUID=SR)) == 1
    assert web.search("/studies", StudyID="S2") == []
    assert fill_search.unfilled() == 3 + 5 + 6
    assert fill_search.fill_all() == 3 + 5 + 6
    assert (fill_search.unfilled(), fill_search.fill_all()) == (0, 0)
    assert studies_of(web.search("/studies", StudyID="S2")) == [2]
    assert [web.search(level, includefield="all") for level in levels] == before
    series = {"RequestAttributesSequence.RequestedProcedureID": "RP2"}
    assert len(web.search("/series", **series)) == 2


CHARACTER_SETS = (
    *("chrH31.dcm", "chrH32.dcm", "chrI2.dcm", "chrX1.dcm", "chrX2.dcm", "chrKoreanMulti.dcm", "chrGreek.dcm"),
    *("chrRuss.dcm", "chrArab.dcm", "chrHbrw.dcm", "chrFren.dcm", "chrGerm.dcm"),
)


def test_character_sets(site: Site, web: Web) -> None:
    """Japanese in two encodings, Korean, UTF-8, GB18030, Thai and others: found and told as they are."""
    names: dict[str, str] = {}
    files = []
    for number, name in enumerate(CHARACTER_SETS):
        (path,) = (path for path in get_charset_files(name) if Path(path).name == name)
        dataset = pydicom.dcmread(path)
        dataset.StudyInstanceUID, dataset.PatientID = uid(name), f"C{number}"
        dataset.SeriesInstanceUID, dataset.SOPInstanceUID = uid(f"{name} series"), uid(f"{name} instance")
        names[uid(name)] = str(dataset.PatientName)
        files.append(file_bytes(dataset))
    thai = data_set(1, SpecificCharacterSet="ISO_IR 166", PatientName="สมชาย^ใจดี", PatientID="C99")
    names[thai.StudyInstanceUID] = str(thai.PatientName)
    store([*files, thai])
    found = json.loads(web.get("/studies", includefield="all").content.decode("utf-8"))
    assert {one["00080005"]["Value"][0] for one in found} == {"ISO_IR 192"}
    assert {one["0020000D"]["Value"][0]: str(Dataset.from_json(one).PatientName) for one in found} == names
    for study, name in names.items():
        group = name.split("=")[-1]
        for pattern in (name, f"{group[:2]}*", f"*{group[-2:]}"):
            matched = [one["0020000D"]["Value"][0] for one in web.search("/studies", PatientName=pattern)]
            assert study in matched, pattern


def test_a_client_of_the_standard_searches(three: list[Instance], web: Web) -> None:
    client = DICOMwebClient(f"http://testserver{web.root}", session=session_of(web))
    assert studies_of(client.search_for_studies(search_filters={"PatientName": "Doe*"})) == [1, 2]
    assert len(client.search_for_studies(limit=1, get_remaining=True)) == 3
    assert len(client.search_for_series(uid("study 1"), fields=["SeriesDescription"])) == 2
    instances = client.search_for_instances(uid("study 1"), uid("series 1 1"), fields=["ImagePositionPatient"])
    assert [Dataset.from_json(one).InstanceNumber for one in instances] == [1, 2]
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []


class _TestClientAdapter(BaseAdapter):
    """Gives what a session of requests sends to Django's test client."""

    def __init__(self, web: Web) -> None:
        super().__init__()
        self._web = web

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        path = str(request.path_url)
        answer = self._web.client.generic(str(request.method), path, headers={**request.headers})
        found = requests.Response()
        found.status_code, found.url, found.request = answer.status_code, str(request.url), request
        found.headers.update(answer.headers)
        found.raw = io.BytesIO(answer.content)
        return found

    def close(self) -> None:
        pass


def session_of(web: Web) -> requests.Session:
    session = requests.Session()
    session.mount("http://testserver", _TestClientAdapter(web))
    return session
