"""Which abstract syntaxes are those of instances that are stored."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom.uid import UID

_OF_DICOM: Final = "1.2.840.10008."
_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
_NO_CLASSES: Final = ("1.2.840.10008.1.20.1", "1.2.840.10008.1.3.10")
"""Storage Commitment and the media storage directory are called storage too."""


@lru_cache(1_000)
def is_storage(abstract_syntax: str) -> bool:
    """Whether instances are stored by an abstract syntax: all that are no other service, also unknown and private."""
    uid = UID(abstract_syntax)
    if not uid.is_valid:
        return False
    if uid.keyword:
        return uid.type == "SOP Class" and "Storage" in uid.keyword and abstract_syntax not in _NO_CLASSES
    return not abstract_syntax.startswith(_OF_DICOM) or abstract_syntax.startswith(_STORAGE_ROOT)
