"""What many frames share, found once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import fields
from functools import cached_property
from itertools import repeat
from operator import attrgetter
from typing import TypeVar

from voxelry.dicom.frames.frame import Frame, new_frames
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.frames.multiframe_positions import Vector
from voxelry.dicom.frames.tiles import Tile
from voxelry.dicom.headers.header import Header

T = TypeVar("T")

_FACTS, _HEADER, _GROUPS, _COMMON = map(attrgetter, ("facts", "header", "groups", "common"))
"""Of thousands of frames, without a step of Python for each."""


class FrameRow(tuple[Frame, ...]):  # noqa: SLOT001 - cached properties live in its dictionary
    """Frames that many ask for what they share: it is looked for once."""

    @cached_property
    def kinds(self) -> tuple[Frame, ...]:
        """As `one_of_each`."""
        return tuple(dict(zip(map(id, map(_FACTS, self)), self, strict=True)).values())

    @cached_property
    def headers(self) -> tuple[Header, ...]:
        """As `headers_of`."""
        return tuple(dict.fromkeys(map(_HEADER, self)))

    @cached_property
    def of_one_kind(self) -> bool:
        """As `are_of_one_kind`."""
        return self[0].common is not None and len(self.kinds) == 1 and len(set(map(id, map(_COMMON, self)))) == 1

    @cached_property
    def grouped(self) -> bool:
        """True if a frame has functional groups."""
        return any(map(_GROUPS, self))


def _row(frames: Iterable[Frame]) -> FrameRow:
    return frames if isinstance(frames, FrameRow) else FrameRow(frames)


def tiles_of_frame(frame: Frame, facts: Facts, tiles: Sequence[Tile], positions: Sequence[Vector]) -> list[Frame]:
    """The frame again for each tile and its position, with other facts; thousands are made without a step for each."""
    if len(positions) != len(tiles):
        raise ValueError(f"{len(positions)} positions of {len(tiles)} tiles")
    own: dict[str, Iterable[object]] = {"facts": repeat(facts), "position": positions, "tile": tiles}
    same = {one.name: repeat(getattr(frame, one.name)) for one in fields(Frame)}
    return new_frames(len(tiles), **(same | own))


def one_of_each(frames: Iterable[Frame]) -> Iterable[Frame]:
    """One frame for each object of Facts, in order; many frames share one."""
    return _row(frames).kinds


def headers_of(frames: Iterable[Frame]) -> list[Header]:
    """The instances that frames come from, each once, in order."""
    return list(_row(frames).headers)


def of_each(frames: Iterable[Frame], asked: Callable[[Frame], T]) -> list[T]:
    """What is asked of each frame, in order; of frames that differ in nothing but their place once for an instance.

    Parameters
    ----------
    asked
        Of attributes that have one value for all frames without functional groups.
    """
    given = _row(frames)
    if not given.grouped:
        if len(given.headers) == 1:
            return [asked(given[0])] * len(given)
        firsts = dict(zip(map(_HEADER, reversed(given)), reversed(given), strict=True))
        told = {header: asked(firsts[header]) for header in given.headers}
        return [told[header] for header in map(_HEADER, given)]
    known: dict[Header, T] = {}
    found = []
    for frame in given:
        if frame.groups:
            found.append(asked(frame))
            continue
        if frame.header not in known:
            known[frame.header] = asked(frame)
        found.append(known[frame.header])
    return found


def of_each_kind(frames: Iterable[Frame], asked: Callable[[Frame], T]) -> list[T]:
    """The same of attributes that neither Frame Content nor Plane Position tells: once for frames that share the rest.

    Parameters
    ----------
    asked
        Of what the facts, the instance and the other functional groups say.
    """
    given = _row(frames)
    if given.of_one_kind or (not given.grouped and len(given.headers) == len(given.kinds) == 1):
        return [asked(given[0])] * len(given)
    known: dict[object, T] = {}
    found = []
    for frame in given:
        key = kind_of_frame(frame)
        if key not in known:
            known[key] = asked(frame)
        found.append(known[key])
    return found


def are_of_one_kind(frames: Iterable[Frame]) -> bool:
    """True if `kind_of_frame` is the same for all; False where some have nothing in common that is known."""
    return _row(frames).of_one_kind


def kind_of_frame(frame: Frame) -> Hashable:
    """Equal for frames of one instance that differ in nothing but Frame Content and Plane Position, while they live."""
    own = frame if frame.groups else frame.header
    return own if frame.common is None else frame.common, id(frame.facts)
