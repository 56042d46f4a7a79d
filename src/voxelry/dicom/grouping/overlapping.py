"""Volumes of one series whose positions interleave or overlap: kernels, energy levels, cardiac phases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import combinations

import numpy as np
from pydicom.datadict import tag_for_keyword

from voxelry.core.gaps import irregular_gaps
from voxelry.core.slice_grid import IRREGULAR_FRACTION, NEAR_FRACTION
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.written_precision import rounding_of
from voxelry.dicom.grouping.attribute_groups import groups_by_value, named_groups
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.grouping.separating_attributes import Attribute, Standing
from voxelry.dicom.grouping.varying_attributes import Varying, varying
from voxelry.dicom.headers.attributes import first_attributes, text
from voxelry.dicom.headers.header import Header

FEWEST = 2
"""Slices of a volume: a value that only one slice has separates nothing."""
FEWEST_UNLISTED = 3
"""Of a volume told apart by an attribute that may be anything: two slices are always even."""
_WHEREVER = ("StackID", "ConvolutionKernel")
"""Attributes that separate volumes even if one ends before the other begins."""
_APART = {
    "StackID": "FrameContentSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "KVP": "CTXRayDetailsSequence",
    "MonoenergeticEnergyEquivalent": "CTXRayDetailsSequence",
    "NominalPercentageOfCardiacPhase": "CardiacSynchronizationSequence",
    "NominalCardiacTriggerDelayTime": "CardiacSynchronizationSequence",
    "TemporalPositionIdentifier": "",
    "EchoNumbers": "",
    "EchoTime": "",
    "InversionTime": "",
    "FlipAngle": "MRTimingAndRelatedParametersSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "ImageType": "",
}
"""Attributes that separate volumes even if all positions are evenly spaced, and their functional groups."""
_TAGS = tuple(int(tag_for_keyword(keyword) or 0) for keyword in _APART)


def piles_apart(placed: NumberedFrames) -> list[Pile]:
    """Piles of frames with distinct positions: one, or several interleaved volumes.

    For an evenly spaced series only a few attributes are compared, as bytes.
    """
    even = is_even(placed)
    if even and not _differ(placed.frames):
        return [Pile(placed.frames)]
    return _piles(placed, varying(placed.frames), even=even)


def _piles(placed: NumberedFrames, differing: Varying, *, even: bool) -> list[Pile]:
    own = differing.of(placed.frames)
    for attribute in (*own.attributes, *(() if even else own.times)):
        groups = groups_by_value(placed, own.column(attribute))
        if _are_apart(groups.values(), attribute, even=even):
            found: list[Pile] = []
            for separation, group in named_groups(groups, attribute, placed.frames):
                found += [one.within(*separation) for one in _piles(group, own, even=is_even(group))]
            return found
    return [Pile(placed.frames)]


def _are_apart(groups: Collection[NumberedFrames], attribute: Attribute, *, even: bool) -> bool:
    if attribute.name in _WHEREVER:
        return len(groups) > 1 and all(len(group) >= FEWEST for group in groups)
    if attribute.name in _APART:
        return overlapping_groups(groups)
    return not even and attribute.standing < Standing.STANDARD and overlapping_groups(groups, fewest=FEWEST_UNLISTED)


def overlapping_groups(groups: Collection[NumberedFrames], *, fewest: int = FEWEST) -> bool:
    """True if each group is evenly spaced by itself and overlaps another."""
    return (
        len(groups) > 1
        and all(len(group) >= fewest and not group.repeats and is_even(group) for group in groups)
        and all(_overlap(one, other) for one, other in combinations(groups, 2))
    )


def is_even(placed: NumberedFrames) -> bool:
    """True if the positions are evenly spaced, to the digits in which they are written."""
    offsets = np.array(sorted(placed.offset_of[place] for place in placed.positions), np.float64)
    if len(offsets) < 3 or irregular_gaps(offsets, near=NEAR_FRACTION, even=IRREGULAR_FRACTION) is None:
        return True
    rounding = rounding_of(placed.frames)
    off = float(np.abs(offsets - np.linspace(offsets[0], offsets[-1], len(offsets))).max())
    # Each position is rounded, and so are the two ends.
    return rounding is not None and off <= 2 * float(np.linalg.norm(rounding))


def _overlap(one: NumberedFrames, other: NumberedFrames) -> bool:
    (first, last), (begin, end) = _extent(one), _extent(other)
    return first <= end and begin <= last


def _extent(placed: Iterable[tuple[int, object]]) -> tuple[int, int]:
    places = [place for place, _ in placed]
    return min(places), max(places)


def _differ(frames: Collection[Frame]) -> bool:
    """True if frames differ in one of ``_APART``."""
    first = None
    of_instance: dict[Header, dict[str, str]] = {}
    for frame in frames:
        encoded = frame.header.elements.encoded
        if frame.groups or encoded is None:
            if frame.header not in of_instance:
                of_instance[frame.header] = {keyword: text(frame.header.elements, keyword) for keyword in _APART}
            top = of_instance[frame.header]
            said: tuple[object, ...] = tuple(
                _asked(frame, keyword, sequence, top) for keyword, sequence in _APART.items()
            )
        else:
            said = tuple(map(encoded.get, _TAGS))
        if first is None:
            first = said
        elif said != first:
            return True
    return False


def _asked(frame: Frame, keyword: str, sequence: str, top: Mapping[str, str]) -> str:
    if sequence:
        for group in frame.groups:
            item = first_attributes(group, sequence)
            if item is not None:
                return text(item, keyword)
    return top[keyword]
