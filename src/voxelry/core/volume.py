"""The Volume: voxels, and their place in the patient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.intensity import Voi, VoiTable, Window
from voxelry.core.value import Value

Spacing: TypeAlias = tuple[float | None, float | None, float | None]
"""Millimetres ``(slice, row, column)``; None where nothing tells. The slice step is along the normal."""

_NOTHING: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Volume:
    """The frames of one regular stack as one array of modality values. Frozen; the array is read-only.

    Parameters
    ----------
    array
        Modality values (HU for CT), index ``(slice, row, column)``, or ``(slice, row, column, sample)``
        for colour; slices ascend along the normal (row cosines x column cosines). The smallest dtype
        that loses nothing, int16 where it fits. A ``LazyArray`` where it was asked for: its dtype is then
        the smallest that holds whatever the header allows, because no value has been seen.
    affine
        4 x 4, from a ``(slice, row, column)`` index to LPS millimetres at the voxel's centre (PS3.3
        C.7.6.2.1.1). A tilted stack is sheared. None where positions or spacing are unknown.
    spacing
        Millimetres ``(slice, row, column)``, the first along the normal, so that the product is the
        volume of a voxel; None for each one that is unknown. Unknown is never 1.0.
    unit
        Of the values: ``"HU"``, ``"Gy"``, ``"BQML"``, ...; empty where unknown.
    metadata
        The attributes that all slices share, by DICOM keyword, as JSON values.
    warnings
        What a user must know before trusting the numbers; sentences without patients' values.
    padding
        Shape ``(slices, 2)``: the smallest and largest modality value that is padding (0028,0120 and
        0028,0121), per slice; NaN where a slice has none. None where no slice has any.
    windows
        The windows that the header proposes: those of the middle slice, where slices differ.
    voi_tables
        The tables that the header proposes for display (VOI LUT Sequence (0028,3010)), of the same slice.
    slice_voi
        The first window, else the first table, of each slice; None for a slice whose header proposes none. Empty
        where all slices have the same.
    pixel_aspect
        How high a pixel is for its width, where no Pixel Spacing tells: for display only, never a distance. None
        where nothing tells.
    inverted
        True for MONOCHROME1: display only, never a value.
    lossy
        True if the pixels were ever compressed with loss (0028,2110, or the transfer syntax).
    label
        What tells this volume from the others of its series ("EchoTime 4.6"); empty for the only one.
    instance_uids
        SOP Instance UID of each slice.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> isinstance(volume, voxelry.Volume), volume.array.shape, volume.spacing
    (True, (48, 256, 256), (2.5, 1.5, 1.5))
    >>> small = voxelry.Volume(array=np.zeros((4, 8, 8), dtype=np.int16), spacing=(5.0, 1.0, 1.0))
    >>> small.voxel_mm3
    5.0
    """

    array: npt.NDArray[Any]
    affine: npt.NDArray[np.float64] | None = None
    spacing: Spacing = (None, None, None)
    unit: str = ""
    metadata: Mapping[str, Value] = field(default_factory=lambda: _NOTHING)
    warnings: tuple[str, ...] = ()
    padding: npt.NDArray[np.float64] | None = None
    windows: tuple[Window, ...] = ()
    voi_tables: tuple[VoiTable, ...] = ()
    slice_voi: tuple[Voi | None, ...] = ()
    pixel_aspect: float | None = None
    inverted: bool = False
    lossy: bool = False
    label: str = ""
    instance_uids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4):
            raise ValueError(f"a volume's array has 3 axes, or 4 for colour, not {self.array.ndim}")
        if isinstance(self.array, np.ndarray):
            view = self.array.view()
            view.flags.writeable = False
            object.__setattr__(self, "array", view)

    def __repr__(self) -> str:
        """Short, and without the metadata, which hold the patient's values."""
        shape = " x ".join(map(str, self.array.shape))
        spacing = ", ".join("unknown" if value is None else f"{value:.6g}" for value in self.spacing)
        name = f" {self.label!r}" if self.label else ""
        return f"<Volume{name} {shape} {self.array.dtype} {self.unit or 'no unit'}, spacing ({spacing}) mm>"

    @property
    def series_instance_uid(self) -> str:
        """Series Instance UID (0020,000E); empty where unknown."""
        return str(self.metadata.get("SeriesInstanceUID") or "")

    @property
    def frame_of_reference_uid(self) -> str | None:
        """Frame of Reference UID (0020,0052) of all slices; None if it is unknown: they have none, or differ."""
        return str(self.metadata.get("FrameOfReferenceUID") or "") or None

    @property
    def colour(self) -> bool:
        """True if each voxel has several samples (RGB)."""
        return self.array.ndim == 4

    @property
    def voxel_mm3(self) -> float | None:
        """The volume of one voxel in mm3, equal to ``|det(affine)|``; None if a spacing is unknown."""
        s, r, c = self.spacing
        return None if s is None or r is None or c is None else s * r * c

    def padding_mask(self, index: int) -> npt.NDArray[np.bool_] | None:
        """Which pixels of slice ``index`` are padding; shape ``(row, column)``, None if none can be."""
        if self.padding is None or self.colour or np.isnan(self.padding[index]).any():
            return None
        low, high = self.padding[index].tolist()
        values = self.array[index]
        if values.dtype.kind == "f":  # as numbers of the array's own type: float32 values only equal float32 limits
            low, high = values.dtype.type(low), values.dtype.type(high)
        elif np.isfinite(self.padding[index]).all():  # whole values are compared as such, several times as fast
            low, high = math.ceil(low), math.floor(high)
        return np.asarray((values >= low) & (values <= high))

    def unpadded(self) -> Iterator[npt.NDArray[np.generic]]:
        """The values of each slice without its padding: arrays of one or two axes, slice by slice."""
        for index, values in enumerate(self.array):
            mask = self.padding_mask(index)
            yield values if mask is None else values[~mask]
