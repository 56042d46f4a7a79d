"""C-STORE as its provider (PS3.4 Annex B): success only when the instance is durable.

The data set goes to a file of the data folder as it comes, behind our own File Meta Information. It is never decoded or
encoded again. What ingest would refuse is refused here, before it is acknowledged.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connections

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.dicom.write.header_bytes import file_head
from voxelry.network.association import Message
from voxelry.network.command_set import Command
from voxelry.network.contexts import Context
from voxelry.network.statuses import (
    CANNOT_UNDERSTAND,
    COERCED,
    DOES_NOT_MATCH,
    DOUBTFUL,
    DUPLICATE_SOP_INSTANCE,
    INVALID_SOP_INSTANCE,
    NOT_AUTHORISED,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
    SUCCESS,
)
from voxelry.server.access.grants import RoleError
from voxelry.server.archive.intake.incoming import ArrivedFile, ArrivingFile, FileTooLargeError
from voxelry.server.archive.intake.same_uid import conflicts_with_rows, is_equal
from voxelry.server.archive.intake.store_instance import read_object
from voxelry.server.dimse.arriving import Arrival, Receiving, arrivals
from voxelry.server.dimse.session import Session
from voxelry.server.environment.disk_errors import is_full
from voxelry.server.environment.version import VERSION
from voxelry.server.jobs.failures import Away, where
from voxelry.server.jobs.leases import DatabaseTrouble
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_queries import stores_still

logger = logging.getLogger(__name__)

_OF_DUPLICATES = {"warning": COERCED, "success": SUCCESS, "failure": DUPLICATE_SOP_INSTANCE}


@dataclass(frozen=True, slots=True)
class StoreOutcome:
    """A status, and its Error Comment."""

    status: int
    comment: str = ""


class ArrivingDataSet:
    """The data set of a C-STORE-RQ while it comes. Once something is wrong, the rest is swallowed.

    Attributes
    ----------
    refusal
        What was wrong; None so far.
    """

    def __init__(self, receiving: Receiving, node: Node | None, command: Command, context: Context) -> None:
        self._receiving, self._node = receiving, node
        self._file: ArrivingFile | None = None
        self.refusal: StoreOutcome | None = None
        if node is None or not node.may_store:
            self.refusal = StoreOutcome(NOT_AUTHORISED, "this node may not store here")
        elif not (may_be_uid(command.sop_class) and may_be_uid(command.sop_instance)):
            self.refusal = StoreOutcome(
                INVALID_SOP_INSTANCE, "Affected SOP Class or Instance UID is missing or malformed"
            )
        else:
            self._begin(command, context)

    @property
    def node(self) -> Node:
        """Who stores; not asked for if there is a refusal."""
        if self._node is None:
            raise ValueError("an unknown node stores nothing")
        return self._node

    def write(self, part: bytes | memoryview) -> None:
        """Take the next bytes. Never raises."""
        if self._file is None:
            return
        try:
            self._file.write(part)
            self._receiving.close_if_due()
        except Exception as error:
            self._refuse(error)

    def complete(self) -> ArrivedFile | None:
        """The whole file, not flushed yet; None if there is a refusal."""
        file, self._file = self._file, None
        if file is None:
            return None
        try:
            return file.complete()
        except OSError as error:
            self._refuse(error)
            return None

    def drop(self) -> None:
        """Remove what came of a data set that does not end."""
        file, self._file = self._file, None
        if file is not None:
            file.drop()

    def _begin(self, command: Command, context: Context) -> None:
        head = file_head(command.sop_class, command.sop_instance, context.transfer_syntax, VERSION)
        most = settings.VOXELRY.upload_bytes
        try:
            self._file = ArrivingFile(f"{command.sop_instance}.dcm", most_bytes=most)
            self._file.write(head)
        except Exception as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        self.drop()
        self.refusal = _outcome_of(error)


class _Storing:
    """What one session stores: its uploads, and the data set that comes now."""

    def __init__(self, session: Session) -> None:
        self.receiving = Receiving()
        self.arriving: ArrivingDataSet | None = None
        self._node: Node | None = None
        session.when_idle.append(self.receiving.pause)
        session.at_end.callback(self._end)

    def node(self, session: Session) -> Node | None:
        """The node as its row is now."""
        if self._node is None or not stores_still(self._node):
            self._node = session.node()
        return self._node

    def _end(self) -> None:
        if self.arriving is not None:
            self.arriving.drop()
        self.receiving.end()


_storing: WeakKeyDictionary[Session, _Storing] = WeakKeyDictionary()


def open_data_set(session: Session, command: Command, context: Context) -> ArrivingDataSet:
    """What takes the data set of a C-STORE-RQ."""
    storing = _storing.get(session)
    if storing is None:
        storing = _storing[session] = _Storing(session)
    storing.arriving = ArrivingDataSet(storing.receiving, storing.node(session), command, context)
    return storing.arriving


def store(session: Session, message: Message) -> None:
    """Answer a C-STORE-RQ when its instance is durable, or say why it is not."""
    arriving = message.writer
    if not isinstance(arriving, ArrivingDataSet):
        session.answer(message, CANNOT_UNDERSTAND, comment="the request has no data set")
        return
    outcome = _stored(session, message.command, arriving)
    session.answer(message, outcome.status, comment=outcome.comment)


def _stored(session: Session, command: Command, arriving: ArrivingDataSet) -> StoreOutcome:
    file = arriving.complete()
    if file is None:
        return arriving.refusal or StoreOutcome(PROCESSING_FAILURE)
    try:
        return _checked_and_stored(_storing[session].receiving, command, arriving.node, file)
    except Exception as error:
        return _outcome_of(error)
    finally:
        file.remove()


def _checked_and_stored(receiving: Receiving, command: Command, node: Node, file: ArrivedFile) -> StoreOutcome:
    source = FileSource(str(file.path), file.name, file.size)
    try:
        values, doubt = read_object(source)
    except VoxelryError as error:
        return StoreOutcome(CANNOT_UNDERSTAND, _comment(error.problem, file.name))
    except Exception as error:  # an unforeseen fault of a file
        return StoreOutcome(CANNOT_UNDERSTAND, f"the data set cannot be read ({type(error).__name__})")
    if values.instance["sop_class_uid"] != command.sop_class:
        return StoreOutcome(DOES_NOT_MATCH, "SOP Class UID (0008,0016) is not that of the request")
    if values.instance["sop_instance_uid"] != command.sop_instance:
        return StoreOutcome(DOES_NOT_MATCH, "SOP Instance UID (0008,0018) is not that of the request")
    project, uid = node.project_id, command.sop_instance
    first, is_first = arrivals.claim(project, uid, file.path)
    try:
        conflicts = _conflicts(source, None if is_first else first, project=project, uid=uid)
        receiving.add(file, node, uid=uid, own=first if is_first else None)
    except BaseException:
        if is_first:
            arrivals.disclaim(project, uid)
        raise
    if conflicts:
        status = _OF_DUPLICATES[settings.VOXELRY.dimse_duplicates]
        return StoreOutcome(status, "kept aside: this UID is here with other content")
    return StoreOutcome(SUCCESS) if doubt is None else StoreOutcome(DOUBTFUL, _comment(doubt, file.name))


def _conflicts(source: FileSource, first: Arrival | None, *, project: int, uid: str) -> bool:
    """Whether the UID is here with other content: in the project's rows, or in a file that is not taken in yet."""
    in_rows = conflicts_with_rows(source, project=project, uid=uid)
    if in_rows is not None or first is None:
        return bool(in_rows)
    while True:
        path = first.path
        try:
            return not is_equal(source, FileSource(str(path), path.name, path.stat().st_size))
        except FileNotFoundError:
            if path == first.path:  # it did not move: it was taken in
                return bool(conflicts_with_rows(source, project=project, uid=uid))


def _comment(problem: Problem, name: str) -> str:
    """An Error Comment: the words of a problem without the file's name."""
    return problem.message.removeprefix(f"{name}: ")


def _outcome_of(error: Exception) -> StoreOutcome:
    """What is answered for an error that is not the data set's."""
    if isinstance(error, RoleError):
        return StoreOutcome(NOT_AUTHORISED, "this node may not store here")
    if isinstance(error, FileTooLargeError):
        return StoreOutcome(OUT_OF_RESOURCES, "the instance is larger than this site takes")
    if is_full(error):
        return StoreOutcome(OUT_OF_RESOURCES, "the disk of this site is full")
    logger.error("an instance of a node could not be stored\n%s", where(error))
    if isinstance(error, DatabaseTrouble):
        connections.close_all()
        return StoreOutcome(OUT_OF_RESOURCES, "the database of this site cannot be used now")
    if isinstance(error, OSError | Away):
        return StoreOutcome(OUT_OF_RESOURCES, "the storage of this site cannot be used now")
    return StoreOutcome(PROCESSING_FAILURE)
