"""How voxels were chosen, as a line of text that is kept with a segmentation, read back, and followed again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from voxelry.core.affine import Vector
from voxelry.core.errors import ParameterError
from voxelry.core.region_words import (
    NamedSegment,
    names_segment,
    segment_of_text,
    solid_of_text,
    text_of_numbers,
    text_of_solid,
    vector_of_text,
)
from voxelry.core.regions import BoxRegion, PatientRegion, SphereRegion
from voxelry.core.threshold_rule import DEFAULT_THRESHOLD, Method, threshold_rule

LONGEST_RECIPE = 900
"""Characters without the version: what Derivation Description (0008,2111) holds beside it."""
_WORD: Final = "threshold"
_VERSION = re.compile(r" \(voxelry ([0-9A-Za-z.+-]{1,40})\)\Z", re.ASCII)
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)
_PLAIN = frozenset("-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NUMBERS = ("threshold", "lower", "upper", "percentile", "classes", "class_number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Which voxels of a volume were chosen by their values, and where.

    Parameters
    ----------
    method
        As in ``measure``.
    threshold, lower, upper, percentile, classes, class_number
        Of the method; ``lower`` and ``upper`` in the volume's unit.
    within
        The region of the patient, or the segment in which voxels were counted; None for the whole volume.
    component
        The point, LPS in mm, whose connected voxels were chosen; None for all.
    series_instance_uid, label
        Of the volume; empty where it is not known.
    version
        Of Voxelry, which followed it; empty where none has.

    Raises
    ------
    ParameterError
        If the numbers do not fit the method.

    Examples
    --------
    >>> recipe = voxelry.Recipe(method="units", lower=250, within=voxelry.SphereRegion((0, 0, 20), 30))
    >>> recipe.text
    'threshold units lower=250 within=sphere:0,0,20:30'
    >>> voxelry.Recipe.of_text(recipe.text) == recipe
    True
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> voxelry.measure(volume, **voxelry.Recipe(method="units", lower=250).arguments).pixels_above_threshold
    11646
    """

    method: Method = "fixed"
    threshold: float | None = None
    lower: float | None = None
    upper: float | None = None
    percentile: float | None = None
    classes: int | None = None
    class_number: int | None = None
    within: SphereRegion | BoxRegion | NamedSegment | None = None
    component: Vector | None = None
    series_instance_uid: str = ""
    label: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        rule = threshold_rule(
            self.threshold, self.method, lower=self.lower, upper=self.upper, percentile=self.percentile,
            classes=self.classes, class_number=self.class_number, default=DEFAULT_THRESHOLD,
        )  # fmt: skip
        for name in _NUMBERS:
            object.__setattr__(self, name, getattr(rule, name))

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What ``measure`` is called with to follow it.

        Raises
        ------
        ParameterError
            If it counts in a segment, which has to be read first: see `arguments_in`.
        """
        if isinstance(self.within, NamedSegment):
            raise ParameterError(f"this recipe counts in {segment_in_words(self.within)}: say where that is")
        return self.arguments_in(self.within)

    def arguments_in(self, region: PatientRegion | None) -> Mapping[str, Any]:
        """What ``measure`` is called with to follow it in a region that was read for it."""
        numbers = {name: getattr(self, name) for name in _NUMBERS if getattr(self, name) is not None}
        return {"method": self.method, **numbers, "within": region, "component": self.component}

    @property
    def text(self) -> str:
        """One line of ASCII: words and ``name=value``, numbers to the last digit."""
        found = [_WORD, self.method]
        found += [
            f"{name}={text_of_numbers([value])}" for name in _NUMBERS if (value := getattr(self, name)) is not None
        ]
        if self.within is not None:
            found.append(f"within={_text_of_region(self.within)}")
        if self.component is not None:
            found.append(f"component={text_of_numbers(self.component)}")
        if self.series_instance_uid:
            found.append(f"series={self.series_instance_uid}")
        if self.label:
            found.append(f"volume={_quoted(self.label)}")
        return " ".join(found) + (f" (voxelry {self.version})" if self.version else "")

    @classmethod
    def of_text(cls, text: str) -> Recipe:
        """The recipe that a text holds, as it stands in Derivation Description (0008,2111) of a segmentation.

        Raises
        ------
        ParameterError
            If it is none, or was changed so that its numbers do not fit.
        """
        version = _VERSION.search(text)
        words = text[: version.start()] if version else text
        if (
            len(words) > LONGEST_RECIPE
            or not (words.isascii() and words.isprintable())
            or not words.startswith(f"{_WORD} ")
        ):
            raise _no_recipe()
        _, method, *pairs = words.split(" ")
        given = dict(pair.partition("=")[::2] for pair in pairs)
        regions = {"within", "component", "series", "volume"}
        if len(given) < len(pairs) or not given.keys() <= {*_NUMBERS, *regions} or not all(given.values()):
            raise _no_recipe()
        series = given.get("series", "")
        if series and not _UID.fullmatch(series):
            raise _no_recipe()
        return cls(
            method=method,  # type: ignore[arg-type]  # checked by what it makes
            **{name: _number(given[name]) for name in _NUMBERS if name in given},  # type: ignore[arg-type]
            within=_region_of_text(given["within"]) if "within" in given else None,
            component=vector_of_text(given["component"]) if "component" in given else None,
            series_instance_uid=series,
            label=_unquoted(given.get("volume", "")),
            version=version[1] if version else "",
        )


def segment_in_words(segment: NamedSegment) -> str:
    """Which segment of which segmentation."""
    return f"segment {segment.number} of the segmentation {segment.sop_instance_uid}"


def _text_of_region(region: SphereRegion | BoxRegion | NamedSegment) -> str:
    return region.text if isinstance(region, NamedSegment) else text_of_solid(region)


def _region_of_text(text: str) -> SphereRegion | BoxRegion | NamedSegment:
    return segment_of_text(text) if names_segment(text) else solid_of_text(text)


def recipe_in(text: str) -> Recipe | None:
    """The recipe that a text holds; None if it holds none, as texts of other makers do."""
    try:
        return Recipe.of_text(text)
    except ParameterError:
        return None


def _quoted(text: str) -> str:
    """A text without blanks in ASCII: other bytes of its UTF-8 as ``%20``."""
    return "".join(chr(one) if chr(one) in _PLAIN else f"%{one:02X}" for one in text.encode())


def _unquoted(text: str) -> str:
    try:
        return re.sub(rb"%([0-9A-F]{2})", lambda one: bytes.fromhex(one[1].decode()), text.encode()).decode()
    except UnicodeDecodeError:
        raise _no_recipe() from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _no_recipe() from None


def _no_recipe() -> ParameterError:
    return ParameterError("this text is no recipe that can be followed again: it does not say how voxels were chosen")
