"""How an association ends before its work is done. No message names a patient's value."""

from __future__ import annotations

from typing import ClassVar

from voxelry.core.errors import VoxelryError

_RESULTS = {1: "permanently", 2: "for now"}
_REASONS = {
    (1, 1): "no reason given",
    (1, 2): "application context not supported",
    (1, 3): "the calling AE title is not known there",
    (1, 7): "the called AE title is not known there",
    (2, 1): "no reason given",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
"""Reasons by the source of a rejection (PS3.8 9.3.4)."""


_STATUSES = {
    0x0110: "processing failure",
    0x0112: "no such SOP instance",
    0x0117: "invalid SOP instance",
    0x0122: "the SOP class is not supported",
    0x0124: "not authorised",
    0x0210: "duplicate message ID",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
    0xA700: "out of resources",
    0xA701: "out of resources: matches cannot be counted",
    0xA702: "out of resources: sub-operations cannot be performed",
    0xA801: "the destination of the C-MOVE is not known there",
    0xA900: "the identifier does not match the SOP class",
    0xFE00: "cancelled",
}
"""Words for statuses of failures (PS3.7 Annex C, PS3.4 B.2.3 and C.4)."""


def status_words(status: int | None) -> str:
    """A status in words and as a number."""
    if status is None:
        return "no status"
    kind = "unable to process" if status & 0xF000 == 0xC000 else "a failure"
    return f"{_STATUSES.get(status, kind)} ({status:04X})"


class NetworkError(VoxelryError):
    """The work with another node of the DICOM network could not be done."""

    code: ClassVar[str] = "network"


class ConnectionFailedError(NetworkError):
    """The node cannot be reached, or it closed the connection."""

    code: ClassVar[str] = "connection"


class RejectedError(NetworkError):
    """The node rejected the association (PS3.8 9.3.4).

    Attributes
    ----------
    result, source, reason
        The numbers of the A-ASSOCIATE-RJ.
    """

    code: ClassVar[str] = "rejected"

    def __init__(self, result: int, source: int, reason: int) -> None:
        self.result, self.source, self.reason = result, source, reason
        words = _REASONS.get((source, reason), f"reason {reason} of source {source}")
        super().__init__(f"the node rejected the association {_RESULTS.get(result, f'(result {result})')}: {words}")


class AbortedError(NetworkError):
    """The node aborted the association (PS3.8 9.3.8)."""

    code: ClassVar[str] = "aborted"

    def __init__(self, source: int, reason: int) -> None:
        self.source, self.reason = source, reason
        super().__init__(f"the node aborted the association (source {source}, reason {reason})")


class ReleasedError(NetworkError):
    """The node asked for the release of the association, which is granted: nothing more comes."""

    code: ClassVar[str] = "released"


class TimedOutError(NetworkError):
    """The node did not send, or take, what it was waited for in time."""

    code: ClassVar[str] = "timed_out"


class ProtocolError(NetworkError):
    """The node sent what the protocol does not allow; the association is aborted.

    Attributes
    ----------
    reason
        The reason of the A-ABORT by the service provider.
    """

    code: ClassVar[str] = "protocol"

    def __init__(self, words: str, *, reason: int = 0) -> None:
        self.reason = reason
        super().__init__(words)


class NoContextError(NetworkError):
    """The node accepted no presentation context that the work needs."""

    code: ClassVar[str] = "no_context"


class FailureStatusError(NetworkError):
    """The node answered a request with the status of a failure.

    Attributes
    ----------
    status
        As it was answered.
    comment
        The node's own words, which may quote a patient's value: they are in no message of ours.
    """

    code: ClassVar[str] = "failure_status"

    def __init__(self, request: str, status: int | None, *, comment: str = "") -> None:
        self.status, self.comment = status, comment
        super().__init__(f"the node answered {request} with a failure: {status_words(status)}")
