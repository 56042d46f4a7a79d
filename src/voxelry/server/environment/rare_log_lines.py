"""Limits how often a log line that clients can cause is written."""

from __future__ import annotations

import logging
import time

WINDOW_SECONDS = 60.0
MOST = 5
"""The most lines of one kind within a window."""
_KINDS = 200


class RateLimitFilter(logging.Filter):
    """Passes a few lines of one kind in a minute, then one with the number of the dropped ones.

    A kind is the message before its arguments are filled in.
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
