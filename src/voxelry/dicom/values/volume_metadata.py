"""The metadata of one volume: what its instances' headers share, and what is told of its frames alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from voxelry.core.value import Value
from voxelry.dicom.frames.diffusion import OF_DIFFUSION, diffusion_metadata
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frames_metadata

_SUV_UNITS = {"g/ml": "GML", "cm2/ml": "CM2ML"}
"""In the words of Units (0054,1001)."""


def volume_metadata(frames: Sequence[Frame]) -> Mapping[str, Value]:
    """Every attribute that has the same value in all instances, by keyword, as JSON values.

    What enhanced objects say in functional groups, alike for all frames, is told as others say it at the top.

    Of diffusion, each volume has its own DiffusionBValue (s/mm2), DiffusionDirectionality and, where there is a
    direction, DiffusionGradientOrientation (a unit vector in patient coordinates, LPS): also where functional groups or
    private attributes of the maker tell them, and not the standard's attributes at the top of the header.

    Of standardized uptake values that were computed, Units and SUVType are those of the values, and not of the file.
    """
    shared = frames_metadata(frames)
    own = diffusion_metadata(frames)
    if own:
        return _OwnMetadata(shared, own, OF_DIFFUSION)
    suv = _suv_metadata(frames[0])
    return _OwnMetadata(shared, suv, tuple(suv)) if suv else shared


def _suv_metadata(frame: Frame) -> Mapping[str, Value]:
    return {"Units": _SUV_UNITS[frame.unit], "SUVType": frame.suv} if frame.suv else {}


class _OwnMetadata(Mapping[str, Value]):
    """Shared attributes, which are decoded on first use, and those of one volume in their place."""

    __slots__ = ("_own", "_replaced", "_shared")

    def __init__(self, shared: Mapping[str, Value], own: Mapping[str, Value], replaced: tuple[str, ...]) -> None:
        self._shared = shared
        self._own = own
        self._replaced = replaced

    def __reduce__(self) -> tuple[type, tuple[dict[str, Value]]]:
        """Pickle as a dict of the values, without the headers."""
        return dict, (dict(self),)

    def __getitem__(self, keyword: str) -> Value:
        if keyword in self._replaced:
            return self._own[keyword]
        return self._shared[keyword]

    def __iter__(self) -> Iterator[str]:
        yield from (keyword for keyword in self._shared if keyword not in self._replaced)
        yield from self._own

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<{len(self)} attributes>"
