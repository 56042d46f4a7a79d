"""The factor from what a PET image holds to standardized uptake values, by its headers alone.

Whatever headers do not say, or say in contradiction, raises the error that names the tag: there is no default for a
dose, a weight or a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, get_args

from voxelry.core.errors import ParameterError, SuvError
from voxelry.dicom.acquisition.body_size import (
    Sex,
    lean_mass_of_james,
    lean_mass_of_janmahasatian,
    surface_of_du_bois,
)
from voxelry.dicom.acquisition.decay_times import ScanTimes, moment_of, seconds_to_scan
from voxelry.dicom.acquisition.emission_attributes import EmissionAttributes
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_numbers
from voxelry.dicom.headers.attributes import tag_label

SuvKind = Literal["bw", "lbm", "lbm-james", "bsa"]
"""By body weight; by lean body mass as Janmahasatian or James computes it; by body surface area as Du Bois does."""

SUV_TYPES: dict[SuvKind, str] = {"bw": "BW", "lbm": "LBMJANMA", "lbm-james": "LBMJAMES128", "bsa": "BSA"}
"""In the words of SUV Type (0054,1006)."""
SUV_UNITS: dict[SuvKind, str] = {"bw": "g/ml", "lbm": "g/ml", "lbm-james": "g/ml", "bsa": "cm2/ml"}
SUV_FORMULAS = {"LBMJANMA": "Janmahasatian", "LBMJAMES128": "James (128)", "BSA": "Du Bois"}
"""Who the formula of a type is by; body weight needs none."""

_PHILIPS = (0x7053, "Philips PET Private Group")
_SUV_SCALE, _ACTIVITY_SCALE = 0x00, 0x09
_UNITS = frozenset({
    "CNTS", "NONE", "CM2", "PCNT", "CPS", "BQML", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML", "PROPCNTS",
    "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV", "CM2ML",
})  # fmt: skip
"""Units (0054,1001) that an error may repeat, because they are no patient's."""
_BY_UCUM = {
    "bq/ml": "BQML", "bqml": "BQML", "g/ml": "GML", "g/ml{suvbw}": "GML", "{suvbw}g/ml": "GML", "gml": "GML",
    "cm2/ml": "CM2ML",
}  # fmt: skip
_TYPES = frozenset({"BSA", "BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW"})
_MOST_HALF_LIVES = 10
"""Nobody scans what is left of a dose after so many: a date is wrong."""
_SMALLEST_DOSE = 10_000.0
"""Bq; smaller numbers are in MBq, as some old scanners wrote them."""
_TALLEST = 3.0
"""Metres; larger numbers are centimetres."""
_HEAVIEST = 1000.0
"""Kilograms; larger numbers are grams."""


def check_suv(choice: str | None) -> None:
    """Raise a ParameterError unless it is None or one of ``SuvKind``."""
    if choice is not None and choice not in get_args(SuvKind):
        raise ParameterError(f"suv is {choice!r}; it may be {', '.join(get_args(SuvKind))}")


def suv_factors(frames: Sequence[Frame], kind: SuvKind, *, scan: Callable[[], ScanTimes]) -> list[float]:
    """By what the modality values of frames are multiplied to be standardized uptake values.

    Parameters
    ----------
    frames
        Of one stack.
    scan
        When their series was acquired; asked only if decay was corrected to its start.

    Raises
    ------
    SuvError
        If one of them has no factor; the message names the tag.

    References
    ----------
    PS3.3 C.8.9.1 (PET Series), C.8.9.2 (PET Isotope), C.8.22 (Enhanced PET); PS3.16 CID 85; QIBA, "vendor-neutral
    pseudo-code for SUV calculation"
    """
    found: list[float] = []
    doses: set[float] = set()
    for frame in frames:
        attributes = EmissionAttributes.of(frame)
        units = emission_units(frame)
        if units == "GML":
            _check_by_weight(attributes)
            found.append(_per_weight(attributes, kind))
            continue
        philips = _philips_scale(frame, _SUV_SCALE) if units == "CNTS" else 0.0
        if philips:
            found.append(philips * _per_weight(attributes, kind))
            continue
        of_activity = _size(attributes, kind) / _dose_left(attributes, scan)
        doses.add(of_activity)
        found.append(of_activity * (1.0 if units == "BQML" else _philips_scale(frame, _ACTIVITY_SCALE)))
    if len(doses) > 1:
        raise SuvError("the files differ in the dose, its times, or the patient's weight, size or sex")
    if not all(math.isfinite(factor) and factor > 0 for factor in found):
        raise SuvError("the headers' numbers give no factor that is finite and above 0")
    return found


def emission_units(frame: Frame) -> str:
    """In what a frame is that can be one of standardized uptake values: BQML, GML, or CNTS with one of Philips' scales.

    Raises
    ------
    SuvError
        If it is not corrected for attenuation and decay, or is in anything else.
    """
    attributes = EmissionAttributes.of(frame)
    _check_corrected(frame, attributes)
    by_rescale = _term(frame.unit)
    units = by_rescale if frame.real_world else attributes.text("Units") or by_rescale
    if units != by_rescale and by_rescale in (*_UNITS, "HU"):
        raise SuvError(f"{tag_label('Units')} and {tag_label('RescaleType')} are two units of the same values")
    if units in ("BQML", "GML"):
        return units
    if units == "CNTS":
        if _philips_scale(frame, _SUV_SCALE) or _philips_scale(frame, _ACTIVITY_SCALE):
            return units
        raise SuvError(
            f"{tag_label('Units')} is CNTS, and Philips' factors (7053,xx00) and (7053,xx09) are missing or not above 0"
        )
    words = units if units in _UNITS else "another word" if units else "missing"
    raise SuvError(f"{tag_label('Units')} is {words}; BQML, GML or Philips' CNTS is needed")


