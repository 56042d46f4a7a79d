"""An established association: messages in both directions (PS3.7, PS3.8 Annex E), in blocking calls with deadlines.

One thread uses an association at a time. Every call that waits takes the longest time for it. When a call raises, the
connection is closed, and what the protocol wants to be said has been said.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Protocol

from voxelry.network.command_set import MOST_BYTES as MOST_COMMAND_BYTES
from voxelry.network.command_set import Command, CommandField, decoded_command
from voxelry.network.contexts import Context
from voxelry.network.failures import AbortedError, ConnectionFailedError, NetworkError, ProtocolError, ReleasedError
from voxelry.network.pdu_stream import LEAST_BYTES_PER_SECOND, UNEXPECTED_PDU, PduStream, PduType

OUR_MOST_BYTES: Final = 2**17
"""The longest P-DATA-TF PDU that we take, without its first 6 bytes."""
MOST_SENT_BYTES: Final = 2**17
"""The longest one that we send to who takes any."""
MOST_IDENTIFIER_BYTES: Final = 2**24
"""The longest data set that is kept in memory: identifiers, not instances."""
MOST_KEPT_MESSAGES: Final = 16
"""How many messages that came out of turn are kept."""
MOST_EMPTY_FRAGMENTS: Final = 1_000
_MOST_MESSAGE_ID = 2**16
_PDV_HEADER = 6
_COMMAND, _LAST = 1, 2
_RELEASE_RQ = bytes([PduType.RELEASE_RQ, 0, 0, 0, 0, 4, 0, 0, 0, 0])
_RELEASE_RP = bytes([PduType.RELEASE_RP, 0, 0, 0, 0, 4, 0, 0, 0, 0])


class DataSetWriter(Protocol):
    """Takes a data set while it arrives. It must not raise: it remembers what went wrong, for the answer to tell."""

    def write(self, part: bytes | memoryview, /) -> object:
        """Take the next bytes."""


OpenWriter = Callable[[Command, Context], DataSetWriter | None]
"""Returns what takes the data set of a message; None to have it in the message."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came.

    Attributes
    ----------
    data_set
        The encoded data set; empty if there is none.
    writer
        What took the data set instead, as `OpenWriter` returned it.
    """

    command: Command
    context: Context
    data_set: bytes = b""
    writer: DataSetWriter | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest times of an association, in seconds.

    Attributes
    ----------
    request
        For a connection to be made, and for each step of negotiation and release (ARTIM, PS3.8 9.1.5).
    pdu
        For one PDU to come after its first byte, and for what is sent to be taken.
    answer
        For a node to begin the answer to a request.
    idle
        For the next request to begin.
    """

    request: float = 15.0
    pdu: float = 30.0
    answer: float = 60.0
    idle: float = 60.0


USUAL_WAITS: Final = Waits()


