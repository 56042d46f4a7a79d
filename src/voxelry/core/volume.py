"""The Volume: voxels, and their place in the patient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import a_kind
from voxelry.core.errors import ParameterError, WrongTypeError
from voxelry.core.geometry import Box, Geometry
from voxelry.core.intensity import Voi, VoiTable, Window
from voxelry.core.spacing import UNKNOWN, Spacing
from voxelry.core.value import Value

_NOTHING: Mapping[str, Value] = MappingProxyType({})
_FRAME_OF_REFERENCE = "FrameOfReferenceUID"


@dataclass(frozen=True, eq=False, slots=True, init=False, repr=False)
class Volume:
    """The frames of one regular stack as one array of modality values. Frozen; the array is read-only.

    Parameters
    ----------
    array
        Modality values (HU for CT), index ``(slice, row, column)``, or ``(slice, row, column, sample)``
        for colour; slices ascend along the normal (row cosines x column cosines). The smallest dtype
        that loses nothing, int16 where it fits. A ``LazyArray`` where it was asked for: its dtype is then
        the smallest that holds whatever the header allows, because no value has been seen.
    geometry
        How many slices, rows and columns there are, and where they lie. Where it is not given, it is made of the next
        two and of Frame of Reference UID (0020,0052) of the metadata.
    affine
        4 x 4, from a ``(slice, row, column)`` index to LPS millimetres at the voxel's centre (PS3.3
        C.7.6.2.1.1). A tilted stack is sheared. None where positions or spacing are unknown.
    spacing
        Millimetres ``(slice, row, column)``, the first along the normal; None for each one that is unknown. Unknown is
        never 1.0. It follows from an affine, and is refused where it disagrees with it.
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
        How high a pixel is for its width, if there is no Pixel Spacing: for display only, never a distance. None if
        it is unknown.
    inverted
        True if the smallest value is shown as white, as for MONOCHROME1: display only, never a value.
    lossy
        True if the pixels were ever compressed with loss (0028,2110, or the transfer syntax).
    label
        What tells this volume from the others of its series ("EchoTime 4.6"); empty for the only one.
    instance_uids
        SOP Instance UID of each slice; empty where slices are no instances.

    Raises
    ------
    ParameterError
        If the array has not 3 or 4 axes, its shape is not that of the geometry, ``padding``, ``slice_voi`` or
        ``instance_uids`` are not as many as the slices, or an affine or a spacing is given beside a geometry.
    GeometryError
        If the affine is none, or the spacing disagrees with it.

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
    geometry: Geometry
    unit: str
    metadata: Mapping[str, Value]
    warnings: tuple[str, ...]
    padding: npt.NDArray[np.float64] | None
    windows: tuple[Window, ...]
    voi_tables: tuple[VoiTable, ...]
    slice_voi: tuple[Voi | None, ...]
    pixel_aspect: float | None
    inverted: bool
    lossy: bool
    label: str
    instance_uids: tuple[str, ...]

    def __init__(
        self,
        *,
        array: npt.NDArray[Any],
        geometry: Geometry | None = None,
        affine: npt.NDArray[np.float64] | None = None,
        spacing: Spacing = UNKNOWN,
        unit: str = "",
        metadata: Mapping[str, Value] = _NOTHING,
        warnings: tuple[str, ...] = (),
        padding: npt.NDArray[np.float64] | None = None,
        windows: tuple[Window, ...] = (),
        voi_tables: tuple[VoiTable, ...] = (),
        slice_voi: tuple[Voi | None, ...] = (),
        pixel_aspect: float | None = None,
        inverted: bool = False,
        lossy: bool = False,
        label: str = "",
        instance_uids: tuple[str, ...] = (),
    ) -> None:
        if not hasattr(array, "ndim"):
            raise WrongTypeError(f"array is a numpy array, not {a_kind(array)}")
        if array.ndim not in (3, 4):
            raise ParameterError(f"a volume's array has 3 axes, or 4 for colour, not {array.ndim}")
        said = str(metadata.get(_FRAME_OF_REFERENCE) or "") or None
        if geometry is None:
            slices, rows, columns = array.shape[:3]
            geometry = Geometry(
                shape=(slices, rows, columns),
                affine=affine,
                spacing=spacing,
                frame_of_reference_uid=said,
            )
        else:
            _check_geometry(geometry, array.shape, affine, spacing, said)
            if said is None and geometry.frame_of_reference_uid is not None:
                metadata = {**metadata, _FRAME_OF_REFERENCE: geometry.frame_of_reference_uid}
        _check_number("instance_uids", len(instance_uids), array.shape[0])
        _check_number("slice_voi", len(slice_voi), array.shape[0])
        values: dict[str, object] = {
            "array": _read_only(array), "geometry": geometry, "unit": unit, "metadata": metadata, "warnings": warnings,
            "padding": None if padding is None else _checked_padding(padding, array.shape[0]), "windows": windows,
            "voi_tables": voi_tables, "slice_voi": slice_voi, "pixel_aspect": pixel_aspect, "inverted": inverted,
            "lossy": lossy, "label": label, "instance_uids": instance_uids,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[object, ...]:
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return _again, ({**values, "metadata": dict(self.metadata)},)

    def __repr__(self) -> str:
        """Short, and without the metadata, which hold the patient's values."""
        shape = " x ".join(map(str, self.array.shape))
        spacing = ", ".join("unknown" if value is None else f"{value:.6g}" for value in self.spacing)
        name = f" {self.label!r}" if self.label else ""
        return f"<Volume{name} {shape} {self.array.dtype} {self.unit or 'no unit'}, spacing ({spacing}) mm>"

    def _repr_html_(self) -> str:
        """Facts and the middle slice, for notebooks; without the metadata."""
        from voxelry.core.volume_html import ShownSlice, volume_html

        index = len(self.array) // 2
        own = self.slice_voi[index] if self.slice_voi else None
        proposed: tuple[Voi | None, ...] = (own, *self.windows, *self.voi_tables)
        _, row, column = self.spacing
        middle = ShownSlice(
            index=index,
            values=np.asarray(self.array[index]),
            voi=next((one for one in proposed if one is not None), None),
            padding=self.padding_mask(index),
            inverted=self.inverted,
            aspect=self.pixel_aspect or 1.0 if row is None or column is None else row / column,
        )
        array = f"{' × '.join(map(str, self.shape))} {self.dtype}"
        return volume_html(self.geometry, middle, label=self.label, array=array, unit=self.unit, warnings=self.warnings)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """The values as numpy asks for them: read-only, without a copy where possible; a lazy array is read.

        Raises
        ------
        ParameterError
            If ``copy`` is False, and there is no array of this dtype in memory.
        """
        fits = isinstance(self.array, np.ndarray) and (dtype is None or np.dtype(dtype) == self.array.dtype)
        if copy is False and not fits:
            raise ParameterError(
                "the values cannot be given without a copy: they are of another dtype, or not read yet"
            )
        if fits and not copy:
            return self.array
        return np.array(self.array, dtype=dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(slices, rows, columns)``, and behind them the samples of colour."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.array.dtype

    @property
    def series_instance_uid(self) -> str:
        """Series Instance UID (0020,000E); empty where unknown."""
        return str(self.metadata.get("SeriesInstanceUID") or "")

    @property
    def affine(self) -> npt.NDArray[np.float64] | None:
        """From a ``(slice, row, column)`` index to LPS millimetres, 4 x 4, read-only; None where that is unknown."""
        return self.geometry.affine

    @property
    def spacing(self) -> Spacing:
        """Millimetres ``(slice, row, column)``, the first along the normal; None for each that is unknown."""
        return self.geometry.spacing

    @property
    def frame_of_reference_uid(self) -> str | None:
        """Frame of Reference UID (0020,0052) of all slices; None if it is unknown: they have none, or differ."""
        return self.geometry.frame_of_reference_uid

    @property
    def colour(self) -> bool:
        """True if each voxel has several samples (RGB)."""
        return self.array.ndim == 4

    @property
    def voxel_mm3(self) -> float | None:
        """The volume of one voxel in mm3, ``|det(affine)|``; None if a spacing is unknown."""
        return self.geometry.voxel_mm3

    def to_lps(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """LPS millimetres of ``(slice, row, column)`` indices, whole or not; shape ``(..., 3)`` to ``(..., 3)``.

        Raises
        ------
        UnplacedError
            If the place in the patient is unknown.
        """
        return self.geometry.index_to_lps(index)

    def to_index(self, position: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional ``(slice, row, column)`` indices of LPS millimetres; shape ``(..., 3)`` to ``(..., 3)``.

        Raises
        ------
        UnplacedError
            If the place in the patient is unknown.
        """
        return self.geometry.lps_to_index(position)

    def with_array(self, array: npt.NDArray[Any]) -> Volume:
        """The volume with other values on the same grid.

        Parameters
        ----------
        array
            Of the same slices, rows and columns; of any dtype, in colour or not.

        Raises
        ------
        ParameterError
            If its shape differs; see `with_geometry`.
        """
        return replace(self, array=array)

    def with_geometry(
        self, geometry: Geometry, *, array: npt.NDArray[Any] | None = None, slices: Iterable[int] | None = None
    ) -> Volume:
        """The volume on another grid.

        Parameters
        ----------
        geometry
            The grid, with its frame of reference.
        array
            The values on it; None where they are the same, at another place.
        slices
            Which of this volume's slices those of ``array`` are, from 0: they keep their padding, window and instance
            UID. None where they are new ones, which have none of these.

        Raises
        ------
        ParameterError
            If the array's shape is not that of the geometry, or the number of slices differs.
        """
        metadata = self.metadata
        if geometry.frame_of_reference_uid != self.frame_of_reference_uid:
            metadata = {keyword: value for keyword, value in metadata.items() if keyword != _FRAME_OF_REFERENCE}
        if array is None:
            return replace(self, geometry=geometry, metadata=metadata)
        kept = [] if slices is None else list(slices)
        return replace(
            self,
            array=array,
            geometry=geometry,
            metadata=metadata,
            padding=None if self.padding is None or slices is None else self.padding[kept],
            slice_voi=tuple(self.slice_voi[k] for k in kept) if self.slice_voi else (),
            instance_uids=tuple(self.instance_uids[k] for k in kept) if self.instance_uids else (),
        )

    def crop(self, box: Box) -> Volume:
        """A part of the volume; each voxel keeps its place, each slice its padding, window and instance UID.

        Parameters
        ----------
        box
            As an array is indexed: ``(slice(10, 20), slice(None), slice(None))``; without steps.

        Raises
        ------
        ParameterError
            If nothing is left, or it is not three slices without a step.
        """
        geometry = self.geometry.crop(box)
        return self.with_geometry(geometry, array=self.array[box], slices=range(len(self.array))[box[0]])

    def padding_mask(self, index: int) -> npt.NDArray[np.bool_] | None:
        """Which pixels of slice ``index`` are padding; shape ``(row, column)``, None if none can be."""
        if self.padding is None or self.colour or np.isnan(self.padding[index]).any():
            return None
        low, high = self.padding[index].tolist()
        values = self.array[index]
        if values.dtype.kind == "f":  # as numbers of the array's own type: float32 values only equal float32 limits
            low, high = values.dtype.type(low), values.dtype.type(high)
        elif np.isfinite(
            self.padding[index]
        ).all():  # integers are compared as integers, which is several times as fast
            low, high = math.ceil(low), math.floor(high)
        return np.asarray((values >= low) & (values <= high))

    def unpadded(self) -> Iterator[npt.NDArray[np.generic]]:
        """The values of each slice without its padding: arrays of one or two axes, slice by slice."""
        for index, values in enumerate(self.array):
            mask = self.padding_mask(index)
            yield values if mask is None else values[~mask]


def _again(values: dict[str, Any]) -> Volume:
    """A Volume that was pickled."""
    return Volume(**values)


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view that is not written to by mistake; a lazy array is read-only itself."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def _check_geometry(
    geometry: Geometry,
    shape: tuple[int, ...],
    affine: npt.NDArray[np.float64] | None,
    spacing: Spacing,
    frame_of_reference_uid: str | None,
) -> None:
    """Refuse what is said beside a geometry and contradicts it."""
    if affine is not None or spacing != UNKNOWN:
        raise ParameterError(
            "a volume has a geometry, or an affine and a spacing that one is made of, not both; with_geometry moves a "
            "volume to another grid"
        )
    if shape[:3] != geometry.shape:
        own, its = (" x ".join(map(str, one)) for one in (shape[:3], geometry.shape))
        raise ParameterError(
            f"the array has {own} voxels, its geometry {its}; with_geometry changes both",
            array_shape=list(shape[:3]),
            geometry_shape=list(geometry.shape),
        )
    if frame_of_reference_uid is not None and frame_of_reference_uid != geometry.frame_of_reference_uid:
        raise ParameterError(
            "the metadata name another frame of reference (Frame of Reference UID (0020,0052)) than the geometry; "
            "with_geometry moves a volume to another one"
        )


def _check_number(name: str, found: int, slices: int) -> None:
    if found not in (0, slices):
        raise ParameterError(
            f"the volume has {slices} slices, and {name} is for {found}; with_geometry says which slices are kept",
            slices=slices,
            found=found,
        )


def _checked_padding(padding: npt.ArrayLike, slices: int) -> npt.NDArray[np.float64]:
    """A copy that nobody can make writeable."""
    found = np.asarray(padding, np.float64)
    if found.ndim != 2 or found.shape[1] != 2:
        raise ParameterError(f"padding is two limits for each slice, shape (slices, 2), not {found.shape}")
    _check_number("padding", len(found) or -1, slices)
    copy: npt.NDArray[np.float64] = np.frombuffer(found.tobytes(), np.float64)
    return copy.reshape(found.shape)
