"""``voxelry listen``: answers the nodes of the DICOM network until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import select
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.network.associating import accept
from voxelry.network.contexts import (
    CALLED_NOT_RECOGNISED,
    CALLING_NOT_RECOGNISED,
    CONGESTION,
    LOCAL_LIMIT_EXCEEDED,
    Acceptance,
    Rejection,
    Requested,
)
from voxelry.network.failures import NetworkError
from voxelry.network.tls import listening_tls
from voxelry.server.dimse.dicom_connections import DicomConnection, DicomConnections
from voxelry.server.environment import django_setup
from voxelry.server.environment.configuration import Configuration
from voxelry.server.environment.open_files import raise_file_limit
from voxelry.server.environment.rare_log_lines import RateLimitFilter
from voxelry.server.environment.tethered import stay_with_parent, wait_for_tables

logger = logging.getLogger(__name__)

GRACE_SECONDS = 2.0
"""How long requests under way may take to end after the listener was told to stop."""
INSIST_SECONDS = 2.0
"""Further time for associations to notice that they are over."""
PAUSE_SECONDS = 0.1
WAITING_CONNECTIONS = 512


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


class Listener:
    """Accepts connections in one thread, and answers each in a thread of its own.

    Parameters
    ----------
    door
        Listens; `stop` closes it.

    Attributes
    ----------
    port
        Where it listens.
    """

    def __init__(self, door: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        from django.conf import settings

        from voxelry.server.dimse.peers import Peers

        self._door, self._tls = door, tls
        self.port: int = door.getsockname()[1]
        self._peers = Peers()
        self._connections = DicomConnections(
            most=settings.VOXELRY.dimse_associations, most_per_node=settings.VOXELRY.dimse_associations_per_node
        )
        self._stopping = threading.Event()
        self._heard, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._accept_all, name="dimse", daemon=True)

    @property
    def associations(self) -> int:
        """How many associations there are now."""
        return self._connections.associations

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until nobody is connected; False if that takes longer."""
        return self._connections.wait_until_gone(seconds)

    def start(self) -> None:
        """Accept connections from now on."""
        self._thread.start()

    def stop(self, seconds: float = GRACE_SECONDS) -> None:
        """Accept none any more, and abort associations when their request is answered, or after some seconds."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._bell.send(b"!")
        if self._thread.is_alive():
            self._thread.join(INSIST_SECONDS)
        for one in (self._door, self._bell, self._heard):
            one.close()
        if self._connections.wait_until_gone(seconds):
            return
        for caller in self._connections.all():
            caller.interrupt()
        if self._connections.wait_until_gone(INSIST_SECONDS):
            return
        for caller in self._connections.all():
            caller.cut()
        self._connections.wait_until_gone(INSIST_SECONDS)

    def _accept_all(self) -> None:
        # The socket may be shared with the parent process, which keeps it for the next listener: it is not shut down.
        self._door.setblocking(False)
        poll = select.poll()
        for one in (self._door, self._heard):
            poll.register(one, select.POLLIN)
        while not self._stopping.is_set():
            poll.poll()
            try:
                connection, peer = self._door.accept()
            except BlockingIOError:
                continue
            except OSError:  # there is no descriptor left for now
                self._stopping.wait(PAUSE_SECONDS)
                continue
            try:
                caller = DicomConnection(connection, connection.dup(), str(peer[0]))
            except OSError:
                connection.close()
                continue
            self._connections.add(caller)
            try:
                threading.Thread(target=self._answer, args=(caller,), name="association", daemon=True).start()
            except RuntimeError:  # there is no thread left for now
                self._connections.remove(caller)

    def _answer(self, caller: DicomConnection) -> None:
        from django.db import connections

        from voxelry.server.jobs.failures import where

        try:
            self._converse(caller)
        except NetworkError as error:
            logger.debug("an association ended (%s)", error.code)
        except Exception as error:
            logger.error("an association failed\n%s", where(error))
        finally:
            connections.close_all()
            self._connections.remove(caller)

    def _converse(self, caller: DicomConnection) -> None:
        from voxelry.server.dimse.dispatch import answer_requests
        from voxelry.server.dimse.session import Session
        from voxelry.server.nodes.calling import our_waits

        association = accept(
            caller.connection, lambda requested: self._decide(caller, requested), waits=our_waits(), tls=self._tls
        )
        if association is None or caller.node_key is None:
            return
        caller.association = association
        with association:
            session = Session(association, caller.node_key)
            with session.at_end:
                answer_requests(session, self._stopping)

    def _decide(self, caller: DicomConnection, requested: Requested) -> Acceptance | Rejection:
        from django.db import DatabaseError

        from voxelry.server.dimse.acceptance import accepted_contexts
        from voxelry.server.nodes.calling import our_title

        try:
            node = self._peers.node_of(requested)
        except DatabaseError as error:
            logger.warning("nodes cannot be looked up (%s)", type(error).__name__)
            return CONGESTION
        if node is None:
            return self._rejected(CALLING_NOT_RECOGNISED, requested, "no node has this AE title and address")
        if requested.called != our_title():
            return self._rejected(CALLED_NOT_RECOGNISED, requested, "it called another AE title than this site's")
        if not self._connections.take_place(caller, node.pk):
            return self._rejected(LOCAL_LIMIT_EXCEEDED, requested, "there are as many associations as there may be")
        return accepted_contexts(requested, node)

    def _rejected(self, rejection: Rejection, requested: Requested, why: str) -> Rejection:
        logger.warning("%s at %s was rejected: %s", ascii(requested.calling), requested.address, why)
        return rejection


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
    tls = tls_of(configuration)
    if door is None:
        if not configuration.dimse_port:
            raise ListenError("no port is configured for the DICOM network: set dimse.port, such as 11112")
        door = open_door(configuration.dimse_host, configuration.dimse_port)
    raise_file_limit()
    django_setup.set_up()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    from voxelry.dicom.pixels import decoding
    from voxelry.server.jobs import sweep

    decoding.isolate()  # duplicates in other encodings are compared by their pixels
    wait_for_tables(stopping)
    sweep.take_back_own()  # what an earlier listener that was killed had acknowledged is taken in at once
    logger.addFilter(RateLimitFilter())
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
