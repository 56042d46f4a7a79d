"""Volumes for tests: Hypothesis strategies of every orientation and dtype, and a comparison of volumes.

Needs the package ``hypothesis``, which Voxelry itself does not install.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from voxelry.core.affine import spacing_of as spacing_of
from voxelry.core.intensity import Window
from voxelry.core.spacing import Spacing
from voxelry.core.volume import Volume

INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
DTYPES = (*INTEGERS, "float32", "float64")
"""All dtypes of volumes."""

AXIAL_LPS: npt.NDArray[np.float64] = np.array(
    [[0.0, 0.0, 0.7, -120.25], [0.0, 0.8, 0.0, -80.5], [2.5, 0.0, 0.0, 31.0], [0.0, 0.0, 0.0, 1.0]]
)
"""An affine without a rotation: 2.5 mm between slices, 0.8 between rows, 0.7 between columns."""


ANGLES = st.floats(-180, 180).map(lambda degrees: round(degrees, 9))
"""Degrees, none of which is too small for other programs: ITK finds no inverse of a matrix with subnormal numbers."""


@st.composite
def affines(draw: st.DrawFn, *, shear: bool = True) -> npt.NDArray[np.float64]:
    """Affines to LPS millimetres: axial or oblique, anisotropic, right- or left-handed, tilted or not."""
    sizes = [draw(st.floats(0.05, 20.0)) for _ in range(3)]
    signs = [draw(st.sampled_from((1.0, -1.0))) for _ in range(3)]
    order = draw(st.permutations(range(3)))
    axes = np.eye(3)[:, order] * signs
    if draw(st.booleans()):
        axes = _rotation(*(draw(ANGLES) for _ in range(3))) @ axes
    affine = np.eye(4)
    affine[:3, :3] = axes * sizes
    if shear and draw(st.booleans()):  # As by a tilted gantry: the step between slices has a component along the rows.
        affine[:3, 0] += axes[:, 1] * sizes[0] * np.tan(np.radians(draw(st.floats(-30, 30))))
    affine[:3, 3] = [draw(st.floats(-2000, 2000)) for _ in range(3)]
    return affine + 0.0


def _rotation(one: float, two: float, three: float) -> npt.NDArray[np.float64]:
    """The rotation about each axis in order, in degrees."""
    turned = np.eye(3)
    for axis, angle in enumerate(np.radians([one, two, three])):
        turn = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        turned = turned @ turn
    return turned


def voxels(shape: tuple[int, ...], dtype: str, seed: int = 0) -> npt.NDArray[Any]:
    """Values of the dtype's whole range with its limits; for floats with NaN and infinities."""
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    array: npt.NDArray[Any]
    if kind.kind == "b":
        return random.integers(0, 2, shape).astype(kind)
    if kind.kind == "f":
        array = random.standard_normal(shape).astype(kind) * kind.type(1000)
        special = [np.nan, np.inf, -np.inf, np.finfo(kind).max, np.finfo(kind).tiny, -0.0]
    elif dtype == "bool":
        array, special = random.integers(0, 2, shape).astype(bool), []
    else:
        limits = np.iinfo(kind)
        array = random.integers(limits.min, limits.max, shape, kind, endpoint=True)
        special = [limits.min, limits.max]
    flat = array.reshape(-1)
    for place, value in zip(random.permutation(flat.size)[: len(special)], special, strict=False):
        flat[place] = value
    return array


@st.composite
def volumes(
    draw: st.DrawFn, *, dtypes: tuple[str, ...] = DTYPES, shear: bool = True, samples: int | None = None
) -> Volume:
    """A small volume with an affine; ``samples`` makes it a colour volume."""
    shape = tuple(draw(st.integers(1, 5)) for _ in range(3)) + (() if samples is None else (samples,))
    affine = draw(affines(shear=shear))
    array = voxels(shape, draw(st.sampled_from(dtypes)), draw(st.integers(0, 2**16)))
    return Volume(array=array, affine=affine)


def placed(array: npt.NDArray[Any], affine: npt.NDArray[np.float64] = AXIAL_LPS, **more: Any) -> Volume:
    """A volume of this array, by default with `AXIAL_LPS`."""
    return Volume(array=array, affine=affine, **more)


def unplaced(volume: Volume, spacing: Spacing) -> Volume:
    """The volume without a place, and of its spacing only what is given."""
    return volume.with_geometry(replace(volume.geometry, affine=None, spacing=spacing))


def full_volume() -> Volume:
    """A volume with all attributes that a Volume can have, except VOI LUTs; the patient is invented."""
    padding = np.array([[-2000.0, -1999.0], [np.nan, np.nan], [-2000.0, -2000.0]])
    return placed(
        voxels((3, 4, 5), "int16"),
        unit="HU",
        metadata={
            "Modality": "CT",
            "PatientName": "SECRET^NAME",
            "SeriesInstanceUID": "2.25.17",
            "PixelSpacing": [0.8, 0.7],
            "RescaleSlope": 1.0,
            "InstanceNumber": None,
            "ProcedureCodeSequence": [{"CodeMeaning": "Grüße 胸部", "CodeValue": "1"}],
        },
        warnings=("something to know",),
        padding=padding,
        windows=(Window(40.0, 400.0, name="SOFT"), Window(-600.0, 1500.5, "SIGMOID")),
        inverted=True,
        lossy=True,
        label="EchoTime 4.6",
        instance_uids=("2.25.1", "2.25.2", "2.25.3"),
    )


def assert_same_volume(found: Volume, wanted: Volume, *, rtol: float = 0.0) -> None:
    """Assert that two volumes have the same array, dtype, affine and spacing.

    Parameters
    ----------
    rtol
        Tolerance of the affine's numbers, as a fraction of the largest; 0 means exact.
    """
    array = np.asarray(wanted.array)
    assert found.array.dtype == array.dtype.newbyteorder("="), f"{found.array.dtype}, not {array.dtype}"
    assert found.array.shape == array.shape, f"{found.array.shape}, not {array.shape}"
    np.testing.assert_array_equal(np.asarray(found.array), array)
    if wanted.affine is None:
        assert found.affine is None
    else:
        assert found.affine is not None
        largest = float(np.abs(wanted.affine).max())
        np.testing.assert_allclose(found.affine, wanted.affine, rtol=0, atol=rtol * largest)
    for one, other in zip(found.spacing, wanted.spacing, strict=True):
        assert (one is None) == (other is None), f"{found.spacing}, not {wanted.spacing}"
        if one is not None and other is not None:
            np.testing.assert_allclose(one, other, rtol=max(1e-9, 10 * rtol))
