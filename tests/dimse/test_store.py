"""C-STORE from nodes: what is acknowledged is durable, byte for byte, and whatever cannot be stored is told."""

from __future__ import annotations

import errno
import io
import threading
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from django.db import connections
from pytest_django import Settings

from tests.dimse.conftest import DicomSite
from tests.dimse.sent_files import SentFile, changed, data_set_of, kept_data_sets, request, sent_file, stored
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.at_rest.files_at_rest import open_kept
from voxelry.server.archive.check import check
from voxelry.server.archive.intake import incoming
from voxelry.server.archive.models import Entry, Instance, Study, UnusedFile, Upload
from voxelry.server.dimse import arriving
from voxelry.server.dimse.arriving import arrivals, wait_until_taken_in
from voxelry.server.jobs.models import Job, State
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

SUCCESS, DUPLICATE, NOT_AUTHORISED, INVALID = 0x0000, 0x0111, 0x0124, 0x0117
OUT_OF_RESOURCES, DOES_NOT_MATCH, CANNOT_UNDERSTAND, COERCED, DOUBTFUL = 0xA700, 0xA900, 0xC000, 0xB000, 0xB007
GUARD_SECONDS = 60.0


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    return list(synthetic_series(tmp_path / "s", slices=4).paths)


@pytest.fixture
def files(paths: list[Path]) -> list[SentFile]:
    return [sent_file(path) for path in paths]


