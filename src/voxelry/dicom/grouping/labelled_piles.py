"""The order of volumes of Philips' arterial spin labelling: that of their acquisition.

A dynamic has its control images, then its labelled ones, each at all delays. Headers tell it by Instance Number where
the numbers of all positions say the same; else nothing does, and it is the order of those that do (dcm2niix issue 533).
Dimensions of enhanced objects are in an order of their own, which is not that of acquisition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_text
from voxelry.dicom.grouping.acquisition_ranks import acquisition_order
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.grouping.varying_attributes import Varying

_LABELS = ("CONTROL", "LABEL")
_DYNAMICS = ("TemporalPositionIndex", "TemporalPositionIdentifier")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def philips_label(frame: Frame) -> str:
    """``"LABEL"`` or ``"CONTROL"``, as Philips writes it (2005,xx29); empty where it does not."""
    said = frame_private_text(frame, 0x2005, "Philips MR Imaging DD 005", 0x29)
    return said if said in _LABELS else ""


def in_labelling_order(piles: Sequence[Pile], placed: NumberedFrames, varying: Varying) -> list[Pile]:
    """Piles of label and control in the order of their acquisition; all others as they are."""
    labels = [philips_label(pile.frames[0]) for pile in piles] if len(piles) > 1 else []
    if set(labels) != set(_LABELS):
        return list(piles)
    if not any(pile.frames[0].groups for pile in piles):
        place_of = {frame: place for place, frame in placed}
        groups = [placed.only((place_of[frame], frame) for frame in pile.frames) for pile in piles]
        order = acquisition_order(groups, varying)
        if order is not None:
            return [piles[number] for number in order]
    keys = [(_dynamic(pile), _LABELS.index(label)) for pile, label in zip(piles, labels, strict=True)]
    return [piles[number] for number in sorted(range(len(piles)), key=keys.__getitem__)]


def _dynamic(pile: Pile) -> float:
    """The number of a pile's dynamic; 0 if there is one only."""
    said = next((value for keyword, value in pile.separation if keyword in _DYNAMICS), "")
    number = _NUMBER.search(said)
    return 0.0 if number is None else float(number[0])
