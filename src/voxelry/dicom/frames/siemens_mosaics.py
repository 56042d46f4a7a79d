"""The slices of Siemens mosaics.

A mosaic is square in tiles, as many in a row as the square root of their number rounded up; tiles behind the last slice
are empty. Its Image Position (Patient) is that of an image as large as the whole mosaic with the first slice's centre,
so the corner of each slice lies within it. The slices follow each other along ``SliceNormalVector``, which may point
against the cross product of the image's directions. The protocol has the centre of each slice, in the order in which it
numbers them, and judges both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MosaicError, PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts, group_of
from voxelry.dicom.frames.multiframe_positions import Vector
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE
from voxelry.dicom.frames.tile_frames import tile_count, tile_facts, tile_frames, tile_grid
from voxelry.dicom.frames.tiles import Tile
from voxelry.dicom.headers.attributes import number, tag_label
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.private_attributes import private_numbers, private_value
from voxelry.dicom.headers.siemens_csa import csa_values, protocol_values

_HEADER = "SIEMENS MR HEADER"
_COUNT, _TIMES = 0x0A, 0x29
_XA_COUNT, _XA_NORMAL, _XA_TIMES = 0x01, 0x02, 0x62
"""What XA says in classic instances, which have no CSA header."""
_PARALLEL = 0.99
"""The least cosine between the normal that Siemens writes and that of the image."""
_SAME_STEP = 0.01
"""Distances of slices that differ by no more than this fraction are one."""
_STRAIGHT = 0.02
"""How far, in steps, a slice of the protocol may lie off the line of all."""
_NEAR_AN_END = 0.25
"""How far, in lengths of the stack, the first tile may lie from the protocol's slice for which it is taken."""
_ASIDE = 10.0
"""Millimetres that the first tile's centre may lie off the line of the protocol's slices."""

Floats = npt.NDArray[np.float64]


def siemens_count(frame: Frame) -> int | None:
    """Number of Images in Mosaic: (0019,xx0A), or of the CSA header; else as many as there are acquisition times.

    None where there is none; the smallest, if they differ.
    """
    counts = _counts(frame.header.elements)
    return min(counts) if counts else None


def _counts(own: Elements) -> set[int]:
    told = tile_count(private_value(own, 0x0019, _HEADER, _COUNT))
    said = csa_values(own).get("NumberOfImagesInMosaic", ())
    by_xa = tile_count(private_value(own, 0x0021, SIEMENS_IMAGE, _XA_COUNT))
    counts = {one for one in (told, tile_count(said[0].encode()) if said else None, by_xa) if one is not None}
    if not counts:
        times = _times(own)
        counts = {len(times)} if len(times) > 1 else set()
    return counts


def _times(own: Elements) -> tuple[float, ...]:
    """``MosaicRefAcqTimes``, ms, of each tile; empty where there is none."""
    content = private_value(own, 0x0019, _HEADER, _TIMES) or private_value(own, 0x0021, SIEMENS_IMAGE, _XA_TIMES)
    return _milliseconds(csa_values(own).get("MosaicRefAcqTimes", ()) if content is None else content)


@lru_cache(maxsize=64)  # the mosaics of a series have few different ones
def _milliseconds(told: bytes | tuple[str, ...]) -> tuple[float, ...]:
    """Times as binary numbers, as text or as texts; empty if they are none."""
    said: Sequence[str]
    if isinstance(told, tuple):
        said = told
    elif len(told) % 8 == 0 and not re.fullmatch(rb"[-+0-9.eE\\ ]+", told):
        values = np.frombuffer(told, "<f8")
        return tuple(values.tolist()) if np.isfinite(values).all() else ()
    else:
        said = told.decode("latin-1").split("\\")
    try:
        found = tuple(map(float, said))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()


