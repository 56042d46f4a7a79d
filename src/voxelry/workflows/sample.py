"""A synthetic CT phantom with known volumes, for people with no data at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.workflows.files.atomic import published

SHAPE = (48, 256, 256)
SPACING = (2.5, 1.5, 1.5)
"""Millimetres; all exact in binary, so that every stated volume is exact."""
DICOM_FOLDER = "phantom"
SEED = "voxelry sample phantom"
AIR_HU, AIR_TEXTURE = -1000, 12

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """One part of the phantom. A later part lies wholly within an earlier one, or apart from it."""

    name: str
    kind: str
    center: Triple
    half: Triple
    hu: int
    texture: int


# Centres and half axes as (z, y, x) in LPS millimetres about the middle of the grid; y grows towards the table.
_HEIGHT = SHAPE[0] * SPACING[0] / 2
_PARTS = (
    _Shape(name="table", kind="box", center=(0, 117, 0), half=(_HEIGHT, 9, 165), hu=-300, texture=10),
    _Shape(name="body", kind="cylinder", center=(0, 0, 0), half=(_HEIGHT, 105, 155), hu=40, texture=10),
    _Shape(name="lung right", kind="ellipsoid", center=(-2.3, -6.7, -79.1), half=(52, 66, 41), hu=-800, texture=20),
    _Shape(name="lung left", kind="ellipsoid", center=(-1.1, -5.2, 80.3), half=(50, 64, 38), hu=-800, texture=20),
    _Shape(name="sphere", kind="ellipsoid", center=(3.1, -12.6, 4.2), half=(25, 25, 25), hu=300, texture=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """One part of the phantom as it lies in the voxels.

    Attributes
    ----------
    voxels, volume_mm3
        As counted: a voxel belongs to a part if its centre does. The body includes what lies within it.
    analytic_mm3
        By the formula of the shape.
    lowest_hu, highest_hu
        Of its own voxels, without those of the parts within it.
    """

    name: str
    voxels: int
    volume_mm3: float
    analytic_mm3: float
    lowest_hu: int
    highest_hu: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMeasurement:
    """What ``voxelry measure`` must give at a threshold."""

    threshold: float
    what: str
    pixels_above_threshold: int
    volume_mm3: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFacts:
    """Where the sample is and what measuring it must give."""

    folder: Path
    dicom_folder: Path
    shape: tuple[int, int, int]
    spacing_mm: Triple
    parts: tuple[PartFacts, ...]
    measurements: tuple[ExpectedMeasurement, ...]

    def record(self) -> dict[str, Value]:
        """The same as JSON values; the folder's name is left out, so that the file may be moved."""
        return {
            "dicom_folder": self.dicom_folder.name,
            "shape": list(self.shape),
            "spacing_mm": list(self.spacing_mm),
            "unit": "HU",
            "parts": [
                {
                    "name": part.name,
                    "voxels": part.voxels,
                    "volume_mm3": part.volume_mm3,
                    "analytic_mm3": part.analytic_mm3,
                    "lowest_hu": part.lowest_hu,
                    "highest_hu": part.highest_hu,
                }
                for part in self.parts
            ],
            "measurements": [
                {
                    "threshold": expected.threshold,
                    "what": expected.what,
                    "pixels_above_threshold": expected.pixels_above_threshold,
                    "volume_mm3": expected.volume_mm3,
                }
                for expected in self.measurements
            ],
        }


