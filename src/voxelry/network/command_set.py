"""The command set of a DIMSE message (PS3.7 6.3, Annex E): Implicit VR Little Endian, group 0000 only."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from voxelry.network.failures import ProtocolError

MOST_BYTES = 2**16
"""The longest command set that is read: the longest possible one is far shorter."""
NO_DATA_SET: Final = 0x0101
_WITH_DATA_SET: Final = 0x0001
_RESPONSE = 0x8000


class CommandField(IntEnum):
    """The kind of a message (0000,0100)."""

    C_STORE_RQ = 0x0001
    C_STORE_RSP = 0x8001
    C_GET_RQ = 0x0010
    C_GET_RSP = 0x8010
    C_FIND_RQ = 0x0020
    C_FIND_RSP = 0x8020
    C_MOVE_RQ = 0x0021
    C_MOVE_RSP = 0x8021
    C_ECHO_RQ = 0x0030
    C_ECHO_RSP = 0x8030
    N_EVENT_REPORT_RQ = 0x0100
    N_EVENT_REPORT_RSP = 0x8100
    N_GET_RQ = 0x0110
    N_GET_RSP = 0x8110
    N_SET_RQ = 0x0120
    N_SET_RSP = 0x8120
    N_ACTION_RQ = 0x0130
    N_ACTION_RSP = 0x8130
    N_CREATE_RQ = 0x0140
    N_CREATE_RSP = 0x8140
    N_DELETE_RQ = 0x0150
    N_DELETE_RSP = 0x8150
    C_CANCEL_RQ = 0x0FFF


@dataclass(frozen=True, slots=True)
class Command:
    """A command set. What a message does not have is None, or an empty text.

    Attributes
    ----------
    sop_class, sop_instance
        Affected SOP Class and Instance UID.
    requested_class, requested_instance
        Requested SOP Class and Instance UID.
    responded_to
        Message ID Being Responded To.
    remaining, completed, failed, warnings
        Numbers of sub-operations.
    offending
        Tags of the elements that an error is in.
    """

    field: CommandField
    message_id: int | None = None
    responded_to: int | None = None
    has_data_set: bool = False
    sop_class: str = ""
    sop_instance: str = ""
    requested_class: str = ""
    requested_instance: str = ""
    priority: int | None = None
    status: int | None = None
    offending: tuple[int, ...] = ()
    error_comment: str = ""
    error_id: int | None = None
    move_destination: str = ""
    move_originator: str = ""
    move_originator_id: int | None = None
    event_type: int | None = None
    action_type: int | None = None
    remaining: int | None = None
    completed: int | None = None
    failed: int | None = None
    warnings: int | None = None

    @property
    def is_response(self) -> bool:
        """Whether the message answers another one."""
        return bool(self.field & _RESPONSE)

    def answered(
        self,
        status: int,
        *,
        offending: tuple[int, ...] = (),
        error_comment: str = "",
        remaining: int | None = None,
        completed: int | None = None,
        failed: int | None = None,
        warnings: int | None = None,
    ) -> Command:
        """The response to this request."""
        return Command(
            CommandField(self.field | _RESPONSE),
            responded_to=self.message_id,
            sop_class=self.sop_class or self.requested_class,
            sop_instance=self.sop_instance or self.requested_instance,
            status=status,
            offending=offending,
            error_comment=error_comment,
            event_type=self.event_type,
            action_type=self.action_type,
            remaining=remaining,
            completed=completed,
            failed=failed,
            warnings=warnings,
        )

    def encoded(self) -> bytes:
        """The command set as bytes, with its group length."""
        parts = []
        for tag, name, encode in _ENCODERS:
            value = getattr(self, name)
            if name == "has_data_set":
                value = _WITH_DATA_SET if value else NO_DATA_SET
            elif value is None or value in ("", ()):
                continue
            content = encode(value)
            parts.append(struct.pack("<HHI", 0, tag, len(content)) + content)
        body = b"".join(parts)
        return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _number(value: int) -> bytes:
    return struct.pack("<H", value)


def _tags(value: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in value)


def _uid(value: str) -> bytes:
    return _padded(value.encode("ascii", "replace"), b"\0")


def _text(value: str) -> bytes:
    return _padded(value.encode("ascii", "replace"), b" ")


def _padded(value: bytes, pad: bytes) -> bytes:
    return value + pad if len(value) % 2 else value


_Encode = Callable[[Any], bytes]
_ENCODERS: tuple[tuple[int, str, _Encode], ...] = (
    (0x0002, "sop_class", _uid),
    (0x0003, "requested_class", _uid),
    (0x0100, "field", _number),
    (0x0110, "message_id", _number),
    (0x0120, "responded_to", _number),
    (0x0600, "move_destination", _text),
    (0x0700, "priority", _number),
    (0x0800, "has_data_set", _number),
    (0x0900, "status", _number),
    (0x0901, "offending", _tags),
    (0x0902, "error_comment", _text),
    (0x0903, "error_id", _number),
    (0x1000, "sop_instance", _uid),
    (0x1001, "requested_instance", _uid),
    (0x1002, "event_type", _number),
    (0x1008, "action_type", _number),
    (0x1020, "remaining", _number),
    (0x1021, "completed", _number),
    (0x1022, "failed", _number),
    (0x1023, "warnings", _number),
    (0x1030, "move_originator", _text),
    (0x1031, "move_originator_id", _number),
)
_NAMES = {tag: (name, encode) for tag, name, encode in _ENCODERS}


def decoded_command(content: bytes) -> Command:
    """Read a command set.

    Raises
    ------
    ProtocolError
        If it is no command set, or lacks what every message has.
    """
    values: dict[str, Any] = {}
    at = 0
    while at < len(content):
        if len(content) - at < 8:
            raise ProtocolError("a command set ends in the middle of an element")
        group, element, length = struct.unpack_from("<HHI", content, at)
        at += 8
        if group or length > len(content) - at:
            raise ProtocolError("a command set has an element that is none of group 0000, or is longer than the set")
        name, encode = _NAMES.get(element, ("", _text))
        if name and length:
            values[name] = _value(content[at : at + length], encode)
        at += length
    kind, data_set_type = values.pop("field", None), values.pop("has_data_set", None)
    if kind not in CommandField._value2member_map_ or data_set_type is None:
        raise ProtocolError("a command set does not say which command it is, or whether a data set follows")
    return Command(CommandField(kind), has_data_set=data_set_type != NO_DATA_SET, **values)


def _value(content: bytes, encode: _Encode) -> int | str | tuple[int, ...]:
    if encode is _tags:
        return tuple(
            group << 16 | element for group, element in struct.iter_unpack("<HH", content[: len(content) & ~3])
        )
    if encode is not _number:
        return content.decode("ascii", "replace").strip(" \0")
    if len(content) != 2:
        raise ProtocolError("a command set has a number that is not two bytes long")
    return int.from_bytes(content, "little")