class SiemensMosaics:
    """Cuts the mosaics of one series: what they have in common is found once."""

    def __init__(self) -> None:
        self._facts: dict[tuple[int, int], Facts] = {}
        self._grids: dict[tuple[int, int, tuple[float, ...]], list[Tile]] = {}
        self._positions: dict[object, list[Vector]] = {}
        self._centres: dict[tuple[bytes, int], Floats | None] = {}

    def tiles_of(self, frame: Frame) -> list[Frame]:
        """The slices of a mosaic.

        Raises
        ------
        MosaicError
            If something that places them is missing or contradicts another; the message is the reason alone.
        """
        own = frame.header.elements
        counts = _counts(own)
        if not counts:
            raise MosaicError("nothing says how many slices it holds (NumberOfImagesInMosaic)")
        if len(counts) > 1:
            raise MosaicError(f"its headers say {' and '.join(map(str, sorted(counts)))} slices")
        (count,) = counts
        key = id(frame.facts), count
        times = _times(own)
        tiles = self._tiles(frame, count, times if len(times) == count else ())
        if key not in self._facts:
            self._facts[key] = tile_facts(frame, tiles[0])
        return tile_frames(frame, self._facts[key], tiles, self._places(frame, tiles))

    def _tiles(self, frame: Frame, count: int, times: tuple[float, ...]) -> list[Tile]:
        key = id(frame.facts), count, times
        found = self._grids.get(key)
        if found is None:
            across = math.isqrt(count - 1) + 1
            found = tile_grid(frame, count, across, across)
            if times:
                found = [replace(tile, seconds=time / 1000) for tile, time in zip(found, times, strict=True)]
            self._grids[key] = found
        return found

    def _places(self, frame: Frame, tiles: Sequence[Tile]) -> list[Vector]:
        own = frame.header.elements
        count = len(tiles)
        normal = csa_values(own).get("SliceNormalVector", ()) or _xa_normal(own)
        series = private_value(own, 0x0029, "SIEMENS CSA HEADER", 0x20) or b""
        key = (id(frame.facts), count, frame.position, normal, own.encoded and own.encoded.get(0x00180088), series)
        if own.encoded is None or frame.groups or key not in self._positions:
            places = _positions(frame, tiles[0], count, _vector(normal), self._protocol(own, series, count))
            self._positions[key] = [(x, y, z) for x, y, z in places.tolist()]
        return self._positions[key]

    def _protocol(self, own: Elements, series: bytes, count: int) -> Floats | None:
        key = series, count
        if not series or key not in self._centres:
            self._centres[key] = protocol_centres(protocol_values(own), count)
        return self._centres[key]


def _xa_normal(own: Elements) -> tuple[str, ...]:
    return tuple(map(str, private_numbers(own, 0x0021, SIEMENS_IMAGE, _XA_NORMAL, "FD")))


def _vector(words: Sequence[str]) -> Floats | None:
    try:
        found = np.array([float(word) for word in words[:3]])
    except ValueError:
        return None
    return found if len(found) == 3 and np.isfinite(found).all() and found.any() else None


def _positions(frame: Frame, tile: Tile, count: int, normal: Floats | None, centres: Floats | None) -> Floats:
    """Image Position (Patient) of each tile, LPS mm; shape ``(count, 3)``."""
    if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
        missing = [
            tag_label(keyword)
            for keyword, value in (
                ("ImagePositionPatient", frame.position),
                ("ImageOrientationPatient", frame.orientation),
                ("PixelSpacing", frame.pixel_spacing),
            )
            if value is None
        ]
        raise MosaicError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing or unusable")
    right, down = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
    row, column = frame.pixel_spacing
    mosaic = frame.pixels
    corner = (
        np.array(frame.position)
        + right * (column * (mosaic.columns - tile.columns) / 2)
        + down * (row * (mosaic.rows - tile.rows) / 2)
    )
    centre = corner + right * (column * tile.columns / 2) + down * (row * tile.rows / 2)
    step = _step(frame, np.cross(right, down), normal, None if centres is None else _judged(centres, centre))
    return np.asarray(corner + np.outer(np.arange(count), step))


