"""What the headers of a volume say of its acquisition beside the attributes that its metadata have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import PixelDataError
from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.acquisition.acceleration import acceleration
from voxelry.dicom.acquisition.echo_spacing import echo_spacing
from voxelry.dicom.acquisition.ge_settings import ge_settings
from voxelry.dicom.acquisition.image_type import image_type_words, siemens_image_type
from voxelry.dicom.acquisition.labelling import labelling_fields
from voxelry.dicom.acquisition.phase_encoding import PhaseEncoding, is_echo_planar, phase_encoding_of
from voxelry.dicom.acquisition.philips_scaling import philips_fields
from voxelry.dicom.acquisition.philips_settings import philips_settings
from voxelry.dicom.acquisition.pulse_sequence import pulse_sequence_type
from voxelry.dicom.acquisition.siemens_settings import siemens_settings
from voxelry.dicom.acquisition.table_position import table_position
from voxelry.dicom.acquisition.uih_settings import uih_settings
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import numbers, text, texts

_VARYING = tuple(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        "ImageType", "ComplexImageComponent", "InPlanePhaseEncodingDirection", "RectilinearPhaseEncodeReordering",
        "AcquisitionMatrix", "ScanOptions", "ImageOrientationPatient", "Rows", "Columns", "ASLContext",
    )
)  # fmt: skip
_VARYING_BLOCKS = (
    *(0x00190000 | block << 8 | element for block in (0x10, 0x11) for element in (0x14, 0x28, 0x7F, 0x9C, 0xB3)),
    *(0x00430000 | block << 8 | element for block in (0x10, 0x11) for element in (0x2C, 0x2F, 0x83, 0xB2, 0xB6)),
    *(0x00510000 | block << 8 | element for block in (0x10, 0x11) for element in (0x0F, 0x11)),
    *(0x00650000 | block << 8 | element for block in (0x10, 0x11) for element in (0x0D, 0x58)),
)
"""Attributes in which volumes of one series may differ, of those that are read here."""
_PHILIPS_LABEL = tuple(0x20050029 | block << 8 for block in range(0x10, 0x20))
"""Philips reserves a block of (2005,eeee) for each of its creators."""
_SETTINGS: Mapping[str, Callable[[Frame], dict[str, Value]]] = {
    "Siemens": siemens_settings, "GE": ge_settings, "Philips": philips_settings, "UIH": uih_settings,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """Of one volume.

    Attributes
    ----------
    phase_encoding
        None if the header does not say it.
    fields
        By the names of BIDS and of dcm2niix, in their units.
    """

    phase_encoding: PhaseEncoding | None
    fields: dict[str, Value]


def scan_facts(volumes: Sequence[Sequence[Frame]]) -> list[ScanFacts]:
    """What the first frame of each volume says; volumes of one series whose headers say the same are read once."""
    known: dict[tuple[object, ...], ScanFacts] = {}
    found = []
    for frames in volumes:
        key = _said(frames[0])
        facts = known.get(key)
        if facts is None:
            facts = known[key] = _facts_of(frames[0])
        scales = philips_fields(frames)
        found.append(ScanFacts(facts.phase_encoding, facts.fields | scales) if scales else facts)
    return found


def _said(frame: Frame) -> tuple[object, ...]:
    """What two frames must have alike to say the same."""
    header = frame.header
    encoded = header.elements.encoded
    if encoded is None or frame.groups:
        return (id(frame),)
    return (
        header.series_instance_uid,
        frame.orientation,
        *map(encoded.get, (*_VARYING, *_VARYING_BLOCKS, *_PHILIPS_LABEL)),
    )


def _facts_of(frame: Frame) -> ScanFacts:
    elements = frame.header.elements
    fields: dict[str, Value] = {}
    words = image_type_words(frame)
    if words:
        fields["ImageType"] = list(words)
    fields |= _orientation(frame)
    if text(elements, "Modality") != "MR":
        return ScanFacts(None, fields)
    more = siemens_image_type(frame)
    if more:
        fields["ImageTypeText"] = list(more)
    maker = maker_name(text(elements, "Manufacturer"))
    settings = _SETTINGS[maker](frame) if maker in _SETTINGS else {}
    if maker == "Siemens":
        fields |= _gradient_correction((*words, *more))
    fields |= settings | echo_spacing(frame) | acceleration(frame) | table_position(frame)
    fields |= labelling_fields(frame) | _states(frame) | pulse_sequence_type(frame, fields)
    phase = phase_encoding_of(frame)
    if phase is not None and maker == "GE" and phase.positive is not None:
        fields["PhaseEncodingPolarityGE"] = "Unflipped" if phase.positive != _is_upside_down(frame) else "Flipped"
    if is_echo_planar(frame) and "DerivedVendorReportedEchoSpacing" not in fields and maker in ("Siemens", "UIH"):
        fields |= _acquired_spacing(fields)
    return ScanFacts(phase, fields)


def _acquired_spacing(fields: dict[str, Value]) -> dict[str, Value]:
    """The time between acquired lines, as the console of Siemens shows it."""
    effective, factor = fields.get("EffectiveEchoSpacing"), fields.get("ParallelReductionFactorInPlane", 1)
    more = fields.get("PhaseOversampling", 0)
    if not isinstance(effective, float) or not isinstance(factor, int | float) or not isinstance(more, int | float):
        return {}
    return {"DerivedVendorReportedEchoSpacing": effective * factor / (1 + more)}


def _gradient_correction(words: tuple[str, ...]) -> dict[str, Value]:
    """Whether distortion by the gradients was corrected: Siemens' words DIS2D and DIS3D, or ND for not."""
    corrected = any(word in ("DIS2D", "DIS3D") for word in words)
    return {"NonlinearGradientCorrection": corrected} if corrected or "ND" in words else {}


def _orientation(frame: Frame) -> dict[str, Value]:
    """As the header has it: not of an image whose rows turned out to lie the other way round."""
    if frame.orientation is None:
        return {}
    right, down = frame.orientation[:3], frame.orientation[3:]
    sign = -1.0 if _is_upside_down(frame) else 1.0
    return {"ImageOrientationPatientDICOM": [cosine + 0.0 for cosine in (*right, *(sign * one for one in down))]}


def _is_upside_down(frame: Frame) -> bool:
    """True if the image's rows lie against what its header says, as those of one polarity in GE's epi_pepolar do."""
    if not frame.replaced or frame.orientation is None:
        return False
    try:
        said = numbers(frame.header.elements, "ImageOrientationPatient", 6)
    except PixelDataError:
        return False
    return said is not None and sum(a * b for a, b in zip(said[3:], frame.orientation[3:], strict=True)) < 0


def _states(frame: Frame) -> dict[str, Value]:
    """Magnetization transfer, and spoiling where Sequence Variant says it."""
    variant = texts(frame.header.elements, "SequenceVariant")
    found: dict[str, Value] = {"MTState": True} if "MTC" in variant else {}
    return found | ({"SpoilingState": True} if "SP" in variant else {})
