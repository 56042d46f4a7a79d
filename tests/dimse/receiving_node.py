"""A node that is sent instances, away and back, refusing and breaking off as tests say: pynetdicom's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]
CLASSES = ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"]
"""CT and MR images."""


@dataclass
class ReceivingNode:
    """What a node received, and how it answers.

    Attributes
    ----------
    received
        The data sets that it took by SOP Instance UID, each as often as it came.
    answer
        The status for an instance, by its SOP Instance UID and the number of those that came before; None to abort.
    """

    port: int = 0
    classes: list[str] = field(default_factory=lambda: list(CLASSES))
    received: dict[str, list[bytes]] = field(default_factory=dict)
    answer: Callable[[str, int], int | None] = lambda _uid, _count: 0
    associations: int = 0
    came: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen; on the same port as the last time."""
        entity: Any = AE("ARCHIVE")
        entity.supported_contexts = [build_context(one, SYNTAXES) for one in self.classes]
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_ACCEPTED, self._accepted)]
        server: Any = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        self.port = server.socket.getsockname()[1]
        try:
            yield
        finally:
            server.shutdown()

    def _accepted(self, _: Any) -> None:
        self.associations += 1

    def _store(self, event: Any) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        with self._lock:
            status = self.answer(uid, self.came)
            self.came += 1
            if status is None:
                event.assoc.abort()
                return 0xC000
            if status == 0 or status >> 12 == 0xB:
                self.received.setdefault(uid, []).append(event.request.DataSet.getvalue())
            return status
