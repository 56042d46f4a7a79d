"""Who is connected now, how many may be, and who has to go for whom."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from voxelry.network.association import Association

LEAST_STRANGERS = 64
STRANGERS_PER_ASSOCIATION = 4


@dataclass(eq=False, slots=True)
class DicomConnection:
    """A connection that was made to us.

    Attributes
    ----------
    handle
        Another handle of the connection: the thread that answers may close its own at any time.
    node_key
        Which node it is; None until that is found out.
    """

    connection: socket.socket
    handle: socket.socket
    address: str
    node_key: int | None = None
    association: Association | None = None
    is_cut: bool = False

    def interrupt(self) -> None:
        """Abort its association; a connection without one is closed."""
        if self.association is None:
            self.cut()
        else:
            self.association.interrupt()

    def cut(self) -> None:
        """Close the connection under the thread that answers."""
        self.is_cut = True
        with suppress(OSError):
            self.handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the handles."""
        for one in (self.handle, self.connection):
            one.close()


class DicomConnections:
    """All connections, within bounds.

    Connections that have not said who they are take the place of each other, and never that of an association: from one
    address there may be as many as there may be associations, and four times as many in all.

    Parameters
    ----------
    most, most_per_node
        How many associations there may be, and of one node.
    """

    def __init__(self, *, most: int, most_per_node: int) -> None:
        self._most, self._most_per_node = most, most_per_node
        self._connections: dict[DicomConnection, None] = {}
        self._changed = threading.Condition()

    @property
    def associations(self) -> int:
        """How many associations there are."""
        with self._changed:
            return sum(one.node_key is not None for one in self._connections)

    def all(self) -> list[DicomConnection]:
        """All that are connected."""
        with self._changed:
            return list(self._connections)

    def add(self, caller: DicomConnection) -> None:
        """Note a new connection, and close the one that has to give way, if there are too many."""
        with self._changed:
            crowded_out = self._crowded_out(caller.address)
            self._connections[caller] = None
            if crowded_out is not None:
                crowded_out.cut()

    def remove(self, caller: DicomConnection) -> None:
        """Forget a connection that is over, and close its handles."""
        with self._changed:
            self._connections.pop(caller, None)
            self._changed.notify_all()
        caller.close()

    def take_place(self, caller: DicomConnection, node_key: int) -> bool:
        """Count an association of a node; False if there are as many as there may be."""
        with self._changed:
            held = Counter(one.node_key for one in self._connections if one.node_key is not None)
            if held.total() >= self._most or held[node_key] >= self._most_per_node:
                return False
            caller.node_key = node_key
            return True

    def wait_until_gone(self, seconds: float) -> bool:
        """Wait until nobody is connected; False if that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._connections, seconds)

    def _crowded_out(self, address: str) -> DicomConnection | None:
        strangers = [one for one in self._connections if one.node_key is None and not one.is_cut]
        most = max(self._most, LEAST_STRANGERS)
        by_address = Counter(one.address for one in strangers)
        if by_address[address] < most:
            if len(strangers) < STRANGERS_PER_ASSOCIATION * most:
                return None
            address = by_address.most_common(1)[0][0]
        return next(one for one in strangers if one.address == address)
