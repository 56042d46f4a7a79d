"""Store instances at another node: C-STORE as its user (PS3.4 Annex B, PS3.7 9.1.1).

The data set goes as its file has it if the node accepts that transfer syntax. Otherwise it is decoded into an
uncompressed one. Nothing is compressed here, and no pixel value changes.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydicom.uid import UID

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.sources import Source, unreadable
from voxelry.dicom.pixels.codecs import is_supported
from voxelry.network.associating import associate
from voxelry.network.association import USUAL_WAITS, Association, Waits
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import MOST_CONTEXTS, Context, Proposal
from voxelry.network.failures import NetworkError, NoContextError
from voxelry.network.peer_address import PeerAddress
from voxelry.network.sent_data_set import is_as_declared, sent_data_set
from voxelry.network.service_uids import EXPLICIT, IMPLICIT, PLAIN_SYNTAXES
from voxelry.network.statuses import SUCCESS

_WARNINGS = 0xB
_MEDIUM = 0
_LONGEST_UID = 64
_STATUS_WORDS = {
    0x0111: "it has another instance of this UID",
    0x0117: "the SOP Instance UID is not valid",
    0x0122: "it does not support this SOP class",
    0x0124: "it does not let this node store",
    0x0210: "the message ID is in use",
    0x0211: "it does not know the operation",
    0x0212: "the message has an argument that it does not take",
}
_STATUS_RANGES = {
    0xA7: "it is out of resources",
    0xA9: "the data set does not fit its SOP class",
    0xC: "it cannot understand it",
}


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An instance in a file, that is to be stored somewhere else.

    Attributes
    ----------
    sop_class, sop_instance
        SOP Class and Instance UID.
    transfer_syntax
        Of the file.
    source
        The file.
    """

    sop_class: str
    sop_instance: str
    transfer_syntax: str
    source: Source


@dataclass(frozen=True, slots=True)
class StoreResult:
    """What became of an instance.

    Attributes
    ----------
    status
        What the node answered; None if it was not sent.
    problem
        Why the node does not have it now.
    """

    stored_object: StoredObject
    status: int | None
    problem: Problem | None

    @property
    def is_stored(self) -> bool:
        """Whether the node has it: it answered success or a warning."""
        return self.problem is None

    @property
    def is_warning(self) -> bool:
        """Whether the node has it, and warns of something."""
        return self.problem is None and self.status != SUCCESS


def proposals_of(objects: Iterable[StoredObject]) -> list[list[Proposal]]:
    """The contexts in which objects can be stored, as lists of at most 128: one for each association.

    Each SOP class and transfer syntax of files has its own context, so that the node can accept each of them. Each SOP
    class that can be sent uncompressed has another one for that. Contexts of one class are in one list.
    """
    return [proposals for proposals, _ in by_association(objects) if proposals]


def by_association(objects: Iterable[StoredObject]) -> list[tuple[list[Proposal], list[StoredObject]]]:
    """The contexts of each association as `proposals_of` gives them, and the objects that are stored over it.

    Objects whose SOP class or transfer syntax is no UID come last, without a context.
    """
    of_class: dict[str, list[StoredObject]] = defaultdict(list)
    for one in objects:
        is_named = all(0 < len(uid) <= _LONGEST_UID and uid.isascii() for uid in (one.sop_class, one.transfer_syntax))
        of_class[one.sop_class if is_named else ""].append(one)
    unnamed = of_class.pop("", [])
    found: list[tuple[list[Proposal], list[StoredObject]]] = []
    for sop_class, own in of_class.items():
        stored = dict.fromkeys(one.transfer_syntax for one in own)
        proposals = [Proposal(sop_class, (syntax,)) for syntax in stored][: MOST_CONTEXTS - 1]
        if any(is_supported(UID(syntax)) for syntax in stored):
            proposals.append(Proposal(sop_class, PLAIN_SYNTAXES))
        if not found or len(found[-1][0]) + len(proposals) > MOST_CONTEXTS:
            found.append(([], []))
        found[-1][0].extend(proposals)
        found[-1][1].extend(own)
    return [*found, *([([], unnamed)] if unnamed else [])]


