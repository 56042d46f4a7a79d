"""Synthetic Siemens mosaics and UIH grids: a volume whose slices lie side by side in one image."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from voxelry.testing.instances import OBLIQUE, Triple, ds_text, pattern, synthetic_instance, write
from voxelry.testing.siemens_headers import csa_header, siemens_protocol

MosaicHeader = Literal["csa", "older csa", "attributes", "xa"]
"""Where a Siemens mosaic tells of its slices: a CSA header of either layout, or attributes alone."""
_SIEMENS_HEADER, _CSA = "SIEMENS MR HEADER", "SIEMENS CSA HEADER"
_SIEMENS_XA, _UIH = "SIEMENS MR SDI 02", "Image Private Header"


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticMosaics:
    """A written series of mosaics, and what reading it must give.

    Attributes
    ----------
    paths
        One file for each volume, in order of time.
    array
        The values; index ``(volume, slice, row, column)``, slices in the order of the tiles.
    affine
        4 x 4, from ``(slice, row, column)`` to LPS millimetres.
    times
        When each slice was acquired, seconds after the first, in the order of the tiles.
    repetition_seconds
        From one volume to the next.
    """

    paths: tuple[Path, ...]
    array: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    times: tuple[float, ...]
    repetition_seconds: float


def synthetic_mosaics(
    folder: str | Path,
    *,
    volumes: int = 2,
    slices: int = 11,
    rows: int = 12,
    columns: int = 16,
    spacing: Triple = (4.0, 2.5, 3.0),
    orientation: Sequence[float] = OBLIQUE,
    first_centre: Triple = (-12.0, 7.0, 31.0),
    against_normal: bool = False,
    numbered_backwards: bool = False,
    header: MosaicHeader = "csa",
    protocol: bool = True,
    repetition_seconds: float = 2.0,
    transfer_syntax: str = ExplicitVRLittleEndian,
    seed: int = 0,
    edit: Callable[[int, Dataset], None] | None = None,
) -> SyntheticMosaics:
    """Write a series of Siemens mosaics: an interleaved echo planar acquisition, a file for each volume.

    Parameters
    ----------
    slices
        The mosaic has as many tiles in a row and in a column as the square root of this, rounded up.
    rows, columns
        Of a slice.
    spacing
        Millimetres ``(from slice to slice, row, column)``.
    first_centre
        The centre of the first tile's slice, LPS mm; Siemens takes the pixel behind the middle for it.
    against_normal
        True if the tiles follow each other against the cross product of the rows' and columns' directions.
    numbered_backwards
        True if the protocol lists the slices in the other order than the tiles have.
    protocol
        False for a CSA header of the series that has no positions of slices.
    edit
        A function of the number of the volume and its dataset, called before it is written.

    Examples
    --------
    >>> from voxelry.testing import synthetic_mosaics
    >>> made = synthetic_mosaics("fmri", volumes=3, slices=7)
    >>> len(made.paths), made.array.shape
    (3, (3, 7, 12, 16))
    """
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    step = np.cross(right, down) * (-spacing[0] if against_normal else spacing[0])
    centres = np.array(first_centre) + np.arange(slices)[:, None] * step
    array = pattern((volumes, slices, rows, columns), seed=seed)
    times = _interleaved(slices, repetition_seconds)
    across = math.ceil(math.sqrt(slices))
    whole = rows * across, columns * across
    # As the scanner computes it: an image of the mosaic's size around the first slice's centre.
    corner = centres[0] - right * (spacing[2] * whole[1] / 2) - down * (spacing[1] * whole[0] / 2)
    paths = []
    for number in range(volumes):
        dataset = _image(
            _side_by_side(array[number], across, across), number, "SIEMENS", spacing, orientation, corner,
            repetition_seconds, transfer_syntax, seed,
        )  # fmt: skip
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
        _say_siemens(dataset, header, step / np.linalg.norm(step), times)
        listed = centres[::-1] if numbered_backwards else centres
        if "csa" in header:
            said = listed if protocol else listed[:0]
            _say_protocol(dataset, said, backwards=numbered_backwards, older=header != "csa")
        if edit is not None:
            edit(number, dataset)
        paths.append(write(dataset, Path(folder) / f"{number + 1:04d}.dcm"))
    affine = _affine(centres[0], step, right, down, spacing, rows, columns)
    return SyntheticMosaics(tuple(paths), array, affine, times, repetition_seconds)


def synthetic_grids(
    folder: str | Path,
    *,
    volumes: int = 2,
    slices: int = 11,
    rows: int = 12,
    columns: int = 16,
    spacing: Triple = (4.0, 2.5, 3.0),
    orientation: Sequence[float] = OBLIQUE,
    first_centre: Triple = (-12.0, 7.0, 31.0),
    against_normal: bool = False,
    repetition_seconds: float = 2.0,
    transfer_syntax: str = ExplicitVRLittleEndian,
    seed: int = 0,
    edit: Callable[[int, Dataset], None] | None = None,
) -> SyntheticMosaics:
    """Write a series of UIH grids: a file for each volume, with an item for each slice that says its place and time.

    Parameters
    ----------
    slices
        The grid has as many tiles in a row as the square root of this, rounded up, and as many rows as they fill.
    rows, columns, spacing, first_centre, against_normal, edit
        As for `synthetic_mosaics`.

    Examples
    --------
    >>> from voxelry.testing import synthetic_grids
    >>> made = synthetic_grids("bold", slices=7)
    >>> made.array.shape, made.times[:2]
    ((2, 7, 12, 16), (0.0, 1.142857))
    """
    right, down = np.array(orientation[:3]), np.array(orientation[3:])
    step = np.cross(right, down) * (-spacing[0] if against_normal else spacing[0])
    centres = np.array(first_centre) + np.arange(slices)[:, None] * step
    corners = centres - right * (spacing[2] * columns / 2) - down * (spacing[1] * rows / 2)
    array = pattern((volumes, slices, rows, columns), seed=seed)
    times = _interleaved(slices, repetition_seconds)
    across = math.ceil(math.sqrt(slices))
    paths = []
    for number in range(volumes):
        dataset = _image(
            _side_by_side(array[number], math.ceil(slices / across), across), number, "UIH", spacing, orientation,
            corners[0], repetition_seconds, transfer_syntax, seed,
        )  # fmt: skip
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "VFRAME"]
        block = dataset.private_block(0x0065, _UIH, create=True)
        block.add_new(0x50, "DS", str(slices))
        block.add_new(0x51, "SQ", [_item(corners[k], number * repetition_seconds + times[k]) for k in range(slices)])
        if edit is not None:
            edit(number, dataset)
        paths.append(write(dataset, Path(folder) / f"{number + 1:04d}.dcm"))
    affine = _affine(centres[0], step, right, down, spacing, rows, columns)
    return SyntheticMosaics(tuple(paths), array, affine, times, repetition_seconds)


def _interleaved(slices: int, repetition_seconds: float) -> tuple[float, ...]:
    """Every other slice from the first on, then the others, evenly over the repetition time."""
    order = [*range(0, slices, 2), *range(1, slices, 2)]
    each = repetition_seconds / slices
    return tuple(round(order.index(k) * each, 6) for k in range(slices))


def _side_by_side(volume: npt.NDArray[Any], down: int, across: int) -> npt.NDArray[Any]:
    slices, rows, columns = volume.shape
    whole = np.zeros((down * rows, across * columns), volume.dtype)
    for k in range(slices):
        top, left = k // across * rows, k % across * columns
        whole[top : top + rows, left : left + columns] = volume[k]
    return whole


def _affine(
    centre: npt.NDArray[np.float64],
    step: npt.NDArray[np.float64],
    right: npt.NDArray[np.float64],
    down: npt.NDArray[np.float64],
    spacing: Triple,
    rows: int,
    columns: int,
) -> npt.NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.stack([step, down * spacing[1], right * spacing[2]], axis=1)
    affine[:3, 3] = centre - affine[:3, :3] @ [0, rows / 2, columns / 2]
    return affine


def _image(
    pixels: npt.NDArray[Any],
    number: int,
    maker: str,
    spacing: Triple,
    orientation: Sequence[float],
    corner: npt.NDArray[np.float64],
    repetition_seconds: float,
    transfer_syntax: str,
    seed: int,
) -> Dataset:
    x, y, z = corner.tolist()
    dataset = synthetic_instance(
        pixels,
        modality="MR",
        spacing=(spacing[0] * 0.8, spacing[1], spacing[2]),
        orientation=orientation,
        position=(x, y, z),
        rescale=None,
        transfer_syntax=transfer_syntax,
        instance_number=number + 1,
        index=number,
        seed=f"mosaics {seed}",
    )
    dataset.Manufacturer, dataset.ScanningSequence = maker, "EP"
    dataset.SpacingBetweenSlices = ds_text(spacing[0])
    dataset.RepetitionTime = ds_text(repetition_seconds * 1000)
    dataset.AcquisitionNumber = number + 1
    dataset.AcquisitionDate, dataset.AcquisitionTime = "20200102", _time(number * repetition_seconds)
    dataset.ContentDate, dataset.ContentTime = "20200102", _time(number * repetition_seconds)
    return dataset


def _time(seconds: float) -> str:
    whole = round((10 * 3600 + seconds) * 1_000_000)
    minutes, micro = divmod(whole, 60_000_000)
    return f"{minutes // 60:02d}{minutes % 60:02d}{micro // 1_000_000:02d}.{micro % 1_000_000:06d}"


def _say_siemens(
    dataset: Dataset, header: MosaicHeader, normal: npt.NDArray[np.float64], times: Sequence[float]
) -> None:
    if header == "attributes":
        block = dataset.private_block(0x0019, _SIEMENS_HEADER, create=True)
        block.add_new(0x0A, "US", len(times))
        block.add_new(0x29, "FD", [time * 1000 for time in times])
        return
    if header == "xa":
        block = dataset.private_block(0x0021, _SIEMENS_XA, create=True)
        block.add_new(0x01, "US", len(times))
        block.add_new(0x02, "FD", normal.tolist())
        block.add_new(0x62, "FD", [time * 1000 for time in times])
        return
    block = dataset.private_block(0x0029, _CSA, create=True)
    tags = {
        "EchoLinePosition": ["6"],
        "ProtocolSliceNumber": ["0"],
        "NumberOfImagesInMosaic": [str(len(times))],
        "SliceNormalVector": [f"{cosine:.8f}" for cosine in normal],
        "MosaicRefAcqTimes": [f"{time * 1000:.8f}" for time in times],
        "PhaseEncodingDirectionPositive": ["1"],
    }
    block.add_new(0x08, "CS", "IMAGE NUM 4")
    block.add_new(0x10, "OB", _even(csa_header(tags, older=header == "older csa")))


def _say_protocol(dataset: Dataset, centres: npt.NDArray[np.float64], *, backwards: bool, older: bool) -> None:
    said: dict[str, str | float] = {"tSequenceFileName": "%SiemensSeq%\\ep2d_bold", "sSliceArray.lSize": len(centres)}
    for k, centre in enumerate(centres):
        for axis, value in zip(("Sag", "Cor", "Tra"), centre, strict=True):
            if value:  # the scanner leaves zeros out
                said[f"sSliceArray.asSlice[{k}].sPosition.d{axis}"] = float(value)
    if backwards:
        said["sSliceArray.ucImageNumbTra"] = 1
    block = dataset.private_block(0x0029, _CSA, create=True)
    text = "<XProtocol>\n{}\n" + siemens_protocol(said)
    block.add_new(0x20, "OB", _even(csa_header({"MrPhoenixProtocol": [text]}, older=older)))


def _even(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)


def _item(corner: npt.NDArray[np.float64], seconds: float) -> Dataset:
    item = Dataset()
    item.AcquisitionDate, item.AcquisitionTime = "20200102", _time(seconds)
    item.ImagePositionPatient = [ds_text(value) for value in corner]
    return item
