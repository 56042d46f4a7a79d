"""Unique names for the volumes of one series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from voxelry.core.slice_grid import slice_normal
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.piles import Pile

_PLANES = ("sagittal", "coronal", "axial")
"""By the patient axis that a slice's normal lies nearest to: left, posterior, superior."""


def labels_of(piles: Sequence[Pile]) -> list[str]:
    """A unique name for each pile of a series; empty if there is only one pile without a separating attribute.

    A name begins with what separates the frames at one position (an echo, a phase, a time). If names are equal or
    empty, the nearest anatomical plane is appended, then the matrix, then a number.
    """
    labels = [pile.label for pile in piles]
    if len(piles) < 2:
        return labels
    for words in (_plane, _matrix):
        labels = _told_apart(labels, [words(pile.frames[0]) for pile in piles])
    return _numbered(labels)


def _told_apart(labels: Sequence[str], words: Sequence[str]) -> list[str]:
    """Labels with the words appended to those that are not unique, if the words differ among them."""
    several = Counter(labels)
    different = Counter(label for label, _ in set(zip(labels, words, strict=True)))
    return [
        _joined(label, word) if not label or (several[label] > 1 and different[label] > 1) else label
        for label, word in zip(labels, words, strict=True)
    ]


def _numbered(labels: Sequence[str]) -> list[str]:
    several, met = Counter(labels), Counter[str]()
    found = []
    for label in labels:
        met[label] += 1
        found.append(f"{label} ({met[label]})" if several[label] > 1 and label else label)
    return found


def _joined(label: str, word: str) -> str:
    return ", ".join(part for part in (label, word) if part)


def _plane(frame: Frame) -> str:
    if frame.orientation is None:
        return ""
    return _PLANES[int(np.argmax(np.abs(slice_normal(frame.orientation))))]


def _matrix(frame: Frame) -> str:
    return f"{frame.pixels.rows} x {frame.pixels.columns}"
