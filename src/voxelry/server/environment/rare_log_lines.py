"""Lines that strangers can cause: each is said, but not as often as they like."""

from __future__ import annotations

import logging
import time

WINDOW_SECONDS = 60.0
MOST = 5
"""Of one kind within a window."""
_KINDS = 200


class Seldom(logging.Filter):
    """Lets a line of one kind through a few times a minute, and then says how many were kept back.

    A kind is what the code says, without what it was about.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        kind = (record.name, str(record.msg)[:200])
        began, count = self._kinds.get(kind, (now, 0))
        if now - began > WINDOW_SECONDS:
            if count > MOST:
                record.msg = f"{record.msg} ({count - MOST} more like this were not written)"
            began, count = now, 0
        if len(self._kinds) >= _KINDS and kind not in self._kinds:
            self._kinds.clear()
        self._kinds[kind] = (began, count + 1)
        return count < MOST
