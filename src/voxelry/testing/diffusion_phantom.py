"""Series of diffusion weighted images as each maker writes them, of a phantom whose tensors are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from voxelry.testing.instances import AXIAL, Triple, ds_text
from voxelry.testing.siemens_headers import csa_header
from voxelry.testing.synthetic import synthetic_series

DiffusionMaker = Literal["standard", "siemens", "siemens csa", "siemens xa", "ge", "philips", "uih", "canon", "toshiba"]
PhaseAxis = Literal["ROW", "COL"]
Floats: TypeAlias = npt.NDArray[np.float64]
_Weigh: TypeAlias = Callable[[Dataset, float, "Floats | None", "_Frame"], None]

SIX_DIRECTIONS: tuple[Triple, ...] = (
    (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.8, 0.6), (0.48, -0.6, 0.64), (-0.8, 0.36, 0.48),
    (0.6, 0.64, -0.48), (0.28, 0.0, 0.96),
)  # fmt: skip
"""No weighting, then six directions that determine a tensor; LPS."""
_B_VALUES: tuple[float, ...] = (0.0, *[1000.0] * 6)
_MANUFACTURERS: Mapping[DiffusionMaker, str] = {
    "standard": "Bruker BioSpin MRI GmbH", "siemens": "SIEMENS", "siemens csa": "SIEMENS",
    "siemens xa": "Siemens Healthineers", "ge": "GE MEDICAL SYSTEMS", "philips": "Philips Medical Systems",
    "uih": "UIH", "canon": "CANON_MEC", "toshiba": "TOSHIBA_MEC",
}  # fmt: skip
_SIGNAL = 20_000.0
_LARGE, _SMALL = 1.7e-3, 0.3e-3
"""Eigenvalues of the phantom's tensors, mm2/s."""


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticDiffusion:
    """A written series, and the values that reading it must give.

    Attributes
    ----------
    paths
        Files in the order of volumes, then of slices along the normal; one path for an enhanced object.
    array
        Values, index ``(volume, slice, row, column)``; volumes of one b-value differ by 1 at least.
    affine
        4 x 4, from ``(slice, row, column)`` to LPS millimetres.
    b_values
        Of each volume, s/mm2.
    directions
        Of each volume, a unit vector (LPS); 0 0 0 where there is none. Shape ``(volumes, 3)``.
    """

    paths: tuple[Path, ...]
    array: npt.NDArray[np.uint16]
    affine: Floats
    b_values: tuple[float, ...]
    directions: Floats


@dataclass(frozen=True, slots=True)
class _Frame:
    """How an image lies: unit vectors (LPS) along the rows, along the columns, and their normal."""

    along_rows: Floats
    along_columns: Floats
    normal: Floats
    phase_axis: PhaseAxis

    def of(self, direction: Floats) -> Floats:
        """A direction in the image's axes."""
        return np.array([direction @ self.along_rows, direction @ self.along_columns, direction @ self.normal])


def phantom_tensor(position: npt.ArrayLike) -> Floats:
    """The diffusion tensor of the phantom at positions in the patient: its main axis turns from place to place.

    Parameters
    ----------
    position
        LPS millimetres, shape ``(..., 3)``.

    Returns
    -------
    tensor
        mm2/s in LPS axes, shape ``(..., 3, 3)``.

    Examples
    --------
    >>> from voxelry.testing import phantom_tensor
    >>> np.linalg.eigvalsh(phantom_tensor((0.0, 0.0, 0.0))).round(5).tolist()
    [0.0003, 0.0003, 0.0017]
    """
    x, y, z = np.moveaxis(np.asarray(position, np.float64), -1, 0)
    turn, rise = 0.05 * x + 0.03 * y, 0.4 + 0.04 * z - 0.02 * x
    axis = np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], axis=-1)
    return np.asarray(_SMALL * np.eye(3) + (_LARGE - _SMALL) * axis[..., :, None] * axis[..., None, :])


