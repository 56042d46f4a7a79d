"""Where the data set of a file begins: after the preamble and the file meta information (PS3.10 7.1)."""

from __future__ import annotations

from voxelry.dicom.headers.value_representations import LONG_VRS, SHORT_VRS

_PREAMBLE = 128
_MARK = b"DICM"
_META_GROUP = b"\x02\x00"
_EXPLICIT_VRS = LONG_VRS | SHORT_VRS
NOT_EXPLICIT = frozenset({"1.2.840.10008.1.2", "1.2.840.113619.5.2"})
"""Implicit VR Little Endian, and a private transfer syntax of GE that is implicit too."""
_DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"})


def data_set_start(head: bytes) -> int | None:
    """The offset of the first byte behind the file meta information; 0 if there is none.

    Parameters
    ----------
    head
        The file's first bytes.

    Returns
    -------
    start
        None if the file meta information does not end in ``head``, or cannot be read.
    """
    at = _PREAMBLE + len(_MARK) if head[_PREAMBLE : _PREAMBLE + len(_MARK)] == _MARK else 0
    while head[at : at + 2] == _META_GROUP:
        vr = head[at + 4 : at + 6]
        if vr in LONG_VRS:
            at += 12 + int.from_bytes(head[at + 8 : at + 12], "little")
        elif vr in SHORT_VRS:
            at += 8 + int.from_bytes(head[at + 6 : at + 8], "little")
        else:
            return None
    return at if at + 8 <= len(head) else None


def begins_as(head: bytes, start: int, transfer_syntax: str) -> bool:
    """Whether the first element of a data set is encoded as its transfer syntax says: some files are not.

    Parameters
    ----------
    start
        Where the data set begins in ``head``.
    """
    if transfer_syntax in _DEFLATED:
        return True
    return (head[start + 4 : start + 6] in _EXPLICIT_VRS) != (transfer_syntax in NOT_EXPLICIT)
