"""PDUs on a connection (PS3.8 9.3): read with bounds of length and time, and written in time.

Every read and write has a deadline, and no length that a peer states is trusted before it is compared with a bound.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Iterable
from contextlib import suppress
from enum import IntEnum
from typing import Final

from voxelry.network.failures import ConnectionFailedError, ProtocolError, TimedOutError

MOST_NEGOTIATION_BYTES = 2**20
"""The longest A-ASSOCIATE PDU that is read: 128 contexts with 30 transfer syntaxes each take 300 kB."""
_HEADER = struct.Struct(">BxI")
_BUFFER = 2**18
_SENT_AT_ONCE = 2**20
LEAST_BYTES_PER_SECOND: Final = 1_000
"""Who sends or takes less than this for long is taken for one who has stalled."""
_LINGER_SECONDS = 0.5
_LINGER_BYTES = 2**24
_ABORT = struct.Struct(">BxIxxBB")
UNRECOGNISED_PDU: Final = 1
INVALID_PARAMETER: Final = 6
UNEXPECTED_PDU: Final = 2


class PduType(IntEnum):
    """The first byte of a PDU."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


_NEGOTIATION = (PduType.ASSOCIATE_RQ, PduType.ASSOCIATE_AC)


class PduStream:
    """The PDUs of one connection; it is used by one thread at a time.

    Parameters
    ----------
    connection
        Connected; TLS is established. It belongs to this object now.
    most_bytes
        The longest P-DATA-TF PDU that is read, without its first 6 bytes: what we state as our maximum length.
    seconds
        The longest time for one PDU to come after its first byte, and for written bytes to be taken.
    """

    def __init__(self, connection: socket.socket, *, most_bytes: int, seconds: float) -> None:
        self._connection, self._most, self.seconds = connection, most_bytes, seconds
        self._buffer = bytearray(_BUFFER)
        self._begin = self._end = 0
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            # Without this, each answer waits for the acknowledgement of what was sent before.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def connection(self) -> socket.socket:
        return self._connection

    def has_input(self, seconds: float = 0.0) -> bool:
        """Whether bytes have come, or the end of the connection; waits for them so long."""
        if self._begin < self._end:
            return True
        try:
            if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
                return True
            poll = select.poll()
            poll.register(self._connection, select.POLLIN)
            return bool(poll.poll(seconds * 1000))
        except (OSError, ValueError) as error:
            raise ConnectionFailedError("the connection is closed") from error

    def read(self, *, seconds: float) -> tuple[PduType, bytes]:
        """The next PDU: its type, and what follows its length.

        Parameters
        ----------
        seconds
            How long its first byte may take.

        Raises
        ------
        TimedOutError
            If it does not begin, or is not whole, in time.
        ConnectionFailedError
            If the connection ends.
        ProtocolError
            If it is no PDU, or longer than it may be. What follows is not read.
        """
        self._fill(1, time.monotonic() + seconds)
        kind = self._buffer[self._begin]
        if kind not in PduType._value2member_map_:
            raise ProtocolError("what came is no PDU of the DICOM protocol", reason=UNRECOGNISED_PDU)
        deadline = time.monotonic() + self.seconds
        self._fill(_HEADER.size, deadline)
        _, length = _HEADER.unpack_from(self._buffer, self._begin)
        pdu_type = PduType(kind)
        self._require_length(pdu_type, length)
        self._begin += _HEADER.size
        return pdu_type, self._take(length, deadline)

    def write(self, parts: Iterable[bytes | memoryview]) -> None:
        """Send bytes.

        Raises
        ------
        TimedOutError
            If the peer does not take them in time.
        ConnectionFailedError
            If the connection is closed.
        """
        waiting: list[bytes | memoryview] = []
        length = 0
        for part in parts:
            waiting.append(part)
            length += len(part)
            if length >= _SENT_AT_ONCE:
                self._send(b"".join(waiting))
                waiting, length = [], 0
        if waiting:
            self._send(b"".join(waiting))

    def interrupt(self) -> None:
        """Let a read in another thread end as if the peer had sent its last byte; what is written still goes out."""
        with suppress(OSError):
            socket.socket.shutdown(self._connection, socket.SHUT_RD)  # of an SSL socket it would forget that it is one

    def abort(self, source: int, reason: int) -> None:
        """Send an A-ABORT if the connection takes it at once, and close the connection.

        What the peer still sends is taken for a moment: the connection would be reset otherwise, and the peer might
        never read the A-ABORT.
        """
        with suppress(OSError, ValueError):
            deadline = time.monotonic() + _LINGER_SECONDS
            self._connection.settimeout(_LINGER_SECONDS)
            self._connection.sendall(_ABORT.pack(PduType.ABORT, 4, source, reason))
            socket.socket.shutdown(self._connection, socket.SHUT_WR)
            left = _LINGER_BYTES
            while left > 0 and (seconds := deadline - time.monotonic()) > 0:
                self._connection.settimeout(seconds)
                count = self._connection.recv_into(self._buffer)
                if not count:
                    break
                left -= count
        self.close()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            self._connection.close()

    def _require_length(self, pdu_type: PduType, length: int) -> None:
        if pdu_type is PduType.DATA:
            fits = 6 <= length <= self._most
        elif pdu_type in _NEGOTIATION:
            fits = 68 <= length <= MOST_NEGOTIATION_BYTES
        else:
            fits = length == 4
        if not fits:
            raise ProtocolError(
                f"a PDU of type {int(pdu_type)} says that it has {length} bytes, which it cannot have",
                reason=INVALID_PARAMETER,
            )

    def _take(self, length: int, deadline: float) -> bytes:
        """The next bytes; more than the buffer holds are read behind it."""
        if length <= _BUFFER:
            self._fill(length, deadline)
            content = bytes(memoryview(self._buffer)[self._begin : self._begin + length])
            self._begin += length
            return content
        parts = [bytes(self._buffer[self._begin : self._end])]
        missing = length - len(parts[0])
        self._begin = self._end = 0
        while missing:
            part = self._receive(missing, deadline)
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _fill(self, length: int, deadline: float) -> None:
        """Read until the buffer has so many bytes from its begin on."""
        if self._end - self._begin >= length:
            return
        if self._begin == self._end:
            self._begin = self._end = 0
        elif self._begin + length > _BUFFER:
            rest = bytes(self._buffer[self._begin : self._end])
            self._buffer[: len(rest)] = rest
            self._begin, self._end = 0, len(rest)
        view = memoryview(self._buffer)
        while self._end - self._begin < length:
            self._set_deadline(deadline)
            try:
                count = self._connection.recv_into(view[self._end :])
            except TimeoutError as error:
                raise TimedOutError("the node sent nothing, or no whole PDU, in time") from error
            except (OSError, ValueError) as error:
                raise ConnectionFailedError(f"the connection broke ({type(error).__name__})") from error
            if not count:
                raise ConnectionFailedError("the node closed the connection")
            self._end += count

    def _receive(self, most: int, deadline: float) -> bytes:
        self._set_deadline(deadline)
        try:
            part = self._connection.recv(min(most, _BUFFER))
        except TimeoutError as error:
            raise TimedOutError("the node sent no whole PDU in time") from error
        except (OSError, ValueError) as error:
            raise ConnectionFailedError(f"the connection broke ({type(error).__name__})") from error
        if not part:
            raise ConnectionFailedError("the node closed the connection")
        return part

    def _send(self, content: bytes) -> None:
        """Send all; some of it has to be taken again and again, and all of it faster than who has stalled takes it."""
        view = memoryview(content)
        deadline = time.monotonic() + self.seconds + len(view) / LEAST_BYTES_PER_SECOND
        try:
            while view:
                self._connection.settimeout(max(min(self.seconds, deadline - time.monotonic()), 0.001))
                view = view[self._connection.send(view) :]
        except TimeoutError as error:
            raise TimedOutError("the node did not take what was sent in time") from error
        except (OSError, ValueError) as error:
            raise ConnectionFailedError(f"the connection broke ({type(error).__name__})") from error

    def _set_deadline(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimedOutError("the node sent nothing, or no whole PDU, in time")
        with suppress(OSError):  # closed by another thread: the read tells
            self._connection.settimeout(left)
