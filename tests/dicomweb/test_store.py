"""STOW-RS (PS3.18 10.5): what is stored, what is answered, and what is left of requests that break off."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pydicom
import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
    generate_uid,
)

from tests.dicomweb.conftest import Web
from voxelry.server.access.exchange import Asked
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.at_rest.holdings import stored_name
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Entry, Instance, UnusedFile, Upload
from voxelry.server.dicomweb.store_routes import store_in_any_study
from voxelry.server.jobs.models import Job, State
from voxelry.testing import synthetic_report, synthetic_series, write

pytestmark = pytest.mark.django_db(transaction=True)
RELATED = 'multipart/related; type="application/dicom"; boundary="the boundary"'
SYNTAX = ";transfer-syntax=1.2.840.10008.1.2.1"


def body_of(
    contents: Iterable[bytes], part: str = "application/dicom", end: bytes = b"\r\n--the boundary--\r\n"
) -> bytes:
    """A multipart body."""
    head = f"\r\n--the boundary\r\nContent-Type: {part}\r\n\r\n".encode()
    return b"".join(head + content for content in contents) + end


def store(web: Web, contents: Iterable[bytes], status: int = 200, *, study: str = "", **more: Any) -> Any:
    """Store files in one request; the answer as JSON."""
    address = "/studies" + (f"/{study}" if study else "")
    return web.ask("POST", address, status, content=body_of(contents), content_type=RELATED, **more).json()


def values(answer: Any, sequence: str, tag: str) -> list[Any]:
    """The values of an attribute of the items of a sequence."""
    return [item.get(tag, {}).get("Value", [None])[0] for item in answer.get(sequence, {}).get("Value", [])]


def left(data_folder: Path) -> list[str]:
    """What is in the folder of unfinished files."""
    return sorted(path.name for path in (data_folder / "temp").iterdir())


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=4).paths)


@pytest.fixture
def contents(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


def uid_of(path: Path) -> str:
    return str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID)


@pytest.mark.parametrize("part", ["application/dicom", f"application/dicom{SYNTAX}", "Application/DICOM"])
def test_all_are_stored(web: Web, paths: list[Path], contents: list[bytes], part: str, data_folder: Path) -> None:
    response = web.ask("POST", "/studies", 200, content=body_of(contents, part), content_type=RELATED)
    answer = response.json()
    assert response.headers["Content-Type"] == "application/dicom+json"
    assert list(answer) == ["00081190", "00081199"]  # no empty sequences
    dataset = pydicom.dcmread(paths[0])
    (root,) = answer["00081190"]["Value"]
    assert root == f"http://testserver{web.root}/studies/{dataset.StudyInstanceUID}"
    assert values(answer, "00081199", "00081155") == [uid_of(path) for path in paths]
    assert set(values(answer, "00081199", "00081150")) == {dataset.SOPClassUID}
    assert values(answer, "00081199", "00081190")[0] == (
        f"{root}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    )
    for instance, content in zip(Instance.objects.order_by("pk"), contents, strict=True):
        assert Path(default_storage.path(stored_name(instance.sha256))).read_bytes() == content
    upload = Upload.objects.get()
    assert response.headers["Link"] == (
        f'<http://testserver/api/uploads/{upload.pk}>; rel="describedby"; title="report of the upload"'
    )
    report = web.client.get(f"/api/uploads/{upload.pk}").json()
    assert (report["state"], report["counts"]) == ("succeeded", {"stored": 4, "present": 0, "skipped": 0})
    assert Job.objects.filter(kind="build", state=State.QUEUED).count() == 1
    assert left(data_folder) == []


def test_what_is_stored_is_shown(web: Web, contents: list[bytes], do_jobs: Callable[[], None]) -> None:
    store(web, contents)
    do_jobs()
    (series,) = web.client.get("/api/series").json()["items"]
    assert (series["state"], series["volume_count"], series["instance_count"]) == ("succeeded", 1, 4)


def test_a_single_part(web: Web, contents: list[bytes]) -> None:
    for content, kind in zip(contents, ("application/dicom", f"application/dicom{SYNTAX}"), strict=False):
        answer = web.ask("POST", "/studies", 200, content=content, content_type=kind).json()
        assert len(values(answer, "00081199", "00081155")) == 1
    assert Instance.objects.count() == 2


def test_the_answer_in_xml(web: Web, contents: list[bytes], paths: list[Path]) -> None:
    response = web.ask(
        "POST", "/studies", 202, content=body_of([contents[0], b"<&no DICOM"]), content_type=RELATED,
        accept="text/html, application/dicom+xml;q=0.9",
    )  # fmt: skip
    assert response.headers["Content-Type"] == "application/dicom+xml"
    root = ET.fromstring(response.content)
    space = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
    told = {one.get("tag"): one for one in root}
    assert set(told) == {"00081190", "0008119A", "00081199"}
    (uid,) = told["00081199"].findall(f".//{space}DicomAttribute[@tag='00081155']/{space}Value")
    assert uid.text == uid_of(paths[0])


@pytest.mark.parametrize("accept", ["text/html", "application/dicom", "application/dicom+json;q=0"])
def test_an_answer_that_is_not_acceptable_stores_nothing(web: Web, contents: list[bytes], accept: str) -> None:
    web.ask("POST", "/studies", 406, content=body_of(contents), content_type=RELATED, accept=accept)
    assert not Instance.objects.exists()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 415),
        ("multipart/form-data; boundary=b", 415),
        ('multipart/related; type="application/dicom+json"; boundary=b', 415),
        ('multipart/related; type="application/dicom+xml"; boundary=b', 415),
        ('multipart/related; type="image/jpeg"; boundary=b', 415),
        ("", 415),
        ('multipart/related; type="application/dicom"', 400),
        ('multipart/related; type="application/dicom"; boundary=""', 400),
        (f'multipart/related; type="application/dicom"; boundary="{"x" * 300}"', 400),
    ],
)
def test_wrong_types(web: Web, contents: list[bytes], kind: str, status: int) -> None:
    told = web.ask("POST", "/studies", status, content=body_of(contents), content_type=kind).json()
    assert told["status"] == status
    assert not Upload.objects.exists()


def test_a_coding_and_a_study_that_is_none(web: Web, contents: list[bytes]) -> None:
    packed = gzip.compress(body_of(contents))
    sent = web.ask("POST", "/studies", 415, content=packed, content_type=RELATED, headers={"Content-Encoding": "gzip"})
    assert sent["Accept-Encoding"] == "identity"
    for study in ("b" * 65, "1 2", "%2F"):
        web.ask("POST", f"/studies/{study}", 404 if study == "%2F" else 400, content=packed, content_type=RELATED)
    assert not Upload.objects.exists()
    headers = {"Content-Encoding": "identity"}
    web.ask("POST", "/studies", content=body_of(contents), content_type=RELATED, headers=headers)


@pytest.mark.parametrize("body", [b"x", b"--the boundary--", b"--the boundary\r\n", b"--other\r\n\r\nx\r\n--other--"])
def test_a_body_without_a_part(web: Web, body: bytes) -> None:
    web.ask("POST", "/studies", 400, content=body, content_type=RELATED)
    assert not Upload.objects.exists()


def test_partial_success(web: Web, paths: list[Path], contents: list[bytes], data_folder: Path) -> None:
    """Each failure has its item, in the order that they came."""
    cut = contents[1][:-100]
    other = pydicom.dcmread(paths[2])
    other.StudyInstanceUID = generate_uid()
    stranger = paths[2].with_name("other.dcm")
    other.save_as(stranger)
    study = str(pydicom.dcmread(paths[0]).StudyInstanceUID)
    dicm = bytes(128) + b"DICM" + bytes(500)
    answer = store(web, [contents[0], b"text", cut, stranger.read_bytes(), dicm, contents[3]], 202, study=study)
    assert values(answer, "00081199", "00081155") == [uid_of(paths[0]), uid_of(paths[3])]
    assert values(answer, "00081198", "00081155") == [uid_of(paths[1]), uid_of(paths[2])]
    assert values(answer, "00081198", "00081197") == [0xC000, 0xA900]
    assert values(answer, "0008119A", "00081197") == [0xC000, 0xC000]
    for sequence in ("00081198", "0008119A"):
        assert all(len(words) <= 64 for words in values(answer, sequence, "00000902"))
        assert all(len(words) > 20 for words in values(answer, sequence, "0040A160"))
    assert [one.status for one in Entry.objects.order_by("position")] == [
        *("stored", "skipped", "skipped", "skipped", "skipped", "stored")
    ]  # fmt: skip
    assert left(data_folder) == []


def test_none_stored(web: Web, contents: list[bytes]) -> None:
    answer = store(web, contents, 409, study="1.2.3")
    assert values(answer, "00081198", "00081197") == [0xA900] * 4
    assert "00081199" not in answer
    assert answer["00081190"] == {"vr": "UR"}
    answer = store(web, [b"no DICOM", b""], 400)
    assert values(answer, "0008119A", "00081197") == [0xC000] * 2
    assert not Instance.objects.exists()
    assert [job.state for job in Job.objects.all()] == [State.FAILED] * 2


def test_a_body_that_is_cut_off(web: Web, contents: list[bytes], paths: list[Path], data_folder: Path) -> None:
    whole = body_of(contents[:2])
    for end in (len(whole) - 400, whole.index(contents[1]) + 10):
        answer = web.ask("POST", "/studies", 202, content=whole[:end], content_type=RELATED).json()
        assert values(answer, "00081199", "00081155") == [uid_of(paths[0])]
        assert len(answer["0008119A"]["Value"]) == 1
    answer = web.ask("POST", "/studies", 400, content=body_of(contents[:1])[:1000], content_type=RELATED).json()
    assert answer["code"] == "truncated_body"
    assert Instance.objects.count() == 1
    assert left(data_folder) == []


def test_ten_thousand_parts(web: Web, contents: list[bytes], data_folder: Path) -> None:
    answer = store(web, [contents[0], *[b"x"] * 9_998, contents[1]], 202)
    assert len(values(answer, "00081199", "00081155")) == 2
    assert len(answer["0008119A"]["Value"]) == 9_998
    assert left(data_folder) == []


# --- everything that is DICOM -----------------------------------------------------------------------------------------


def an_object(sop_class: str, syntax: str = ExplicitVRLittleEndian, **more: Any) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.Modality, dataset.PatientID = "OT", "1"
    for name, value in more.items():
        setattr(dataset, name, value)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def written(dataset: Dataset, folder: Path, **more: Any) -> bytes:
    path = folder / f"{generate_uid()}.dcm"
    dataset.save_as(path, enforce_file_format=True, **more)
    return path.read_bytes()


OBJECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "encapsulated PDF": ("1.2.840.10008.5.1.4.1.1.104.1", {"EncapsulatedDocument": b"%PDF-1.7 x"}),
    "encapsulated CDA": ("1.2.840.10008.5.1.4.1.1.104.2", {"EncapsulatedDocument": b"<ClinicalDocument/>"}),
    "presentation state": ("1.2.840.10008.5.1.4.1.1.11.1", {"ContentLabel": "GSPS"}),
    "waveform": ("1.2.840.10008.5.1.4.1.1.9.1.1", {"WaveformSequence": [Dataset()]}),
    "raw data": ("1.2.840.10008.5.1.4.1.1.66", {}),
    "private class": ("1.3.12.2.1107.5.9.1", {}),
    "unknown class": ("1.2.840.10008.5.1.4.1.1.9999", {}),
}  # fmt: skip


def test_everything_that_is_dicom_is_stored(web: Web, tmp_path: Path, do_jobs: Callable[[], None]) -> None:
    made = [written(an_object(uid, **more), tmp_path) for uid, more in OBJECTS.values()]
    made.append(write(synthetic_report(), tmp_path / "report.dcm").read_bytes())
    video = an_object("1.2.840.10008.5.1.4.1.1.77.1.4.1", "1.2.840.10008.1.2.4.102")
    video.Rows, video.Columns, video.NumberOfFrames, video.SamplesPerPixel = 16, 16, 3, 3
    video.BitsAllocated, video.PhotometricInterpretation = 8, "YBR_PARTIAL_420"
    video.PixelData = pydicom.encaps.encapsulate([b"\0\0\0\x18ftypmp42"])
    video["PixelData"].VR = "OB"
    made.append(written(video, tmp_path))
    implicit = written(an_object("1.2.840.10008.5.1.4.1.1.66", ImplicitVRLittleEndian), tmp_path)
    at = 132 + 12 + int.from_bytes(implicit[140:144], "little")
    made.append(implicit[at:])  # without preamble and File Meta Information
    bad = an_object("1.2.840.10008.5.1.4.1.1.66")
    bad.StudyDate = bad.PatientBirthDate = "20240101"
    made.append(written(bad, tmp_path).replace(b"20240101", b"not-date"))
    answer = store(web, made)
    assert len(values(answer, "00081199", "00081155")) == len(made)
    found = [
        Path(default_storage.path(stored_name(row.sha256))).read_bytes() for row in Instance.objects.order_by("pk")
    ]
    assert found == made
    do_jobs()
    assert not Job.objects.filter(state=State.FAILED).exclude(kind="build").exists()


def test_pixels_that_cannot_be_described_are_a_warning(web: Web, paths: list[Path], tmp_path: Path) -> None:
    dataset = pydicom.dcmread(paths[0])
    del dataset.Rows
    content = written(dataset, tmp_path)
    answer = store(web, [content, paths[1].read_bytes()], 202)
    assert values(answer, "00081199", "00081196") == [0xB007, None]
    assert "Rows" in values(answer, "00081199", "0040A160")[0]
    assert Instance.objects.count() == 2


# --- the same SOP Instance UID again ----------------------------------------------------------------------------------


def again(paths: list[Path], tmp_path: Path, how: str) -> bytes:
    """The first object, encoded in another way."""
    dataset = pydicom.dcmread(paths[0])
    if how == "meta":
        dataset.file_meta.SourceApplicationEntityTitle = "OTHER"
        dataset.DataSetTrailingPadding = bytes(20)
        dataset.add_new(0x00080000, "UL", 12)
    elif how in ("implicit", "big endian"):
        implicit, pixels = how == "implicit", dataset.pixel_array
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRBigEndian
        if not implicit:
            dataset.PixelData = pixels.byteswap().tobytes()
        path = tmp_path / "again.dcm"
        pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=implicit, force_encoding=True)
        return path.read_bytes()
    elif how == "sequences":
        dataset["ReferencedStudySequence"].is_undefined_length = True
    elif how == "RLE":
        dataset.compress(RLELossless, generate_instance_uid=False)
    elif how == "JPEG 2000":
        dataset.compress(JPEG2000Lossless, generate_instance_uid=False, encoding_plugin="pylibjpeg")
    elif how == "value":
        dataset.PatientComments = "other"
    elif how == "pixel":
        pixels = np.array(dataset.pixel_array)
        pixels[0, 0] ^= 1
        dataset.PixelData = pixels.tobytes()
    elif how == "RLE of a pixel":
        pixels = np.array(dataset.pixel_array)
        pixels[0, 0] ^= 1
        dataset.compress(RLELossless, pixels, generate_instance_uid=False)
    return written(dataset, tmp_path)


def with_sequence(paths: list[Path]) -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3"
    dataset = pydicom.dcmread(paths[0])
    dataset.ReferencedStudySequence = [item]
    dataset.save_as(paths[0])


@pytest.mark.parametrize("how", ["meta", "implicit", "big endian", "sequences", "RLE"])
def test_an_equal_object_is_here_already(web: Web, paths: list[Path], tmp_path: Path, how: str) -> None:
    with_sequence(paths)
    first = paths[0].read_bytes()
    store(web, [first])
    other = again(paths, tmp_path, how)
    assert other != first
    answer = store(web, [other])
    assert values(answer, "00081199", "00081155") == [uid_of(paths[0])]
    assert Path(default_storage.path(stored_name(Instance.objects.get().sha256))).read_bytes() == first
    assert [entry.status for entry in Entry.objects.order_by("pk")] == ["stored", "present"]
    assert not UnusedFile.objects.exists()
    answer = store(web, [first, other, first])
    assert len(values(answer, "00081199", "00081155")) == 3


@pytest.mark.parametrize("how", ["value", "pixel", "RLE of a pixel"])
def test_another_object_of_the_same_uid_is_told_and_kept_aside(
    web: Web, paths: list[Path], tmp_path: Path, how: str
) -> None:
    with_sequence(paths)
    first = paths[0].read_bytes()
    store(web, [first])
    answer = store(web, [again(paths, tmp_path, how)], 409)
    assert values(answer, "00081198", "00081155") == [uid_of(paths[0])]
    assert values(answer, "00081198", "00081197") == [0x0111]
    assert Path(default_storage.path(stored_name(Instance.objects.get().sha256))).read_bytes() == first
    assert UnusedFile.objects.get().code == "conflict"
    answer = store(web, [again(paths, tmp_path, how), paths[1].read_bytes()], 202)
    assert len(values(answer, "00081198", "00081155")) == len(values(answer, "00081199", "00081155")) == 1


def test_an_upload_compares_in_the_same_way(site: Any, paths: list[Path], tmp_path: Path) -> None:
    with_sequence(paths)
    site.upload(paths[:1])
    (tmp_path / "again").mkdir()
    for how, status in (("RLE", "present"), ("value", "skipped")):
        other = tmp_path / "again" / f"{how}.dcm"
        other.write_bytes(again(paths, tmp_path, how))
        assert [entry["status"] for entry in site.upload([other])["entries"]] == [status]


# --- who may ----------------------------------------------------------------------------------------------------------


def member(role: Role) -> Client:
    who = User.objects.create_user(f"a {role.label}", "", "correct horse")
    Membership.objects.create(project=Project.objects.get(), user=who, role=role)
    client = Client(enforce_csrf_checks=True)
    client.force_login(who)
    return client


def test_a_session_needs_the_csrf_token(web: Web, contents: list[bytes]) -> None:
    client = member(Role.UPLOADER)
    own = Web(client, web.root)
    own.ask("POST", "/studies", 403, content=body_of(contents), content_type=RELATED)
    assert not Upload.objects.exists()
    client.get("/")
    token = client.cookies["csrftoken"].value
    store(own, contents, headers={"X-CSRFToken": token})


def test_an_analyst_may_not_store(web: Web, contents: list[bytes]) -> None:
    client = member(Role.ANALYST)
    client.get("/")
    told = store(Web(client, web.root), contents, 403, headers={"X-CSRFToken": client.cookies["csrftoken"].value})
    assert told["code"] == "role"
    assert not Upload.objects.exists()


def test_what_another_project_has_makes_no_difference(
    web: Web, web_of: Callable[..., Web], paths: list[Path], tmp_path: Path
) -> None:
    Project.objects.create(name="other")
    with_sequence(paths)
    first, other = paths[0].read_bytes(), again(paths, tmp_path, "value")
    here = store(web, [first])
    there = store(web_of("other"), [other])
    assert json.dumps(there) == json.dumps(here).replace("/projects/default/", "/projects/other/")


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_what_was_stored_is_retrieved_byte_for_byte(web: Web, contents: list[bytes], tmp_path: Path) -> None:
    private = written(an_object("1.3.12.2.1107.5.9.1", PatientName="A^B"), tmp_path)
    answer = store(web, [*contents, private])
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    for address, content in zip(values(answer, "00081199", "00081190"), [*contents, private], strict=True):
        response = web.get(address.removeprefix(f"http://testserver{web.root}"), accept=accept)
        body = response.getvalue() if response.streaming else response.content
        assert body.count(content) == 1


def test_requests_leave_nothing(web: Web, contents: list[bytes], data_folder: Path) -> None:
    def handles() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    bodies = [body_of(contents[:1]), body_of(contents[:2])[:-300], body_of([b"x"]), b"--the boundary\r\n", b""]
    statuses = [200, 202, 400, 400, 415]
    before: list[int] = []
    for number in range(40):
        for body, status in zip(bodies, statuses, strict=True):
            web.ask("POST", "/studies", status, content=body, content_type=RELATED)
        if number in (1, 39):
            before.append(handles())
    assert before[0] == before[1]
    assert left(data_folder) == []
    assert Instance.objects.count() == 1


class GoneError(OSError):
    """The client goes away."""


def test_a_client_that_goes_away_leaves_nothing_half(
    web: Web, contents: list[bytes], data_folder: Path, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take_in, "BATCH", 2)
    body, at = body_of(contents), 0

    def read(most: int) -> bytes:
        nonlocal at
        if at > len(body) - 600:
            raise GoneError
        start, at = at, at + min(most, 500)
        return body[start:at]

    project = Project.objects.get().pk
    who = Grants(user.pk, roles={project: Role.UPLOADER}, scoped=True)
    told = store_in_any_study(
        Asked(who, "POST", "/studies", headers={"content-type": RELATED}, root="http://x/dicomweb", read=read)
    )
    assert told.status == 202
    assert Instance.objects.count() == 2  # a whole batch
    assert Upload.objects.get().entries.count() == 2
    assert left(data_folder) == []
    at = len(body)
    with pytest.raises(GoneError):
        store_in_any_study(
            Asked(who, "POST", "/studies", headers={"content-type": RELATED}, root="http://x", read=read)
        )
