"""A model that sees a patch at a time, over a whole volume: overlapping patches, weighted by a Gaussian."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, TooLargeError
from voxelry.core.progress import Progress
from voxelry.steps.onnx_file import Predict

MOST_BYTES = 2**33
"""Of the output of all patches together."""
SIGMA = 0.125
"""Of the Gaussian, as a fraction of the patch: nnU-Net's and MONAI's."""
_LEAST = 1e-3
Floats = npt.NDArray[np.float32]


def predicted(
    image: Floats, patch: Sequence[int], overlap: float, mirror: Sequence[int], predict: Predict, channels: int,
    progress: Progress,
) -> Floats:  # fmt: skip
    """The model's output over an image.

    Parameters
    ----------
    image
        Shape ``(channel, first, second, third axis)``.
    patch
        Three sizes, or two for a model of planes.
    mirror
        Axes, from 0, along which each patch is seen mirrored too.
    channels
        That the output must have.

    Returns
    -------
    output
        Shape ``(channels, first, second, third axis)``, float32.
    """
    flat = len(patch) == 2
    size = (1, *patch) if flat else tuple(patch)
    short = [(0, max(0, want - have)) for want, have in zip(size, image.shape[1:], strict=True)]
    wide = np.pad(image, [(0, 0), *short])
    if channels * wide[0].size * 4 > MOST_BYTES:
        raise TooLargeError(f"{channels} channels of {' x '.join(map(str, wide.shape[1:]))} voxels are too many")
    weight = _gaussian(size)
    total = np.zeros((channels, *wide.shape[1:]), np.float32)
    weights = np.zeros(wide.shape[1:], np.float32)
    starts = [_starts(have, want, overlap) for have, want in zip(wide.shape[1:], size, strict=True)]
    places = list(itertools.product(*starts))
    for number, place in enumerate(places):
        progress(number / len(places), f"patch {number + 1} of {len(places)}")
        window = tuple(slice(start, start + length) for start, length in zip(place, size, strict=True))
        seen = np.ascontiguousarray(wide[(slice(None), *window)])
        found = _mirrored(seen, mirror, predict, flat)
        if len(found) != channels:
            raise FormatError(f"the model gives {len(found)} channels, and the manifest tells of {channels}")
        with np.errstate(over="ignore", invalid="ignore"):  # looked at below
            total[(slice(None), *window)] += found * weight
        weights[window] += weight
    with np.errstate(over="ignore", invalid="ignore"):
        total /= weights
    if not np.isfinite(total).all():
        raise FormatError("the model's output holds values too large for float32")
    return total[(slice(None), *(slice(0, have) for have in image.shape[1:]))]


def _mirrored(seen: Floats, mirror: Sequence[int], predict: Predict, flat: bool) -> Floats:
    """The mean over every mirror image."""
    found: Floats | None = None
    choices = [axes for count in range(len(mirror) + 1) for axes in itertools.combinations(sorted(set(mirror)), count)]
    for axes in choices:
        places = tuple(axis + 1 for axis in axes)
        turned = np.ascontiguousarray(np.flip(seen, places))
        output = predict(turned[None, :, 0] if flat else turned[None])[0]
        back = np.flip(output[:, None] if flat else output, places)
        found = back.copy() if found is None else found + back
    return np.asarray(found, np.float32) / np.float32(len(choices))


def _gaussian(size: Sequence[int]) -> Floats:
    lines = [np.exp(-0.5 * ((np.arange(one) - (one - 1) / 2) / max(SIGMA * one, 1e-3)) ** 2) for one in size]
    weight = np.einsum("i,j,k->ijk", *lines)
    return np.asarray(np.maximum(weight / weight.max(), _LEAST), np.float32)


def _starts(have: int, want: int, overlap: float) -> list[int]:
    """Where patches begin, evenly, from one end to the other."""
    if have <= want:
        return [0]
    count = int(np.ceil((have - want) / max(1, int(want * (1 - overlap))))) + 1
    return [round(start) for start in np.linspace(0, have - want, count).tolist()]
