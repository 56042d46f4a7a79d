"""Store (PS3.18 10.5): instances of any studies, or of one.

The body is read while it arrives, part by part, into files. What a part holds is known by its content. The objects are
stored before the answer: their bytes and rows are durable then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule
from voxelry.server.archive.intake.incoming import ArrivedFile, ArrivingFile
from voxelry.server.archive.intake.store_now import StoringNow
from voxelry.server.archive.intake.take_in import FileResult
from voxelry.server.archive.models import Entry
from voxelry.server.archive.row_values import InstanceValues
from voxelry.server.dicomweb.content_type import ContentType
from voxelry.server.dicomweb.multipart_reader import MultipartError, MultipartReader, PartTooLargeError
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.store_answer import StoreReport, answer_type

_DICOM, _RELATED = "application/dicom", "multipart/related"
_CHUNK = 2**18
_KINDS = (
    f'Send DICOM files as {_RELATED}; type="{_DICOM}", or one file as {_DICOM}. Metadata with bulk data apart '
    "(application/dicom+json, application/dicom+xml) is not taken: send whole files."
)


def store_in_any_study(asked: Asked) -> Answer:
    """Store instances; the answer says what became of each."""
    return _store(asked, None)


def store_in_study(asked: Asked, study: str) -> Answer:
    """Store instances of one study; those of others are refused."""
    if not may_be_uid(study):
        raise RefusedError(400, "The address names no study: a Study Instance UID has digits and dots.")
    return _store(asked, study)


def _store(asked: Asked, study: str | None) -> Answer:
    project = _project(asked.who)
    media_type = answer_type(asked.headers.get("accept", ""))
    parts = _parts(asked)
    report = StoreReport()
    stopped: Problem | None = None
    with StoringNow(who=asked.who, project=project, require=_of_study(study)) as storing:
        try:
            for file in parts:
                storing.add(file)
            storing.flush()
        except (MultipartError, OSError, DatabaseError, InterfaceError, VoxelryError) as error:
            stopped = _stopped(storing, error)
        for result, entry in storing.results:
            _tell(report, result, entry, asked.root)
        upload = storing.upload.pk
    if stopped is not None:
        report.add_failed("", "", stopped)
    if not storing.results:
        words = "The body holds no part." if stopped is None else f"Nothing was stored: {stopped.message}."
        raise RefusedError(400, words, code="bad_request" if stopped is None else stopped.code)
    studies = {_study_of(result) for result, entry in storing.results if entry.status != Entry.Status.SKIPPED}
    if len(studies) == 1:
        report.study_address = f"{asked.root}/studies/{studies.pop()}"
    address = f"{_origin(asked.root)}/api/uploads/{upload}"
    return report.answer(media_type, {"Link": f'<{address}>; rel="describedby"; title="report of the upload"'})


def _project(who: Grants) -> int:
    """The project that the address is about."""
    return next(iter(who.roles))


def _parts(asked: Asked) -> Iterator[ArrivedFile]:
    """The files of a body.

    Raises
    ------
    RefusedError
        415 for a body of another type or in a coding, 400 without a boundary.
    MultipartError
        Later, if the body is cut off or breaks a limit.
    """
    coding = asked.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        words = f"A body in the coding {coding[:20]!r} is not taken: send it as it is."
        raise RefusedError(415, words, headers={"Accept-Encoding": "identity"})
    kind = ContentType.parse(asked.headers.get("content-type", ""))
    if kind.media_type == _DICOM:
        return _received([(None, iter(lambda: asked.read(_CHUNK), b""))])
    if kind.media_type != _RELATED:
        raise RefusedError(415, f"A body of the type {kind.media_type[:80]!r} is not taken. {_KINDS}")
    inner = kind.parameters.get("type", _DICOM).lower()
    if inner != _DICOM:
        raise RefusedError(415, f"Parts of the type {inner[:80]!r} are not taken. {_KINDS}")
    if "boundary" not in kind.parameters:
        raise RefusedError(400, "The Content-Type of a multipart body has to state its boundary.", code="multipart")
    try:
        reader = MultipartReader(
            asked.read, kind.parameters["boundary"], most_parts=max(10_000, settings.VOXELRY.upload_files)
        )
    except MultipartError as error:
        raise RefusedError(400, f"{error.problem.message}.", code="multipart") from None
    return _received((part.headers.get("content-location"), part.chunks()) for part in reader)


def _received(contents: Iterable[tuple[str | None, Iterator[bytes]]]) -> Iterator[ArrivedFile]:
    """Files of bodies; one that is not whole is removed. A part without bytes is a file too."""
    for number, (_, chunks) in enumerate(contents, 1):
        with ArrivingFile(f"part-{number:05d}.dcm", most_bytes=settings.VOXELRY.upload_bytes) as file:
            for chunk in chunks:
                file.write(chunk)
            yield file.complete()


def _of_study(study: str | None) -> Callable[[str, InstanceValues], Problem | None]:
    def wanted(name: str, values: InstanceValues) -> Problem | None:
        if study is None or values.study["study_instance_uid"] == study:
            return None
        words = "its Study Instance UID (0020,000D) is not the one that the address names; store it without one there"
        return Problem("other_study", f"{name}: {words}")

    return wanted


def _stopped(storing: StoringNow, error: Exception) -> Problem:
    """Why the rest of a body is not stored. What came whole before its end is stored.

    Nothing is left to tell if the disk or the database failed at once: the error goes on.
    """
    if isinstance(error, MultipartError):
        storing.flush()
        rest = "" if isinstance(error, PartTooLargeError) else "; the last part was not whole, send it again"
        return Problem(error.problem.code, f"{error.problem.message}{rest}")
    if not storing.results:
        raise error
    if isinstance(error, VoxelryError):
        return error.problem
    words = "the server could not store the rest now; send again what this answer does not name as stored"
    return Problem("storage" if isinstance(error, OSError) else "database", words)


def _study_of(result: FileResult) -> str:
    return "" if result.values is None else str(result.values.study["study_instance_uid"])


def _tell(report: StoreReport, result: FileResult, entry: Entry, root: str) -> None:
    """Add what became of one file to the report."""
    if entry.status == Entry.Status.SKIPPED or result.values is None:
        header = None if result.unused is None else result.unused.file.header
        own = ("", "") if header is None else (header.sop_class_uid, header.sop_instance_uid)
        if result.values is not None:
            own = str(result.values.instance["sop_class_uid"]), result.uid
        report.add_failed(*own, Problem(entry.code, entry.message))
        return
    study, series = result.values.study["study_instance_uid"], result.values.series["series_instance_uid"]
    address = f"{root}/studies/{study}/series/{series}/instances/{result.uid}"
    report.add_stored(str(result.values.instance["sop_class_uid"]), result.uid, address, result.doubt)


def _origin(root: str) -> str:
    """The address of the site, of which that of its DICOMweb server is a part."""
    return root[: root.index("/dicomweb")] if "/dicomweb" in urlsplit(root).path else root


ROUTES: tuple[Route, ...] = (
    Route("studies", {"POST": (store_in_any_study, Rule.UPLOADER)}),
    Route("studies/<uid:study>", {"POST": (store_in_study, Rule.UPLOADER)}),
)
