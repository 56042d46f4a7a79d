"""Downloads: parts by Range (RFC 9110, 14), conditions (13), and no damaged bytes as if they were good."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from voxelry.server.access.models import Project
from voxelry.server.archive import originals
from voxelry.server.archive.at_rest import holdings
from voxelry.server.archive.models import Instance, Series, Study
from voxelry.server.jobs.models import Job
from voxelry.server.processing.models import Process, ResultFile
from voxelry.testing import synthetic_series


@pytest.fixture
def study(site: Any, tmp_path: Path) -> Study:
    site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    return Study.objects.get()


@pytest.fixture
def address(study: Study) -> str:
    return f"/api/studies/{study.pk}/archive.zip"


def _content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_the_zip_is_whole_and_the_same_each_time(site: Any, tmp_path: Path, address: str) -> None:
    first = site.client.get(address)
    content = _content(first)
    assert int(first.headers["Content-Length"]) == len(content)
    assert content == _content(site.client.get(address))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert sorted(map(archive.read, archive.namelist())) == sorted(
            p.read_bytes() for p in (tmp_path / "s").iterdir()
        )


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [  # RFC 9110, 14.1.2
        ("bytes=0-0", 0, 0),
        ("bytes=0-499", 0, 499),
        ("bytes=500-999", 500, 999),
        ("bytes=-500", -500, -1),
        ("bytes=100-", 100, -1),
        ("bytes=0-", 0, -1),
        ("bytes=1-99999999999999", 1, -1),
        ("bytes=-99999999999999", 0, -1),
        ("BYTES=3-4", 3, 4),
    ],
)
def test_a_part_is_answered_with_206(site: Any, address: str, asked: str, first: int, last: int) -> None:
    whole = _content(site.client.get(address))
    answer = site.client.get(address, headers={"Range": asked})
    first, last = first % len(whole), last % len(whole)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"
    assert int(answer.headers["Content-Length"]) == last + 1 - first
    assert _content(answer) == whole[first : last + 1]


def test_every_cut_fits(site: Any, address: str) -> None:
    whole = _content(site.client.get(address))
    pieces = [
        _content(site.client.get(address, headers={"Range": f"bytes={start}-{start + 332}"}))
        for start in range(0, len(whole), 333)
    ]
    assert b"".join(pieces) == whole


@pytest.mark.parametrize("asked", ["bytes=LENGTH-", "bytes=LENGTH-99999999999", "bytes=-0"])
def test_a_part_behind_the_end_is_refused_with_416(site: Any, address: str, asked: str) -> None:
    length = len(_content(site.client.get(address)))
    answer = site.client.get(address, headers={"Range": asked.replace("LENGTH", str(length))})
    assert (answer.status_code, answer.json()["code"]) == (416, "range")
    assert answer.headers["Content-Range"] == f"bytes */{length}"


@pytest.mark.parametrize(
    "asked", ["bytes=5-4", "bytes=-", "bytes=a-b", "pages=1-2", "bytes=0-1,5-6", "bytes=1", "x" * 9]
)
def test_what_is_no_single_range_is_answered_whole(site: Any, address: str, asked: str) -> None:
    answer = site.client.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.headers["Accept-Ranges"]) == (200, "bytes")
    assert "Content-Range" not in answer.headers


def test_if_range_goes_on_only_with_the_same_bytes(site: Any, address: str, tmp_path: Path) -> None:
    tag = site.client.get(address).headers["ETag"]
    asked = {"Range": "bytes=10-"}
    assert site.client.get(address, headers={**asked, "If-Range": tag}).status_code == 206
    for other in ('"another"', f"W/{tag}", "Wed, 21 Oct 2015 07:28:00 GMT"):
        assert site.client.get(address, headers={**asked, "If-Range": other}).status_code == 200
    more = synthetic_series(tmp_path / "more", slices=4).paths[3:]
    site.upload(more)
    assert Study.objects.count() == 1
    assert site.client.get(address, headers={**asked, "If-Range": tag}).status_code == 200


def test_conditions(site: Any, address: str) -> None:
    tag = site.client.get(address).headers["ETag"]
    assert site.client.get(address, headers={"If-None-Match": f'"x", W/{tag}'}).status_code == 304
    assert site.client.get(address, headers={"If-Match": '"x"'}).status_code == 412
    assert site.client.get(address, headers={"If-Match": tag, "Range": "bytes=0-1"}).status_code == 206


def test_head_knows_no_range(site: Any, address: str) -> None:
    get, head = site.client.get(address), site.client.head(address, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.headers["Content-Length"]) == (200, get.headers["Content-Length"])


def _result(site: Any, content: bytes) -> str:
    process = Process.objects.create(
        project=Project.objects.get(), job_name="surface", step="surface", published="2026-01-01T00:00Z"
    )
    row = ResultFile.objects.create(
        process=process, name="a.stl", sha256=hashlib.sha256(content).hexdigest(), size=len(content)
    )
    path = Path(default_storage.path(row.stored_name))
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    job = Job.objects.create(kind="step", subject=process.pk)
    return f"/api/jobs/{job.pk}/files/a.stl"


def test_results_have_parts_too_and_are_not_served_damaged(site: Any) -> None:
    content = bytes(range(256)) * 20
    address = _result(site, content)
    assert _content(site.client.get(address)) == content
    assert _content(site.client.get(address, headers={"Range": "bytes=300-5000"})) == content[300:5001]
    path = Path(default_storage.path(ResultFile.objects.get().stored_name))
    path.write_bytes(content[:-1] + b"x")
    assert (site.client.get(address).status_code, site.client.get(address).json()["code"]) == (409, "damaged_original")


@pytest.mark.parametrize("damage", ["one bit", "shorter", "longer", "empty", "gone"])
def test_a_damaged_original_is_not_served_and_sending_it_again_mends_it(
    site: Any, tmp_path: Path, address: str, damage: str
) -> None:
    before = _content(site.client.get(address))
    path = Path(default_storage.path(holdings.stored_name(Instance.objects.order_by("pk")[1].sha256)))
    good = path.read_bytes()
    changed = {"one bit": good[:-1] + bytes([good[-1] ^ 1]), "shorter": good[:-1], "longer": good + b"x", "empty": b""}
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(changed[damage])
    for asked in ({}, {"Range": "bytes=0-9"}):
        answer = site.client.get(address, headers=asked)
        assert (answer.status_code, answer.json()["code"]) == (409, "damaged_original")
        assert "send the file again" in answer.json()["detail"]
    series = Series.objects.get()
    report = site.upload(sorted((tmp_path / "s").iterdir()))
    assert report["counts"] == {"stored": 0, "present": 3, "skipped": 0}
    assert path.read_bytes() == good
    assert _content(site.client.get(address)) == before
    # And what was made of the damaged bytes is made again.
    assert Series.objects.get().built_revision == series.revision + 1


def test_other_bytes_of_the_same_uid_mend_nothing(site: Any, tmp_path: Path, address: str) -> None:
    path = Path(default_storage.path(holdings.stored_name(Instance.objects.order_by("pk")[1].sha256)))
    path.write_bytes(b"damaged")
    other = synthetic_series(tmp_path / "other", slices=3, attributes={"PatientComments": "other"}).paths
    assert site.upload(other)["counts"]["skipped"] == 3
    assert path.read_bytes() == b"damaged"
    assert site.client.get(address).status_code == 409


def test_large_zips_are_in_the_larger_format(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """APPNOTE 4.3.14, 4.5.3: by limits of a few bytes."""
    monkeypatch.setattr(originals, "_LARGE", 200)
    monkeypatch.setattr(originals, "_MANY", 2)
    made = originals.OriginalsZip.of_study(study)
    made.require_whole()
    content = b"".join(made.parts(0, made.length))
    assert len(content) == made.length
    record = content.rindex(b"PK\6\6")
    assert int.from_bytes(content[record + 32 : record + 40], "little") == 3  # entries
    assert int.from_bytes(content[record + 48 : record + 56], "little") == content.index(b"PK\1\2")  # where they begin
    assert content[record + 56 : record + 60] == b"PK\6\7"
