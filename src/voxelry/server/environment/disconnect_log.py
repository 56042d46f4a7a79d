"""Keeps tracebacks of requests whose client has disconnected out of the log."""

from __future__ import annotations

import asyncio
import logging


class DisconnectFilter(logging.Filter):
    """Drops asyncio's records of requests that were cancelled.

    The server cancels the work for a client that has disconnected. Middleware that waits in a thread then gets an error
    that no caller handles, and asyncio would log its traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
