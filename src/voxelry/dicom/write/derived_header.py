"""A template's header for other pixels: valid attributes are kept byte for byte, others removed or replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from voxelry.core.intensity import Window
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import is_empty_slope, unit_of
from voxelry.dicom.frames.multiframe_positions import RT_DOSE
from voxelry.dicom.headers.attributes import number
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription
from voxelry.dicom.pixels.encode import EXPLICIT, HTJ2K_LOSSLESS, RLE
from voxelry.dicom.pixels.stored_pixels import is_lossy, padding_range
from voxelry.dicom.write.cut_slices import describe_place, describe_slice
from voxelry.dicom.write.derived_groups import with_groups
from voxelry.dicom.write.header_bytes import EncodedElements, Explicit, decimal_string, file_head, short, tag_of, words
from voxelry.dicom.write.provenance import (
    VERSION,
    Derivation,
    equipment_of,
    evidence,
    moment_elements,
    referenced_series_item,
    with_suffix,
)
from voxelry.dicom.write.stored_from_modality import Storage, StoredScale

_PET = "1.2.840.10008.5.1.4.1.1.128"
"""Its Image Type says PRIMARY whatever becomes of the image (PS3.3 C.8.9.4.1.1)."""
_GONE = frozenset(
    tag_of(keyword)
    for keyword in (
        "InstanceCreatorUID", "IconImageSequence", "HistogramSequence", "PixelDataProviderURL",
        "DataSetTrailingPadding",
        "MACParametersSequence", "DigitalSignaturesSequence", "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
        "EncapsulatedPixelDataValueTotalLength", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit",
        "DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit", "SmallestImagePixelValueInPlane",
        "LargestImagePixelValueInPlane", "PixelPaddingValue", "PixelPaddingRangeLimit",
    )
)  # fmt: skip
"""Of the former pixels or of the former file. Padding is set again where it holds."""
_GONE_WITH_SCALE = frozenset(
    tag_of(keyword) for keyword in ("ModalityLUTSequence", "RealWorldValueMappingSequence", "PresentationLUTSequence")
)
_PALETTE = frozenset(
    tag_of(f"{colour}PaletteColorLookupTable{part}")
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
) | frozenset(
    tag_of(keyword)
    for keyword in (
        "AlphaPaletteColorLookupTableDescriptor", "AlphaPaletteColorLookupTableData", "PaletteColorLookupTableUID",
        "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
        "SegmentedBluePaletteColorLookupTableData",
    )
)  # fmt: skip
_EXTREMES = (
    ("SmallestImagePixelValue", "LargestImagePixelValue"),
    ("SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
)
_GROUP_ELEMENTS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_UTF8 = b"ISO_IR 192"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is the same for all instances of a new series.

    Attributes
    ----------
    unit
        The new Rescale Type; None where the template's holds.
    keep_times
        True where Content Time tells the template's stacks apart.
    storage
        None for colour.
    window
        The one that takes the place of the template's; None where theirs hold.
    uids
        The new SOP Instance UIDs, by the template's instance and the number of the tile in it.
    stored
        True if values are stored ones, and the template's transforms stay.
    ends
        The smallest and largest stored value of the series.
    """

    derivation: Derivation
    series_instance_uid: str
    transfer_syntax: str
    unit: str | None
    keep_times: bool
    uids: Mapping[tuple[Header, int | None], str]
    explicit: Explicit
    stored: bool = False
    storage: Storage | None = None
    window: Window | None = None
    ends: tuple[int, int] = (0, 0)


def head_of(
    header: Header, pixels: PixelDescription, changes: Changes, ends: tuple[int, int], cut: Frame | None = None
) -> bytes:
    """All bytes of a new instance before its Pixel Data.

    Parameters
    ----------
    header
        The template's instance.
    ends
        The smallest and largest of the new stored values.
    cut
        The slice of the template's mosaic that it is, or the frame that lies elsewhere than its header says.
    """
    tile = None if cut is None else cut.tile
    uid = changes.uids[header, None if tile is None else tile.number]
    encoded = derived(header, pixels, changes, ends)
    if cut is not None:
        if tile is not None:
            describe_slice(encoded, cut, tile)
        describe_place(encoded, cut)
    encoded[tag_of("SOPInstanceUID")] = words(b"UI", uid)
    head = file_head(header.sop_class_uid, uid, changes.transfer_syntax, VERSION)
    return head + changes.explicit.joined(encoded)


