"""Resampling from a volume's grid to a model's, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import patient_axes
from voxelry.core.errors import TooLargeError
from voxelry.core.geometry import Box
from voxelry.core.volume import Volume
from voxelry.steps.onnx.onnx_manifest import SIDES, Manifest
from voxelry.steps.shared import demands

MOST_VOXELS = 2**30
"""Most voxels of a volume at the model's spacing."""
FLAT = 3.0
"""Above this ratio of lengths, slices are not interpolated: nnU-Net's threshold of anisotropy."""
_FAR = 2.0**40
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Way:
    """The mapping from a volume's index axes to the model's, and back.

    Attributes
    ----------
    order, flips
        The volume's axis for each of the model's, and which of the model's axes are reversed.
    whole, box
        The volume's shape, and the part of it that the model sees; both in the volume's axes.
    source, target
        Shapes of the part in the model's axes, at the volume's spacing and at the model's.
    ratio
        Voxels of the volume per voxel of the model, along the model's axes.
    nearest, nearest_back
        The axis without interpolation (nearest slice), to the model and back; None interpolates along all axes.
    """

    order: tuple[int, int, int]
    flips: tuple[int, ...]
    whole: tuple[int, ...]
    box: Box
    source: tuple[int, ...]
    target: tuple[int, ...]
    ratio: tuple[float, ...]
    centres: bool
    cubic: bool
    nearest: int | None
    nearest_back: int | None

    @classmethod
    def of(cls, volume: Volume, manifest: Manifest, box: Box) -> Way:
        """The mapping for a part of a volume by a manifest.

        Raises
        ------
        UnplacedError
            If the manifest needs a spacing or directions that are unknown.
        GeometryError
            If the manifest needs another spacing, and the volume is sheared.
        TooLargeError
            If the part has too many voxels at the model's spacing.
        """
        order, flips = manifest.transpose, tuple[int, ...]()
        if manifest.axes is not None:
            axes, signs = patient_axes(demands.known_affine(volume))
            sides = [SIDES[side] for side in manifest.axes]
            first, second, third = (axes[axis] for axis, _ in sides)
            order = (first, second, third)
            flips = tuple(place for place, (axis, sign) in enumerate(sides) if signs[axis] != sign)
        source = tuple(box[axis].stop - box[axis].start for axis in order)
        target, ratio = source, (1.0, 1.0, 1.0)
        nearest = nearest_back = None
        centres = manifest.grid == "centres"
        if manifest.spacing is not None:
            demands.require_straight(volume, "choose a model that takes the volume's own spacing")
            have, want = _spacings(volume, order, manifest.spacing)
            counts = zip(source, have, want, strict=True)
            if centres:
                target = tuple(round(min((size - 1) * old / new, _FAR) + 1) for size, old, new in counts)
            else:
                target = tuple(max(1, round(min(old / new * size, _FAR))) for size, old, new in counts)
            ratio = (want[0] / have[0], want[1] / have[1], want[2] / have[2])
            if manifest.separate:
                nearest, nearest_back = _flat(have, want), _flat(want, have)
        if float(np.prod([float(size) for size in target])) > MOST_VOXELS:
            raise TooLargeError(
                f"at the model's spacing the volume has {' x '.join(map(str, target))} voxels: too many; "
                "look whether the manifest's spacing is in mm and in the order of the model's axes"
            )
        cubic = manifest.interpolation == "cubic"
        whole = volume.array.shape[:3]
        return cls(order, flips, whole, box, source, target, ratio, centres, cubic, nearest, nearest_back)

    def there(self, values: Floats) -> Floats:
        """Resample the values in the box to the model's grid; shape ``target``."""
        turned = np.flip(values.transpose(self.order), self.flips)
        return self._resized(turned, self.target, 3 if self.cubic else 1, self.ratio, self.nearest)

    def mask_there(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Resample a mask to the model's grid, by the nearest voxel."""
        turned = np.flip(mask.transpose(self.order), self.flips).astype(np.float32)
        return self._resized(turned, self.target, 0, self.ratio, None) > 0.5

    def back(self, values: Floats, outside: float) -> Floats:
        """Resample values on the model's grid to the volume's whole grid."""
        ratio = tuple(1 / one for one in self.ratio)
        found = np.flip(self._resized(values, self.source, 1, ratio, self.nearest_back), self.flips)
        turned = np.ascontiguousarray(found.transpose(np.argsort(self.order)))
        if turned.shape == self.whole:
            return turned
        whole = np.full(self.whole, outside, np.float32)
        whole[self.box] = turned
        return whole

    def _resized(
        self, values: Floats, shape: tuple[int, ...], order: int, ratio: Sequence[float], nearest: int | None
    ) -> Floats:
        if values.shape == shape and (not self.centres or all(one == 1 for one in ratio)):
            return np.ascontiguousarray(values)
        if not self.centres:  # A whole number of voxels fills the same box.
            ratio = tuple(have / want for have, want in zip(values.shape, shape, strict=True))
        if nearest is None:
            return _interpolated(values, shape, ratio, order, centres=self.centres)
        return self._by_slices(values, shape, order, ratio, nearest)

    def _by_slices(
        self, values: Floats, shape: tuple[int, ...], order: int, ratio: Sequence[float], nearest: int
    ) -> Floats:
        """Interpolate within each slice, then take the nearest slice."""
        slices = np.moveaxis(values, nearest, 0)
        plane = tuple(size for axis, size in enumerate(shape) if axis != nearest)
        steps = tuple(one for axis, one in enumerate(ratio) if axis != nearest)
        shift = 0.0 if self.centres else 0.5
        places = np.floor(ratio[nearest] * (np.arange(shape[nearest]) + shift) - shift + 0.5).astype(np.intp)
        places = places.clip(0, len(slices) - 1)
        needed = {
            int(place): _interpolated(slices[place], plane, steps, order, centres=self.centres)
            for place in np.unique(places)
        }
        return np.ascontiguousarray(np.moveaxis(np.stack([needed[int(place)] for place in places]), 0, nearest))


def _spacings(
    volume: Volume, order: tuple[int, ...], wanted: tuple[float, ...]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The spacings of volume and model along the model's axes, in mm; a model of slices keeps the volume's first."""
    if len(wanted) == 3:
        spacing = demands.known_spacing(volume)
        return tuple(spacing[axis] for axis in order), wanted
    inside = [volume.spacing[axis] for axis in order[1:]]
    known = [one for one in inside if one is not None]
    if len(known) < len(inside):
        known = [demands.known_spacing(volume)[axis] for axis in order[1:]]
    first = volume.spacing[order[0]] or max(known)
    return (first, *known), (first, *wanted)


def _flat(here: Sequence[float], there: Sequence[float]) -> int | None:
    """The only axis along which voxels of one grid, or else of the other, are long; None without a single one."""
    for spacing in (here, there):
        if max(spacing) / min(spacing) > FLAT:
            longest = [axis for axis, one in enumerate(spacing) if one == max(spacing)]
            return longest[0] if len(longest) == 1 else None
    return None


def _interpolated(
    values: Floats, shape: tuple[int, ...], ratio: Sequence[float], order: int, *, centres: bool
) -> Floats:
    """Interpolate; outermost values continue beyond the outermost centres, cubic results stay in the values' range."""
    from scipy import ndimage

    steps = np.array(ratio)
    offset = 0.0 if centres else steps / 2 - 0.5
    found = ndimage.affine_transform(values, steps, offset, shape, np.float32, order=order, mode="nearest")
    if order > 1 and values.size:
        found = found.clip(values.min(), values.max())
    return np.asarray(found, np.float32)
