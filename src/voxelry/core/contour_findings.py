"""What must be said of the contours of a structure, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from voxelry.core.contour_planes import PlaneStack
from voxelry.core.gaps import listed
from voxelry.core.polygon_regions import Region


def bent_and_empty(bent: int, empty: int) -> tuple[str, ...]:
    """Warnings of closed contours that are left out: those in no plane, and those that enclose nothing."""
    found = []
    if bent:
        found.append(f"{_contours(bent, 'is', 'are')} closed, but in no plane: left out")
    if empty:
        found.append(f"{_contours(empty, 'encloses', 'enclose')} no area, though closed: left out")
    return tuple(found)


def without_volume(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Notes of open contours and points, which have no volume, by their type."""
    return tuple(
        f"{_contours(count, 'is', 'are')} of type {kind}, which has no volume"
        for kind, count in counts.items()
        if count
    )


def combined(stacks: Sequence[PlaneStack]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the contours of each plane were combined: warnings, and notes."""
    warnings, notes = [], []
    for count, where in _sums(stacks, lambda region: region.nested):
        words = _contours(count, "lies", "lie")
        notes.append(
            f"{words} inside another of type CLOSED_PLANAR, and {_verb(count, 'is a hole', 'are holes')}{where}"
        )
    for count, where in _sums(stacks, lambda region: region.overlapping):
        words = _contours(count, "partly overlaps", "partly overlap")
        warnings.append(f"{words} another of type CLOSED_PLANAR: they were taken as a union{where}")
    for count, where in _sums(stacks, lambda region: region.repeated):
        warnings.append(
            f"{_contours(count, 'repeats', 'repeat')} another, and {_verb(count, 'counts', 'count')} once{where}"
        )
    for count, where in _sums(stacks, lambda region: region.self_crossing):
        words = _contours(count, "crosses itself", "cross themselves")
        warnings.append(f"{words}: what is enclosed twice lies outside{where}")
    for _, where in _sums(stacks, lambda region: int(region.mixed)):
        warnings.append(f"contours of types CLOSED_PLANAR and CLOSEDPLANAR_XOR lie in one plane, as a union{where}")
    return tuple(warnings), tuple(notes)


def missing_planes(offsets: Sequence[float]) -> str:
    """The warning of planes between others that have no contour."""
    count, where = len(offsets), listed([f"{offset:.2f} mm" for offset in offsets])
    return (
        f"{count} plane{'s' * (count > 1)} between others {_verb(count, 'has', 'have')} no contour, and nothing was "
        f"added there (at {where} along the normal)"
    )


def _sums(stacks: Sequence[PlaneStack], count: Callable[[Region], int]) -> list[tuple[int, str]]:
    """How many there are in all planes, and where; nothing if there are none."""
    found = [(number, plane.offset) for stack in stacks for plane in stack.planes if (number := count(plane.region))]
    if not found:
        return []
    where = listed([f"{offset:.2f} mm" for _, offset in found])
    return [(sum(number for number, _ in found), f" (at {where} along the normal)")]


def _contours(count: int, one: str, several: str) -> str:
    return f"1 contour {one}" if count == 1 else f"{count} contours {several}"


def _verb(count: int, one: str, several: str) -> str:
    return one if count == 1 else several
