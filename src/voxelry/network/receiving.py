"""A listener for the instances that a node sends to us as the destination of a C-MOVE, while it is open."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final

from pynetdicom import AllStoragePresentationContexts

from voxelry.network.associating import accept
from voxelry.network.association import USUAL_WAITS, Association, Waits
from voxelry.network.command_set import CommandField
from voxelry.network.contexts import (
    CALLED_NOT_RECOGNISED,
    LOCAL_LIMIT_EXCEEDED,
    Acceptance,
    ContextResult,
    Proposal,
    Rejection,
    Requested,
)
from voxelry.network.failures import ConnectionFailedError, NetworkError
from voxelry.network.remote_instances import STORED_SYNTAXES, VIDEO_SYNTAXES
from voxelry.network.sent_instances import Receive, SentInstances
from voxelry.network.service_uids import VERIFICATION
from voxelry.network.statuses import CLASS_NOT_SUPPORTED, SUCCESS

MOST_ASSOCIATIONS: Final = 8
_OF_THE_STANDARD = "1.2.840.10008."
_TAKEN_CLASSES = frozenset({VERIFICATION, *(str(one.abstract_syntax) for one in AllStoragePresentationContexts)})
_TAKEN_SYNTAXES = frozenset(STORED_SYNTAXES + VIDEO_SYNTAXES)


class InstanceListener:
    """Accepts associations under an AE title, and takes what is stored. Used in ``with``.

    Parameters
    ----------
    receive
        Opens the file of each instance. It is called in the threads of associations.
    port
        0 takes a free one.

    Attributes
    ----------
    error
        What kept a file from being written.

    Raises
    ------
    ConnectionFailedError
        If the port cannot be listened on.
    """

    def __init__(
        self,
        title: str,
        receive: Receive,
        *,
        host: str = "",
        port: int = 0,
        waits: Waits = USUAL_WAITS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._title, self._receive, self._waits, self._tls = title, receive, waits, tls
        self._threads: list[threading.Thread] = []
        self._open: set[Association] = set()
        self.error: OSError | None = None
        try:
            self._socket = socket.create_server((host, port))
        except OSError as error:
            words = f"port {port} cannot be listened on ({error.strerror or type(error).__name__})"
            raise ConnectionFailedError(words) from error
        self.port: int = self._socket.getsockname()[1]
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> InstanceListener:
        self._listening.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more associations, and wait for those that are open; after an error they are ended."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._listening.join()
        if error is not None:
            for association in list(self._open):
                association.abort()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(NetworkError):
            association = accept(connection, self._decide, waits=self._waits, tls=self._tls)
            if association is None:
                return
            self._open.add(association)
            try:
                with association, SentInstances(self._receive) as sent:
                    self._answer_all(association, sent)
            except OSError as error:
                self.error = error
            finally:
                self._open.discard(association)

    def _answer_all(self, association: Association, sent: SentInstances) -> None:
        """Answer requests until the association ends, which raises."""
        while True:
            message = association.receive(writer=sent.open)
            command = message.command
            if command.field is CommandField.C_STORE_RQ:
                sent.answer(association, message)
            elif not command.is_response:
                is_echo = command.field is CommandField.C_ECHO_RQ
                status = SUCCESS if is_echo else CLASS_NOT_SUPPORTED
                association.send(command.answered(status), message.context)

    def _decide(self, requested: Requested) -> Acceptance | Rejection:
        if requested.called != self._title:
            return CALLED_NOT_RECOGNISED
        if len(self._open) >= MOST_ASSOCIATIONS:
            return LOCAL_LIMIT_EXCEEDED
        return Acceptance({number: _result(proposal) for number, proposal in requested.proposals.items()})


def _result(proposal: Proposal) -> tuple[ContextResult, str]:
    abstract = proposal.abstract_syntax
    if abstract not in _TAKEN_CLASSES and abstract.startswith(_OF_THE_STANDARD):  # private objects are taken
        return ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, ""
    syntax = next((one for one in proposal.transfer_syntaxes if one in _TAKEN_SYNTAXES), None)
    if syntax is None:
        return ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, ""
    return ContextResult.ACCEPTED, syntax
