"""Segmentations by highdicom, for tests that read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.testing import SyntheticSeries, uid, write

Masks = npt.NDArray[Any]


def segmented(
    path: Path, of: SyntheticSeries, mask: Masks, *, edit: Callable[[Dataset], None] | None = None, **kwargs: Any
) -> Path:
    """A segmentation by highdicom, which leaves out empty frames, as dcmqi does."""
    segments = [
        highdicom.seg.SegmentDescription(
            segment_number=number + 1,
            segment_label=f"segment {number + 1}",
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type="MANUAL",
        )
        for number in range(mask.shape[-1] if mask.ndim == 4 else int(mask.max()) if kwargs.get("labels") else 1)
    ]
    kwargs.pop("labels", None)
    with quiet:
        dataset = highdicom.seg.Segmentation(
            source_images=[pydicom.dcmread(one) for one in of.paths],
            pixel_array=mask,
            segmentation_type=kwargs.pop("segmentation_type", "BINARY"),
            segment_descriptions=segments,
            series_instance_uid=uid("segmentation", path.parent.name),
            series_number=9,
            sop_instance_uid=uid("segmentation", path),
            instance_number=1,
            manufacturer="m",
            manufacturer_model_name="m",
            software_versions="1",
            device_serial_number="1",
            **kwargs,
        )
        if edit is not None:
            edit(dataset)
        return write(dataset, path)
