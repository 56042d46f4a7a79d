"""Series of volumes at one place that differ in some attributes, for tests of what becomes one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from voxelry.testing import synthetic_series

Change = Mapping[str, object] | Callable[[Dataset], None]
SLICES = 3


def unlike_volumes(folder: Path, changes: Sequence[Change], *, modality: str = "MR", seed: int = 7) -> None:
    """A series with a volume for each change: attributes by keyword, or a function that sets them.

    Every value of volume ``n``, from 0, is ``n + 1``.
    """
    for number, change in enumerate(changes):

        def edit(index: int, dataset: Dataset, number: int = number, change: Change = change) -> None:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.InstanceNumber = SLICES * number + index + 1
            dataset.MRAcquisitionType = "2D"
            if callable(change):
                change(dataset)
                return
            for keyword, value in change.items():
                setattr(dataset, keyword, value)

        synthetic_series(
            folder / str(number),
            seed=seed,
            slices=SLICES,
            pixels=np.full((SLICES, 8, 10), number + 1, np.uint16),
            modality=modality,
            rescale=None,
            edit=edit,
        )