def derived(header: Header, pixels: PixelDescription, changes: Changes, ends: tuple[int, int]) -> EncodedElements:
    """The elements of a new instance but its SOP Instance UID."""
    encoded = changes.explicit(header.elements)
    groups = any(tag_of(keyword) in encoded for keyword in _GROUP_ELEMENTS)
    for tag in [tag for tag in encoded if not tag & 0xFFFF] + list(_GONE & encoded.keys()):
        del encoded[tag]
    _identify(encoded, header, changes, enhanced=groups)
    _without_embedded_overlays(encoded)
    if is_lossy(header):  # once lossy, always lossy (PS3.3 C.7.6.1.1.5)
        encoded[tag_of("LossyImageCompression")] = words(b"CS", "01")
    if changes.storage is None:
        _describe_colour(encoded, pixels, changes.transfer_syntax)
        return encoded
    _describe_grey(encoded, pixels, changes, changes.storage, ends)
    _keep_padding(encoded, header, pixels, changes.storage)
    if groups:
        with_groups(encoded, header, changes.derivation, changes.storage.scale, changes.window, changes.unit)
    else:
        _rescale(encoded, header, changes.storage, changes.unit)
        _show(encoded, changes.window)
    return encoded


def _identify(encoded: EncodedElements, header: Header, changes: Changes, *, enhanced: bool) -> None:
    derivation, created = changes.derivation, changes.derivation.created
    utf8 = encoded.get(tag_of("SpecificCharacterSet"), (b"", b""))[1].strip() == _UTF8
    kind = encoded.get(tag_of("ImageType"), (b"", b""))[1].strip(b" \0").split(b"\\")[2:]
    second = b"PRIMARY" if enhanced or header.sop_class_uid == _PET else b"SECONDARY"
    encoded[tag_of("ImageType")] = b"CS", b"\\".join([b"DERIVED", second, *kind])
    encoded[tag_of("SeriesInstanceUID")] = words(b"UI", changes.series_instance_uid)
    described = tag_of("SeriesDescription")
    encoded[described] = with_suffix(encoded.get(described), derivation.suffix, utf8=utf8)
    encoded[tag_of("DerivationDescription")] = words(b"ST", derivation.sentence)
    equipment = tag_of("ContributingEquipmentSequence")
    encoded[equipment] = b"SQ", encoded.get(equipment, (b"SQ", b""))[1] + equipment_of(derivation)
    if header.sop_instance_uid and enhanced:
        series = tag_of("ReferencedSeriesSequence")
        own = referenced_series_item(header.series_instance_uid, [header])
        encoded[series] = b"SQ", encoded.get(series, (b"SQ", b""))[1] + own
        encoded[tag_of("SourceImageEvidenceSequence")] = b"SQ", evidence(header.study_instance_uid, header)
    elif header.sop_instance_uid:
        encoded[tag_of("SourceImageSequence")] = b"SQ", derivation.source(header)
    if created is not None:
        encoded.update(moment_elements(created, "InstanceCreation"))
        if not changes.keep_times:
            encoded.update(moment_elements(created, "Content"))
        return
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        encoded.pop(tag_of(keyword), None)


def _without_embedded_overlays(encoded: EncodedElements) -> None:
    """Overlays in the unused bits of the former pixels are gone with them (PS3.5 8.1.2, retired)."""
    overlays = [tag for tag in encoded if 0x60000000 <= tag < 0x60200000]
    for tag in overlays:
        if tag & ~0xFFFF | 0x3000 not in encoded and tag & 0xFFFF != 0x3000:
            del encoded[tag]


def colour_dtype(pixels: PixelDescription) -> np.dtype[Any]:
    """Of RGB values: palettes' and those of 8 bits are uint8."""
    return np.dtype(f"u{max(1, pixels.bits_allocated // 8)}" if pixels.kind == "colour" else "u1")


def _describe_colour(encoded: EncodedElements, pixels: PixelDescription, transfer_syntax: str) -> None:
    bits = 8 * colour_dtype(pixels).itemsize
    encoded[tag_of("PhotometricInterpretation")] = words(
        b"CS", "YBR_RCT" if transfer_syntax == HTJ2K_LOSSLESS else "RGB"
    )
    encoded[tag_of("SamplesPerPixel")] = short(3)
    encoded[tag_of("PlanarConfiguration")] = short(0)
    _describe_bits(encoded, bits, bits, signed=False)
    for tag in _PALETTE & encoded.keys():
        del encoded[tag]


def _describe_bits(encoded: EncodedElements, allocated: int, stored: int, *, signed: bool) -> None:
    encoded[tag_of("BitsAllocated")] = short(allocated)
    encoded[tag_of("BitsStored")] = short(stored)
    encoded[tag_of("HighBit")] = short(stored - 1)
    encoded[tag_of("PixelRepresentation")] = short(int(signed))