def synthetic_diffusion_series(
    folder: str | Path,
    *,
    maker: DiffusionMaker = "standard",
    b_values: Sequence[float] = _B_VALUES,
    directions: Sequence[Triple] = SIX_DIRECTIONS,
    traces: Sequence[int] = (),
    shape: tuple[int, int, int] = (4, 10, 12),
    spacing: Triple = (3.0, 2.0, 1.5),
    position: Triple = (-10.0, 20.0, -30.0),
    orientation: Sequence[float] = AXIAL,
    shear: Triple = (0.0, 0.0, 0.0),
    phase_axis: PhaseAxis = "COL",
    enhanced: bool = False,
    scaled: bool = False,
    attributes: Mapping[str, object] | None = None,
    seed: int = 0,
) -> SyntheticDiffusion:
    """Write a series of diffusion weighted volumes of a phantom, `phantom_tensor`.

    Parameters
    ----------
    maker
        Who writes b-values and directions: ``"standard"`` by the standard's attributes, ``"siemens csa"`` in the CSA
        header alone, ``"siemens xa"`` in the private attributes of XA alone, which has no CSA header, ``"toshiba"`` by
        the standard's attributes and only where there is a weighting.
    b_values, directions
        Of each volume: s/mm2, and a unit vector in the patient (LPS), which is not written where the b-value is 0.
    traces
        Which volumes, from 0, are the mean of directions, as the maker marks them; they have no direction.
    shape, spacing, position, orientation, shear
        As for `synthetic_series`; slices, rows and columns.
    phase_axis
        In-plane Phase Encoding Direction (0018,1312).
    enhanced
        True for one Enhanced MR object, with the standard's attributes in functional groups; Philips' private ones
        beside them, and XA's in their place.
    scaled
        True for GE's way to write several b-values: each image has the largest, and a shorter vector.
    attributes
        More attributes for every file.

    Returns
    -------
    series
        Paths, values, affine, b-values and directions.

    Examples
    --------
    >>> from voxelry.testing import synthetic_diffusion_series
    >>> written = synthetic_diffusion_series("sample/diffusion", maker="ge")
    >>> volumes = voxelry.load("sample/diffusion").volumes
    >>> len(volumes), volumes[1].metadata["DiffusionBValue"]
    (7, 1000.0)
    """
    b_values = tuple(map(float, b_values))
    count, (slices, rows, columns) = len(b_values), shape
    frame = _frame_of(orientation, phase_axis)
    affine = _affine(frame, spacing, position, shear)
    known = _directions(b_values, directions, traces)
    places = _places(affine, shape)
    alike = [b_values[:v].count(b_value) for v, b_value in enumerate(b_values)]  # repeats are no duplicates
    signals = [_signal(places, b_value, known[v]) + alike[v] for v, b_value in enumerate(b_values)]
    array = np.stack(signals).astype(np.uint16)
    top = max(b_values)
    weigh = _enhanced_weighting if enhanced else _WRITERS[maker]

    def edit(k: int, dataset: Dataset) -> None:
        dataset.Manufacturer = _MANUFACTURERS[maker]
        if enhanced:
            _enhance(dataset, frame, affine, shape, b_values, known, traces, maker)
            return
        volume, place = divmod(k, slices)
        dataset.ImagePositionPatient = [ds_text(one) for one in affine[:3, :3] @ (place, 0, 0) + affine[:3, 3]]
        dataset.ScanningSequence, dataset.InPlanePhaseEncodingDirection = ["SE", "EP"], phase_axis
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
        vector = None if volume in traces or b_values[volume] == 0 else known[volume]
        b_value = b_values[volume]
        if scaled and vector is not None:
            vector, b_value = vector * np.sqrt(b_value / top), top
        weigh(dataset, b_value, vector, frame)

    offsets = [spacing[0] * (k % slices) for k in range(count * slices)]
    series = synthetic_series(
        folder, pixels=array.reshape(-1, rows, columns), offsets=offsets,
        spacing=spacing, position=position, orientation=orientation, modality="MR", rescale=None, bits_stored=16,
        frames="enhanced" if enhanced else "single", edit=edit, attributes=attributes, seed=seed,
    )  # fmt: skip
    return SyntheticDiffusion(series.paths, array, affine, b_values, known)


# --- phantom ----------------------------------------------------------------------------------------------------------


def _frame_of(orientation: Sequence[float], phase_axis: PhaseAxis) -> _Frame:
    along_rows, along_columns = np.array(orientation[:3], float), np.array(orientation[3:], float)
    return _Frame(along_rows, along_columns, np.cross(along_rows, along_columns), phase_axis)


def _affine(frame: _Frame, spacing: Triple, position: Triple, shear: Triple) -> Floats:
    affine = np.eye(4)
    affine[:3, 0] = frame.normal * spacing[0] + np.asarray(shear)
    affine[:3, 1] = frame.along_columns * spacing[1]
    affine[:3, 2] = frame.along_rows * spacing[2]
    affine[:3, 3] = position
    return affine


