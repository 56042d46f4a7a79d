"""Browsers that go away while they are answered: nothing that anybody has to read about."""

from __future__ import annotations

import asyncio
import logging


class News(logging.Filter):
    """Keeps back what asyncio tells of requests that were given up.

    The server cancels what it does for a browser that is gone. Middleware that waits in a thread meanwhile is told
    by an error that nobody is left to take, and asyncio would write a traceback of it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