class Association:
    """An association that both sides have accepted. Used in ``with``: it is aborted if an error leaves the block.

    Attributes
    ----------
    contexts
        The accepted contexts by their IDs.
    calling, called
        The AE titles of the requestor and of the acceptor.
    cancelled
        The IDs of requests that the peer wants to be cancelled (C-CANCEL-RQ).
    extended
        What the peer said in SOP Class Extended Negotiation, by the class.
    implementation
        What the peer said of its implementation's version.
    """

    def __init__(
        self,
        stream: PduStream,
        *,
        contexts: Mapping[int, Context],
        calling: str,
        called: str,
        most_bytes: int,
        waits: Waits,
        extended: Mapping[str, bytes] | None = None,
        implementation: str = "",
    ) -> None:
        self._stream = stream
        self.contexts = dict(contexts)
        self.calling, self.called = calling, called
        self.waits = waits
        self.extended = dict(extended or {})
        self.implementation = implementation
        self.cancelled: set[int] = set()
        self.is_open = True
        # Fragments have an even number of bytes.
        self._most_sent = (min(most_bytes or MOST_SENT_BYTES, MOST_SENT_BYTES) - _PDV_HEADER) & ~1
        self._received: deque[Message] = deque()
        self._fragments: deque[memoryview] = deque()
        self._is_interrupted = False
        self._message_id = self._context_id = 0

    def __enter__(self) -> Association:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.is_open:
            return
        if error is None:
            with suppress(NetworkError):
                self.release()
        else:
            self.abort()

    def new_message_id(self) -> int:
        """An ID for our next request, from 1 to 65,535."""
        self._message_id = self._message_id % (_MOST_MESSAGE_ID - 1) + 1
        return self._message_id

    def context_of(self, abstract_syntax: str, *transfer_syntaxes: str) -> Context | None:
        """The first context in which we may request that has the abstract syntax, and one of the transfer syntaxes."""
        for syntax in transfer_syntaxes or (None,):
            for one in self.contexts.values():
                if one.we_request and one.abstract_syntax == abstract_syntax and syntax in (None, one.transfer_syntax):
                    return one
        return None

    def has_input(self, seconds: float = 0.0) -> bool:
        """Whether the peer has sent something that was not received yet; waits for it so long."""
        return bool(self._received or self._fragments) or self._stream.has_input(seconds)

    def send(self, command: Command, context: Context, data_set: bytes | Iterable[bytes] | None = None) -> None:
        """Send a message.

        Parameters
        ----------
        command
            Its ``has_data_set`` is set by this function.
        data_set
            Encoded in the context's transfer syntax; an iterable is sent while it is read.

        Raises
        ------
        NetworkError
            If the connection ends, or the peer does not take it in time.
        """
        command = replace(command, has_data_set=data_set is not None)
        try:
            self._stream.write(self._encoded(command, context, data_set))
        except NetworkError as error:
            self._end(error)
            raise
        except BaseException:  # of the iterable: the message cannot be ended
            self.abort()
            raise

    def receive(self, *, seconds: float | None = None, writer: OpenWriter | None = None) -> Message:
        """The next message. A C-CANCEL-RQ is none: its ID is in ``cancelled``.

        Parameters
        ----------
        seconds
            How long it may take to begin; ``waits.idle`` without it.

        Raises
        ------
        ReleasedError
            If the peer asks for release; it has its answer.
        AbortedError, ConnectionFailedError, TimedOutError
            If the association is over for another reason.
        ProtocolError
            If the peer sent what it may not send; it is told by an A-ABORT.
        """
        if self._received:
            return self._received.popleft()
        try:
            while True:
                message = self._read_message(self.waits.idle if seconds is None else seconds, writer)
                if message is not None:
                    return message
        except NetworkError as error:
            self._end(error)
            raise
        except BaseException:
            self.abort()
            raise

    def response(self, message_id: int, *, seconds: float | None = None, writer: OpenWriter | None = None) -> Message:
        """The answer to our request; what else comes meanwhile is kept for `receive`.

        Parameters
        ----------
        seconds
            How long it may take to begin; ``waits.answer`` without it.
        writer
            Returns what takes the data sets of what else comes.
        """
        deadline = time.monotonic() + (self.waits.answer if seconds is None else seconds)
        others: list[Message] = []
        try:
            while True:
                message = self.receive(seconds=max(deadline - time.monotonic(), 0.001), writer=writer)
                if message.command.is_response and message.command.responded_to == message_id:
                    return message
                if message.command.is_response:
                    error = ProtocolError("the node answered a request that it was not sent", reason=UNEXPECTED_PDU)
                    self._end(error)
                    raise error
                others.append(message)
                self._require_few(others)
        finally:
            self._received.extendleft(reversed(others))

    def is_cancelled(self, message_id: int) -> bool:
        """Whether the peer has cancelled its request; looks at what has come, and does not wait."""
        while message_id not in self.cancelled and not self._received and self.has_input():
            self._take_one()
        return message_id in self.cancelled

    def release(self) -> None:
        """End the association in order; what the peer still sends is not read.

        Raises
        ------
        NetworkError
            If the peer does not answer; the connection is closed all the same.
        """
        if not self.is_open:
            return
        deadline = time.monotonic() + self.waits.request
        try:
            self._stream.write([_RELEASE_RQ])
            while True:
                kind, content = self._stream.read(seconds=max(deadline - time.monotonic(), 0.001))
                if kind is PduType.RELEASE_RP:
                    return
                if kind is PduType.RELEASE_RQ:  # both at once (PS3.8 9.2.3, Sta9 to Sta12)
                    self._stream.write([_RELEASE_RP])
                elif kind is PduType.ABORT:
                    raise AbortedError(content[2], content[3])
                elif kind is not PduType.DATA:
                    raise ProtocolError("a PDU came that has no place in a release", reason=UNEXPECTED_PDU)
        finally:
            self._close()

    def abort(self) -> None:
        """End the association at once, as the user of the service (PS3.8 9.3.8)."""
        if self.is_open:
            self.is_open = False
            self._stream.abort(0, 0)

    def interrupt(self) -> None:
        """Let the thread that waits for the peer end with `ConnectionFailedError`, and tell the peer by an A-ABORT.

        The only method that another thread may call.
        """
        self._is_interrupted = True
        self._stream.interrupt()

    def _take_one(self) -> None:
        """Read what has come: a C-CANCEL-RQ is noted, another message is kept."""
        try:
            message = self._read_message(self.waits.pdu, None)
        except NetworkError as error:
            self._end(error)
            raise
        if message is not None:
            self._received.append(message)

    def _require_few(self, messages: Collection[Message]) -> None:
        """What is kept of a peer that does not wait for its turn is bounded."""
        if len(messages) <= MOST_KEPT_MESSAGES and sum(len(one.data_set) for one in messages) <= MOST_IDENTIFIER_BYTES:
            return
        error = ProtocolError("the node sent many messages that it was not asked for", reason=UNEXPECTED_PDU)
        self._end(error)
        raise error

    def _encoded(
        self, command: Command, context: Context, data_set: bytes | Iterable[bytes] | None
    ) -> Iterator[bytes | memoryview]:
        yield from self._pdus(command.encoded(), context.context_id, _COMMAND)
        if isinstance(data_set, bytes):
            yield from self._pdus(data_set, context.context_id, 0)
        elif data_set is not None:
            yield from self._pdus_of_parts(data_set, context.context_id)

    def _pdus(self, content: bytes, context_id: int, kind: int) -> Iterator[bytes | memoryview]:
        view = memoryview(content)
        for start in range(0, max(len(view), 1), self._most_sent):
            part = view[start : start + self._most_sent]
            is_last = start + self._most_sent >= len(view)
            yield _data_header(len(part), context_id, kind | (_LAST if is_last else 0))
            yield part

    def _pdus_of_parts(self, parts: Iterable[bytes], context_id: int) -> Iterator[bytes | memoryview]:
        """Fragments as long as they may be, and the last one marked."""
        waiting = bytearray()
        for part in parts:
            waiting += part
            while len(waiting) > self._most_sent:
                yield _data_header(self._most_sent, context_id, 0)
                yield bytes(waiting[: self._most_sent])
                del waiting[: self._most_sent]
        yield _data_header(len(waiting), context_id, _LAST)
        yield bytes(waiting)

    def _read_message(self, seconds: float, open_writer: OpenWriter | None) -> Message | None:
        """The next message; None for a C-CANCEL-RQ."""
        command, context = self._read_command(seconds)
        if command.message_id is not None:
            self.cancelled.discard(command.message_id)  # of an earlier request with the same ID
        if command.has_data_set:
            return self._read_data_set(command, context, open_writer)
        if command.field is not CommandField.C_CANCEL_RQ:
            return Message(command, context)
        if command.responded_to is not None:
            self.cancelled.add(command.responded_to)
        return None

    def _read_data_set(self, command: Command, context: Context, open_writer: OpenWriter | None) -> Message:
        writer = None if open_writer is None else open_writer(command, context)
        parts: list[memoryview] = []
        length = 0
        patience = _Patience(self.waits.pdu)
        while True:
            flags, part = self._fragment(context.context_id, patience)
            if flags & _COMMAND:
                raise _misplaced("a command came where a data set has to")
            length += len(part)
            if writer is not None:
                writer.write(part)
            elif length > MOST_IDENTIFIER_BYTES:
                raise ProtocolError(f"a data set that is no instance is longer than {MOST_IDENTIFIER_BYTES:,} bytes")
            elif part:
                parts.append(part)
            if flags & _LAST:
                return Message(command, context, b"".join(parts), writer)

    def _read_command(self, seconds: float) -> tuple[Command, Context]:
        if not self._fragments:
            self._fragments.extend(self._read_data(seconds))
        content = bytearray()
        context_id: int | None = None
        patience = _Patience(self.waits.pdu)
        while True:
            flags, part = self._fragment(context_id, patience)
            context_id = self._context_id
            if not flags & _COMMAND:
                raise _misplaced("a data set came where a command has to")
            content += part
            if len(content) > MOST_COMMAND_BYTES:
                raise ProtocolError("a command set is longer than any can be")
            if flags & _LAST:
                return decoded_command(bytes(content)), self.contexts[context_id]

    def _fragment(self, context_id: int | None, patience: _Patience) -> tuple[int, memoryview]:
        """The next fragment, of a context if one is given: its message control header, and its bytes."""
        while not self._fragments:
            with patience:
                self._fragments.extend(self._read_data(patience.seconds))
        fragment = self._fragments.popleft()
        patience.count(len(fragment) - 2)
        self._context_id = fragment[0]
        if self._context_id not in self.contexts or context_id not in (None, self._context_id):
            raise _misplaced("a fragment is of a context that was not accepted, or of another one than its message")
        return fragment[1], fragment[2:]

    def _read_data(self, seconds: float) -> list[memoryview]:
        """The fragments of the next P-DATA-TF PDU (PS3.8 9.3.5.1)."""
        kind, content = self._stream.read(seconds=seconds)
        if kind is PduType.RELEASE_RQ:
            self._stream.write([_RELEASE_RP])
            raise ReleasedError("the node released the association")
        if kind is PduType.ABORT:
            raise AbortedError(content[2], content[3])
        if kind is not PduType.DATA:
            raise _misplaced("a PDU came that has no place in an association")
        view, at = memoryview(content), 0
        found = []
        while at < len(view):
            length = int.from_bytes(view[at : at + 4], "big")
            if length < 2 or at + 4 + length > len(view):
                raise _misplaced("a fragment is longer than its PDU, or has no header")
            found.append(view[at + 4 : at + 4 + length])
            at += 4 + length
        return found

    def _end(self, error: NetworkError) -> None:
        """Close the connection, and say by an A-ABORT what the peer did wrong."""
        if not self.is_open:
            return
        self.is_open = False
        if isinstance(error, ProtocolError):
            self._stream.abort(2, error.reason)
        elif self._is_interrupted or not isinstance(error, AbortedError | ReleasedError | ConnectionFailedError):
            self._stream.abort(0, 0)
        else:
            self._stream.close()

    def _close(self) -> None:
        self.is_open = False
        self._stream.close()


class _Patience:
    """How long the rest of a message is waited for.

    Each PDU has the same time to come. The message as a whole has that time and what its bytes take of a slow node;
    the time in which its bytes are taken care of here does not count.
    """

    def __init__(self, seconds: float) -> None:
        self._each, self._left, self._empty = seconds, seconds, 0
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._left -= time.monotonic() - self._began

    @property
    def seconds(self) -> float:
        """How long the next PDU may take to begin."""
        return max(min(self._each, self._left), 0.001)

    def count(self, length: int) -> None:
        """Note that so many bytes came."""
        self._left += length / LEAST_BYTES_PER_SECOND
        self._empty += not length
        if self._empty > MOST_EMPTY_FRAGMENTS:
            raise _misplaced("a message has fragments without content, again and again")


def _data_header(length: int, context_id: int, flags: int) -> bytes:
    pdv = length + 2
    return b"\4\0" + (pdv + 4).to_bytes(4, "big") + pdv.to_bytes(4, "big") + bytes((context_id, flags))


def _misplaced(words: str) -> ProtocolError:
    return ProtocolError(words, reason=UNEXPECTED_PDU)
