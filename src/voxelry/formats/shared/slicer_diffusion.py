"""Diffusion weighting in the keys of 3D Slicer and NA-MIC, which NRRD files of diffusion weighted images have.

``DWMRI_b-value`` is the largest b-value; ``DWMRI_gradient_0001`` is a vector whose direction is that of the gradient,
and whose squared length is the volume's fraction of it. Vectors are in the measurement frame, which a field of its own
places in the file's space.

References
----------
https://www.na-mic.org/wiki/NAMIC_Wiki:DTI:Nrrd_format
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from voxelry.core.value import Value
from voxelry.core.volume import Volume

IN_SPACE = "(1,0,0) (0,1,0) (0,0,1)"
"""The measurement frame of vectors in the file's own space."""
_B_VALUE, _GRADIENT, _MODALITY = "DWMRI_b-value", "DWMRI_gradient_{:04d}", "modality"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_VECTOR = re.compile(rf"\s*({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})\s*")
_ONE = re.compile(rf"\s*({_NUMBER})\s*")
_DIGITS = 9
_SHORTEST = 1e-6

Floats = npt.NDArray[np.float64]


def diffusion_keys(volumes: Sequence[Volume]) -> list[str]:
    """Lines of a header in LPS: measurement frame and keys; none unless each weighted volume has a direction."""
    weighted = [_weighting(volume) for volume in volumes]
    known = [one for one in weighted if one is not None]
    top = max((b_value for b_value, _ in known), default=0.0)
    if len(known) < len(weighted) or top == 0 or len(volumes) < 2 or volumes[0].affine is None:
        return []
    lines = [f"measurement frame: {IN_SPACE}", f"{_MODALITY}:=DWMRI", f"{_B_VALUE}:={top!r}"]
    for number, (b_value, direction) in enumerate(known):
        vector = (repr(math.sqrt(b_value / top) * component + 0.0) for component in direction)
        lines.append(f"{_GRADIENT.format(number)}:={' '.join(vector)}")
    return lines


def slicer_weighting(keys: Mapping[str, str], count: int, to_lps: Floats | None) -> list[dict[str, Value]]:
    """The metadata of each of ``count`` volumes; empty ones if the keys are not those of so many gradients.

    Parameters
    ----------
    to_lps
        From the measurement frame to the patient, 3 x 3; None if the file does not say.
    """
    nothing: list[dict[str, Value]] = [{} for _ in range(count)]
    said = _ONE.fullmatch(keys.get(_B_VALUE, ""))
    if keys.get(_MODALITY, "").strip() != "DWMRI" or said is None or to_lps is None:
        return nothing
    found = []
    for number in range(count):
        vector = _VECTOR.fullmatch(keys.get(_GRADIENT.format(number), ""))
        if vector is None:
            return nothing
        components = to_lps @ [float(word) for word in vector.groups()]
        one = _told(float(said[1]), components)
        if one is None:
            return nothing
        found.append(one)
    return found


def measurement_frame(vectors: Sequence[Sequence[float] | None], signs: Sequence[float] | None) -> Floats | None:
    """From the measurement frame to the patient; None if it is none, or the space is not the patient's.

    Parameters
    ----------
    vectors
        Of the field: the columns. None means that they are those of the file's space.
    signs
        From the file's space to LPS.
    """
    if signs is None:
        return None
    if not vectors:
        return np.diag(np.asarray(signs, np.float64))
    if len(vectors) != 3 or any(one is None or len(one) != 3 for one in vectors):
        return None
    columns = np.array([list(one or ()) for one in vectors], np.float64).T
    if not np.isfinite(columns).all() or abs(np.linalg.det(columns)) < 1e-3:
        return None
    return np.diag(np.asarray(signs, np.float64)) @ columns


def _told(top: float, vector: Floats) -> dict[str, Value] | None:
    length = float(np.linalg.norm(vector))
    if not (math.isfinite(length) and math.isfinite(top) and top >= 0):
        return None
    if length < _SHORTEST or top == 0:
        return {"DiffusionBValue": 0.0, "DiffusionDirectionality": "NONE"}
    return {
        "DiffusionBValue": float(f"{top * length**2:.{_DIGITS}g}"),
        "DiffusionDirectionality": "DIRECTIONAL",
        "DiffusionGradientOrientation": [*(vector / length).tolist()],
    }


def _weighting(volume: Volume) -> tuple[float, tuple[float, float, float]] | None:
    """b-value and unit vector, 0 0 0 without weighting; None if the metadata do not tell both."""
    b_value = volume.metadata.get("DiffusionBValue", 0.0)
    if isinstance(b_value, bool) or not isinstance(b_value, int | float) or not 0 <= b_value < math.inf:
        return None
    if b_value == 0:
        return 0.0, (0.0, 0.0, 0.0)
    vector = volume.metadata.get("DiffusionGradientOrientation")
    if not isinstance(vector, list) or len(vector) != 3:
        return None
    known = [float(one) for one in vector if isinstance(one, int | float)]
    length = math.hypot(*known)
    if len(known) < 3 or not _SHORTEST < length < math.inf:
        return None
    return float(b_value), (known[0] / length, known[1] / length, known[2] / length)
