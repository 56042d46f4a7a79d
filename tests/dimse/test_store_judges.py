"""Other programs store: dcmtk's storescu and pynetdicom, synthetic and real instances, in every encoding."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pydicom
import pytest
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.uid import UID
from pynetdicom.presentation import build_context

from tests.dimse.conftest import NODE, TITLE, DicomSite, patient_entity
from tests.dimse.sent_files import data_set_of, kept_data_sets, sent_file
from voxelry.dicom.headers.sources import FileSource, MemorySource
from voxelry.dicom.pixels.same_object import is_same_object
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Entry, Instance, Upload
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
JPEG_LOSSLESS, JPEG_LS = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80"
JPEG_2000, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
_STATUS = re.compile(r"Received Store Response \(([^)]*)\)")


def storescu(site: DicomSite, *told: object) -> list[str]:
    """What dcmtk's storescu says of each response."""
    command = ["storescu", "-v", "-aet", NODE, "-aec", TITLE, "127.0.0.1", str(site.port), *map(str, told)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return _STATUS.findall(done.stdout + done.stderr)


def send_by_pynetdicom(site: DicomSite, paths: Iterable[Path]) -> dict[str, int]:
    """The status of each file by its SOP Instance UID; each context has the file's own transfer syntax."""
    files = list(paths)
    metas = [read_file_meta_info(path) for path in files]
    wanted = sorted({(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in metas})
    entity = patient_entity()
    entity.requested_contexts = [build_context(sop_class, syntax) for sop_class, syntax in wanted]
    association = entity.associate("127.0.0.1", site.port, ae_title=TITLE)
    assert association.is_established
    statuses = {}
    try:
        for meta, path in zip(metas, files, strict=True):
            told = association.send_c_store(path)
            assert "Status" in told, f"{path.name}: no answer; aborted: {association.is_aborted}"
            statuses[str(meta.MediaStorageSOPInstanceUID)] = told.Status
    finally:
        association.release()
    return statuses


@pytest.mark.programs("storescu")
def test_storescu_sends_a_series(site: DicomSite, tmp_path: Path, do_jobs: Callable[[], None]) -> None:
    files = [sent_file(path) for path in synthetic_series(tmp_path / "s", slices=300).paths]
    assert storescu(site, "+sd", tmp_path / "s") == ["Success"] * 300
    _over(site)
    do_jobs()
    assert kept_data_sets() == {file.sop_instance: file.data_set for file in files}
    assert sum(upload.stored for upload in Upload.objects.all()) == 300


@pytest.mark.programs("storescu")
@pytest.mark.parametrize("proposed", ["-xe", "-xb", "-xi", "-R"])
def test_what_storescu_converts_is_kept_as_it_comes(
    proposed: str, site: DicomSite, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    path = synthetic_series(tmp_path / "s", slices=1).paths[0]
    assert storescu(site, proposed, path) == ["Success"]
    _over(site)
    do_jobs()
    (row,) = Instance.objects.all()
    expected = {"-xe": (EXPLICIT,), "-xb": (EXPLICIT, BIG_ENDIAN)}.get(proposed, (IMPLICIT, EXPLICIT))
    assert row.transfer_syntax_uid in expected
    assert _is_same(row, path)


def _is_same(row: Instance, path: Path) -> bool:
    """Whether a row has the data set of a file; dcmtk writes lengths of sequences in its own way."""
    with files_at_rest.open_kept(row.sha256) as kept:
        mine = MemorySource("kept", kept.read())
    return is_same_object(mine, FileSource(str(path), path.name, path.stat().st_size))


def _over(site: DicomSite) -> None:
    from tests.dimse.test_store import over

    over(site)


@pytest.mark.corpus
@pytest.mark.programs("storescu")
@pytest.mark.parametrize(
    ("told", "syntax"),
    [("-xs", JPEG_LOSSLESS), ("-xv", JPEG_2000), ("-xr", RLE), ("-xt", JPEG_LS)],
)
def test_storescu_sends_compressed_instances(
    told: str, syntax: str, corpus: Path, site: DicomSite, do_jobs: Callable[[], None]
) -> None:
    path = next(path for path in _of_syntax(corpus, syntax))
    assert storescu(site, told, path) == ["Success"]
    _over(site)
    do_jobs()
    (row,) = Instance.objects.all()
    assert row.transfer_syntax_uid == syntax
    assert _is_same(row, path)


def _of_syntax(corpus: Path, syntax: str) -> Iterable[Path]:
    for path in sorted((corpus / "transfer_syntax_matrix_ct").rglob("*")):
        if path.is_file() and _is_whole(path) and read_file_meta_info(path).TransferSyntaxUID == syntax:
            yield path


def _is_whole(path: Path) -> bool:
    try:
        meta = read_file_meta_info(path)
        is_directory = meta.MediaStorageSOPClassUID == "1.2.840.10008.1.3.10"
        return bool(meta.MediaStorageSOPInstanceUID and meta.TransferSyntaxUID) and not is_directory
    except (InvalidDicomError, AttributeError, OSError):
        return False


def test_pynetdicom_sends_private_and_odd_instances(
    site: DicomSite, tmp_path: Path, do_jobs: Callable[[], None]
) -> None:
    paths = list(synthetic_series(tmp_path / "s", slices=3).paths)
    private = pydicom.dcmread(paths[0])
    private.SOPClassUID = private.file_meta.MediaStorageSOPClassUID = UID("1.2.826.0.1.3680043.8.498.77")
    private.save_as(paths[0])
    odd = pydicom.dcmread(paths[1])
    odd.add_new(0x00091001, "UN", b"abc")
    odd.save_as(paths[1])
    statuses = send_by_pynetdicom(site, paths)
    assert set(statuses.values()) == {0}
    _over(site)
    do_jobs()
    assert len(kept_data_sets()) == 3
    assert "1.2.826.0.1.3680043.8.498.77" in Instance.objects.values_list("sop_class_uid", flat=True)


@pytest.mark.corpus
def test_pynetdicom_sends_real_instances(
    corpus: Path, site: DicomSite, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None]
) -> None:
    """Of every folder a few: what is acknowledged is kept as sent, and what ingest refuses is not acknowledged."""
    monkeypatch.setattr("pynetdicom._config.STORE_SEND_CHUNKED_DATASET", True)  # as the file has it
    sent: dict[str, Path] = {}
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size < 2**22]
        most = 40 if "transfer" in folder.name or "encapsulated" in folder.name or "rt_" in folder.name else 3
        for path in [path for path in files if _is_whole(path)][:most]:
            uid = str(read_file_meta_info(path).MediaStorageSOPInstanceUID)
            sent.setdefault(uid, path)
    assert len(sent) > 50
    statuses = send_by_pynetdicom(site, sent.values())
    _over(site)
    do_jobs()
    acknowledged = {uid for uid, status in statuses.items() if status in (0x0000, 0xB007)}
    refused = [uid for uid in sent if uid not in acknowledged]
    assert {statuses[uid] for uid in refused} <= {0xA900}
    assert all(_contradicts_itself(sent[uid]) for uid in refused)
    kept = kept_data_sets()
    assert set(kept) == acknowledged
    assert not Entry.objects.filter(status=Entry.Status.SKIPPED).exists()
    for uid, content in kept.items():
        assert content == data_set_of(sent[uid].read_bytes()), sent[uid].name


def _contradicts_itself(path: Path) -> bool:
    """Whether the File Meta Information, which pynetdicom sends as the command, is of another object."""
    data_set, meta = pydicom.dcmread(path, stop_before_pixels=True), read_file_meta_info(path)
    told = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    return told != (data_set.SOPClassUID, data_set.SOPInstanceUID)
