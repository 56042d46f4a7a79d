"""Which abstract syntaxes are those of instances that are stored."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pydicom.uid import RE_VALID_UID, UID

from voxelry.network.service_uids import PUSH_MODEL

_OF_DICOM: Final = "1.2.840.10008."
_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
_MOST_UID: Final = 64
_NO_CLASSES: Final = (PUSH_MODEL, "1.2.840.10008.1.3.10")
"""Storage Commitment and the media storage directory are called storage too."""


def is_conformant_uid(text: str) -> bool:
    """Whether a text is a UID (PS3.5 9.1); pydicom would quote another one in its log."""
    return len(text) <= _MOST_UID and re.fullmatch(RE_VALID_UID, text) is not None


@lru_cache(1_000)
def is_storage(abstract_syntax: str) -> bool:
    """Whether instances are stored by an abstract syntax: all that are no other service, also unknown and private."""
    if not is_conformant_uid(abstract_syntax):
        return False
    uid = UID(abstract_syntax)
    if uid.keyword:
        return uid.type == "SOP Class" and "Storage" in uid.keyword and abstract_syntax not in _NO_CLASSES
    return not abstract_syntax.startswith(_OF_DICOM) or abstract_syntax.startswith(_STORAGE_ROOT)