def _step(frame: Frame, across: Floats, normal: Floats | None, judged: tuple[float, Floats | None] | None) -> Floats:
    """From each tile to the next, mm.

    Parameters
    ----------
    across
        The cross product of the image's directions.
    normal
        ``SliceNormalVector``.
    judged
        The distance of slices by the protocol, and the direction where it tells one.
    """
    try:
        said = number(group_of(frame.groups, "PixelMeasuresSequence", frame.header.elements), "SpacingBetweenSlices")
    except PixelDataError:
        said = None
    distance = None if said is None or said <= 0 else said
    if judged is not None:
        if distance is not None and abs(distance - judged[0]) > _SAME_STEP * judged[0]:
            raise MosaicError(
                f"{tag_label('SpacingBetweenSlices')} is {distance:g} mm, and the slices of its protocol are "
                f"{judged[0]:g} mm apart"
            )
        distance = judged[0] if distance is None else distance
    if distance is None:
        raise MosaicError(f"nothing says how far its slices are apart ({tag_label('SpacingBetweenSlices')})")
    signs = {}
    if normal is not None:
        signs["SliceNormalVector"] = _sign(across, normal / np.linalg.norm(normal), "SliceNormalVector")
    if judged is not None and judged[1] is not None:
        signs["the protocol"] = _sign(across, judged[1], "the line of its protocol's slices")
    if not signs:
        raise MosaicError("nothing says in which direction its slices follow each other (SliceNormalVector)")
    if len(set(signs.values())) > 1:
        raise MosaicError("SliceNormalVector and the slices of its protocol run in opposite directions")
    return np.asarray(across * (distance * signs.popitem()[1]))


def _sign(across: Floats, direction: Floats, name: str) -> float:
    cosine = float(across @ direction)
    if abs(cosine) < _PARALLEL:
        raise MosaicError(f"{name} is not perpendicular to its rows and columns")
    return 1.0 if cosine > 0 else -1.0


def protocol_centres(protocol: Mapping[str, str], count: int) -> Floats | None:
    """The centre of each slice as a protocol has it, LPS mm; shape ``(count, 3)``. A coordinate of 0 is left out there.

    None if the protocol is of another number of slices, or has no positions.

    Raises
    ------
    MosaicError
        If the slices do not lie on a line with one distance.
    """
    try:
        if count < 2 or int(protocol.get("sSliceArray.lSize", "0"), 0) != count:
            return None
        words = [
            [protocol.get(f"sSliceArray.asSlice[{k}].sPosition.d{axis}") for axis in ("Sag", "Cor", "Tra")]
            for k in range(count)
        ]
        if not any(word for one in words for word in one):
            return None
        centres = np.array([[float(word or 0) for word in one] for one in words])
    except ValueError:
        return None
    step = (centres[-1] - centres[0]) / (count - 1)
    length = float(np.linalg.norm(step))
    line = centres[0] + np.outer(np.arange(count), step)
    if not length or not np.isfinite(centres).all() or np.abs(centres - line).max() > _STRAIGHT * length:
        raise MosaicError("the slices of its protocol do not lie on a line with one distance")
    return centres


def _judged(centres: Floats, first: Floats) -> tuple[float, Floats | None]:
    """The distance of a protocol's slices, and the direction in which tiles follow each other.

    Siemens may number slices against the protocol's order; then the first tile is the protocol's last slice.

    Parameters
    ----------
    first
        The centre of the first tile.
    """
    whole = centres[-1] - centres[0]
    length = float(np.linalg.norm(whole))
    direction = whole / length
    along = float((first - centres[0]) @ direction) / length
    aside = float(np.linalg.norm(first - centres[0] - along * whole))
    if aside > _ASIDE:  # as behind a moved table: the protocol says nothing of where these slices lie
        return length / (len(centres) - 1), None
    if abs(along) <= _NEAR_AN_END:
        return length / (len(centres) - 1), direction
    if abs(along - 1) <= _NEAR_AN_END:
        return length / (len(centres) - 1), -direction
    return length / (len(centres) - 1), None
