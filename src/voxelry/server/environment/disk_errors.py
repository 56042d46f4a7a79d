"""What a full disk looks like, and one that is away."""

from __future__ import annotations

import errno
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_AWAY = frozenset({errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ENODEV})
_SQLITE_FULL = 13
_POSTGRESQL_FULL = "53100"


def is_full(error: BaseException) -> bool:
    """Whether there was no room left, or none for this user: for a file of ours, or for the database's own."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, OSError) and link.errno in _FULL:
            return True
        # As the drivers tell it; Django's own error, which they cause, does not.
        if getattr(link, "sqlite_errorcode", None) == _SQLITE_FULL or getattr(link, "sqlstate", "") == _POSTGRESQL_FULL:
            return True
        link = link.__cause__
    return False


def is_away(error: OSError, folder: Path) -> bool:
    """Whether the disk that a folder lies on cannot be used: it takes no writes, fails, or is not there."""
    return error.errno in _AWAY or (isinstance(error, FileNotFoundError) and not folder.is_dir())
