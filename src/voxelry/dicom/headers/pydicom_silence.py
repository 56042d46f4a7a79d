"""Suppresses pydicom's warnings and log lines, because they may quote a patient's values."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any, cast


class _Depth(threading.local):
    """Number of nested ``with quiet:`` blocks in this thread."""

    value = 0


_depth = _Depth()


class _WhileQuiet:
    """Used as the module pattern of a warnings filter: it matches only in threads that are quiet."""

    def match(self, _: str) -> bool:
        return _depth.value > 0


_FILTER = ("ignore", None, Warning, _WhileQuiet(), 0)
_LOGGERS = ("pydicom", "pydicom.pixels.utils", "pydicom.pixels.decoders.base")


class _Quiet:
    """``with quiet:`` suppresses pydicom's warnings and log lines in this thread.

    ``warnings.catch_warnings`` replaces the filters of the whole process, so two threads that read at the same time
    would undo each other's filters. A filter set at import would be lost inside pytest, and would silence pydicom for a
    host program that uses it too. A filter that looks at the thread has neither problem.
    """

    def __enter__(self) -> None:
        _depth.value += 1
        filters = cast("list[Any]", warnings.filters)
        if not filters or filters[0] is not _FILTER:
            filters.insert(0, _FILTER)

    def __exit__(self, *_: object) -> None:
        _depth.value -= 1


def _is_heard(_: logging.LogRecord) -> bool:
    return _depth.value == 0


for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_is_heard)

quiet = _Quiet()
