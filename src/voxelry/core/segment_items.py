"""Segments as the attributes of a DICOM segmentation describe them: the one place where their names are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import get_args

from voxelry.core.gaps import listed
from voxelry.core.segmentation import RGB, TISSUE, AlgorithmType, Code, Segment
from voxelry.core.value import Value

LONGEST_LABEL = 64
"""Characters of a Segment Label (0062,0005)."""
TYPE_MODIFIER = "SegmentedPropertyTypeModifierCodeSequence"
REGION_MODIFIER = "AnatomicRegionModifierSequence"
_CODED = {
    "SegmentedPropertyCategoryCodeSequence": "category (0062,0003)",
    "SegmentedPropertyTypeCodeSequence": "type (0062,000F)",
}
_COLOUR = "RecommendedDisplayCIELabValue"
_PRIVATE_SCHEME = "99"
"""How the designators of private coding schemes begin (PS3.16 8)."""

_COLOURS = (
    (221, 60, 60), (65, 160, 75), (70, 110, 220), (230, 170, 40), (150, 80, 190), (60, 180, 190), (240, 120, 170),
    (150, 110, 60), (130, 190, 50), (120, 120, 130),
)  # fmt: skip
"""RGB, one for each segment in turn; colours that differ for most eyes."""


def colour_of(segment: Segment, number: int) -> RGB:
    """A segment's own colour, or the one of the palette for the segment of a number."""
    return segment.colour or _COLOURS[(number - 1) % len(_COLOURS)]


def segments_of(metadata: Mapping[str, Value]) -> dict[int, Segment]:
    """The items of Segment Sequence (0062,0002) by Segment Number (0062,0004); PS3.3 C.8.20.4.

    Items without a number are left out, and the second of two with one number. A segment without a label is called
    ``"Label 3"`` by its number.

    Parameters
    ----------
    metadata
        Attributes by keyword, as JSON values: a volume's, or an instance's.
    """
    items = metadata.get("SegmentSequence")
    found: dict[int, Segment] = {}
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, dict):
            continue
        number = item.get("SegmentNumber")
        if isinstance(number, int) and number > 0 and number not in found:
            found[number] = _segment(number, item)
    return found


def description_warnings(metadata: Mapping[str, Value], numbers: Iterable[int] = ()) -> tuple[str, ...]:
    """What of Segment Sequence (0062,0002) is missing or wrong, and what stands in for it; without anybody's words.

    Parameters
    ----------
    metadata
        As for `segments_of`.
    numbers
        Of the segments that there are voxels of, described or not.
    """
    items = metadata.get("SegmentSequence")
    told: dict[str, list[str]] = {}
    seen: set[int] = set()
    for item in items if isinstance(items, list) else []:
        number = item.get("SegmentNumber") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(number, int) or number < 1:
            told.setdefault("an item of Segment Sequence (0062,0002) has no number, and was left out", [])
        elif number in seen:
            told.setdefault("described more than once, of which the first counts", []).append(str(number))
        else:
            seen.add(number)
            for words in _flaws(item):
                told.setdefault(words, []).append(str(number))
    for number in sorted({*numbers} - seen):
        told.setdefault("described nowhere, and called by number", []).append(str(number))
    return tuple(
        f"segment{'s' * (len(those) > 1)} {listed(those)}: {words}" if those else words for words, those in told.items()
    )


def _flaws(item: Mapping[str, Value]) -> Iterator[str]:
    if not (isinstance(label := item.get("SegmentLabel"), str) and label.strip()):
        yield "no Segment Label (0062,0005), and called by number"
    for keyword, name in _CODED.items():
        code = _code(item, keyword)
        if code is None:
            yield f"no code of the {name}, for which {TISSUE.meaning} stands"
        elif not code.scheme:
            yield f"the code of the {name} is of no coding scheme, and says nothing to other programs"
        elif code.scheme.upper().startswith(_PRIVATE_SCHEME):
            yield f"the code of the {name} is of a private coding scheme, which other programs do not know"
    if item.get(_COLOUR) not in (None, []) and _colour(item.get(_COLOUR)) is None:
        yield "Recommended Display CIELab Value (0062,000D) is not three numbers from 0 to 65535, and was left out"


def items_of(segments: Sequence[Segment]) -> Value:
    """The opposite: Segment Sequence (0062,0002) as JSON values, from which `segments_of` makes the same segments."""
    return [_item(segment) for segment in segments]


def unnamed(number: int) -> Segment:
    """A segment of which only the number is known."""
    return Segment(number=number, label=f"Label {number}")


def _item(segment: Segment) -> Value:
    item: dict[str, Value] = {
        "SegmentNumber": segment.number,
        "SegmentLabel": segment.label,
        "SegmentAlgorithmType": segment.algorithm_type,
        "SegmentedPropertyCategoryCodeSequence": _coded(segment.category),
        "SegmentedPropertyTypeCodeSequence": _coded(segment.type, TYPE_MODIFIER, segment.type_modifier),
    }
    if segment.algorithm:
        item["SegmentAlgorithmName"] = segment.algorithm
    if segment.anatomic_region is not None:
        item["AnatomicRegionSequence"] = _coded(segment.anatomic_region, REGION_MODIFIER, segment.region_modifier)
    if segment.colour is not None:
        item[_COLOUR] = [*cielab_of(segment.colour)]
    return item