def _term(unit: str) -> str:
    """The unit of a rescale or of a Real World Value Mapping in the words of Units (0054,1001), where it has some."""
    return _BY_UCUM.get(unit.lower(), unit)


def _check_corrected(frame: Frame, attributes: EmissionAttributes) -> None:
    """Refuse what is not corrected for attenuation and decay, or has a lookup table."""
    if "ModalityLUTSequence" in frame.header.elements:
        raise SuvError(f"{tag_label('ModalityLUTSequence')}: values come through a table, and not by a factor")
    corrected = attributes.texts("CorrectedImage")
    for word, keyword in (("ATTN", "AttenuationCorrected"), ("DECY", "DecayCorrected")):
        if word not in corrected and (corrected or attributes.text(keyword) != "YES"):
            where = f"{tag_label('CorrectedImage')} {'lacks' if corrected else 'is missing, which should have'} {word}"
            raise SuvError(f"{where}: values must be corrected for attenuation and decay")
    decay = attributes.text("DecayCorrection")
    if decay in ("START", "ADMIN") or (not decay and attributes.text("DecayCorrectionDateTime")):
        return
    words = "NONE" if decay == "NONE" else "another word" if decay else "missing"
    raise SuvError(f"{tag_label('DecayCorrection')} is {words}; START or ADMIN is needed")


def _philips_scale(frame: Frame, element: int) -> float:
    """One of Philips' private factors; 0 if it is missing or not above 0."""
    group, creator = _PHILIPS
    found = frame_private_numbers(frame, group, creator, element, "DS")
    return max(found[0], 0.0) if found else 0.0


def _check_by_weight(attributes: EmissionAttributes) -> None:
    kind = attributes.text("SUVType")
    if kind not in ("", "BW"):
        words = kind if kind in _TYPES else "another word"
        raise SuvError(f"{tag_label('SUVType')} is {words}; values in GML must be by body weight (BW)")


def _per_weight(attributes: EmissionAttributes, kind: SuvKind) -> float:
    """From values by body weight to those of a kind, which needs neither dose nor time."""
    return 1.0 if kind == "bw" else _size(attributes, kind) / _size(attributes, "bw")


def _size(attributes: EmissionAttributes, kind: SuvKind) -> float:
    """What the dose is thought to be spread over: grams, or cm2 of surface."""
    weight = attributes.above_zero("PatientWeight")
    if weight > _HEAVIEST:
        raise SuvError(f"{tag_label('PatientWeight')} is no weight in kilograms")
    if kind == "bw":
        return 1000 * weight
    height = attributes.above_zero("PatientSize")
    if height > _TALLEST:
        raise SuvError(f"{tag_label('PatientSize')} is no height in metres")
    if kind == "bsa":
        return 10_000 * surface_of_du_bois(weight, height)
    sex = _sex(attributes)
    mass = (lean_mass_of_james if kind == "lbm-james" else lean_mass_of_janmahasatian)(weight, height, sex)
    if not 0 < mass <= weight:
        raise SuvError(
            f"{tag_label('PatientWeight')} and {tag_label('PatientSize')} are outside what the formula of lean body "
            "mass holds for"
        )
    return 1000 * mass


def _sex(attributes: EmissionAttributes) -> Sex:
    match attributes.text("PatientSex"):
        case "F":
            return "F"
        case "M":
            return "M"
    raise SuvError(f"{tag_label('PatientSex')} is missing, or none that the formula of lean body mass has")


def _dose_left(attributes: EmissionAttributes, scan: Callable[[], ScanTimes]) -> float:
    """What is left of the dose, Bq, at the moment that the image's decay is corrected to."""
    sequence = "RadiopharmaceuticalInformationSequence"
    isotopes = attributes.items(sequence)
    if len(isotopes) != 1:
        raise SuvError(f"{tag_label(sequence)} has {len(isotopes) or 'no'} items; one is needed")
    (isotope,) = isotopes
    dose = isotope.above_zero("RadionuclideTotalDose")
    if dose < _SMALLEST_DOSE:
        raise SuvError(f"{tag_label('RadionuclideTotalDose')} is no dose in Bq; it may be in MBq")
    decay = attributes.text("DecayCorrection")
    if decay == "ADMIN":
        return dose
    half_life = isotope.above_zero("RadionuclideHalfLife")
    if decay == "START":
        elapsed = seconds_to_scan(isotope, scan())
    else:
        injected = moment_of(isotope, "RadiopharmaceuticalStartDateTime")
        elapsed = moment_of(attributes, "DecayCorrectionDateTime").since(injected)
    if abs(elapsed) > _MOST_HALF_LIVES * half_life:
        raise SuvError(
            f"more than {_MOST_HALF_LIVES} times {tag_label('RadionuclideHalfLife')} lie between the injection and the "
            "scan: their dates and times cannot be right"
        )
    return dose * math.pow(2.0, -elapsed / half_life)
