"""Prediction of a whole volume by overlapping patches, joined by a weighted mean."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, TooLargeError
from voxelry.core.progress import Progress
from voxelry.steps.onnx.onnx_file import Predict
from voxelry.steps.onnx.onnx_manifest import Manifest

MOST_BYTES = 2**33
"""Most voxels of the output, all channels together."""
SIGMA = 0.125
"""Sigma of the Gaussian, as a fraction of the patch, as in nnU-Net and MONAI."""
_LEAST = 1e-3
"""Smallest weight of the Gaussian in MONAI."""
_LEAST_SHARP = 2.0**-24 / 10
"""Smallest weight in nnU-Net, whose weights have half precision and are at most 10."""
Floats = npt.NDArray[np.float32]


def predicted(image: Floats, manifest: Manifest, predict: Predict, progress: Progress) -> Floats:
    """The model's output for an image.

    Parameters
    ----------
    image
        Shape ``(channel, first, second, third axis)``.

    Returns
    -------
    output
        Shape ``(channel, first, second, third axis)``, float32, with the manifest's number of channels.

    Raises
    ------
    TooLargeError
        If all channels together have too many voxels.
    FormatError
        If the output has another number of channels, or holds values that are not finite.
    """
    patch, channels = manifest.patch, manifest.outputs
    flat = len(patch) == 2
    size = (1, *patch) if flat else patch
    wide, inner = _widened(image, size, manifest.padding)
    if channels * wide[0].size * 4 > MOST_BYTES:
        raise TooLargeError(f"{channels} channels of {' x '.join(map(str, wide.shape[1:]))} voxels are too many")
    weight = _weight(size, manifest.weighting)
    total = np.zeros((channels, *wide.shape[1:]), np.float32)
    weights = np.zeros(wide.shape[1:], np.float32)
    begin = _even if manifest.windows == "even" else _fixed
    starts = [begin(have, want, manifest.overlap) for have, want in zip(wide.shape[1:], size, strict=True)]
    places = list(itertools.product(*starts))
    for number, place in enumerate(places):
        progress(number / len(places), f"patch {number + 1} of {len(places)}")
        window = tuple(slice(start, start + length) for start, length in zip(place, size, strict=True))
        seen = np.ascontiguousarray(wide[(slice(None), *window)])
        found = _mirrored(seen, manifest.mirror, predict, flat)
        if len(found) != channels:
            raise FormatError(f"the model gives {len(found)} channels, and the manifest tells of {channels}")
        with np.errstate(over="ignore", invalid="ignore"):  # Overflow is checked below.
            total[(slice(None), *window)] += found * weight
        weights[window] += weight
    with np.errstate(over="ignore", invalid="ignore"):
        total /= weights
    if not np.isfinite(total).all():
        raise FormatError("the model's output holds values too large for float32")
    return total[(slice(None), *inner)]


def probabilities(output: Floats, manifest: Manifest) -> tuple[Floats, float]:
    """The values to resample to the volume's grid, and the threshold of independent channels for them."""
    level = manifest.threshold
    if manifest.activation == "softmax" and manifest.back == "probabilities":
        output = np.exp(output - output.max(axis=0))
        return output / output.sum(axis=0), level
    if manifest.activation != "sigmoid":
        return output, level
    if manifest.back == "output":
        return output, math.log(level / (1 - level))
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * output), np.float32), level


def _widened(image: Floats, size: Sequence[int], padding: float | str) -> tuple[Floats, tuple[slice, ...]]:
    """Pad an image to at least the size of a patch; also returns its position in the result."""
    short = [max(0, want - have) for want, have in zip(size, image.shape[1:], strict=True)]
    if not any(short):
        return image, tuple(slice(0, have) for have in image.shape[1:])
    sides = [(0, 0), *((one // 2, one - one // 2) for one in short)]
    if isinstance(padding, str):
        wide = np.pad(image, sides, mode="edge" if padding == "edge" else "reflect")
    else:
        wide = np.pad(image, sides, constant_values=padding)
    inner = tuple(slice(one // 2, one // 2 + have) for one, have in zip(short, image.shape[1:], strict=True))
    return wide, inner


def _mirrored(seen: Floats, mirror: Sequence[int], predict: Predict, flat: bool) -> Floats:
    """The mean of the predictions over all mirror images."""
    found: Floats | None = None
    choices = [axes for count in range(len(mirror) + 1) for axes in itertools.combinations(sorted(set(mirror)), count)]
    for axes in choices:
        places = tuple(axis + 1 for axis in axes)
        turned = np.ascontiguousarray(np.flip(seen, places))
        output = predict(turned[None, :, 0] if flat else turned[None])[0]
        back = np.flip(output[:, None] if flat else output, places)
        found = back.copy() if found is None else found + back
    return np.asarray(found, np.float32) / np.float32(len(choices))


def _weight(size: Sequence[int], weighting: str) -> Floats:
    """The weight of a patch's output at each of its voxels."""
    if weighting == "constant":
        return np.ones(size, np.float32)
    sharp = weighting == "gaussian_voxel"
    middles = [one // 2 if sharp else (one - 1) / 2 for one in size]
    lines = [
        np.exp(-0.5 * ((np.arange(one) - middle) / max(SIGMA * one, 1e-3)) ** 2)
        for one, middle in zip(size, middles, strict=True)
    ]
    weight = np.einsum("i,j,k->ijk", *lines)
    return np.asarray(np.maximum(weight, _LEAST_SHARP if sharp else _LEAST), np.float32)


def _even(have: int, want: int, overlap: float) -> list[int]:
    """Starts of evenly spaced patches."""
    count = math.ceil((have - want) / max(1.0, round(want * (1 - overlap), 6))) + 1
    return [round(start) for start in np.linspace(0, have - want, count).tolist()]


def _fixed(have: int, want: int, overlap: float) -> list[int]:
    """Starts of patches with a fixed step; the last patch ends where the image does."""
    step = max(1, int(want * (1 - overlap)))
    return [*range(0, have - want, step), have - want]