def bits_stored(storage: Storage, transfer_syntax: str) -> int:
    """As planned where the bits are written as they are; a codestream of its own precision has all of them."""
    as_they_are = transfer_syntax in (EXPLICIT, RLE)
    return storage.container.bits_stored if as_they_are else storage.container.dtype.itemsize * 8


def _describe_grey(
    encoded: EncodedElements, pixels: PixelDescription, changes: Changes, storage: Storage, ends: tuple[int, int]
) -> None:
    dtype = storage.container.dtype
    signed = dtype.kind == "i"
    encoded[tag_of("SamplesPerPixel")] = short(1)
    encoded[tag_of("PhotometricInterpretation")] = words(b"CS", pixels.photometric)
    encoded.pop(tag_of("PlanarConfiguration"), None)
    _describe_bits(encoded, dtype.itemsize * 8, bits_stored(storage, changes.transfer_syntax), signed=signed)
    for keywords, values in zip(_EXTREMES, (ends, changes.ends), strict=True):
        for keyword, value in zip(keywords, values, strict=True):
            tag = tag_of(keyword)
            if tag in encoded and dtype.itemsize <= 2:
                encoded[tag] = short(value, signed=signed)
            else:
                encoded.pop(tag, None)


def _keep_padding(encoded: EncodedElements, header: Header, pixels: PixelDescription, storage: Storage) -> None:
    """Keep the padding attributes only if each frame keeps its scale, because they are stored values."""
    if storage.scale is not None or storage.container.dtype.itemsize > 2:
        return
    limits = padding_range(header, pixels)
    low, high = storage.container.limits
    if limits is None or not all(low <= limit <= high for limit in limits):
        return
    signed = storage.container.dtype.kind == "i"
    encoded[tag_of("PixelPaddingValue")] = short(int(limits[0]), signed=signed)
    if "PixelPaddingRangeLimit" in header.elements:
        encoded[tag_of("PixelPaddingRangeLimit")] = short(int(limits[1]), signed=signed)


def _rescale(encoded: EncodedElements, header: Header, storage: Storage, unit: str | None) -> None:
    if unit is None and tag_of("RescaleType") not in encoded and unit_of(header, header.elements) == "HU":
        encoded[tag_of("RescaleType")] = words(b"LO", "HU")  # readers assume HU only for original images
    if storage.scale is None and header.sop_class_uid != RT_DOSE and is_empty_slope(header):
        set_scale(encoded, StoredScale(1.0, number(header.elements, "RescaleIntercept") or 0.0))
    if storage.scale is not None:
        for tag in _GONE_WITH_SCALE & encoded.keys():
            del encoded[tag]
        if header.sop_class_uid == RT_DOSE:
            encoded[tag_of("DoseGridScaling")] = words(b"DS", decimal_string(storage.scale.slope))
            return
        set_scale(encoded, storage.scale)
    if unit is not None and header.sop_class_uid != RT_DOSE:
        encoded[tag_of("RescaleType")] = words(b"LO", unit or "US")
        if tag_of("RescaleSlope") not in encoded:
            set_scale(encoded, StoredScale(1.0, 0.0))


def set_scale(encoded: EncodedElements, scale: StoredScale) -> None:
    """Set Rescale Slope and Intercept, and a Rescale Type if there is none; nothing for an identity."""
    slope, kind = tag_of("RescaleSlope"), tag_of("RescaleType")
    table_kind = encoded.pop(tag_of("ModalityLUTType"), None)
    if slope not in encoded and scale == (1.0, 0.0) and table_kind is None:
        return
    encoded[slope] = words(b"DS", decimal_string(scale.slope))
    encoded[tag_of("RescaleIntercept")] = words(b"DS", decimal_string(scale.intercept))
    if kind not in encoded and tag_of("Units") not in encoded:
        encoded[kind] = table_kind or words(b"LO", "US")


def _show(encoded: EncodedElements, window: Window | None) -> None:
    if window is None:
        return
    center, tables = tag_of("WindowCenter"), tag_of("VOILUTSequence")
    there = center in encoded or tables in encoded
    for keyword in ("WindowCenterWidthExplanation", "VOILUTSequence", "VOILUTFunction"):
        encoded.pop(tag_of(keyword), None)
    if there:
        encoded[center] = words(b"DS", decimal_string(window.center))
        encoded[tag_of("WindowWidth")] = words(b"DS", decimal_string(window.width))
        if window.function != "LINEAR":
            encoded[tag_of("VOILUTFunction")] = words(b"CS", window.function)