def _coded(code: Code, inner: str = "", modifier: Code | None = None) -> Value:
    """A code sequence; a modifier stands in the item that it modifies."""
    item: dict[str, Value] = {
        "CodeValue": code.value, "CodingSchemeDesignator": code.scheme, "CodeMeaning": code.meaning,
    }  # fmt: skip
    if modifier is not None:
        item[inner] = _coded(modifier)
    return [item]


def _segment(number: int, item: Mapping[str, Value]) -> Segment:
    label, algorithm, kind = (
        item.get(keyword) for keyword in ("SegmentLabel", "SegmentAlgorithmName", "SegmentAlgorithmType")
    )
    return Segment(
        number=number,
        label=label[:LONGEST_LABEL] if isinstance(label, str) and label.strip() else unnamed(number).label,
        category=_code(item, "SegmentedPropertyCategoryCodeSequence") or TISSUE,
        type=_code(item, "SegmentedPropertyTypeCodeSequence") or TISSUE,
        algorithm=algorithm if isinstance(algorithm, str) else "",
        algorithm_type=_algorithm_type(kind),
        anatomic_region=_code(item, "AnatomicRegionSequence"),
        type_modifier=_code(_first(item, "SegmentedPropertyTypeCodeSequence"), TYPE_MODIFIER),
        region_modifier=_code(_first(item, "AnatomicRegionSequence"), REGION_MODIFIER),
        colour=_colour(item.get(_COLOUR)),
    )


def _first(item: Mapping[str, Value], keyword: str) -> Mapping[str, Value]:
    """The first item of a sequence; empty if there is none."""
    items = item.get(keyword)
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}


def _algorithm_type(value: Value) -> AlgorithmType:
    return next((known for known in get_args(AlgorithmType) if known == value), "AUTOMATIC")


def _code(item: Mapping[str, Value], keyword: str) -> Code | None:
    """The first item of a code sequence (PS3.3 8.8)."""
    first = _first(item, keyword)
    value = next((one for one in map(first.get, ("CodeValue", "LongCodeValue", "URNCodeValue")) if one), None)
    scheme, meaning = first.get("CodingSchemeDesignator"), first.get("CodeMeaning")
    if not isinstance(value, str):
        return None
    return Code(value, str(scheme or ""), str(meaning or ""))


# --- colours ----------------------------------------------------------------------------------------------------------

_WHITE = (0.9505, 1.0, 1.089)
"""D65, as writers of DICOM's CIELab values and their libraries take it."""


def _colour(value: Value) -> RGB | None:
    """Recommended Display CIELab Value (0062,000D) as RGB (PS3.3 C.10.7.1.1); clipped to what a screen shows."""
    if not isinstance(value, list) or len(value) != 3:
        return None
    numbers = [float(one) for one in value if isinstance(one, int | float)]
    if len(numbers) != 3 or not all(0 <= one <= 65535 for one in numbers):
        return None
    lightness, a, b = numbers[0] * 100 / 65535, numbers[1] * 255 / 65535 - 128, numbers[2] * 255 / 65535 - 128
    y = (lightness + 16) / 116
    xyz = [white * _unfolded(one) for white, one in zip(_WHITE, (y + a / 500, y, y - b / 200), strict=True)]
    red, green, blue = (
        _gamma(sum(weight * one for weight, one in zip(row, xyz, strict=True)))
        for row in ((3.2406, -1.5372, -0.4986), (-0.9689, 1.8758, 0.0415), (0.0557, -0.204, 1.057))
    )
    return red, green, blue


def cielab_of(colour: RGB) -> tuple[int, int, int]:
    """A colour as the three numbers of Recommended Display CIELab Value (0062,000D)."""
    linear = [_linear(one / 255) for one in colour]
    xyz = [sum(weight * one for weight, one in zip(row, linear, strict=True)) for row in _TO_XYZ]
    x, y, z = (_folded(one / white) for one, white in zip(xyz, _WHITE, strict=True))
    lab = (116 * y - 16) / 100, (500 * (x - y) + 128) / 255, (200 * (y - z) + 128) / 255
    lightness, a, b = (round(min(max(one, 0.0), 1.0) * 65535) for one in lab)
    return lightness, a, b


_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def _linear(component: float) -> float:
    return component / 12.92 if component <= 0.04045 else float(((component + 0.055) / 1.055) ** 2.4)


def _folded(value: float) -> float:
    return float(value ** (1 / 3)) if value > (6 / 29) ** 3 else value / (3 * (6 / 29) ** 2) + 4 / 29


def _unfolded(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _gamma(linear: float) -> int:
    """A component of sRGB from 0 to 255."""
    linear = min(max(linear, 0.0), 1.0)
    return round(255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055))
