"""Siemens' private headers as its scanners write them, for synthetic series."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

_ITEMS = 6
"""Siemens writes items by the half dozen; those without a value are empty."""


def csa_header(tags: Mapping[str, Sequence[str]], *, older: bool = False) -> bytes:
    """A CSA header: the value of (0029,xx10) for an image, of (0029,xx20) for its series.

    Parameters
    ----------
    tags
        The values of each tag, as text.
    older
        True for the layout before ``SV10``, whose lengths are too large by the first tag's number of items.

    Returns
    -------
    content
        Little endian, as the scanner writes it in any file.

    Examples
    --------
    >>> from voxelry.testing import csa_header
    >>> content = csa_header({"NumberOfImagesInMosaic": ["36"], "SliceNormalVector": ["0", "0", "1"]})
    >>> content[:4], len(content)
    (b'SV10', 392)
    """
    counts = [max(_ITEMS, -(-len(values) // _ITEMS) * _ITEMS) for values in tags.values()]
    excess = counts[0] if older and counts else 0
    start = b"" if older else b"SV10\4\3\2\1"
    return b"".join(
        (
            start,
            struct.pack("<2I", len(tags), 77),
            *(_tag(name, values, count, excess) for (name, values), count in zip(tags.items(), counts, strict=True)),
        )
    )


def _tag(name: str, values: Sequence[str], count: int, excess: int) -> bytes:
    head = struct.pack("<64si4s3i", name.encode("latin-1"), len(values), b"LO", 19, count, 77)
    empty = struct.pack("<4i", excess, 0, 77, 0)
    items = []
    for value in values:
        content = value.encode("latin-1") + b"\0"
        length = len(content)
        items.append(struct.pack("<4i", length + excess, length, 77, length) + content + b"\0" * (-length % 4))
    return head + b"".join(items) + empty * (count - len(values))


def siemens_protocol(assignments: Mapping[str, str | float]) -> str:
    """The text of ``MrPhoenixProtocol`` in a CSA header of a series: assignments between two marks.

    Parameters
    ----------
    assignments
        By name; text is written in quotation marks.

    Examples
    --------
    >>> from voxelry.testing import siemens_protocol
    >>> text = siemens_protocol({"tSequenceFileName": "ep2d_bold", "sSliceArray.lSize": 36})
    >>> [line.split() for line in text.splitlines()[1:-1]]
    [['tSequenceFileName', '=', '""ep2d_bold""'], ['sSliceArray.lSize', '=', '36']]
    """
    lines = [
        f'{name}\t = \t""{value}""' if isinstance(value, str) else f"{name}\t = \t{value!r}"
        for name, value in assignments.items()
    ]
    return "\n".join(("### ASCCONV BEGIN ###", *lines, "### ASCCONV END ###"))