def store_over(
    association: Association,
    stored_object: StoredObject,
    *,
    move_originator: str = "",
    move_originator_id: int | None = None,
) -> StoreResult:
    """Store one instance over an association.

    Parameters
    ----------
    move_originator, move_originator_id
        The AE title that asked for it by C-MOVE, and the message ID of its request.

    Returns
    -------
    result
        A problem if no context fits, the file cannot be read or decoded, or the node refuses it. If a file breaks off
        while it is sent, the association is aborted.

    Raises
    ------
    NetworkError
        If the association ends before the answer.
    """
    context = fitting_context(association, stored_object)
    if context is None:
        return StoreResult(stored_object, None, no_context(stored_object))
    try:
        parts = sent_data_set(stored_object.source, stored_object.transfer_syntax, context.transfer_syntax)
    except OSError as error:
        return StoreResult(stored_object, None, unreadable(stored_object.source.name, error))
    except VoxelryError as error:
        return StoreResult(stored_object, None, error.problem)
    message_id = association.new_message_id()
    command = Command(
        CommandField.C_STORE_RQ,
        message_id=message_id,
        sop_class=stored_object.sop_class,
        sop_instance=stored_object.sop_instance,
        priority=_MEDIUM,
        move_originator=move_originator,
        move_originator_id=move_originator_id,
    )
    try:
        association.send(command, context, parts)
    except NetworkError:
        raise
    except OSError as error:
        return StoreResult(stored_object, None, unreadable(stored_object.source.name, error))
    except VoxelryError as error:
        return StoreResult(stored_object, None, error.problem)
    status = association.response(message_id).command.status
    return StoreResult(stored_object, status, status_problem(status))


def fitting_context(association: Association, stored_object: StoredObject) -> Context | None:
    """The context in which an instance is sent: of its own transfer syntax, or else of an uncompressed one."""
    stored = stored_object.transfer_syntax
    own = association.context_of(stored_object.sop_class, stored)
    if own is not None and (stored not in PLAIN_SYNTAXES or is_as_declared(stored_object.source, stored)):
        return own
    if not is_supported(UID(stored)):
        return own
    return association.context_of(stored_object.sop_class, EXPLICIT) or association.context_of(
        stored_object.sop_class, IMPLICIT
    )


def send_objects(
    peer: PeerAddress,
    objects: Sequence[StoredObject],
    *,
    calling: str,
    waits: Waits = USUAL_WAITS,
    tls: ssl.SSLContext | None = None,
) -> Iterator[StoreResult]:
    """Store instances at a node, over as many associations as their contexts need; a result for each as it comes.

    Raises
    ------
    NetworkError
        If an association cannot be made, or ends before its work is done. What was not given has not been stored, as
        far as is known here.
    """
    for proposals, waiting in by_association(objects):
        while waiting:
            try:
                association = associate(peer, proposals, calling=calling, waits=waits, tls=tls) if proposals else None
            except NoContextError:
                association = None
            if association is None:
                yield from (StoreResult(one, None, no_context(one)) for one in waiting)
                break
            with association:
                while waiting and association.is_open:
                    result = store_over(association, waiting[0])
                    del waiting[0]
                    yield result


def status_problem(status: int | None) -> Problem | None:
    """Why a node does not have an instance, by the status of its answer; None if it has it (PS3.4 B.2.3)."""
    if status == SUCCESS or (status is not None and status >> 12 == _WARNINGS):
        return None
    if status is None:
        return Problem("store_refused", "the node answered without a status")
    words = _STATUS_WORDS.get(status) or _STATUS_RANGES.get(status >> 8) or _STATUS_RANGES.get(status >> 12)
    return Problem("store_refused", f"the node refuses it with status {status:04X}H" + (f": {words}" if words else ""))


def no_context(one: StoredObject) -> Problem:
    """The problem of an instance that a node takes in no transfer syntax in which it can be sent."""
    syntax = UID(one.transfer_syntax)
    own = f"{UID(one.sop_class).name} in {syntax.name}"
    if is_supported(syntax):
        return Problem("no_context", f"the node takes neither {own} nor the same class uncompressed")
    return Problem("no_context", f"the node does not take {own}, which cannot be decoded here")