def write_sample(folder: str | PathLike[str], *, progress: Progress = silent) -> SampleFacts:
    """Write a synthetic CT study of a phantom, and what measuring it must give.

    ``folder`` gets ``phantom/`` with 48 CT instances of 256 x 256 pixels, ``facts.json`` and ``README.txt``.
    The same files are written every time; a second call replaces them.

    Parameters
    ----------
    folder
        Made where it is missing.
    progress
        Told after each instance.

    Returns
    -------
    facts
        Voxels, mm3 and Hounsfield units of each part, and the measurements to expect.

    Raises
    ------
    ParameterError
        If ``folder/phantom`` holds other files, which would then be read as a part of the study.

    Examples
    --------
    >>> facts = voxelry.write_sample("another")
    >>> facts.shape, facts.spacing_mm
    ((48, 256, 256), (2.5, 1.5, 1.5))
    """
    root = Path(folder)
    target = root / DICOM_FOLDER
    names = [f"CT{k + 1:04d}.dcm" for k in range(SHAPE[0])]
    foreign = sorted({path.name for path in target.iterdir()} - set(names)) if target.is_dir() else []
    if foreign:
        raise ParameterError(f"{target} holds other files ({foreign[0]}); name another folder for the sample")

    labels = _labels()
    values = _values(labels)
    for k, name in enumerate(names):
        _write_slice(values[k], k, target / name)
        progress((k + 1) / len(names), f"slice {k + 1} of {len(names)}")
    facts = _facts(root, labels, values)
    with published(root / "facts.json") as path:
        path.write_text(json.dumps(facts.record(), indent=2) + "\n", "utf-8")
    with published(root / "README.txt") as path:
        path.write_text(_readme(facts), "utf-8")
    return facts


def _coordinates() -> Iterator[npt.NDArray[np.float64]]:
    """Voxel centres along z, y and x, ready to broadcast."""
    for axis, (length, step) in enumerate(zip(SHAPE, SPACING, strict=True)):
        centres = (np.arange(length, dtype=np.float64) - (length - 1) / 2) * step
        yield centres.reshape([-1 if k == axis else 1 for k in range(3)])


def _inside(part: _Shape) -> npt.NDArray[np.bool_]:
    z, y, x = (
        (centres - middle) / half for centres, middle, half in zip(_coordinates(), part.center, part.half, strict=True)
    )
    if part.kind == "box":
        inside = (np.abs(z) < 1) & (np.abs(y) < 1) & (np.abs(x) < 1)
    elif part.kind == "cylinder":
        inside = (np.abs(z) < 1) & (y**2 + x**2 < 1)
    else:
        inside = z**2 + y**2 + x**2 < 1
    return np.asarray(inside)


def _analytic_mm3(part: _Shape) -> float:
    a, b, c = part.half
    return {"box": 8.0, "cylinder": 2 * pi, "ellipsoid": 4 / 3 * pi}[part.kind] * a * b * c


def _labels() -> npt.NDArray[np.uint8]:
    """0 for air, else 1 + the index of the part that shows."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    for number, part in enumerate(_PARTS, start=1):
        labels[_inside(part)] = number
    return labels


def _values(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Hounsfield units with a texture that is the same on every machine and never leaves its bounds."""
    levels = np.array([AIR_HU, *(part.hu for part in _PARTS)], dtype=np.int64)
    amplitudes = np.array([AIR_TEXTURE, *(part.texture for part in _PARTS)], dtype=np.int64)
    # A hash of the voxel's number (the finaliser of MurmurHash3): numpy's generators may change their streams.
    hashed = np.arange(labels.size, dtype=np.uint32).reshape(SHAPE)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        hashed = (hashed ^ (hashed >> np.uint32(shift))) * np.uint32(factor)
    bound = amplitudes[labels]
    # The sum of two uniform numbers: a triangular distribution looks more like noise, and has hard bounds.
    halves = (hashed & np.uint32(0xFFFF)).astype(np.int64) + (hashed >> np.uint32(16)).astype(np.int64)
    texture = halves * (2 * bound + 1) // 0x1FFFF - bound
    return (levels[labels] + texture).astype(np.int16)


