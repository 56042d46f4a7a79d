"""Recognises errors of a full disk and of one that cannot be used."""

from __future__ import annotations

import errno
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AWAY = frozenset({errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV})
_SQLITE_FULL = 13
_POSTGRESQL_FULL = "53100"


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk or a quota is full, for our files or the database's."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _FULL:
            return True
        # The driver's error has the code; Django's error, which it causes, does not.
        if getattr(link, "sqlite_errorcode", None) == _SQLITE_FULL or getattr(link, "sqlstate", "") == _POSTGRESQL_FULL:
            return True
        link = link.__cause__
    return False


def is_away(error: OSError, folder: Path) -> bool:
    """Whether an error means that the disk of a folder is read-only, failing or missing."""
    return error.errno in _AWAY or (isinstance(error, FileNotFoundError) and not folder.is_dir())
