"""WADO-RS: instances, metadata, frames and bulk data."""

from __future__ import annotations

import gzip
import io
import json
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from django.core.files.storage import default_storage
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from tests.dicomweb.conftest import Site, Web
from tests.dicomweb.multipart import body_of, parts_of
from tests.server.conftest import run_jobs
from voxelry.server.access.models import Project
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.at_rest.holdings import stored_name
from voxelry.server.archive.models import Instance, Series
from voxelry.server.archive.shown import series_metadata
from voxelry.testing import synthetic_instance, synthetic_report, synthetic_series, write

EXPLICIT, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
)  # fmt: skip
RLE, JPEG_LS, JPEG_2000, HTJ2K, BASELINE, LOSSLESS = (
    "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70",
)  # fmt: skip
VIDEO = "1.2.840.10008.1.2.4.102"
DICOM = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'


def _address(path: Path) -> str:
    one = pydicom.dcmread(path, stop_before_pixels=True)
    return f"/studies/{one.StudyInstanceUID}/series/{one.SeriesInstanceUID}/instances/{one.SOPInstanceUID}"


def _dataset(content: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content))


@pytest.fixture
def of_three(site: Site, tmp_path: Path) -> Any:
    made = synthetic_series(tmp_path / "s", slices=3, rows=8, columns=6)
    site.upload(made.paths)
    return made


