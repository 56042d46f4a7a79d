"""``voxelry listen``: answers the nodes of the DICOM network until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.network.associating import accept
from voxelry.network.contexts import (
    CALLED_NOT_RECOGNISED,
    CALLING_NOT_RECOGNISED,
    LOCAL_LIMIT_EXCEEDED,
    Acceptance,
    Rejection,
    Requested,
)
from voxelry.network.failures import NetworkError
from voxelry.network.tls import listening_tls
from voxelry.server.environment import django_setup
from voxelry.server.environment.configuration import Configuration
from voxelry.server.environment.tethered import stay_with_parent, wait_for_tables

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
"""How long requests under way may take to end after the listener was told to stop."""
INSIST_SECONDS = 2.0
"""Further time for associations to notice that they are over."""
WAITING_CONNECTIONS = 512
LEAST_UNKNOWN = 64
UNKNOWN_PER_ASSOCIATION = 4
"""Connections that have not said yet who they are, for each association that there may be."""


class ListenError(VoxelryError):
    """The listener cannot start."""

    code: ClassVar[str] = "listen"


def open_door(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises
    ------
    ListenError
        If the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
        door.listen(WAITING_CONNECTIONS)
    except OSError as error:
        door.close()
        raise ListenError(
            f"cannot listen for the DICOM network on {host}:{port} ({error.strerror}); choose another port with "
            "--dimse-port or dimse.port, or stop what uses this one"
        ) from error
    return door


def tls_of(configuration: Configuration) -> ssl.SSLContext | None:
    """How the listener speaks TLS; None if it does not.

    Raises
    ------
    TlsError
        If a configured file cannot be used.
    """
    if not configuration.dimse_certificate:
        return None
    return listening_tls(configuration.dimse_certificate, configuration.dimse_key, configuration.dimse_authorities)


@dataclass(eq=False, slots=True)
class _Caller:
    """A connection that was made to us.

    Attributes
    ----------
    handle
        Another handle of the connection, for the threads that do not use it.
    node_key
        Who it is, as long as it has an association.
    """

    connection: socket.socket
    handle: socket.socket
    address: str
    node_key: int | None = None


class Listener:
    """Accepts connections in one thread, and answers each in a thread of its own.

    Parameters
    ----------
    door
        Listens; `stop` closes it.
    """

    def __init__(self, door: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        from voxelry.server.dimse.peers import Peers

        self._door, self._tls = door, tls
        self._peers = Peers()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._callers: dict[_Caller, threading.Thread] = {}
        self._thread = threading.Thread(target=self._accept_all, name="dimse", daemon=True)

    @property
    def port(self) -> int:
        port: int = self._door.getsockname()[1]
        return port

    @property
    def associations(self) -> int:
        """How many associations there are now."""
        with self._lock:
            return sum(caller.node_key is not None for caller in self._callers)

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Accept none any more, and abort associations as soon as their request is answered, or after some seconds."""
        self._stopping.set()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        if self._thread.is_alive():
            self._thread.join(INSIST_SECONDS)
        self._join(seconds)
        with self._lock:
            left = list(self._callers)
        for caller in left:
            _close(caller)
        self._join(INSIST_SECONDS)

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._lock:
            threads = list(self._callers.values())
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0.0))

    def _accept_all(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, where = self._door.accept()
            except OSError:
                if self._stopping.wait(0.1):  # no file handles are left for now, or it was closed
                    return
                continue
            try:
                caller = _Caller(connection, connection.dup(), str(where[0]))
            except OSError:
                connection.close()
                continue
            thread = threading.Thread(target=self._answer, args=(caller,), name="association", daemon=True)
            with self._lock:
                crowd = self._crowd(caller)
                self._callers[caller] = thread
            for other in crowd:
                _close(other)
            try:
                thread.start()
            except RuntimeError:  # no thread is left for now
                self._forget(caller)

    def _crowd(self, caller: _Caller) -> list[_Caller]:
        """The connections to close for a new one: strangers take each other's place, and no node's."""
        from django.conf import settings

        unknown = [one for one in self._callers if one.node_key is None]
        by_address = Counter(one.address for one in unknown)
        most = max(settings.VOXELRY.dimse_associations, LEAST_UNKNOWN)
        if by_address[caller.address] >= most:
            return [next(one for one in unknown if one.address == caller.address)]
        if len(unknown) >= UNKNOWN_PER_ASSOCIATION * most:
            address, _ = by_address.most_common(1)[0]
            return [next(one for one in unknown if one.address == address)]
        return []

    def _forget(self, caller: _Caller) -> None:
        with self._lock:
            self._callers.pop(caller, None)
        caller.handle.close()
        caller.connection.close()

    def _answer(self, caller: _Caller) -> None:
        from django.db import connections

        from voxelry.server.jobs.failures import where

        try:
            self._converse(caller)
        except NetworkError:
            pass
        except Exception as error:
            logger.error("an association failed\n%s", where(error))
        finally:
            _close(caller)
            self._forget(caller)
            connections.close_all()

    def _converse(self, caller: _Caller) -> None:
        from voxelry.server.dimse.dispatch import answer_requests
        from voxelry.server.dimse.session import Session
        from voxelry.server.nodes.calling import our_waits

        association = accept(
            caller.connection, lambda requested: self._decide(caller, requested), waits=our_waits(), tls=self._tls
        )
        if association is None or caller.node_key is None:
            return
        session = Session(association, caller.node_key)
        with session.at_end:
            answer_requests(session, self._stopping)

    def _decide(self, caller: _Caller, requested: Requested) -> Acceptance | Rejection:
        from voxelry.server.dimse.acceptance import accepted_contexts
        from voxelry.server.nodes.calling import our_title

        node = self._peers.node_of(requested)
        if node is None:
            return CALLING_NOT_RECOGNISED
        if requested.called != our_title():
            return CALLED_NOT_RECOGNISED
        if not self._take_place(caller, node.pk):
            return LOCAL_LIMIT_EXCEEDED
        return accepted_contexts(requested, node)

    def _take_place(self, caller: _Caller, node_key: int) -> bool:
        """Count an association, unless there are as many as there may be."""
        from django.conf import settings

        with self._lock:
            held = Counter(one.node_key for one in self._callers if one.node_key is not None)
            if (
                held.total() >= settings.VOXELRY.dimse_associations
                or held[node_key] >= settings.VOXELRY.dimse_associations_per_node
            ):
                return False
            caller.node_key = node_key
            return True


def _close(caller: _Caller) -> None:
    """End the connection under the thread that waits for it."""
    with suppress(OSError):
        caller.handle.shutdown(socket.SHUT_RDWR)


def listen(*, data: Path | None = None, config: Path | None = None, door: socket.socket | None = None) -> None:
    """Answer nodes until SIGTERM or Ctrl-C.

    Parameters
    ----------
    door
        Listens; it is opened as configured without it.

    Raises
    ------
    ConfigurationError, ListenError, TlsError
        If a setting cannot be used, or the port is taken.
    """
    configuration = django_setup.prepare(data=data, config=config)
    if door is None:
        if not configuration.dimse_port:
            raise ListenError("no port is configured for the DICOM network: set dimse.port, such as 11112")
        door = open_door(configuration.dimse_host, configuration.dimse_port)
    tls = tls_of(configuration)
    django_setup.set_up()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    from voxelry.dicom.pixels import decoding
    from voxelry.server.jobs import sweep

    decoding.isolate()  # duplicates in other encodings are compared by their pixels
    wait_for_tables(stopping)
    sweep.take_back_own()  # what an earlier listener that was killed had acknowledged is taken in at once
    listener = Listener(door, tls=tls)
    listener.start()
    stopping.wait()
    listener.stop()
    decoding.close_decoders()
    django_setup.leave_soon()
    sys.stdout.flush()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxelry.server.dimse.listener", description=__doc__)
    parser.add_argument("--tethered", action="store_true", help="end with the process that holds standard input open")
    parser.add_argument("--door", type=int, help="the descriptor of a socket that listens")
    told = parser.parse_args()
    if told.tethered:
        stay_with_parent()
    listen(door=None if told.door is None else socket.socket(fileno=told.door))


if __name__ == "__main__":
    _main()
