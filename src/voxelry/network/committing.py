"""Storage commitment (PS3.4 Annex J, Push Model): its request read, and its report written and sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.dicom.write.header_bytes import encoded_items, joined, short, words
from voxelry.dicom.write.implicit import implicitly_joined
from voxelry.network.association import Association, OpenWriter
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context
from voxelry.network.failures import NetworkError, ProtocolError
from voxelry.network.identifiers import decoded_identifier, text_of
from voxelry.network.service_uids import EXPLICIT, PUSH_MODEL, PUSH_MODEL_INSTANCE

REQUEST_COMMITMENT: Final = 1
"""The only action type."""
ALL_COMMITTED, WITH_FAILURES = 1, 2
"""Event types of the report (PS3.4 J.3.3)."""
PROCESSING_FAILURE: Final = 0x0110
NO_SUCH_INSTANCE: Final = 0x0112
CLASS_CONFLICT: Final = 0x0119
CLASS_NOT_SUPPORTED: Final = 0x0122
DUPLICATE_TRANSACTION: Final = 0x0131
RESOURCE_LIMITATION: Final = 0x0213
"""Failure Reasons (PS3.3 C.14.1.1)."""
_TRANSACTION, _RETRIEVE_TITLE = 0x00081195, 0x00080054
_FAILED, _REFERENCED = 0x00081198, 0x00081199
_CLASS, _INSTANCE, _REASON = 0x00081150, 0x00081155, 0x00081197

Reference = tuple[str, str]
"""SOP Class UID and SOP Instance UID."""


class CommitmentRequestError(VoxelryError, ValueError):
    """The data set of a request is malformed. The words name no value."""

    code = "commitment"


class ReportRefusedError(NetworkError):
    """A node answered a report with a failure.

    Attributes
    ----------
    status
        What it answered; None if it answered without one.
    """

    code = "report_refused"

    def __init__(self, status: int | None) -> None:
        self.status = status
        words = "without a status" if status is None else f"with status {status:04X}H"
        super().__init__(f"the node answered the report of a storage commitment {words}")


@dataclass(frozen=True, slots=True)
class CommitmentRequest:
    """What a node wants to be kept, as the data set of its N-ACTION-RQ says."""

    transaction_uid: str
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class CommitmentReport:
    """What is kept, and what is not with its Failure Reason."""

    transaction_uid: str
    committed: Sequence[Reference]
    failed: Sequence[tuple[Reference, int]]

    @property
    def event_type(self) -> int:
        """The event type of the N-EVENT-REPORT-RQ."""
        return WITH_FAILURES if self.failed else ALL_COMMITTED


def read_commitment_request(content: bytes, *, transfer_syntax: str) -> CommitmentRequest:
    """Read the data set of an N-ACTION-RQ (PS3.4 table J.3-1).

    Raises
    ------
    CommitmentRequestError
        If it cannot be read, or a UID is missing or is none.
    """
    try:
        found = decoded_identifier(content, transfer_syntax=transfer_syntax)
    except ProtocolError:
        raise CommitmentRequestError("the data set cannot be read") from None
    transaction = text_of(found, "TransactionUID")
    if not may_be_uid(transaction):
        raise CommitmentRequestError("Transaction UID is missing or malformed")
    items = found.get("ReferencedSOPSequence")
    if not isinstance(items, Sequence) or not items:
        raise CommitmentRequestError("Referenced SOP Sequence is missing or empty")
    return CommitmentRequest(transaction, tuple(dict.fromkeys(_reference(item) for item in items)))


def encoded_report(report: CommitmentReport, *, transfer_syntax: str, retrieve_title: str = "") -> bytes:
    """The data set of an N-EVENT-REPORT-RQ (PS3.4 table J.3-2)."""
    elements: dict[int, EncodedValue] = {_TRANSACTION: words(b"UI", report.transaction_uid)}
    if retrieve_title:
        elements[_RETRIEVE_TITLE] = words(b"AE", retrieve_title)
    failed = [_item(reference, reason=reason) for reference, reason in report.failed]
    committed = [_item(reference) for reference in report.committed]
    for tag, items in ((_FAILED, failed), (_REFERENCED, committed)):
        if items:
            elements[tag] = b"SQ", encoded_items(*map(joined, items))
    return joined(elements) if transfer_syntax == EXPLICIT else implicitly_joined(elements)


def send_report(
    association: Association,
    context: Context,
    report: CommitmentReport,
    *,
    retrieve_title: str = "",
    writer: OpenWriter | None = None,
) -> None:
    """Send a report, and wait for its answer.

    Parameters
    ----------
    writer
        Takes the data sets of other requests that come before the answer.

    Raises
    ------
    ReportRefusedError
        If the node answers with a failure.
    NetworkError
        If it does not answer.
    """
    message_id = association.new_message_id()
    command = Command(
        CommandField.N_EVENT_REPORT_RQ,
        message_id=message_id,
        sop_class=PUSH_MODEL,
        sop_instance=PUSH_MODEL_INSTANCE,
        event_type=report.event_type,
    )
    content = encoded_report(report, transfer_syntax=context.transfer_syntax, retrieve_title=retrieve_title)
    association.send(command, context, content)
    status = association.response(message_id, writer=writer).command.status
    if status is None or (status and status >> 12 != 0xB and status not in (0x0107, 0x0116)):
        raise ReportRefusedError(status)


def _reference(item: Dataset) -> Reference:
    sop_class, instance = text_of(item, "ReferencedSOPClassUID"), text_of(item, "ReferencedSOPInstanceUID")
    if not (may_be_uid(sop_class) and may_be_uid(instance)):
        raise CommitmentRequestError("a Referenced SOP Class or Instance UID is missing or malformed")
    return sop_class, instance


def _item(reference: Reference, *, reason: int | None = None) -> dict[int, EncodedValue]:
    item = {_CLASS: words(b"UI", reference[0]), _INSTANCE: words(b"UI", reference[1])}
    if reason is not None:
        item[_REASON] = short(reason)
    return item
