"""Segmentations of images without a place: radiographs, ultrasound and other images without a frame of reference.

Plane groups and frame of reference are required only where the images have one (PS3.3 A.51.5.1); each frame names the
image that it lies on instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from voxelry.core.errors import UnplacedError
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.header_bytes import decimal_string
from voxelry.dicom.write.instance_modules import SlicePlaces

_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def frames_in_order(volume: Volume, stacks: Sequence[Stack]) -> list[Frame | None]:
    """The frame that each slice of a volume without a place lies on, pixel by pixel.

    Raises
    ------
    UnplacedError
        If the volume is none of these stacks' own.
    """
    for stack in stacks:
        uids = tuple(frame.header.sop_instance_uid for frame in stack.frames)
        if stack.regular and stack.shape[:3] == volume.array.shape[:3] and volume.instance_uids in ((), uids):
            return list(stack.frames)
    raise UnplacedError(
        "the place of these images in the patient is unknown (positions, orientation or spacing are missing, or the "
        "slices form no regular grid), and they are not pixel by pixel those of the source: store the labels in "
        "another format"
    )


def no_place(shape: tuple[int, ...]) -> SlicePlaces:
    """A temporary place, which highdicom requires and which is removed afterwards."""
    positions = np.zeros((shape[0], 3))
    positions[:, 2] = -np.arange(shape[0])  # in the order in which highdicom writes frames
    return SlicePlaces(np.array(_AXIAL), positions, (1.0, 1.0), 1.0)


def without_place(dataset: Dataset, volume: Volume) -> None:
    """Remove the place, and number the frames by their order instead; the dataset is changed in place."""
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator"):
        dataset.pop(keyword, None)
    dataset.PatientOrientation = ""  # asked for where there is no plane (PS3.3 C.7.6.1), and unknown
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for keyword in ("PlaneOrientationSequence", "PlanePositionSequence", "PixelMeasuresSequence"):
        shared.pop(keyword, None)
    rows, columns = volume.spacing[1:]
    if rows is not None and columns is not None:
        measures = Dataset()
        measures.PixelSpacing = [decimal_string(rows), decimal_string(columns)]
        shared.PixelMeasuresSequence = DicomSequence([measures])
    for item in dataset.DimensionIndexSequence:
        if item.DimensionIndexPointer == Tag("ImagePositionPatient"):
            item.DimensionIndexPointer = Tag("InStackPositionNumber")
            item.FunctionalGroupPointer = Tag("FrameContentSequence")
            item.DimensionDescriptionLabel = "Number of the image"