def test_a_series_goes_out_as_stored_in_its_order(web: Web, of_three: Any) -> None:
    address = f"/studies/{of_three.study_instance_uid}"
    for more in ("", f"/series/{of_three.series_instance_uid}"):
        response = web.get(address + more, accept=f"{DICOM}; transfer-syntax=*")
        parts = parts_of(response)
        assert [part.content for part in parts] == [path.read_bytes() for path in of_three.paths]
        assert parts[0].headers["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
        assert parts[0].headers["Content-Location"].startswith("http://testserver/dicomweb/projects/default/studies/")
        again = web.get(address + more, accept="*/*")
        assert [part.content for part in parts_of(again)] == [path.read_bytes() for path in of_three.paths]
        assert again["Content-Type"] != response["Content-Type"]  # another boundary


def test_one_instance_by_itself_with_ranges(web: Web, of_three: Any) -> None:
    path = of_three.paths[1]
    response = web.get(_address(path), accept="application/dicom; transfer-syntax=*")
    assert body_of(response) == path.read_bytes()
    assert response["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    tag = response["ETag"]
    some = web.ask("GET", _address(path), 206, accept="application/dicom", headers={"Range": "bytes=128-131"})
    assert body_of(some) == b"DICM"
    web.ask("GET", _address(path), 304, accept="application/dicom", headers={"If-None-Match": tag})
    web.ask("GET", _address(path), 416, accept="application/dicom", headers={"Range": "bytes=9999999-"})
    assert not body_of(web.ask("HEAD", _address(path), accept="application/dicom"))


def test_a_zip_holds_the_originals(web: Web, of_three: Any) -> None:
    response = web.get(f"/studies/{of_three.study_instance_uid}", accept="application/zip")
    with zipfile.ZipFile(io.BytesIO(body_of(response))) as archive:
        assert {archive.read(name) for name in archive.namelist()} == {path.read_bytes() for path in of_three.paths}
    one = web.get(_address(of_three.paths[0]), accept="application/zip")
    with zipfile.ZipFile(io.BytesIO(body_of(one))) as archive:
        assert len(archive.namelist()) == 1


@pytest.mark.parametrize("stored", [IMPLICIT, BIG, DEFLATED, RLE, JPEG_LS, JPEG_2000, HTJ2K, LOSSLESS])
def test_without_a_syntax_instances_are_explicit_and_equal(site: Site, web: Web, tmp_path: Path, stored: str) -> None:
    item = Dataset()
    item.CodeValue, item.CodeMeaning = "1", "x"
    original = synthetic_instance(
        rows=7, columns=5, signed=True, attributes={"ProcedureCodeSequence": Sequence([item, Dataset()])}
    )
    original.add_new(0x00091001, "UN", b"\1\2\3\4")
    original.add_new(0x00090010, "LO", "ACME")
    pixels = original.pixel_array
    made = synthetic_instance(
        pixels, signed=True, transfer_syntax=stored, attributes={"ProcedureCodeSequence": Sequence([item, Dataset()])}
    )
    path = write(made, tmp_path / "a.dcm")
    site.upload([path])
    (part,) = parts_of(web.get(_address(path)))
    assert part.headers["Content-Type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    found = _dataset(part.content)
    assert found.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(found.pixel_array, pixels)
    assert found.PixelData == original.PixelData
    for element in pydicom.dcmread(path):
        if element.tag.group != 0x7FE0:
            assert found[element.tag].value == element.value, element.tag
    sent = parts_of(web.get(_address(path), accept=f"{DICOM}; transfer-syntax=*"))[0]
    if stored in (IMPLICIT, BIG):
        assert sent.content == part.content
    else:
        assert sent.content == path.read_bytes()
        named = parts_of(web.get(_address(path), accept=f"{DICOM}; transfer-syntax={stored}"))
        assert named[0].content == path.read_bytes()
    # Frames and metadata say the same.
    frame = parts_of(web.get(f"{_address(path)}/frames/1", accept=OCTETS))[0]
    assert frame.content == original.PixelData[: len(frame.content)]
    assert len(frame.content) == 70
    metadata = web.search(f"{_address(path)}/metadata")[0]
    assert metadata["00083002"]["Value"] == [stored]
    assert metadata["00080005"]["Value"] == ["ISO_IR 192"]
    assert "00020010" not in metadata


@pytest.mark.parametrize("wanted", [RLE, JPEG_LS, JPEG_2000, HTJ2K])
def test_pixels_are_compressed_on_request(web: Web, of_three: Any, wanted: str) -> None:
    path = of_three.paths[0]
    (part,) = parts_of(web.get(_address(path), accept=f"{DICOM}; transfer-syntax={wanted}"))
    found = _dataset(part.content)
    assert found.file_meta.TransferSyntaxUID == wanted
    if wanted != HTJ2K:
        assert np.array_equal(found.pixel_array, pydicom.dcmread(path).pixel_array)
    media = {RLE: "image/dicom-rle", JPEG_LS: "image/jls", JPEG_2000: "image/jp2", HTJ2K: "image/jphc"}[wanted]
    (frame,) = parts_of(web.get(f"{_address(path)}/frames/1", accept=f'multipart/related; type="{media}"'))
    assert frame.headers["Content-Type"] == f"{media}; transfer-syntax={wanted}"
    stored = next(iter(pydicom.encaps.generate_frames(found.PixelData, number_of_frames=1)))
    assert stored.rstrip(b"\0") == frame.content.rstrip(b"\0")


def test_what_cannot_be_had_is_406(web: Web, of_three: Any) -> None:
    address = _address(of_three.paths[0])
    for accept in (
        f"{DICOM}; transfer-syntax={BASELINE}",
        "text/html",
        "image/png",
        f"{DICOM};transfer-syntax={IMPLICIT}",
    ):
        response = web.get(address, 406, accept=accept)
        assert response["Content-Type"] == "application/problem+json"
    web.get(address, 400, accept=f"{DICOM}, image/jpeg")
    web.get(f"{address}/frames/1", 406, accept="image/png")
    web.get(f"{address}/metadata", 406, accept="application/dicom")


def test_colour_is_described_as_it_is_sent(site: Site, web: Web, tmp_path: Path) -> None:
    path = write(synthetic_instance(rows=8, columns=8, photometric="RGB", transfer_syntax=BASELINE), tmp_path / "a.dcm")
    site.upload([path])
    found = _dataset(parts_of(web.get(_address(path)))[0].content)
    metadata = web.search(f"{_address(path)}/metadata")[0]
    assert found.PhotometricInterpretation == metadata["00280004"]["Value"][0] == "RGB"
    assert found.PlanarConfiguration == metadata["00280006"]["Value"][0] == 0
    assert found.LossyImageCompression == metadata["00282110"]["Value"][0] == "01"
    (decoded,) = parts_of(web.get(f"{_address(path)}/frames/1"))
    assert decoded.content == found.PixelData
    (stored,) = parts_of(web.get(f"{_address(path)}/frames/1", accept=f"{OCTETS}; transfer-syntax=*"))
    assert stored.headers["Content-Type"] == f"application/octet-stream; transfer-syntax={BASELINE}"
    assert stored.content.startswith(b"\xff\xd8")
    (image,) = parts_of(web.get(f"{_address(path)}/frames/1", accept='multipart/related; type="image/jpeg"'))
    assert image.content == stored.content
    assert image.headers["Content-Type"] == f"image/jpeg; transfer-syntax={BASELINE}"


def test_a_stored_syntax_is_named_for_several(site: Site, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=2, rows=8, columns=8, transfer_syntax=BASELINE, bits_stored=8)
    other = synthetic_series(tmp_path / "o", slices=1, rows=8, columns=8, first_index=2, bits_stored=8)
    site.upload([*made.paths, *other.paths])
    study = f"/studies/{made.study_instance_uid}"
    parts = parts_of(web.get(study, accept=f"{DICOM}; transfer-syntax={BASELINE}"))
    assert [part.content for part in parts] == [path.read_bytes() for path in (*made.paths, *other.paths)]
    assert [part.headers["Content-Type"].rpartition("=")[2] for part in parts] == [BASELINE, BASELINE, EXPLICIT]
    web.get(study, 406, accept=f"{DICOM}; transfer-syntax={LOSSLESS}")


def test_frames_by_number(site: Site, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "m", slices=4, rows=6, columns=6, frames="plain")
    site.upload(made.paths)
    address = _address(made.paths[0])
    parts = parts_of(web.get(f"{address}/frames/3,1"))
    assert [part.content for part in parts] == [made.stored[index].tobytes() for index in (2, 0)]
    assert parts[0].headers["Content-Location"].endswith(f"{address}/frames/3")
    assert parts[0].headers["Content-Type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    single = web.get(f"{address}/frames/2", accept="application/octet-stream")
    assert body_of(single) == made.stored[1].tobytes()
    some = web.ask("GET", f"{address}/frames/2", 206, accept="application/octet-stream", headers={"Range": "bytes=-2"})
    assert body_of(some) == made.stored[1].tobytes()[-2:]
    web.get(f"{address}/frames/1,2", 406, accept="application/octet-stream")
    for wrong, status in (
        ("0", 400),
        ("5", 404),
        ("99999", 404),
        ("9" * 30, 404),
        ("x", 400),
        ("1,,2", 400),
        ("-1", 400),
    ):
        assert web.get(f"{address}/frames/{wrong}", status).json()["detail"]


@pytest.mark.parametrize("table", ["basic", "none", "extended", "fragments"])
def test_frames_of_fragments(site: Site, web: Web, tmp_path: Path, table: str) -> None:
    made = synthetic_series(tmp_path / "m", slices=3, rows=6, columns=6, frames="plain", transfer_syntax=JPEG_LS)
    dataset = pydicom.dcmread(made.paths[0])
    streams = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=3))
    if table == "extended":
        value, offsets, lengths = pydicom.encaps.encapsulate_extended(streams)
        dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = value, offsets, lengths
    else:
        dataset.PixelData = pydicom.encaps.encapsulate(
            streams, has_bot=table == "basic", fragments_per_frame=2 if table == "fragments" else 1
        )
    path = write(dataset, tmp_path / "f.dcm")
    site.upload([path])
    parts = parts_of(web.get(f"{_address(path)}/frames/1,2,3", accept=f"{OCTETS}; transfer-syntax=*"))
    assert [part.content.rstrip(b"\0") for part in parts] == [stream.rstrip(b"\0") for stream in streams]
    decoded = parts_of(web.get(f"{_address(path)}/frames/3,2"))
    assert [part.content for part in decoded] == [made.stored[2].tobytes(), made.stored[1].tobytes()]
    metadata = web.search(f"{_address(path)}/metadata")[0]
    assert "7FE00001" not in metadata


def test_single_bits_begin_at_a_byte(site: Site, web: Web, tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (3, 5, 5), dtype=np.uint8)
    dataset = synthetic_instance(np.zeros((3, 5, 5), np.uint8), modality="OT", bits_stored=8)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset.PixelData = packed + b"\0" * (len(packed) % 2)
    path = write(dataset, tmp_path / "a.dcm")
    site.upload([path])
    for number, part in enumerate(parts_of(web.get(f"{_address(path)}/frames/1,2,3"))):
        found = np.unpackbits(np.frombuffer(part.content, np.uint8), bitorder="little")
        assert len(part.content) == 4
        assert np.array_equal(found[:25], bits[number].ravel())
    assert _dataset(parts_of(web.get(_address(path)))[0].content).PixelData == dataset.PixelData
    assert web.search(f"{_address(path)}/metadata")[0]["00280100"]["Value"] == [1]


def test_objects_without_pixels_go_out(site: Site, web: Web, tmp_path: Path) -> None:
    report = synthetic_report()
    report.file_meta.TransferSyntaxUID = UID(IMPLICIT)
    path = write(report, tmp_path / "sr.dcm")
    private = synthetic_instance(rows=2, columns=2, sop_class_uid="1.2.3.4.5", seed=5, transfer_syntax=EXPLICIT)
    other = write(private, tmp_path / "p.dcm")
    site.upload([path, other])
    found = _dataset(parts_of(web.get(_address(path)))[0].content)
    assert found.ConceptNameCodeSequence[0].CodeMeaning == "Diagnostic imaging report"
    assert parts_of(web.get(_address(other)))[0].content == other.read_bytes()
    assert web.get(f"{_address(path)}/frames/1", 404).json()["detail"]
    (study,) = parts_of(web.get(f"/studies/{report.StudyInstanceUID}", accept=f"{DICOM}; transfer-syntax={RLE}"))
    assert study.headers["Content-Type"].endswith(EXPLICIT)


def test_documents_go_out_as_guarded_attachments(site: Site, web: Web, tmp_path: Path) -> None:
    document = b"%PDF-1.4 <script>" + bytes(2000) + b"!"
    dataset = synthetic_report(seed=9)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.104.1")
    dataset.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
    dataset.EncapsulatedDocumentLength = len(document)
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    path = write(dataset, tmp_path / "d.dcm")
    site.upload([path])
    bulk = web.search(f"{_address(path)}/metadata")[0]["00420011"]["BulkDataURI"]
    assert bulk == f"http://testserver/dicomweb/projects/default{_address(path)}/bulkdata/00420011"
    local = bulk.removeprefix("http://testserver/dicomweb/projects/default")
    response = web.get(local, accept="application/pdf")
    assert body_of(response) == document
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == "attachment"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response["Content-Security-Policy"]
    assert body_of(web.get(local)) == document
    assert parts_of(web.get(local, accept=OCTETS))[0].content == document
    assert body_of(web.ask("GET", local, 206, headers={"Range": "bytes=0-3"})) == b"%PDF"


def test_bulk_data_of_items_and_pixels(site: Site, web: Web, tmp_path: Path) -> None:
    item, inner = Dataset(), Dataset()
    inner.add_new(0x54001010, "OW", bytes(range(250)) * 8)
    item.WaveformSequence = Sequence([Dataset(), inner])
    stored = synthetic_instance(rows=4, columns=4, attributes={"ContentSequence": Sequence([item])})
    path = write(stored, tmp_path / "w.dcm")
    site.upload([path])
    address = f"{_address(path)}/bulkdata"
    assert body_of(web.get(f"{address}/0040A730/0/54000100/1/54001010")) == bytes(range(250)) * 8
    assert body_of(web.get(f"{address}/7FE00010")) == stored.PixelData
    assert body_of(web.ask("GET", f"{address}/7fe00010", 206, headers={"Range": "bytes=4-7"})) == stored.PixelData[4:8]
    for wrong in ("00100010", "0040A730", "0040A730/7/00100010", "x", "7FE00009", "0040A730/0", "../7FE00010"):
        web.get(f"{address}/{wrong}", 404)


def test_pixels_and_bulk_data_of_a_series_in_one_answer(site: Site, web: Web, tmp_path: Path, of_three: Any) -> None:
    study = f"/studies/{of_three.study_instance_uid}"
    series = f"{study}/series/{of_three.series_instance_uid}"
    for address in (study, series):
        parts = parts_of(web.get(f"{address}/pixeldata"))
        assert [part.content for part in parts] == [values.tobytes() for values in of_three.stored]
    (one,) = parts_of(web.get(f"{series}/instances/{of_three.instance_uids[2]}/pixeldata"))
    assert one.content == of_three.stored[2].tobytes()
    made = synthetic_series(tmp_path / "c", slices=2, seed=4, frames="plain", transfer_syntax=JPEG_LS)
    site.upload(made.paths)
    address = f"/studies/{made.study_instance_uid}"
    (whole,) = parts_of(web.get(f"{address}/pixeldata"))
    assert whole.content == made.stored.tobytes()
    assert body_of(web.get(f"{_address(made.paths[0])}/bulkdata/7FE00010")) == made.stored.tobytes()
    stored = parts_of(web.get(f"{address}/pixeldata", accept=f"{OCTETS}; transfer-syntax=*"))
    assert [part.headers["Content-Type"] for part in stored] == [
        f"application/octet-stream; transfer-syntax={JPEG_LS}"
    ] * 2
    images = parts_of(
        web.get(f"{_address(made.paths[0])}/bulkdata/7FE00010", accept="multipart/related;type=image/jls")
    )
    assert [part.content for part in images] == [part.content for part in stored]
    report = synthetic_report(seed=12)
    report.add_new(0x00420011, "OB", bytes(2000))
    path = write(report, tmp_path / "r.dcm")
    site.upload([path])
    for address in (f"/studies/{report.StudyInstanceUID}", _address(path)):
        (value,) = parts_of(web.get(f"{address}/bulkdata"))
        assert value.content == bytes(2000)
        assert value.headers["Content-Location"].endswith(f"{_address(path)}/bulkdata/00420011")
    web.get(f"/studies/{report.StudyInstanceUID}/pixeldata", 404)
    web.get(f"{study}/pixeldata", 406, accept="image/png")


@pytest.mark.parametrize("fragments", [1, 3])
def test_video_goes_out_as_it_is(site: Site, web: Web, tmp_path: Path, fragments: int) -> None:
    stream = bytes(range(256)) * 12
    dataset = synthetic_instance(
        np.zeros((5, 8, 8, 3), np.uint8),
        modality="OT",
        photometric="RGB",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.77.1.4.1",
    )
    dataset.file_meta.TransferSyntaxUID = UID(VIDEO)
    dataset.PhotometricInterpretation = "YBR_PARTIAL_420"
    step = len(stream) // fragments
    pieces = [stream[at : at + step] for at in range(0, len(stream), step)]
    items = b"".join(b"\xfe\xff\x00\xe0" + len(one).to_bytes(4, "little") + one for one in pieces)
    dataset.PixelData = b"\xfe\xff\x00\xe0" + bytes(4) + items
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    path = write(dataset, tmp_path / "v.dcm")
    site.upload([path])
    address = _address(path)
    (whole,) = parts_of(web.get(address))
    assert whole.content == path.read_bytes()
    assert whole.headers["Content-Type"] == f"application/dicom; transfer-syntax={VIDEO}"
    web.get(address, 406, accept=f"{DICOM}; transfer-syntax={EXPLICIT}")
    for accept in (None, "multipart/related; type=video/mp4", f"{OCTETS}; transfer-syntax=*"):
        (part,) = parts_of(web.get(f"{address}/frames/1", accept=accept))
        assert part.content == stream
    assert body_of(web.get(f"{address}/frames/1", accept="video/mp4")) == stream
    bulk = web.get(f"{address}/bulkdata/7FE00010", accept="video/mp4")
    assert body_of(bulk) == stream
    assert bulk["Content-Disposition"] == "attachment"
    web.get(f"{address}/frames/2", 404)
    assert web.search(f"{address}/metadata")[0]["00280004"]["Value"] == ["YBR_PARTIAL_420"]


def test_planes_and_floats_are_described_as_they_are_sent(site: Site, web: Web, tmp_path: Path) -> None:
    planar = synthetic_instance(rows=4, columns=6, photometric="RGB", planar=1)
    path = write(planar, tmp_path / "p.dcm")
    floats = synthetic_instance(rows=4, columns=4, seed=8, has_pixels=False)
    floats.FloatPixelData = np.linspace(-1, 1, 16, dtype="<f4").tobytes()
    floats.Rows = floats.Columns = 4
    floats.SamplesPerPixel, floats.PhotometricInterpretation, floats.BitsAllocated = 1, "MONOCHROME2", 32
    other = write(floats, tmp_path / "f.dcm")
    site.upload([path, other])
    assert web.search(f"{_address(path)}/metadata")[0]["00280006"]["Value"] == [1]
    assert parts_of(web.get(f"{_address(path)}/frames/1"))[0].content == planar.PixelData
    metadata = web.search(f"{_address(other)}/metadata")[0]
    assert metadata["7FE00008"]["vr"] == "OF"
    assert parts_of(web.get(f"{_address(other)}/frames/1"))[0].content == floats.FloatPixelData
    assert body_of(web.get(f"{_address(other)}/bulkdata/7FE00008")) == floats.FloatPixelData


def test_metadata_of_three_levels(web: Web, of_three: Any) -> None:
    study = f"/studies/{of_three.study_instance_uid}"
    series = f"{study}/series/{of_three.series_instance_uid}"
    whole = web.search(f"{study}/metadata")
    assert [one["00080018"]["Value"][0] for one in whole] == list(of_three.instance_uids)
    assert web.search(f"{series}/metadata") == whole
    one = web.search(f"{series}/instances/{of_three.instance_uids[1]}/metadata")
    assert one == [whole[1]]
    found = Dataset.from_json(json.dumps(whole[0]), bulk_data_uri_handler=lambda _: b"")
    assert found.PixelSpacing == pydicom.dcmread(of_three.paths[0]).PixelSpacing
    response = web.ask("GET", f"{series}/metadata", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response["Vary"]
    assert json.loads(gzip.decompress(response.content)) == whole
    for address in (
        f"{study}/metadata",
        f"{series}/metadata",
        f"{series}/instances/{of_three.instance_uids[1]}/metadata",
    ):
        tag = web.get(address)["ETag"]
        web.ask("GET", address, 304, headers={"If-None-Match": tag})
        assert web.get(address, accept="application/json")["Content-Type"] == "application/json"
        parts = parts_of(web.get(address, accept='multipart/related; type="application/dicom+xml"'))
        assert len(parts) == (1 if "instances" in address else 3)
        root = ET.fromstring(parts[0].content)
        assert {child.get("tag") for child in root} == whole[0].keys()


def test_prepared_metadata_follows_the_series(site: Site, web: Web, tmp_path: Path, of_three: Any) -> None:
    address = f"/studies/{of_three.study_instance_uid}/series/{of_three.series_instance_uid}/metadata"
    row = Series.objects.get()
    assert (site_folder(row) / "metadata").exists()
    first = web.get(address)
    more = synthetic_series(tmp_path / "n", slices=1, rows=8, columns=6, first_index=3, position=(-10, 20, -21))
    site.upload(more.paths, run=False)
    assert Series.objects.get().revision > Series.objects.get().built_revision  # stored in the request, not built
    later = web.get(address)
    assert len(later.json()) == 4
    assert later["ETag"] != first["ETag"]
    (site_folder(row) / "metadata").write_bytes(b"VXM1 damaged")
    run_jobs()
    assert web.search(address) == later.json()
    built = Series.objects.get()
    assert built.revision == built.built_revision
    (site_folder(built) / "metadata").write_bytes(b"VXM1 damaged")
    Series.objects.update(instance_count=4)  # another revision of the database
    series_metadata._kept = series_metadata._Kept()  # a process that starts
    assert web.search(f"{address[: -len('/metadata')]}/instances/{of_three.instance_uids[0]}/metadata")


def site_folder(row: Series) -> Path:
    return files_at_rest.stacks_folder(row.pk) / row.folder


def test_what_is_not_there_is_404_and_what_is_gone_is_told(web: Web, web_of: Any, of_three: Any) -> None:
    study, series = f"/studies/{of_three.study_instance_uid}", f"/series/{of_three.series_instance_uid}"
    instance = f"/instances/{of_three.instance_uids[0]}"
    whole = study + series + instance
    for wrong in (
        "/studies/1.2",
        f"{study}/series/1.2",
        f"{study}{series}/instances/1.2",
        f"/studies/1.2{series}{instance}",
    ):
        for more in ("", "/metadata"):
            assert web.get(wrong + more, 404).json()["code"] == "not_found"
    web.get("/studies/1.2/series/3/instances/4/frames/1", 404)
    Project.objects.create(name="other")
    other = web_of("other")
    for address in (
        study,
        study + series,
        whole,
        f"{whole}/frames/1",
        f"{whole}/bulkdata/7FE00010",
        f"{study}/metadata",
    ):
        other.get(address, 404)
    row = Instance.objects.get(sop_instance_uid=of_three.instance_uids[0])
    Path(default_storage.path(stored_name(row.sha256))).write_bytes(b"cut")
    for address in (study, whole, f"{whole}/frames/1", f"{whole}/bulkdata/7FE00010"):
        told = web.get(address, 409).json()
        assert told["code"] == "damaged_original"
        assert "SECRET" not in told["detail"]
    assert web.get(study, 409, accept="application/zip").json()["code"] == "damaged_original"
    assert len(web.search(f"{study}/metadata")) == 3
