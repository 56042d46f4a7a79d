"""The Segmentation: structures on a grid, as labels or as masks that may overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.label_layers import Allocate, LabelLayers, LayerBuilder, LayerPlace
from voxelry.core.volume import Volume

RGB: TypeAlias = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""
AlgorithmType: TypeAlias = Literal["AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"]
"""Segment Algorithm Type (0062,0008)."""
FractionalType: TypeAlias = Literal["OCCUPANCY", "PROBABILITY"]
"""Segmentation Fractional Type (0062,0010): how much of a voxel belongs, or how likely it does."""
Labels: TypeAlias = "npt.NDArray[np.unsignedinteger[Any]]"
Bools: TypeAlias = npt.NDArray[np.bool_]
Fractions: TypeAlias = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 8.8): ``Code("123037004", "SCT", "Body structure")``.

    Attributes
    ----------
    value
        Code Value (0008,0100).
    scheme
        Coding Scheme Designator (0008,0102): ``"SCT"``, ``"DCM"``.
    meaning
        Code Meaning (0008,0104), for people.

    Examples
    --------
    >>> voxelry.Code("39607008", "SCT", "Lung").meaning
    'Lung'
    """

    value: str
    scheme: str
    meaning: str


ANATOMY = Code("123037004", "SCT", "Anatomical Structure")
TISSUE = Code("85756007", "SCT", "Tissue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One structure of a segmentation (PS3.3 C.8.20.4).

    Parameters
    ----------
    number
        From 1; its value in an array of labels.
    label
        Its name, Segment Label (0062,0005).
    category, type
        What it is: Segmented Property Category and Type.
    algorithm
        The name of what made it; empty where that is unknown.
    algorithm_type
        Whether a program made it by itself, with help, or a person drew it.
    anatomic_region
        Where in the body it lies; None where nothing says so.
    type_modifier, region_modifier
        What says more of the type and of the region, most often the side: ``Code("7771000", "SCT", "Left")``.
    colour
        For display; None where there is none.

    Examples
    --------
    >>> lung = voxelry.Code("39607008", "SCT", "Lung")
    >>> voxelry.Segment(number=1, label="Left lung", type=lung).number
    1
    """

    number: int
    label: str
    category: Code = TISSUE
    type: Code = TISSUE
    algorithm: str = ""
    algorithm_type: AlgorithmType = "AUTOMATIC"
    anatomic_region: Code | None = None
    colour: RGB | None = None
    type_modifier: Code | None = None
    region_modifier: Code | None = None


class Segmentation:
    """Structures on a grid. Read-only.

    Give ``labels``, where each voxel belongs to one segment at most; or ``masks``, which may overlap, or the same as
    ``layers``, which take less memory; or ``fractions``. And give the grid: ``source``, or ``geometry``.

    Parameters
    ----------
    segments
        At least one; each one's number differs. A segment may be empty.
    labels
        Shape ``(slice, row, column)``, unsigned; 0 is background, ``n`` the segment whose number is n.
    masks
        One for each segment, in their order; shape ``(slice, row, column)``.
    fractions
        Likewise, numbers from 0 to 1.
    layers
        Several label maps, each segment in one of them.
    fractional_type
        What fractions are.
    source
        The volume whose grid, frame of reference and patient it has.
    geometry
        The grid, where there is no such volume.
    recipe
        What made it, in words: the step and its parameters.
    warnings
        What a user must know before trusting it; sentences without patients' values.

    Raises
    ------
    ParameterError
        If shapes, numbers or types do not fit.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> bright = voxelry.Segment(number=1, label="Bright")
    >>> segmentation = voxelry.Segmentation(
    ...     labels=(volume.array > 250).astype(np.uint8), source=volume, segments=(bright,)
    ... )
    >>> int(np.count_nonzero(segmentation.labels))
    11646
    """

    __slots__ = (
        "_fractional_type", "_geometry", "_labels", "_layers", "_masks", "_source", "recipe", "segments", "warnings",
    )  # fmt: skip

    segments: tuple[Segment, ...]
    recipe: str
    warnings: tuple[str, ...]

    def __init__(
        self,
        *,
        segments: Sequence[Segment],
        labels: Labels | None = None,
        masks: Sequence[Bools] | None = None,
        fractions: Sequence[Fractions] | None = None,
        layers: LabelLayers | None = None,
        fractional_type: FractionalType = "PROBABILITY",
        source: Volume | None = None,
        geometry: Geometry | None = None,
        recipe: str = "",
        warnings: Sequence[str] = (),
    ) -> None:
        self.segments = tuple(segments)
        numbers = [segment.number for segment in self.segments]
        if not numbers or min(numbers) < 1 or len(set(numbers)) != len(numbers):
            raise ParameterError(f"segments are numbered from 1, each once, not {numbers}")
        if sum(one is not None for one in (labels, masks, layers, fractions)) != 1:
            raise ParameterError("a segmentation has labels, or masks, or fractions, or layers")
        if source is None and geometry is None:
            raise ParameterError("a segmentation lies on the grid of a source, or on a geometry")
        shape = geometry.shape if geometry is not None else source.array.shape[:3]  # type: ignore[union-attr]
        self._labels = None if labels is None else _checked(labels, shape, "u")
        self._layers = None if layers is None else _checked_layers(layers, shape, numbers)
        each = masks if masks is not None else fractions
        kind = "b" if masks is not None else "f"
        self._masks = None if each is None else tuple(_checked(one, shape, kind) for one in each)
        if self._masks is not None and len(self._masks) != len(numbers):
            raise ParameterError(f"{len(self._masks)} masks are of {len(numbers)} segments")
        self._fractional_type: FractionalType | None = None if fractions is None else fractional_type
        self._source, self._geometry = source, geometry
        self.recipe, self.warnings = recipe, tuple(warnings)

    def __repr__(self) -> str:
        """Short, and without names, which may be anybody's words."""
        kind = "labels" if self._labels is not None else "fractions" if self.fractional_type else "masks"
        shape = " x ".join(map(str, self.geometry.shape))
        return f"<Segmentation {shape}, {len(self.segments)} segments as {kind}>"

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        return self._geometry if self._geometry is not None else self.source.geometry

    @property
    def source(self) -> Volume:
        """The volume whose grid, frame of reference and patient it has; a bare one of zeros where it has none."""
        if self._source is not None:
            return self._source
        return Volume(array=np.broadcast_to(np.uint8(0), self.geometry.shape), geometry=self.geometry)

    @property
    def fractional_type(self) -> FractionalType | None:
        """What its fractions are; None for labels and masks."""
        return self._fractional_type

    @property
    def overlapping(self) -> bool:
        """True if a voxel belongs to several segments, so that it has no one label. False for fractions."""
        return self._labels is None and self._fractional_type is None and self._overlap() is not None

    @property
    def labels(self) -> Labels:
        """Each voxel's segment, 0 for none; shape ``(slice, row, column)``, the smallest unsigned type.

        Raises
        ------
        MeasureError
            If segments overlap, or are fractions.
        """
        if self._labels is not None:
            return self._labels
        if self._fractional_type is not None:
            raise MeasureError("the segments are fractions, which are no labels: ask for the mask above a threshold")
        overlap = self._overlap()
        if overlap is not None:
            one, two = overlap
            raise MeasureError(f"segments {one} and {two} overlap, so that their voxels have no one label")
        largest = max(segment.number for segment in self.segments)
        labels = np.zeros(self.geometry.shape, np.min_scalar_type(largest))
        for segment in self.segments:
            labels[self.mask(segment.number)] = segment.number
        return labels

    def _overlap(self) -> tuple[int, int] | None:
        """The numbers of two segments that overlap, if there are any."""
        if self._layers is not None:
            return self._layers.overlap()
        masks = self._masks or ()
        taken = np.zeros(self.geometry.shape, np.bool_)
        for index, mask in enumerate(masks):
            if (taken & mask).any():
                first = next(number for number, other in enumerate(masks) if (other & mask).any())
                return self.segments[first].number, self.segments[index].number
            taken |= mask
        return None

    def layers(self, *, threshold: float | None = None, allocate: Allocate = np.zeros) -> LabelLayers:
        """All segments in as few label maps as a greedy assignment needs, in their order.

        Parameters
        ----------
        threshold
            From 0 to 1, for fractions, and needed for them: a voxel counts if its fraction lies above it.
        allocate
            Makes each map that is not there yet; they may lie in a file.

        Raises
        ------
        ParameterError
            If fractions have no threshold.
        MeasureError
            If there are more segments than labels can name.
        """
        if self._layers is not None:
            return self._layers
        numbers = [segment.number for segment in self.segments]
        if self._labels is not None:
            return LabelLayers((self._labels,), {number: LayerPlace(0, number) for number in numbers})
        builder = LayerBuilder(self.geometry.shape, numbers, allocate=allocate)
        for number in numbers:
            builder.add(number, self.mask(number, threshold=threshold))
        return builder.layers()

    def segment(self, which: int | str) -> Segment:
        """A segment by its number or its label.

        Raises
        ------
        ParameterError
            If there is none, or several have the label.
        """
        found = [one for one in self.segments if which in (one.number, one.label)]
        if len(found) != 1:
            raise ParameterError(f"{len(found)} segments are called so; numbers are {self._numbers()}")
        return found[0]

    def mask(self, which: int | str, *, threshold: float | None = None) -> Bools:
        """Where a segment is; shape ``(slice, row, column)``.

        Parameters
        ----------
        which
            Its number, or its label.
        threshold
            From 0 to 1, for fractions, and needed for them: a voxel counts if its fraction lies above it.

        Raises
        ------
        ParameterError
            If there is no such segment, or fractions have no threshold.
        """
        if self._labels is not None:
            return np.asarray(self._labels == self.segment(which).number)
        if self._layers is not None:
            return self._layers.mask(self.segment(which).number)
        found = self._fractions_or_mask(which)
        if self._fractional_type is None:
            return np.asarray(found, np.bool_)
        if threshold is None or not 0 <= threshold <= 1:
            raise ParameterError("the mask of a segment that is fractions needs a threshold from 0 to 1")
        return np.asarray(found > threshold)

    def fractions(self, which: int | str) -> Fractions:
        """The fractions of a segment; shape ``(slice, row, column)``, from 0 to 1; of labels and masks 0 and 1.

        Raises
        ------
        ParameterError
            If there is no such segment.
        """
        if self._fractional_type is None:
            return self.mask(which).astype(np.float32)
        return np.asarray(self._fractions_or_mask(which), np.float32)

    def count(self, which: int | str, *, threshold: float | None = None) -> int:
        """How many voxels a segment has; of fractions those above the threshold."""
        return int(np.count_nonzero(self.mask(which, threshold=threshold)))

    def volume_mm3(self, which: int | str, *, threshold: float | None = None) -> float | None:
        """The volume of a segment.

        Returns
        -------
        volume
            The number of voxels times the volume of one; of occupancies without a threshold, the sum of all fractions
            times it. None where a spacing is unknown, and for probabilities without a threshold: from which
            probability on a voxel counts is for the caller to say.

        Raises
        ------
        ParameterError
            If there is no such segment.
        """
        voxel = self.geometry.voxel_mm3
        self.segment(which)
        if voxel is None or (self._fractional_type == "PROBABILITY" and threshold is None):
            return None
        if self._fractional_type == "OCCUPANCY" and threshold is None:
            return float(self._fractions_or_mask(which).sum(dtype=np.float64)) * voxel
        return self.count(which, threshold=threshold) * voxel

    def volumes_mm3(self) -> Mapping[int, float | None]:
        """The volume of each segment by its number."""
        return {segment.number: self.volume_mm3(segment.number) for segment in self.segments}

    def with_source(self, source: Volume) -> Segmentation:
        """The same segments on another volume of the same shape.

        Raises
        ------
        ParameterError
            If its shape differs.
        """
        fractional = self._fractional_type
        return Segmentation(
            segments=self.segments,
            labels=self._labels,
            masks=self._masks if fractional is None else None,
            fractions=None if fractional is None else self._masks,
            layers=self._layers,
            fractional_type=fractional or "PROBABILITY",
            source=source,
            recipe=self.recipe,
            warnings=self.warnings,
        )

    def _fractions_or_mask(self, which: int | str) -> npt.NDArray[Any]:
        return (self._masks or ())[self.segments.index(self.segment(which))]

    def _numbers(self) -> str:
        return ", ".join(str(segment.number) for segment in self.segments)


_KINDS = {"u": "labels are unsigned whole numbers", "b": "a mask is of booleans", "f": "fractions are floats"}


def _checked_layers(layers: LabelLayers, shape: tuple[int, ...], numbers: Sequence[int]) -> LabelLayers:
    """The same layers, if type, shape and numbers are right."""
    places = layers.places
    if set(places) != set(numbers) or not all(0 <= one.layer < len(layers.labels) for one in places.values()):
        raise ParameterError("the layers of a segmentation have a place for each of its segments, and for no other")
    return LabelLayers(tuple(_checked(one, shape, "u") for one in layers.labels), places)


def _checked(array: npt.NDArray[Any], shape: tuple[int, ...], kind: str) -> npt.NDArray[Any]:
    """A read-only view, if type and shape are right."""
    if array.dtype.kind != kind:
        raise ParameterError(f"{_KINDS[kind]}, not {array.dtype}")
    if array.shape != tuple(shape):
        what = "labels" if kind == "u" else "a mask"
        raise ParameterError(f"{what} of shape {array.shape} lie on a grid of {tuple(shape)}")
    if kind == "f" and array.size and not (array.min() >= 0 and array.max() <= 1):
        raise ParameterError("fractions are numbers from 0 to 1")
    view = array.view()
    view.flags.writeable = False
    return view
