"""A segmentation that came from elsewhere, beside the image that it is said to belong to."""

from __future__ import annotations

import numpy as np

from voxelry.core.errors import GeometryError, MeasureError, UnplacedError
from voxelry.core.geometry import Geometry
from voxelry.core.label_layers import LabelLayers
from voxelry.core.placed_masks import labels_on_grid
from voxelry.core.segmentation import Segmentation
from voxelry.core.volume import Volume

_SAME_PLACE = 0.01
"""In voxels: how far voxels of two grids may lie apart that are the same."""


def placed_on_image(segmentation: Segmentation, image: Volume, *, threshold: float) -> Segmentation:
    """The segmentation on the image's own grid if each of its voxels is one of the image, else on its own grid.

    Files often hold the voxels of an image in another order (mirrored, axes exchanged). Nothing is interpolated.

    Parameters
    ----------
    threshold
        From 0 to 1; of fractions, the voxels above it are taken, which is said.

    Raises
    ------
    UnplacedError
        If one of the two has no place in the patient.
    MeasureError
        If it is empty, or no fraction lies above the threshold.
    GeometryError
        If no voxel of it lies in the image.
    """
    own, other = segmentation.geometry, image.geometry
    if not (own.placed and other.placed):
        which = "this image" if own.placed else "this file"
        raise UnplacedError(f"{which} does not say where it lies in the patient, so that nothing says how the two lie")
    layers = segmentation.layers(threshold=threshold)
    inside, whole = _voxels_inside(layers, own, other)
    if not whole and segmentation.fractional_type is not None:
        raise MeasureError(f"no fraction of this file lies above {threshold:g}: give a lower threshold")
    if not whole:
        raise MeasureError("no voxel of this file has a label: there is nothing to store")
    if not inside:
        raise GeometryError("this mask lies nowhere near the image: no voxel of it is in the image. Is it of another?")
    warnings = [*_fractions_words(segmentation, threshold), *segmentation.warnings]
    if inside == whole and _shares_voxels(own, other):
        maps = tuple(labels_on_grid(labels, own, other) for labels in layers.labels)
        return Segmentation(
            segments=segmentation.segments, layers=LabelLayers(maps, layers.places), source=image, warnings=warnings
        )
    if inside < whole:
        warnings.append(f"{whole - inside:,} of {whole:,} voxels lie beside the image")
    space = other.frame_of_reference_uid
    grid = Geometry(shape=own.shape, affine=own.affine, spacing=own.spacing, frame_of_reference_uid=space)
    return Segmentation(segments=segmentation.segments, layers=layers, geometry=grid, warnings=warnings)


def _fractions_words(segmentation: Segmentation, threshold: float) -> tuple[str, ...]:
    """That fractions were cut at a threshold, which loses what they said besides."""
    if segmentation.fractional_type is None:
        return ()
    kind = "occupancies" if segmentation.fractional_type == "OCCUPANCY" else "probabilities"
    words = (
        f"the segments of this file are {kind}: the voxels above {threshold:g} of the largest possible value were "
        "stored, and the fractions themselves were not; upload the file as DICOM to keep them"
    )
    return (words,)


def _voxels_inside(layers: LabelLayers, own: Geometry, other: Geometry) -> tuple[int, int]:
    """How many voxels with a label have their centre in the image, and how many there are."""
    inside = whole = 0
    for labels in layers.labels:
        for index, plane in enumerate(labels):
            rows, columns = np.nonzero(plane)
            if not rows.size:
                continue
            whole += len(rows)
            at = other.lps_to_index(own.index_to_lps(np.column_stack([np.full(len(rows), index), rows, columns])))
            inside += int(((at >= -0.5) & (at < np.array(other.shape) - 0.5)).all(axis=1).sum())
    return inside, whole


def _shares_voxels(own: Geometry, other: Geometry) -> bool:
    """Whether each voxel of a grid that lies in the other one is a voxel of it, perhaps in another order."""
    matrix = np.linalg.inv(other.known_affine) @ own.known_affine
    turned = np.round(matrix[:3, :3])
    if sorted(np.abs(turned).sum(axis=0).tolist()) != [1, 1, 1] or np.abs(turned).sum(axis=1).tolist() != [1, 1, 1]:
        return False
    corners = np.array([[own.shape[axis] - 1 if corner >> axis & 1 else 0 for axis in range(3)] for corner in range(8)])
    at = other.lps_to_index(own.index_to_lps(corners))
    return bool(np.abs(at - np.round(at)).max() <= _SAME_PLACE)