def _write_slice(values: npt.NDArray[np.int16], k: int, path: Path) -> None:
    from voxelry.testing.instances import synthetic_instance

    step, row, column = SPACING
    position = (-(SHAPE[2] - 1) / 2 * column, -(SHAPE[1] - 1) / 2 * row, (k - (SHAPE[0] - 1) / 2) * step)
    dataset = synthetic_instance(
        (values.astype(np.int32) + 1024).astype(np.uint16),
        spacing=SPACING,
        position=position,
        rescale=(1.0, -1024.0),
        bits_stored=12,
        instance_number=k + 1,
        index=k,
        seed=SEED,
        attributes={
            "PatientName": "Phantom^Sample",
            "PatientID": "SAMPLE-1",
            "PatientBirthDate": "",
            "PatientSex": "O",
            "StudyDescription": "Synthetic CT phantom",
            "SeriesDescription": "Phantom 2.5 mm",
            "BodyPartExamined": "CHEST",
            "ManufacturerModelName": "Sample phantom",
            "ContentDate": "20200102",
            "ContentTime": "101213",
            "SpacingBetweenSlices": str(step),
            "SliceLocation": str(position[2]),
            "WindowCenter": ["40", "-600"],
            "WindowWidth": ["400", "1500"],
            "WindowCenterWidthExplanation": ["SOFT TISSUE", "LUNG"],
            "ImageComments": "Synthetic. No patient was imaged.",
        },
    )
    with published(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def _facts(root: Path, labels: npt.NDArray[np.uint8], values: npt.NDArray[np.int16]) -> SampleFacts:
    voxel = SPACING[0] * SPACING[1] * SPACING[2]
    own = np.bincount(labels.reshape(-1), minlength=len(_PARTS) + 1)
    counts = {part.name: int(own[number]) for number, part in enumerate(_PARTS, start=1)}
    counts["body"] += counts["lung right"] + counts["lung left"] + counts["sphere"]
    parts = []
    for number, part in enumerate(_PARTS, start=1):
        shown = values[labels == number]
        parts.append(
            PartFacts(
                name=part.name,
                voxels=counts[part.name],
                volume_mm3=counts[part.name] * voxel,
                analytic_mm3=_analytic_mm3(part),
                lowest_hu=int(shown.min()),
                highest_hu=int(shown.max()),
            )
        )
    lungs = counts["lung right"] + counts["lung left"]
    expected = (
        (0.1, "body, with all that is in it, and table", counts["body"] + counts["table"]),
        (0.5, "body without lungs, and table", counts["body"] - lungs + counts["table"]),
        (0.9, "sphere", counts["sphere"]),
    )
    return SampleFacts(
        folder=root,
        dicom_folder=root / DICOM_FOLDER,
        shape=SHAPE,
        spacing_mm=SPACING,
        parts=tuple(parts),
        measurements=tuple(
            ExpectedMeasurement(threshold=threshold, what=what, pixels_above_threshold=count, volume_mm3=count * voxel)
            for threshold, what, count in expected
        ),
    )


def _readme(facts: SampleFacts) -> str:
    size = f"{SHAPE[0]} CT instances, {SHAPE[1]} x {SHAPE[2]} pixels"
    lines = [
        "A synthetic CT phantom, written by `voxelry sample`. No patient was imaged. Not for diagnostic use.",
        "",
        f"{facts.dicom_folder.name}/     {size}, spacing {SPACING[0]} x {SPACING[1]} x {SPACING[2]} mm",
        "facts.json   the figures below, for programs",
        "",
        "What is in it:",
    ]
    lines += [
        f"  {part.name:12} {part.voxels:>9,} voxels  {part.volume_mm3:>14,.3f} mm3"
        f"  (by formula {part.analytic_mm3:>14,.3f})  {part.lowest_hu} to {part.highest_hu} HU"
        for part in facts.parts
    ]
    lines += ["", "What `voxelry measure` must give:"]
    lines += [
        f"  --threshold {expected.threshold}  {expected.pixels_above_threshold:>9,} pixels"
        f"  {expected.volume_mm3:>14,.3f} mm3  {expected.what}"
        for expected in facts.measurements
    ]
    return "\n".join(lines) + "\n"