@pytest.fixture(autouse=True)
def _nothing_waits(site: DicomSite) -> Any:
    """Rows of another test would have the same keys."""
    yield
    until(lambda: site.listener.associations == 0)
    arrivals.forget_over()
    arrivals._jobs.clear()
    arrivals._known.clear()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what other threads do."""
    deadline = time.monotonic() + GUARD_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def over(site: DicomSite) -> None:
    """Wait until all associations are over."""
    until(lambda: site.listener.associations == 0)


def left(data_folder: Path) -> list[Path]:
    return [path for place in ("temp", "uploads") for path in (data_folder / place).glob("*")]


def kept_aside() -> list[bytes]:
    """The data sets of the files that are kept aside, in the order of their rows."""
    rows = UnusedFile.objects.exclude(sha256="").order_by("pk")
    found = []
    for row in rows:
        with open_kept(row.sha256) as file:
            found.append(data_set_of(file.read()))
    return found


def status(site: DicomSite, file: SentFile) -> int:
    """Store one file on an association of its own."""
    with site.associate([file.proposal]) as association:
        return stored(association, file)[0]


def test_instances_are_kept_byte_for_byte(
    site: DicomSite, files: list[SentFile], do_jobs: Callable[[], None], data_folder: Path
) -> None:
    with site.associate([files[0].proposal]) as association:
        assert [stored(association, file) for file in files] == [(SUCCESS, "")] * 4
        upload = Upload.objects.get()
        assert (upload.node, upload.user, upload.project) == ("modality", None, site.project)
        assert Job.objects.get().state == State.RUNNING  # it grows
    over(site)
    assert Job.objects.get().state == State.QUEUED
    do_jobs()
    assert kept_data_sets() == {file.sop_instance: file.data_set for file in files}
    shown = site.web.get(f"/uploads/{upload.pk}")
    assert (shown["node"], shown["counts"]["stored"], shown["state"]) == ("modality", 4, "succeeded")
    upload.refresh_from_db()
    assert upload.names == [f"{file.sop_instance}.dcm" for file in files]
    assert left(data_folder) == []


def test_an_association_without_instances_leaves_no_trace(site: DicomSite, files: list[SentFile]) -> None:
    with site.associate([files[0].proposal]):
        pass
    over(site)
    assert not Upload.objects.exists()


def test_what_contradicts_the_request_is_refused(
    site: DicomSite, paths: list[Path], files: list[SentFile], data_folder: Path
) -> None:
    own = files[0]
    other = SentFile(own.sop_class, "1.2.3.4", own.transfer_syntax, own.data_set)
    classless = changed(paths[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.4")
    with site.associate([own.proposal]) as association:
        for file, tag in ((other, "(0008,0018)"), (classless, "(0008,0016)")):
            answer, comment = stored(association, file)
            assert (answer, tag in comment) == (DOES_NOT_MATCH, True)
        malformed = SentFile(own.sop_class, "../../passwd", own.transfer_syntax, own.data_set)
        assert stored(association, malformed)[0] == INVALID
        assert stored(association, own)[0] == SUCCESS  # the association goes on
    assert Upload.objects.count() == 1
    assert list((data_folder / "temp").iterdir()) == []


def test_what_ingest_would_refuse_is_not_acknowledged(
    site: DicomSite, paths: list[Path], files: list[SentFile], data_folder: Path
) -> None:
    own = files[0]
    bad = {
        "Study Instance UID": changed(paths[0], StudyInstanceUID=None),
        "Series Instance UID": changed(paths[0], SeriesInstanceUID=None),
        "Pixel Data (7FE0,0010)": SentFile(own.sop_class, own.sop_instance, own.transfer_syntax, own.data_set[:-100]),
        "": SentFile(own.sop_class, own.sop_instance, own.transfer_syntax, b"no data set, but some words" * 10),
        "ends in": SentFile(own.sop_class, own.sop_instance, own.transfer_syntax, own.data_set[:60]),
    }
    with site.associate([own.proposal]) as association:
        for words, file in bad.items():
            answer, comment = stored(association, file)
            assert (answer, words) == (CANNOT_UNDERSTAND, words if words in comment else comment)
            assert len(comment) <= 64
            assert own.sop_instance not in comment
        context = association.context_of(own.sop_class, own.transfer_syntax)
        assert context is not None
        command = request(association, own)
        association.send(command, context)
        assert association.response(command.message_id or 0).command.status == CANNOT_UNDERSTAND
    assert not Upload.objects.exists()
    assert left(data_folder) == []


def test_pixels_that_cannot_be_used_are_stored_with_a_warning(
    site: DicomSite, paths: list[Path], do_jobs: Callable[[], None]
) -> None:
    file = changed(paths[0], SamplesPerPixel=7)
    assert status(site, file) == DOUBTFUL
    over(site)
    do_jobs()
    assert kept_data_sets() == {file.sop_instance: file.data_set}


def test_the_right_is_asked_for_with_each_instance(
    site: DicomSite, files: list[SentFile], data_folder: Path, do_jobs: Callable[[], None]
) -> None:
    with site.associate([files[0].proposal]) as association:
        assert stored(association, files[0])[0] == SUCCESS
        site.allow(may_store=False)
        assert stored(association, files[1])[0] == NOT_AUTHORISED
        site.allow(may_store=True, is_enabled=False)
        assert stored(association, files[1])[0] == NOT_AUTHORISED
        site.allow(is_enabled=True)
        assert stored(association, files[2])[0] == SUCCESS
        site.node.delete()
        assert stored(association, files[3])[0] == NOT_AUTHORISED
    over(site)
    assert list((data_folder / "temp").iterdir()) == []
    do_jobs()  # what was acknowledged
    assert set(kept_data_sets()) == {files[0].sop_instance, files[2].sop_instance}


@pytest.mark.parametrize("taken_in", [False, True])
def test_the_same_data_set_again_is_success(
    taken_in: bool, site: DicomSite, files: list[SentFile], do_jobs: Callable[[], None]
) -> None:
    assert status(site, files[0]) == SUCCESS
    over(site)
    if taken_in:
        do_jobs()
    assert status(site, files[0]) == SUCCESS
    over(site)
    do_jobs()
    assert kept_data_sets() == {files[0].sop_instance: files[0].data_set}
    assert not UnusedFile.objects.exists()


@pytest.mark.parametrize("taken_in", [False, True])
@pytest.mark.parametrize(("wanted", "expected"), [("warning", COERCED), ("success", SUCCESS), ("failure", DUPLICATE)])
def test_other_content_is_kept_aside(
    wanted: str,
    expected: int,
    taken_in: bool,
    site: DicomSite,
    paths: list[Path],
    settings: Settings,
    do_jobs: Callable[[], None],
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(dimse_duplicates=wanted)
    first, second = sent_file(paths[0]), changed(paths[0], RescaleIntercept=5)
    assert status(site, first) == SUCCESS
    over(site)
    if taken_in:
        do_jobs()
    assert status(site, second) == expected
    over(site)
    do_jobs()
    assert kept_data_sets() == {first.sop_instance: first.data_set}
    (row,) = UnusedFile.objects.all()
    assert (row.code, row.message.endswith("this one is kept aside")) == ("conflict", True)
    assert kept_aside() == [second.data_set]


def test_each_other_content_is_kept_aside_as_long_as_its_series(
    site: DicomSite, paths: list[Path], do_jobs: Callable[[], None], data_folder: Path
) -> None:
    first, *others = (changed(paths[0], RescaleIntercept=number) for number in (1, 2, 3))
    for file in (first, *others, others[0]):
        status(site, file)
        over(site)
        do_jobs()
    assert sorted(kept_aside()) == sorted(file.data_set for file in others)
    row = UnusedFile.objects.order_by("pk")[0]
    assert site.web.get(f"/uploads/{row.upload_id}")["kept_aside"] == 1
    answer = site.web.client.get(f"/api/uploads/{row.upload_id}/kept-aside.zip")
    with zipfile.ZipFile(io.BytesIO(b"".join(cast("Iterable[bytes]", answer)))) as archive:
        (name,) = archive.namelist()
        assert archive.read(name).endswith(others[0].data_set) or archive.read(name).endswith(others[1].data_set)
    assert check().fine
    site.web.delete_for_good(Study.objects.get().pk)
    do_jobs()
    assert not UnusedFile.objects.exists()
    assert not [path for path in (data_folder / "files").rglob("*") if path.is_file()]


def test_what_is_taken_in_is_forgotten(site: DicomSite, files: list[SentFile], do_jobs: Callable[[], None]) -> None:
    with site.associate([files[0].proposal]) as association:
        for file in files[:3]:
            stored(association, file)
    over(site)
    assert len(arrivals._known) == 3
    do_jobs()
    assert status(site, files[3]) == SUCCESS
    assert [uid for _, uid in arrivals._known] == [files[3].sop_instance]


def test_no_more_instances_are_remembered_than_there_may_be(
    site: DicomSite, files: list[SentFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "MOST_KNOWN", 2)
    for file in files:
        assert status(site, file) == SUCCESS
    assert len(arrivals._known) == 2


def test_a_data_set_that_does_not_end_leaves_nothing(site: DicomSite, files: list[SentFile], data_folder: Path) -> None:
    file = files[0]
    association = site.associate([file.proposal])
    context = association.context_of(file.sop_class, file.transfer_syntax)
    assert context is not None

    def breaks_off() -> Any:
        yield file.data_set + bytes(2**22)
        until(lambda: any(data_folder.glob("temp/*")))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        association.send(request(association, file), context, breaks_off())
    over(site)
    until(lambda: left(data_folder) == [])
    assert not Upload.objects.exists()


def test_a_full_disk_is_told_and_the_association_goes_on(
    site: DicomSite, files: list[SentFile], data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = incoming.ArrivingFile.write
    trouble = [OSError(errno.ENOSPC, "no room"), OSError(errno.EIO, "broken")]

    def writes(self: incoming.ArrivingFile, part: bytes) -> None:
        if trouble and len(part) > 1000:
            raise trouble.pop(0)
        write(self, part)

    monkeypatch.setattr(incoming.ArrivingFile, "write", writes)
    with site.associate([files[0].proposal]) as association:
        assert stored(association, files[0]) == (OUT_OF_RESOURCES, "the disk of this site is full")
        assert stored(association, files[0])[0] == OUT_OF_RESOURCES
        assert stored(association, files[0])[0] == SUCCESS
    assert list((data_folder / "temp").iterdir()) == []


def test_what_is_too_large_is_swallowed(
    site: DicomSite, files: list[SentFile], settings: Settings, data_folder: Path
) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(upload_bytes=1000)
    with site.associate([files[0].proposal]) as association:
        assert stored(association, files[0])[0] == OUT_OF_RESOURCES
        settings.VOXELRY = settings.VOXELRY.replace(upload_bytes=2**30)
        assert stored(association, files[0])[0] == SUCCESS
    assert list((data_folder / "temp").iterdir()) == []


def test_a_long_association_does_not_hold_its_instances_back(
    site: DicomSite, files: list[SentFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "MOST_FILES", 2)
    with site.associate([files[0].proposal]) as association:
        states = []
        for file in files[:3]:
            stored(association, file)
            states.append([str(job.state) for job in Job.objects.order_by("pk")])
        assert states == [["running"], ["queued"], ["queued", "running"]]
        until(lambda: not Job.objects.filter(state=State.RUNNING).exists())  # a pause
        monkeypatch.setattr(arriving, "MOST_SECONDS", 0.0)
        stored(association, files[3])
        assert [job.state for job in Job.objects.order_by("pk")] == [State.QUEUED] * 3


def test_an_aborted_association_lets_its_instances_be_taken_in(site: DicomSite, files: list[SentFile]) -> None:
    association = site.associate([files[0].proposal])
    assert stored(association, files[0])[0] == SUCCESS
    association.abort()
    over(site)
    assert Job.objects.get().state == State.QUEUED


def test_queries_see_what_was_stored_before(
    site: DicomSite, files: list[SentFile], do_jobs: Callable[[], None], django_assert_num_queries: Any
) -> None:
    project = site.project.pk
    with django_assert_num_queries(0):
        assert wait_until_taken_in(project, seconds=GUARD_SECONDS)
    with site.associate([files[0].proposal]) as association:
        stored(association, files[0])
        assert not wait_until_taken_in(project, seconds=0.0)  # no worker
        assert Job.objects.get().state == State.QUEUED

        def works() -> None:
            do_jobs()
            connections.close_all()

        worker = threading.Thread(target=works)
        worker.start()
        assert wait_until_taken_in(project, seconds=GUARD_SECONDS)
        worker.join()
        assert Instance.objects.count() == 1
        assert wait_until_taken_in(project, seconds=0.0)
        stored(association, files[1])
    over(site)
    do_jobs()
    assert set(kept_data_sets()) == {file.sop_instance for file in files[:2]}


def test_a_node_that_moves_stores_into_its_new_project(
    site: DicomSite, files: list[SentFile], do_jobs: Callable[[], None]
) -> None:
    from voxelry.server.access.models import Project

    other = Project.objects.create(name="other")
    with site.associate([files[0].proposal]) as association:
        stored(association, files[0])
        site.allow(project=other)
        stored(association, files[1])
    over(site)
    do_jobs()
    projects = {row.sop_instance_uid: row.project for row in Instance.objects.all()}
    assert projects == {files[0].sop_instance: site.project, files[1].sop_instance: other}


def test_four_associations_at_once(
    site: DicomSite, tmp_path: Path, do_jobs: Callable[[], None], data_folder: Path
) -> None:
    """Each sends its own part of a series, and an instance that all send."""
    files = [sent_file(path) for path in synthetic_series(tmp_path / "many", slices=25).paths]
    common, others = files[0], files[1:]
    statuses: list[int] = []
    with ExitStack() as open_ones:
        associations = [open_ones.enter_context(site.associate([common.proposal])) for _ in range(4)]

        def sends(number: int) -> None:
            statuses.extend(stored(associations[number], file)[0] for file in (common, *others[number::4]))

        threads = [threading.Thread(target=sends, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    over(site)
    assert statuses == [SUCCESS] * 28
    do_jobs()
    assert kept_data_sets() == {file.sop_instance: file.data_set for file in files}
    assert Entry.objects.filter(status=Entry.Status.SKIPPED).count() == 0
    assert left(data_folder) == []
    assert files_at_rest.are_kept(Instance.objects.values_list("sha256", flat=True))
