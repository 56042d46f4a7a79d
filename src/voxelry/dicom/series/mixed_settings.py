"""Warnings about scanner settings that differ within a stack, so that values are not comparable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import Problem
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import headers_of
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label, text
from voxelry.dicom.headers.comparable import Comparable, comparable_text, floats_of
from voxelry.dicom.headers.header import Header

_SETTINGS = (
    "ConvolutionKernel", "KVP", "EchoTime", "InversionTime", "RepetitionTime", "FlipAngle", "DiffusionBValue",
    "ComplexImageComponent", "ImageType",
)  # fmt: skip
"""Attributes on which the value of a tissue depends."""
_TAGS = tuple(int(tag_for_keyword(keyword) or 0) for keyword in _SETTINGS)
_MOST_VALUES = 4
"""A setting with more values varies with each slice, as the repetition time does with the heartbeat."""
_SAME = 0.01
"""Numbers that differ by no more than this fraction are one setting."""


def mixed_settings_findings(frames: Sequence[Frame]) -> list[Problem]:
    """A warning for each setting in which a few slices of a stack differ from the others."""
    headers = headers_of(frames)
    if len(headers) == 1:
        return []
    written = [_written(header) for header in headers]
    if written.count(written[0]) == len(written):
        return []
    found = []
    for keyword, column in zip(_SETTINGS, zip(*written, strict=True), strict=True):
        if column.count(column[0]) == len(column):
            continue
        values = [comparable_text(text(header.elements, keyword), numbers=True) for header in headers]
        counts = Counter(values)
        if 1 < len(counts) <= _MOST_VALUES and not _is_noise(list(counts)):
            found.append(_finding(keyword, headers, values, counts))
    return found


def _written(header: Header) -> tuple[object, ...]:
    """As the file has them, where that is known: equal bytes are equal values."""
    encoded = header.elements.encoded
    return tuple(text(header.elements, one) for one in _SETTINGS) if encoded is None else (*map(encoded.get, _TAGS),)


def _is_noise(values: Sequence[Comparable]) -> bool:
    numbers = [floats_of(value) for value in values]
    if any(len(one) != 1 for one in numbers):
        return False
    plain = [one[0] for one in numbers]
    return max(plain) - min(plain) <= _SAME * max(map(abs, plain))


def _finding(
    keyword: str, headers: Sequence[Header], values: Sequence[Comparable], counts: Counter[Comparable]
) -> Problem:
    usual, _ = counts.most_common(1)[0]
    odd = [header for header, value in zip(headers, values, strict=True) if value != usual]
    said = [f"{_shown(value)} in {count}" for value, count in counts.most_common()]
    words = (
        f"{tag_label(keyword)} differs within the stack: {', '.join(said)} of {len(headers)} slices, whose values are "
        f"therefore not of one kind; the first that differs is {odd[0].name}"
    )
    return finding(
        "warning", "mixed_settings", words, attribute=keyword, count=len(odd), of=len(headers), files=[odd[0].name]
    )


def _shown(value: Comparable) -> str:
    return "\\".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value) or "none"
