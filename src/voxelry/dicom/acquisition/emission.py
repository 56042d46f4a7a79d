"""Positron emission tomography as BIDS-PET has it: tracer, times from the start of the scan, corrections.

Times are relative to the start of the scan, which is told as a time of day: BIDS requires it, and a time of day without
its date leads to nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voxelry.core.value import Value
from voxelry.dicom.acquisition.suv_factor import SUV_FORMULAS
from voxelry.dicom.frames.acquisition_times import DAY, HOUR, clock_of, seconds_of_date, seconds_of_day
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.headers.attributes import Attributes, first_attributes, text, value_of

_CLOCKS = ("FrameAcquisitionDateTime", "AcquisitionDateTime", "AcquisitionTime")
_UNITS = {"BQML": "Bq/mL", "GML": "g/mL", "CNTS": "counts", "PROPCNTS": "counts"}
"""Units (0054,1001) in the words of BIDS."""
_SUV_UNITS = {"g/ml": "g/mL", "cm2/ml": "cm^2/mL"}
_DECAY_TO = {"START", "ADMIN", "NONE"}
_SYMBOLS = {
    "fluorine": "F", "carbon": "C", "nitrogen": "N", "oxygen": "O", "gallium": "Ga", "rubidium": "Rb", "copper": "Cu",
    "zirconium": "Zr", "iodine": "I", "germanium": "Ge", "sodium": "Na", "scandium": "Sc", "yttrium": "Y",
}  # fmt: skip
_NUMBER_FIRST = re.compile(r"\^?(\d{1,3})\^?[ -]?([A-Za-z]+)\W*")
_NAME_FIRST = re.compile(r"\W*([A-Za-z]+)[ \[\]^-]*(\d{1,3})\W*")
_ITERATIONS = re.compile(r"(\d+)\s?i(?:t\w*)?[ ,]*(\d+)\s?s", re.IGNORECASE)
_GAUSSIAN = re.compile(r"gauss(?:ian)?\s*(\d+(?:\.\d+)?)", re.IGNORECASE)
_LONGEST_BOLUS = 60.0
"""Seconds; an injection that lasts longer may be an infusion, or a bolus and an infusion."""
_UNKNOWN_MASS = ("InjectedMass", "InjectedMassUnits", "SpecificRadioactivity", "SpecificRadioactivityUnits")
"""Required by BIDS, which has the word n/a for a mass that is not known. DICOM has no attribute for it."""
_OF_INJECTION = frozenset({
    "InjectedRadioactivity", "InjectedRadioactivityUnits", "InjectionStart", "InjectionEnd", "InjectedVolume",
    "ModeOfAdministration", *_UNKNOWN_MASS,
})  # fmt: skip
"""Left out of standardized uptake values: they are used up, and would lead back to the patient's weight."""
_LONGEST_SCAN = 2 * HOUR
"""Of an injection by its time of day alone: one that seems to be later than this after the start was the day before."""


def emission_fields(volumes: Sequence[Sequence[Frame]]) -> dict[str, Value]:
    """The fields of a file of PET volumes, in the units of BIDS: seconds, MBq. What headers do not say is left out.

    Parameters
    ----------
    volumes
        The frames of each volume, in the file's order; lists of the result have a value for each.

    References
    ----------
    Brain Imaging Data Structure 1.10, "Positron Emission Tomography"; PS3.3 C.8.9
    """
    first = volumes[0][0]
    top = first.header.elements
    if text(top, "Modality") != "PT":
        return {}
    found: dict[str, Value] = {}
    unit = _UNITS.get(text(top, "Units"))
    if unit is not None and not first.real_world:
        found["Units"] = unit
    found |= _tracer(top) | _times(volumes) | _reconstruction(top)
    found |= _administration(found)
    mode = text(top, "SeriesType").split("\\")[0].strip()
    if mode:
        found["AcquisitionMode"] = mode.lower()
    middles, factors = (_of_volumes(volumes, keyword) for keyword in ("FrameReferenceTime", "DecayFactor"))
    if middles:
        found["FrameReferenceTime"] = [middle / 1000 for middle in middles]
    if factors:
        found["DecayCorrectionFactor"] = list(factors)
    scattered = [frame_number(frames[0], "ScatterFractionFactor") for frames in volumes]
    if all(fraction is not None for fraction in scattered):
        found["ScatterFraction"] = list(scattered)
    calibration = frame_number(first, "DoseCalibrationFactor")
    found |= {} if calibration is None else {"DoseCalibrationFactor": calibration}
    return _of_suv(found, first) if first.suv else found


