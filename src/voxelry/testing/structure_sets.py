"""Synthetic RT Structure Sets: contours on existing images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from voxelry.testing.instances import uid, write

_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_FROM_IMAGES = ("PatientName", "PatientID", "StudyInstanceUID")


def synthetic_structure_set(
    path: str | Path,
    images: Sequence[str | Path],
    structures: Mapping[str, Sequence[npt.ArrayLike]],
    *,
    geometric_type: str = "CLOSED_PLANAR",
    edit: Callable[[Dataset], None] | None = None,
) -> Path:
    """Write an RT Structure Set for the patient and the study of images.

    Parameters
    ----------
    images
        Files of one series. Each contour references the nearest image.
    structures
        Contours by name; a contour has shape ``(n, 3)``, LPS, mm. Numbers count from 1, in this order.
    geometric_type
        Contour Geometric Type (3006,0042) of all contours.
    edit
        A function that changes the dataset before it is written.

    Returns
    -------
    path
    """
    headers = [pydicom.dcmread(one, stop_before_pixels=True) for one in images]
    first = headers[0]
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = _CLASS, uid("structure set", path)
    dataset.SeriesInstanceUID, dataset.Modality = uid("structure set series", path), "RTSTRUCT"
    for keyword in _FROM_IMAGES:
        setattr(dataset, keyword, first.get(keyword, ""))
    dataset.StructureSetLabel = "synthetic"
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.get("FrameOfReferenceUID", "")
    frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.StructureSetROISequence = [_named(number, name, frame) for number, name in enumerate(structures, 1)]
    dataset.ROIContourSequence = [
        _drawn(number, [_contour(np.asarray(one, np.float64), headers, geometric_type) for one in contours])
        for number, contours in enumerate(structures.values(), 1)
    ]
    dataset.RTROIObservationsSequence = [_observed(number) for number in range(1, len(structures) + 1)]
    if edit is not None:
        edit(dataset)
    return write(dataset, path)


def _named(number: int, name: str, frame: Dataset) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ROIName, item.ROIGenerationAlgorithm = number, name, "MANUAL"
    item.ReferencedFrameOfReferenceUID = frame.FrameOfReferenceUID
    return item


def _drawn(number: int, contours: list[Dataset]) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber, item.ROIDisplayColor = number, [10 * number % 256, 200, 30]
    item.ContourSequence = contours
    return item


def _contour(points: npt.NDArray[np.float64], images: Sequence[Dataset], geometric_type: str) -> Dataset:
    item, image = Dataset(), Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = geometric_type, len(points)
    item.ContourData = [f"{one:.10g}" for one in points.ravel()]
    nearest = min(images, key=lambda one: _distance(points[0], one))
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = nearest.SOPClassUID, nearest.SOPInstanceUID
    item.ContourImageSequence = [image]
    return item


def _distance(point: npt.NDArray[np.float64], image: Dataset) -> float:
    cosines = np.array(image.ImageOrientationPatient, float)
    normal = np.cross(cosines[:3], cosines[3:])
    return abs(float(normal @ (point - np.array(image.ImagePositionPatient, float))))


def _observed(number: int) -> Dataset:
    item = Dataset()
    item.ObservationNumber, item.ReferencedROINumber, item.RTROIInterpretedType = number, number, "ORGAN"
    return item
