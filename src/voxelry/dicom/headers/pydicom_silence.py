"""Keeping pydicom silent: its warnings and log lines quote the values they are about, perhaps a patient's."""

from __future__ import annotations

import logging
import threading
import warnings
from typing import Any, cast


class _Depth(threading.local):
    """How many ``with quiet:`` blocks this thread is in."""

    value = 0


_depth = _Depth()


class _WhileQuiet:
    """Stands where a warnings filter has the pattern of a module's name: it matches in quiet threads only."""

    def match(self, _: str) -> bool:
        return _depth.value > 0


_FILTER = ("ignore", None, Warning, _WhileQuiet(), 0)
_LOGGERS = ("pydicom", "pydicom.pixels.utils", "pydicom.pixels.decoders.base")


class _Quiet:
    """``with quiet:`` lets nothing out of pydicom, in this thread alone.

    ``warnings.catch_warnings`` swaps the filters of the whole process, so that two threads that read at once
    undo each other; and a filter set at import would be lost inside pytest, and silence pydicom for a host
    program that uses it for itself. One filter that asks the thread does neither.
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
