"""Absurd requests to every DICOMweb address: an answer with a reason, no failure, and no value of a patient."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction

from tests.dicomweb.conftest import Web
from tests.server.conftest import Site
from voxelry.server.archive.models import Instance
from voxelry.server.dicomweb.routes import methods_by_path
from voxelry.server.dicomweb.urls import ALL
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Hostile^Patient"
PARTS = [
    "0",
    "-1",
    "1,2,3,",
    "1" * 70,
    "1.2.3",
    "%00",
    "%FF%FE",
    "..%2F..%2Fetc%2Fpasswd",
    "%F0%9F%92%80",
    "null",
    "'\"<script>",
    "1e999",
    "99999999999999999999",
    "1,1,1,1,1,1,1,1",
]
QUERIES = [
    "limit=-1",
    "limit=x",
    "limit=99999999999999999999999",
    "offset=-5",
    "limit=&offset=",
    "&&&=&=&",
    "=",
    "%",
    "%%%",
    "PatientName=%00",
    "PatientName=%FF",
    "StudyDate=%2A%3F",
    "StudyDate=00000000-99999999",
    "StudyTime=2500-0100",
    "StudyInstanceUID=" + ",".join(["1.2.3"] * 3000),
    "PatientName=" + "*" * 5000,
    "PatientName=" + "a*" * 2000,
    "00100010=" + "x" * 50_000,
    "includefield=" + ",".join(["00100010"] * 5000),
    "includefield=%00,zzz,99999999999",
    "window=nan,nan,linear",
    "window=1e400,1,linear",
    "window=1,2",
    "window=,,,",
    "viewport=1000000000,1000000000",
    "viewport=-1,-1",
    "viewport=0,0",
    "viewport=1,1,nan,nan,inf,-inf",
    "quality=101",
    "quality=x",
    "quality=-0",
    "annotation=patient",
    "annotation=%00",
    "iccprofile=yes",
    "accept=%00",
    "accept=" + "a/b," * 5000,
    "charset=klingon",
    "requestType=WADO&studyUID=1&seriesUID=1&objectUID=1",
    "requestType=WADO",
    "requestType=WADO&requestType=WADO",
    "fuzzymatching=perhaps",
    "a=" + "b" * 60_000,
    "orderby=;drop",
    "RequestAttributesSequence.ZZZ=1",
    "....=1",
    "0040A730=1",
]
HEADERS = [
    {"Accept": "multipart/related; type="},
    {"Accept": ";;;,,,;q=x"},
    {"Accept": "*/*;q=1e9"},
    {"Accept": "a" * 30_000},
    {"Accept": 'multipart/related; type="application/dicom; transfer-syntax=*'},
    {"Accept": "image/png;q=-1"},
    {"Accept": "multipart/related; type=application/dicom; transfer-syntax=1.2.3.4.5"},
    {"Accept-Encoding": "gzip;q=x, \x7f"},
    {"Range": "bytes=99999999999999999999-"},
    {"Range": "bytes=-0"},
    {"Range": "bytes=5-1"},
    {"If-None-Match": '"' * 999},
    {"If-Range": "x", "Range": "bytes=0-0"},
    {"Accept-Charset": "utf-16, *;q=0"},
    {"Origin": "null"},
    {"Host": "localhost:x"},
]


@pytest.fixture
def values(site: Site, tmp_path: Path) -> dict[str, str]:
    """The parts of addresses of a stored instance."""
    site.upload(synthetic_series(tmp_path / "s", slices=2, attributes={"PatientName": SECRET}).paths)
    one = Instance.objects.select_related("series__study").order_by("pk")[0]
    uids = one.series.study.study_instance_uid, one.series.series_instance_uid, one.sop_instance_uid
    return dict(zip(("study", "series", "instance"), uids, strict=True))


def _address(path: str, values: dict[str, str], other: str = "1") -> str:
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(str(found.group(1)), other), path)


def _ask(web: Web, address: str, headers: dict[str, str] | None = None) -> str:
    """What is wrong with the answer; nothing if it is one."""
    with transaction.atomic():
        answer: Any = web.client.get(f"{web.root}{address}", headers={**web.headers, **(headers or {})})
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code >= 500:
        return f"{address[:120]} {headers}: {answer.status_code} {content[:200]!r}"
    if answer.status_code >= 400 and (SECRET.encode() in content or not answer.json().get("detail")):
        return f"{address[:120]} {headers}: {answer.status_code} without a reason, or with a name: {content[:200]!r}"
    return ""


def test_absurd_parts_of_addresses(web: Web, values: dict[str, str]) -> None:
    wrong = []
    for path, methods in methods_by_path(ALL).items():
        names = re.findall(r"<(?:\w+:)?(\w+)>", path) if "GET" in methods else []
        for name in names:
            wrong += [_ask(web, _address(path, {**values, name: part})) for part in PARTS]
    assert not [one for one in wrong if one]


def test_absurd_queries(web: Web, values: dict[str, str]) -> None:
    addresses = [_address(path, values) for path, methods in methods_by_path(ALL).items() if "GET" in methods]
    assert not [one for address in addresses for query in QUERIES if (one := _ask(web, f"{address}?{query}"))]


def test_absurd_headers(web: Web, values: dict[str, str]) -> None:
    addresses = [_address(path, values) for path, methods in methods_by_path(ALL).items() if "GET" in methods]
    assert not [one for address in addresses for headers in HEADERS if (one := _ask(web, address, headers))]


def test_names_in_queries_reach_no_log_and_no_answer(
    web: Web, values: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    for path, methods in methods_by_path(ALL).items():
        if "GET" in methods:
            for key in ("PatientName", "limit", "window", "accept", "includefield", "requestType", SECRET):
                _ask(web, f"{_address(path, values)}?{quote(key)}={quote(SECRET)}")
    assert SECRET not in caplog.text
