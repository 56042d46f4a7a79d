"""What a full disk looks like."""

from __future__ import annotations

import errno

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: OSError) -> bool:
    """Whether there was no room left, or none for this user."""
    return error.errno in _FULL