def _of_volumes(volumes: Sequence[Sequence[Frame]], keyword: str) -> list[float]:
    """A number of each volume; empty where one has none, or several: beds of a whole body were acquired in turn."""
    numbers = [{frame_number(frame, keyword) for frame in frames} for frames in volumes]
    found = [number for own in numbers if len(own) == 1 for number in own if number is not None]
    return found if len(found) == len(volumes) else []


def _of_suv(found: dict[str, Value], first: Frame) -> dict[str, Value]:
    """The fields of standardized uptake values, whose type and formula they name."""
    hidden = _OF_INJECTION | ({"ImageDecayCorrectionTime"} if found.get("ImageDecayCorrectionTime") else set())
    formula = SUV_FORMULAS.get(first.suv)
    named: dict[str, Value] = {"Units": _SUV_UNITS[first.unit], "SUVType": first.suv}
    kept = {name: value for name, value in found.items() if name not in hidden}
    return kept | named | ({} if formula is None else {"SUVFormula": formula})


def _tracer(top: Attributes) -> dict[str, Value]:
    item = first_attributes(top, "RadiopharmaceuticalInformationSequence")
    if item is None:
        return {}
    found: dict[str, Value] = {}
    tracer = _meaning(item, "RadiopharmaceuticalCodeSequence") or text(item, "Radiopharmaceutical")
    if tracer:
        found["TracerName"] = tracer
    nuclide = _nuclide(_meaning(item, "RadionuclideCodeSequence"))
    if nuclide:
        found["TracerRadionuclide"] = nuclide
    dose = _number(item, "RadionuclideTotalDose")
    if dose is not None and dose > 0:
        found |= {"InjectedRadioactivity": dose / 1e6, "InjectedRadioactivityUnits": "MBq"}
    volume, activity = _number(item, "RadiopharmaceuticalVolume"), _number(item, "RadiopharmaceuticalSpecificActivity")
    if volume is not None and volume > 0:
        found["InjectedVolume"] = volume  # mL in both
    if activity is not None and activity > 0:  # Bq per micromole
        found |= {"MolarActivity": activity / 1e9, "MolarActivityUnits": "GBq/umol"}
    names = ("RadionuclideHalfLife", "RadionuclidePositronFraction")
    return found | {name: value for name in names if (value := _number(item, name)) is not None}


def _meaning(item: Attributes, sequence: str) -> str:
    code = first_attributes(item, sequence)
    return "" if code is None else text(code, "CodeMeaning")


def _number(item: Attributes, keyword: str) -> float | None:
    found = value_of(item, keyword)
    try:
        return None if found in (None, "") else float(str(found))
    except ValueError:
        return None


def _nuclide(words: str) -> str:
    """A radionuclide by its short name: ``"F18"`` for ``"^18^Fluorine"``, ``"18F"`` or ``"F-18"``."""
    number_first, name_first = _NUMBER_FIRST.fullmatch(words), _NAME_FIRST.fullmatch(words)
    if number_first is not None:
        mass, name = number_first[1], number_first[2]
    elif name_first is not None:
        name, mass = name_first[1], name_first[2]
    else:
        return words
    symbol = _SYMBOLS.get(name.lower(), name.capitalize() if len(name) <= 2 else "")
    return f"{symbol}{mass}" if symbol else words