def _directions(b_values: Sequence[float], directions: Sequence[Triple], traces: Sequence[int]) -> Floats:
    known = np.array(directions, np.float64)
    for volume, b_value in enumerate(b_values):
        length = float(np.linalg.norm(known[volume]))
        known[volume] = 0.0 if b_value == 0 or volume in traces or length == 0 else known[volume] / length
    return known


def _places(affine: Floats, shape: tuple[int, int, int]) -> Floats:
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    return np.asarray(index @ affine[:3, :3].T + affine[:3, 3])


def _signal(places: Floats, b_value: float, direction: Floats) -> Floats:
    """S0 exp(-b gT D g); the mean diffusivity where there is no direction."""
    tensor = phantom_tensor(places)
    along = np.trace(tensor, axis1=-2, axis2=-1) / 3
    if direction.any():
        along = np.einsum("i,...ij,j->...", direction, tensor, direction)
    return np.asarray(np.rint(_SIGNAL * np.exp(-b_value * along)))


# --- makers -----------------------------------------------------------------------------------------------------------


def _by_standard(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    dataset.DiffusionBValue = float(b_value)
    dataset.DiffusionDirectionality = "NONE" if b_value == 0 else "ISOTROPIC" if vector is None else "DIRECTIONAL"
    if vector is not None:
        dataset.DiffusionGradientOrientation = vector.tolist()


def _by_siemens(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", f"{b_value:g}")
    block.add_new(0x0D, "CS", "NONE" if b_value == 0 else "ISOTROPIC" if vector is None else "DIRECTIONAL")
    if vector is not None:
        block.add_new(0x0E, "FD", vector.tolist())
        block.add_new(0x27, "FD", _b_matrix(b_value, vector))
    if b_value > 0 and vector is None:
        dataset.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"]


def _by_siemens_csa(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    tags: dict[str, list[str]] = {"B_value": [f"{b_value:g}"]}
    if vector is not None:
        tags["DiffusionGradientDirection"] = [f"{one:.8f}" for one in vector]
        tags["B_matrix"] = [f"{one:.8f}" for one in _b_matrix(b_value, vector)]
    if b_value > 0 and vector is None:
        dataset.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"]
    dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa_header(tags))


def _by_siemens_xa(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    block = dataset.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
    block.add_new(0x05, "IS", f"{b_value:g}")
    block.add_new(0x21, "CS", "NONE" if b_value == 0 else "ISOTROPIC" if vector is None else "DIRECTIONAL")
    if vector is not None:
        block.add_new(0x23, "FD", _b_matrix(b_value, vector))
        block.add_new(0x46, "FD", vector.tolist())


def _b_matrix(b_value: float, vector: Floats) -> list[float]:
    matrix = b_value * np.outer(vector, vector)
    return [float(matrix[place]) for place in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))]


_GE_AXES: Mapping[tuple[str, PhaseAxis], tuple[tuple[int, int], tuple[int, int], tuple[int, int]]] = {
    # of frequency, phase and slice: the image's axis (rows, columns, normal), and its sign
    ("axial", "COL"): ((0, -1), (1, -1), (2, 1)),
    ("axial", "ROW"): ((1, 1), (0, -1), (2, 1)),
    ("sagittal", "COL"): ((0, 1), (1, 1), (2, -1)),
    ("sagittal", "ROW"): ((1, -1), (0, 1), (2, -1)),
    ("coronal", "COL"): ((0, -1), (1, 1), (2, 1)),
    ("coronal", "ROW"): ((1, 1), (0, 1), (2, 1)),
}


def _in_phase_frame(vector: Floats, frame: _Frame) -> list[float]:
    """Components along frequency, phase and slice, as GE has them."""
    plane = ("sagittal", "coronal", "axial")[int(np.abs(frame.normal).argmax())]
    own = frame.of(vector)
    return [sign * float(own[axis]) for axis, sign in _GE_AXES[plane, frame.phase_axis]]


def _by_ge(dataset: Dataset, b_value: float, vector: Floats | None, frame: _Frame) -> None:
    acquisition = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    acquisition.add_new(0x9C, "LO", "EPI2")
    acquisition.add_new(0x9E, "LO", "EPI2")
    components = [0.0, 0.0, 0.0] if vector is None else _in_phase_frame(vector, frame)
    for element, component in zip((0xBB, 0xBC, 0xBD), components, strict=True):
        acquisition.add_new(element, "DS", f"{component:.6f}")
    acquisition.add_new(0xE0, "DS", "6")
    parameters = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
    parameters.add_new(0x30, "SS", 14 if b_value == 0 else 16)
    parameters.add_new(0x39, "IS", [str(1_000_000_000 + int(b_value)) if b_value else "0", "8", "0", "0"])


def _by_philips(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    imaging = dataset.private_block(0x2001, "Philips Imaging DD 001", create=True)
    imaging.add_new(0x03, "FL", float(b_value))
    imaging.add_new(0x04, "CS", "N" if b_value == 0 else "I" if vector is None else "O")
    own = dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    for element, component in zip((0xB0, 0xB1, 0xB2), (0.0, 0.0, 0.0) if vector is None else vector, strict=True):
        own.add_new(element, "FL", float(component))


def _by_uih(dataset: Dataset, b_value: float, vector: Floats | None, frame: _Frame) -> None:
    block = dataset.private_block(0x0065, "Image Private Header", create=True)
    block.add_new(0x09, "FD", float(b_value))
    block.add_new(0x37, "FD", [0.0, 0.0, 0.0] if vector is None else frame.of(vector).tolist())
    block.add_new(0x2B, "LT", "DTI")


def _by_canon(dataset: Dataset, b_value: float, vector: Floats | None, frame: _Frame) -> None:
    dataset.DiffusionBValue = float(b_value)
    if vector is not None:
        frequency, phase, along = _in_phase_frame(vector, frame)
        dataset.ImageComments = f"b={b_value:.0f}({phase:.6f},{frequency:.6f},{along:.6f})"


def _by_toshiba(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    if b_value > 0:
        dataset.DiffusionBValue = float(b_value)
        dataset.DiffusionGradientOrientation = [0.0, 0.0, 0.0] if vector is None else vector.tolist()


_WRITERS: Mapping[DiffusionMaker, _Weigh] = {
    "standard": _by_standard, "siemens": _by_siemens, "siemens csa": _by_siemens_csa, "siemens xa": _by_siemens_xa,
    "ge": _by_ge, "philips": _by_philips, "uih": _by_uih, "canon": _by_canon, "toshiba": _by_toshiba,
}  # fmt: skip


# --- enhanced ---------------------------------------------------------------------------------------------------------


def _enhanced_weighting(dataset: Dataset, b_value: float, vector: Floats | None, _: _Frame) -> None:
    """An item of MR Diffusion Sequence."""
    dataset.DiffusionBValue = float(b_value)
    dataset.DiffusionDirectionality = "NONE" if b_value == 0 else "ISOTROPIC" if vector is None else "DIRECTIONAL"
    if vector is not None:
        direction = Dataset()
        direction.DiffusionGradientOrientation = vector.tolist()
        dataset.DiffusionGradientDirectionSequence = DicomSequence([direction])


def _enhance(
    dataset: Dataset,
    frame: _Frame,
    affine: Floats,
    shape: tuple[int, int, int],
    b_values: Sequence[float],
    known: Floats,
    traces: Sequence[int],
    maker: DiffusionMaker,
) -> None:
    """Add the third dimension, and the place and weighting of each frame."""
    slices = shape[0]
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]
    for k, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        volume, place = divmod(k, slices)
        position = affine[:3, :3] @ (place, 0, 0) + affine[:3, 3]
        group.PlanePositionSequence[0].ImagePositionPatient = [ds_text(one) for one in position]
        content = group.FrameContentSequence[0]
        content.InStackPositionNumber = place + 1
        content.DimensionIndexValues = [1, place + 1, volume + 1]
        vector = None if volume in traces or b_values[volume] == 0 else known[volume]
        item = Dataset()
        if maker == "siemens xa":
            _by_siemens_xa(item, b_values[volume], vector, frame)
            image = group.private_block(0x0021, "SIEMENS MR SDI 02", create=True)
            image.add_new(0xFE, "SQ", DicomSequence([item]))
            continue
        _enhanced_weighting(item, b_values[volume], vector, frame)
        group.MRDiffusionSequence = DicomSequence([item])
        if maker == "philips":
            _by_philips(group, b_values[volume], vector, frame)
    index = Dataset()
    index.DimensionIndexPointer, index.FunctionalGroupPointer = 0x00189087, 0x00189117
    index.DimensionOrganizationUID = dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID
    dataset.DimensionIndexSequence.append(index)
    dataset.pop("DimensionOrganizationType", None)
