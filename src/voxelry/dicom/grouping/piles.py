"""Piles: frames of a series that belong together, and frames with the number of their position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter

from voxelry.core.errors import GeometryError, Problem
from voxelry.core.gaps import rounded
from voxelry.core.value import Value
from voxelry.dicom.frames.concatenations import place_in_object
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import FrameRow
from voxelry.dicom.headers.header import Header

_INDEX = attrgetter("index")


@dataclass(frozen=True, slots=True)
class Pile:
    """Frames that belong together, in the order of their positions.

    Attributes
    ----------
    separation
        The attributes that tell this pile from its siblings, each with its value as it is shown.
    confirmed_by
        The attribute whose values say the same as ``separation``; empty where there is none.
    findings
        About this pile alone.
    problem
        Why it cannot be a regular stack, where splitting itself found out.
    duplicates
        Frames left out because they equal one that is there.
    group
        Piles of one group share their matrix, orientation, spacing and kind.
    """

    frames: tuple[Frame, ...]
    separation: tuple[tuple[str, str], ...] = ()
    confirmed_by: str = ""
    findings: tuple[Problem, ...] = ()
    problem: GeometryError | None = None
    duplicates: tuple[Frame, ...] = ()
    group: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.frames, FrameRow):
            object.__setattr__(self, "frames", FrameRow(self.frames))

    @property
    def label(self) -> str:
        """``"EchoTime 4.6, InstanceNumber 1-60"``; empty where nothing had to be told apart."""
        return ", ".join(f"{keyword} {value}".strip() for keyword, value in self.separation)

    def within(self, *separation: tuple[str, str]) -> Pile:
        """The same, told from more siblings by other attributes."""
        return replace(self, separation=(*separation, *self.separation))


class NumberedFrames(list[tuple[int, Frame]]):
    """Frames with the number of their position, and the offset of each position along the normal in mm."""

    def __init__(self, placed: Iterable[tuple[int, Frame]], offset_of: dict[int, float]) -> None:
        super().__init__(placed)
        self.offset_of = offset_of

    def only(self, placed: Iterable[tuple[int, Frame]]) -> NumberedFrames:
        """Some of them."""
        return NumberedFrames(placed, self.offset_of)

    @property
    def positions(self) -> set[int]:
        """The numbers of the positions that are taken."""
        return set(map(_PLACE_OF, self))

    @property
    def frames(self) -> tuple[Frame, ...]:
        return tuple(map(_FRAME_OF, self))

    @property
    def members(self) -> dict[int, list[Frame]]:
        """The frames at each position."""
        members: dict[int, list[Frame]] = {}
        for place, frame in self:
            members.setdefault(place, []).append(frame)
        return members

    @property
    def repeats(self) -> bool:
        """True if a position has more than one frame."""
        return len(self.positions) < len(self)

    def millimetres(self, places: Iterable[int]) -> list[Value]:
        """The offsets of some positions, ascending."""
        return [rounded(self.offset_of[place]) for place in sorted(places)]


_PLACE_OF, _FRAME_OF = itemgetter(0), itemgetter(1)


def acquired(frame: Frame) -> tuple[int, str, int, int]:
    """The order that numbers give."""
    return frame.instance_number, *place_in_object(frame)


def in_acquired_order(frames: Iterable[Frame]) -> list[Frame]:
    """The frames in the order that numbers give; the number of an instance is read once for all of its frames."""
    given = list(frames)
    own: dict[Header, list[Frame]] = {}
    for frame in given:
        own.setdefault(frame.header, []).append(frame)
    order_of = {header: acquired(members[-1])[:-1] for header, members in own.items()}
    if len(set(order_of.values())) == len(own):  # no two instances have frames between each other's
        ordered = (sorted(own[header], key=_INDEX) for header in sorted(own, key=order_of.__getitem__))
        return [frame for members in ordered for frame in members]
    return sorted(given, key=lambda frame: (*order_of[frame.header], frame.index))