def _times(volumes: Sequence[Sequence[Frame]]) -> dict[str, Value]:
    """Start and duration of each volume, injection and the moment that decay is corrected to."""
    top = volumes[0][0].header.elements
    found: dict[str, Value] = {}
    durations = [_duration(frames[0]) for frames in volumes]
    if all(duration is not None for duration in durations):
        found["FrameDuration"] = list(durations)
    decay, corrected = text(top, "DecayCorrection"), text(top, "DecayCorrected")
    if decay in _DECAY_TO or corrected in ("YES", "NO"):
        found["ImageDecayCorrected"] = decay != "NONE" if decay in _DECAY_TO else corrected == "YES"
    gated = text(top, "SeriesType").startswith("GATED")
    every = [frame for frames in volumes for frame in frames]
    for keyword in _CLOCKS:
        clock = clock_of(every, keyword) if all(frame.value(keyword) for frame in every) else None
        if clock is None:
            continue
        earliest = min(every, key=clock.__getitem__)
        starts = [round(min(clock[frame] for frame in frames) - clock[earliest], 6) for frames in volumes]
        of_day = _time_of_day(earliest, keyword)
        if of_day is None or (len(set(starts)) < len(starts) and not (gated and len(set(starts)) == 1)):
            continue
        found |= {"TimeZero": _clock_words(of_day), "ScanStart": 0, "FrameTimesStart": list(starts)}
        injection, end = (_administered(earliest, keyword, of_day, part) for part in ("Start", "Stop"))
        if injection is not None:
            found["InjectionStart"] = injection
            if end is not None and end >= injection:
                found["InjectionEnd"] = end
        corrected_to = {"START": 0.0, "ADMIN": injection}.get(decay)
        if corrected == "YES" and keyword.endswith("DateTime"):
            corrected_to = _since(text(top, "DecayCorrectionDateTime"), earliest.value(keyword)[:8], of_day)
        if corrected_to is not None:
            found["ImageDecayCorrectionTime"] = corrected_to
        break
    return found


def _administration(found: dict[str, Value]) -> dict[str, Value]:
    """How the tracer was given, where its start and stop say so; as unknown what BIDS demands and no header has."""
    start, end = found.get("InjectionStart"), found.get("InjectionEnd")
    short = isinstance(start, int | float) and isinstance(end, int | float) and end - start <= _LONGEST_BOLUS
    mode: dict[str, Value] = {"ModeOfAdministration": "bolus"} if short else {}
    return mode | dict.fromkeys(_UNKNOWN_MASS, "n/a")


def _duration(frame: Frame) -> float | None:
    """Seconds."""
    found = frame_number(frame, "ActualFrameDuration") or frame_number(frame, "FrameAcquisitionDuration")
    return None if found is None or found <= 0 else found / 1000


def _time_of_day(frame: Frame, keyword: str) -> float | None:
    words = frame.value(keyword).strip()
    return seconds_of_day(re.split(r"[+-]", words[8:])[0] if keyword.endswith("DateTime") else words)


def _clock_words(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _administered(frame: Frame, keyword: str, of_day: float, part: str) -> float | None:
    """Seconds from the start of the scan to an injection's start or stop; a negative number is before it."""
    item = first_attributes(frame.header.elements, "RadiopharmaceuticalInformationSequence")
    if item is None:
        return None
    date = frame.value(keyword)[:8] if keyword.endswith("DateTime") else frame.value("AcquisitionDate")
    dated = _since(text(item, f"Radiopharmaceutical{part}DateTime"), date, of_day)
    if dated is not None:
        return dated
    then = seconds_of_day(text(item, f"Radiopharmaceutical{part}Time"))
    if then is None:
        return None
    since = then - of_day
    return round((since + DAY - _LONGEST_SCAN) % DAY - DAY + _LONGEST_SCAN, 6)


def _since(moment: str, date: str, of_day: float) -> float | None:
    """Seconds from a time of a date to a moment; None if one of them is no date with a time."""
    then = seconds_of_day(re.split(r"[+-]", moment[8:])[0]) if moment else None
    days = seconds_of_date(moment[:8]), seconds_of_date(date)
    if then is None or days[0] is None or days[1] is None:
        return None
    return round(days[0] + then - days[1] - of_day, 6)


def _reconstruction(top: Attributes) -> dict[str, Value]:
    """Method, iterations and filter."""
    found: dict[str, Value] = {}
    method, kernel = text(top, "ReconstructionMethod"), text(top, "ConvolutionKernel")
    for keyword in ("RandomsCorrectionMethod", "ScatterCorrectionMethod"):
        words = text(top, keyword)
        if words:
            found[keyword] = words
    if method:
        found["ReconMethodName"] = method
    parameters = _ITERATIONS.search(method)
    if parameters is not None:
        found |= {
            "ReconMethodParameterLabels": ["iterations", "subsets"],
            "ReconMethodParameterUnits": ["none", "none"],
            "ReconMethodParameterValues": [int(parameters[1]), int(parameters[2])],
        }
    gaussian = _GAUSSIAN.search(kernel)
    if gaussian is not None:
        found |= {"ReconFilterType": "Gaussian", "ReconFilterSize": float(gaussian[1])}
    elif kernel:
        found["ReconFilterType"] = kernel
    return found
