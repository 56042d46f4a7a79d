"""Attributes of a PET frame, wherever its object has them."""

from __future__ import annotations

from dataclasses import dataclass

from voxelry.core.errors import PixelDataError, SuvError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers import attributes
from voxelry.dicom.headers.attributes import Attributes, item_attributes, tag_label

_CONVERTED = ("UnassignedPerFrameConvertedAttributesSequence", "UnassignedSharedConvertedAttributesSequence")
"""Where enhanced objects that were made of single-frame instances keep what these said (PS3.3 C.7.6.16.2.25)."""


@dataclass(frozen=True, slots=True)
class EmissionAttributes:
    """Attributes that are looked for in several places.

    Attributes
    ----------
    places
        In order of precedence.
    zone
        Timezone Offset From UTC (0008,0201) of the instance.
    """

    places: tuple[Attributes, ...]
    zone: str = ""

    @classmethod
    def of(cls, frame: Frame) -> EmissionAttributes:
        """Those of a frame: of its functional groups, what was converted into them, and the instance."""
        converted = [item for group in frame.groups for name in _CONVERTED for item in item_attributes(group, name)]
        top = frame.header.elements
        return cls((*converted, *frame.groups, top), attributes.text(top, "TimezoneOffsetFromUTC"))

    def text(self, keyword: str) -> str:
        """As text; empty if it is absent."""
        return next(filter(None, (attributes.text(place, keyword) for place in self.places)), "")

    def texts(self, keyword: str) -> tuple[str, ...]:
        """Each of its values as text; empty if it is absent."""
        return tuple(word.strip() for word in self.text(keyword).split("\\") if word.strip())

    def items(self, keyword: str) -> tuple[EmissionAttributes, ...]:
        """The items of a sequence; empty if it is absent."""
        found = (item_attributes(place, keyword) for place in self.places)
        return tuple(EmissionAttributes((item,), self.zone) for item in next(filter(None, found), ()))

    def above_zero(self, keyword: str) -> float:
        """A number.

        Raises
        ------
        SuvError
            If it is missing, no number, or not above 0; the message names the tag, never the value.
        """
        try:
            number = next((found for place in self.places if (found := attributes.number(place, keyword))), 0.0)
        except PixelDataError:
            raise SuvError(f"{tag_label(keyword)} is not a number") from None
        if number <= 0:
            raise SuvError(f"{tag_label(keyword)} is missing or not above 0")
        return number
