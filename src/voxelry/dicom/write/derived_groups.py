"""Functional groups of a multi-frame template for other pixels (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import cast

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from voxelry.core.intensity import Window
from voxelry.dicom.headers.attributes import items
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.write.header_bytes import EncodedElements, decimal_string, of_dataset
from voxelry.dicom.write.provenance import REPLACED, SOURCE_IMAGE, Derivation
from voxelry.dicom.write.stored_from_modality import StoredScale

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


def with_groups(
    encoded: EncodedElements,
    header: Header,
    derivation: Derivation,
    scale: StoredScale | None,
    window: Window | None,
    unit: str | None,
) -> None:
    """Bring the functional groups up to date: frame types, rescale, windows, and where the frames come from.

    Parameters
    ----------
    scale, window, unit
        What takes the place of the template's; None where that holds.
    """
    with quiet:
        shared = deepcopy(list(items(header.elements, _SHARED))) or [Dataset()]
        per_frame = deepcopy(list(items(header.elements, _PER_FRAME)))
        for group in (*shared, *per_frame):
            for frame_type in _frame_types(group):
                frame_type.FrameType = ["DERIVED", *list(frame_type.FrameType)[1:]]
            if "DerivationImageSequence" in group:
                del group.DerivationImageSequence
            if scale is not None and "RealWorldValueMappingSequence" in group:
                del group.RealWorldValueMappingSequence
            _rescale(group, scale, unit)
            if window is not None and "FrameVOILUTSequence" in group:
                group.FrameVOILUTSequence = Sequence([_shown(window)])
        if scale is not None and not any("PixelValueTransformationSequence" in one for one in (*shared, *per_frame)):
            shared[0].PixelValueTransformationSequence = Sequence([_transform(scale, unit or "US")])
        shared[0].DerivationImageSequence = Sequence([_derivation(header, derivation)])
        made = Dataset()
        setattr(made, _SHARED, Sequence(shared))
        if per_frame:
            setattr(made, _PER_FRAME, Sequence(per_frame))
        charset = header.elements.dataset.get("SpecificCharacterSet")
        if charset:
            made.SpecificCharacterSet = charset
        encoded.update(of_dataset(made))


def _frame_types(group: Dataset) -> Iterator[Dataset]:
    for element in group:
        if element.VR == "SQ" and element.keyword.endswith("FrameTypeSequence"):
            yield from (item for item in cast("list[Dataset]", element.value) if "FrameType" in item)


def _rescale(group: Dataset, scale: StoredScale | None, unit: str | None) -> None:
    for item in group.get("PixelValueTransformationSequence") or ():
        if scale is not None:
            item.RescaleSlope, item.RescaleIntercept = decimal_string(scale.slope), decimal_string(scale.intercept)
        if unit is not None:
            item.RescaleType = unit or "US"


def _transform(scale: StoredScale, unit: str) -> Dataset:
    item = Dataset()
    item.RescaleSlope, item.RescaleIntercept = decimal_string(scale.slope), decimal_string(scale.intercept)
    item.RescaleType = unit
    return item


def _shown(window: Window) -> Dataset:
    item = Dataset()
    item.WindowCenter, item.WindowWidth = decimal_string(window.center), decimal_string(window.width)
    if window.function != "LINEAR":
        item.VOILUTFunction = window.function
    return item


def _derivation(header: Header, derivation: Derivation) -> Dataset:
    """PS3.3 C.7.6.16.2.6."""
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    source.PurposeOfReferenceCodeSequence = Sequence([coded(*SOURCE_IMAGE)])
    item = Dataset()
    item.DerivationDescription = derivation.sentence
    item.DerivationCodeSequence = Sequence([coded(*REPLACED)])
    item.SourceImageSequence = Sequence([source] if header.sop_instance_uid else [])
    return item


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    """A code (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
