"""Texts that may be UIDs."""

from __future__ import annotations

import re

_UID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", re.ASCII)


def may_be_uid(text: str) -> bool:
    """Whether a text may be a UID; letters are allowed, which some de-identifiers write."""
    return _UID.fullmatch(text) is not None
