"""Series of Philips' classic MR images, with the private attributes that its scanners write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from voxelry.testing import synthetic_series

Edit = Callable[[int, int, Dataset], None]
"""Given the volume, the slice and its dataset."""

IMAGING, IMAGES, FURTHER = "Philips Imaging DD 001", "Philips MR Imaging DD 001", "Philips MR Imaging DD 005"


def philips_images(folder: Path, edit: Edit, *, volumes: int = 4, slices: int = 3, **attributes: Any) -> None:
    """Write volumes of echo planar images; numbers run through a volume, then to the next.

    ``attributes`` are for every file. A dynamic begins 8 s after the one before, and has two volumes.
    """

    def stamp(number: int, dataset: Dataset) -> None:
        volume, place = divmod(number, slices)
        dataset.Manufacturer = "Philips Medical Systems"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]
        dataset.MRAcquisitionType, dataset.ScanningSequence = "2D", "GR"
        dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "4000", "11", "90"
        dataset.TemporalPositionIdentifier = str(volume // 2 + 1)
        dataset.AcquisitionTime = "120000.1"
        imaging = dataset.private_block(0x2001, IMAGING, create=True)
        imaging.add_new(0x13, "SL", 29)
        imaging.add_new(0x20, "LO", "FEEPI")
        own = dataset.private_block(0x2005, IMAGES, create=True)
        own.add_new(0xA0, "FL", 8.0 * (volume // 2))
        dataset.private_block(0x2005, FURTHER, create=True)
        edit(volume, place, dataset)
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)

    offsets = [3.0 * (number % slices) for number in range(volumes * slices)]
    synthetic_series(folder, slices=len(offsets), offsets=offsets, modality="MR", rescale=(2.0, 0.0), edit=stamp)
