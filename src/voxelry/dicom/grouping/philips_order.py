"""The order of Philips' volumes of arterial spin labelling and of diffusion: that of their acquisition.

Instance Numbers tell it where those of all positions say the same. Philips often gives them without an order; then:

- A dynamic of arterial spin labelling has its control images, then its labelled ones, each at all delays (dcm2niix
  issue 533). Dimensions of enhanced objects are in an order of their own, which is not that of acquisition.
- Diffusion weighted images are in the order of the numbers of b-value (2005,xx12) and direction (2005,xx13).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.grouping.acquisition_ranks import acquisition_order
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.grouping.varying_attributes import DIFFUSION, Varying

_CREATOR = "Philips MR Imaging DD 005"
_LABELS = ("CONTROL", "LABEL")
_DYNAMICS = ("TemporalPositionIndex", "TemporalPositionIdentifier")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def in_philips_order(piles: Sequence[Pile], placed: NumberedFrames, varying: Varying) -> list[Pile]:
    """Philips' piles in the order of their acquisition; all others as they are."""
    if len(piles) < 2:
        return list(piles)
    firsts = [pile.frames[0] for pile in piles]
    enhanced = any(frame.groups for frame in firsts)
    labels = [_label(frame) for frame in firsts]
    keys: Sequence[tuple[float, ...] | None]
    if set(labels) == set(_LABELS):
        keys = [(_dynamic(pile), _LABELS.index(label)) for pile, label in zip(piles, labels, strict=True)]
    elif not enhanced and any(keyword == DIFFUSION.name for pile in piles for keyword, _ in pile.separation):
        keys = [_numbers(frame) for frame in firsts]
    else:
        return list(piles)
    known = [key for key in keys if key is not None]
    if len(known) < len(piles):
        return list(piles)
    order = None if enhanced else _by_number(piles, placed, varying)
    return [piles[number] for number in order or sorted(range(len(piles)), key=known.__getitem__)]


def _by_number(piles: Sequence[Pile], placed: NumberedFrames, varying: Varying) -> list[int] | None:
    place_of = {frame: place for place, frame in placed}
    return acquisition_order(
        [placed.only((place_of[frame], frame) for frame in pile.frames) for pile in piles], varying
    )


def _label(frame: Frame) -> str:
    """``"LABEL"`` or ``"CONTROL"`` (2005,xx29); empty where Philips does not write it."""
    said = frame_private_text(frame, 0x2005, _CREATOR, 0x29)
    return said if said in _LABELS else ""


def _numbers(frame: Frame) -> tuple[float, ...] | None:
    """The numbers of a frame's b-value and direction; None where Philips does not write them."""
    found = [frame_private_numbers(frame, 0x2005, _CREATOR, element, "IS") for element in (0x12, 0x13)]
    return (found[0][0], found[1][0]) if all(found) else None


def _dynamic(pile: Pile) -> float:
    """The number of a pile's dynamic; 0 if there is one only."""
    said = next((value for keyword, value in pile.separation if keyword in _DYNAMICS), "")
    number = _NUMBER.search(said)
    return 0.0 if number is None else float(number[0])
