"""A structure set: the contours of several structures, and the grid of the images that they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from voxelry.core.contours import Contours, ContourVolume
from voxelry.core.errors import ParameterError, UnplacedError, VoxelryError
from voxelry.core.geometry import Geometry
from voxelry.core.label_layers import Allocate, LayerBuilder
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.value import Value

Row: TypeAlias = dict[str, Value]
_LONGEST_LABEL = 64


@dataclass(frozen=True, eq=False, kw_only=True)
class StructureSet:
    """The structures of one RT Structure Set (PS3.3 A.19).

    Attributes
    ----------
    structures
        In the order of the file; those without contours too.
    label
        Structure Set Label (3006,0002).
    referenced_series_uids
        Series Instance UIDs of the images that the contours were drawn on.
    geometry
        The grid of these images, where they are known.
    warnings
        What was lost when it was read, and why there is no grid; sentences without patients' values.

    Examples
    --------
    >>> ring = voxelry.Contour([(0, 0, 1), (4, 0, 1), (4, 4, 1), (0, 4, 1)])
    >>> grid = voxelry.Geometry(shape=(3, 10, 10), affine=[[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    >>> found = voxelry.StructureSet(structures=(voxelry.Contours(contours=[ring], name="a", number=1),), geometry=grid)
    >>> found.rows()[0]["mask_voxels"]
    25
    >>> found.segmentation().volume_mm3("a")
    25.0
    """

    structures: tuple[Contours, ...]
    label: str = ""
    referenced_series_uids: tuple[str, ...] = ()
    geometry: Geometry | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        grid = "" if self.geometry is None else f" on {self.geometry!r}"
        return f"<StructureSet of {len(self.structures)} structures{grid}>"

    def structure(self, which: int | str) -> Contours:
        """A structure by its number or its name.

        Raises
        ------
        ParameterError
            If there is none, or several have the name.
        """
        found = [one for one in self.structures if which in (one.number, one.name)]
        if len(found) != 1:
            numbers = ", ".join(str(one.number) for one in self.structures)
            raise ParameterError(f"{len(found)} structures are called so; numbers are {numbers}")
        return found[0]

    def with_geometry(self, geometry: Geometry | None, *warnings: str) -> StructureSet:
        """The same with the grid of its images, or with the reason why there is none."""
        return replace(self, geometry=geometry, warnings=(*self.warnings, *warnings))

    def volume(self, which: int | str) -> ContourVolume:
        """The volume of a structure by its contours.

        Contours of one plane take the step of the images' slices, if they lie in such a plane and the grid is known.
        """
        return self.volume_of(self.structure(which))

    def volume_of(self, structure: Contours) -> ContourVolume:
        """The same of one of its structures."""
        found = structure.volume()
        if found.mm3 is not None or self.geometry is None or len(found.areas_mm2) != 1 or found.normal is None:
            return found
        if not self.geometry.placed or abs(float(found.normal @ self.geometry.normal)) < _PARALLEL:
            return found
        return structure.volume(step=self.geometry.spacing[0])

    @property
    def drawn(self) -> tuple[Contours, ...]:
        """The structures that have closed contours, which are the segments of `segmentation` in their order."""
        return tuple(one for one in self.structures if one.closed)

    def as_segments(self) -> tuple[Segment, ...]:
        """The structures of `drawn` as segments, without a place."""
        return tuple(_segment(number, one) for number, one in zip(_numbers(self.drawn), self.drawn, strict=True))

    def segmentation(
        self,
        geometry: Geometry | None = None,
        *,
        same_frame_of_reference: bool = False,
        allocate: Allocate = np.zeros,
    ) -> Segmentation:
        """The structures that have closed contours as segments, which may overlap, on a grid.

        A structure that cannot be laid on the grid is an empty segment, and a warning says why.

        Parameters
        ----------
        geometry
            None for that of the images.
        same_frame_of_reference
            True to confirm that contours and grid lie in one place though their frames of reference differ.
        allocate
            Makes the arrays of labels; they may lie in a file.

        Raises
        ------
        UnplacedError
            If no grid is known.
        ParameterError
            If no structure has a closed contour.
        FrameOfReferenceError, GeometryError, MeasureError
            As for ``Contours.mask``, if no structure can be laid on the grid.
        """
        grid = geometry or self.geometry
        if grid is None:
            raise UnplacedError("the grid of the images that these contours were drawn on is unknown: give a geometry")
        drawn = self.drawn
        if not drawn:
            raise ParameterError("no structure of this structure set has a closed contour")
        numbers = _numbers(drawn)
        builder = LayerBuilder(grid.shape, numbers, allocate=allocate)
        told: list[str] = []
        failed: list[VoxelryError] = []
        for number, structure in zip(numbers, drawn, strict=True):
            told += [f"structure {number}: {words}" for words in structure.warnings]
            try:
                mask = structure.mask(grid, same_frame_of_reference=same_frame_of_reference)
            except VoxelryError as error:
                failed.append(error)
                told.append(f"structure {number} has no voxels: {error}")
            else:
                told += [f"structure {number}: {words}" for words in mask.warnings]
                builder.add(number, mask.mask)
        if len(failed) == len(drawn):
            raise failed[0]
        return Segmentation(
            segments=self.as_segments(),
            layers=builder.layers(),
            geometry=grid,
            recipe="voxels whose centres lie inside the contours of an RT Structure Set, or on their lines",
            warnings=(*self.warnings, *told),
        )

    def rows(self) -> tuple[Row, ...]:
        """The volumes of all structures: by contour, and by mask where the grid of the images is known.

        Returns
        -------
        rows
            Each with ``number``, ``name``, ``contours``, ``contour_mm3``, ``mask_voxels``, ``mask_mm3`` and
            ``warnings``; None for figures that cannot be told.
        """
        return tuple(map(self._row, self.structures))

    def _row(self, structure: Contours) -> Row:
        try:
            volume = self.volume_of(structure)
        except VoxelryError as error:  # of this structure; the others are as good without it
            volume = ContourVolume(mm3=None, warnings=(str(error),))
        warnings = [*structure.warnings, *volume.warnings]
        voxels: int | None = None
        mm3: float | None = None
        if self.geometry is not None and structure.closed:
            try:
                mask = structure.mask(self.geometry)
            except VoxelryError as error:
                warnings += [str(error)] if str(error) not in warnings else []
            else:
                voxels, mm3 = int(mask.mask.sum()), mask.mm3
                warnings += [words for words in mask.warnings if words not in warnings]
        return {
            "number": structure.number,
            "name": structure.name,
            "contours": len(structure.contours),
            "contour_mm3": volume.mm3,
            "mask_voxels": voxels,
            "mask_mm3": mm3,
            "warnings": [*warnings],
        }


_PARALLEL = 1 - 1e-6
"""The cosine between two normals that are the same."""


def _numbers(structures: Sequence[Contours]) -> list[int]:
    """Their own numbers if these are distinct and at least 1; else their order."""
    own = [one.number for one in structures]
    if len(set(own)) == len(own) and all(number is not None and number > 0 for number in own):
        return [number for number in own if number is not None]
    return list(range(1, len(own) + 1))


def _segment(number: int, structure: Contours) -> Segment:
    manual = structure.algorithm in ("", "MANUAL")
    return Segment(
        number=number,
        label=(structure.name or f"Structure {number}")[:_LONGEST_LABEL],
        algorithm="" if manual else structure.algorithm,
        algorithm_type="MANUAL"
        if manual
        else "SEMIAUTOMATIC"
        if structure.algorithm == "SEMIAUTOMATIC"
        else "AUTOMATIC",
        colour=structure.colour,
    )
