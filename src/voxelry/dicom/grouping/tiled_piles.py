"""Separates mosaics of one grid by two tiles of each, because the tiles of a mosaic share its header.

A series of hundreds of mosaics has many thousand tiles. What tells the images at one position apart is the same at
every position, so that two positions say all of it, unless pixels have to be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping.piles import NumberedFrames, Pile
from voxelry.dicom.grouping.repeated_positions import PixelsNeededError, piles_of
from voxelry.dicom.headers.header import Header

_FEWEST = 2
"""Tiles that are compared: of a single position other attributes count than of several."""

_POSITION, _TILE = attrgetter("position"), attrgetter("tile")
Place = Callable[[Sequence[Frame]], NumberedFrames]
"""Orders frames along their normal."""


def piles_of_mosaics(frames: Sequence[Frame], place: Place) -> list[Pile] | None:
    """A pile for each mosaic, as `piles_of` gives them for all tiles.

    None if the frames are not the whole mosaics of one grid, or headers alone do not tell all of them apart without
    a doubt.
    """
    if frames[0].tile is None:
        return None
    mosaics: dict[Header, list[Frame]] = defaultdict(list)
    for frame in frames:
        mosaics[frame.header].append(frame)
    first, *others = mosaics.values()
    positions, tiles = list(map(_POSITION, first)), list(map(_TILE, first))
    numbers = [None if frame.tile is None else frame.tile.number for frame in first]
    if numbers != list(range(len(first))) or len(first) <= _FEWEST or not others:
        return None
    for other in others:
        if list(map(_POSITION, other)) != positions:
            return None
        if list(map(_TILE, other)) == tiles:
            continue
        if [None if frame.tile is None else frame.tile.number for frame in other] != numbers:
            return None
    placed = place(first)
    if placed.repeats:
        return None
    order = [0 if frame.tile is None else frame.tile.number for frame in placed.frames]
    ends = order[:_FEWEST]
    try:
        found = piles_of(place([mosaic[number] for mosaic in mosaics.values() for number in ends]), headers_only=True)
    except PixelsNeededError:
        return None
    piles = []
    for pile in found:
        own = {frame.header for frame in pile.frames}
        if len(own) > 1 or len(pile.frames) != _FEWEST or pile.problem or pile.findings or pile.duplicates:
            return None
        mosaic = mosaics[pile.frames[0].header]
        piles.append(replace(pile, frames=tuple(mosaic[number] for number in order)))
    return piles
