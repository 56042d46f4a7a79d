"""A segmentation that was drawn, as a request to store it tells it; its label maps come beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from voxelry.core.label_layers import LARGEST_LABEL
from voxelry.core.segmentation import TISSUE, AlgorithmType, Code, Segment

LARGEST_KEY = 2**31 - 1
MOST_SEGMENTS = 4096
MOST_LAYERS = 256


def _plain(text: str) -> str:
    """A text of DICOM: no backslash, which parts values, and no control character."""
    if "\\" in text or not text.replace(" ", "").isprintable():
        raise ValueError("holds a backslash or a control character")
    if text != text.strip():
        raise ValueError("begins or ends with a space")
    return text


_Text = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
_ShortText = Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_plain)]
_Key = Annotated[int, Field(ge=1, le=LARGEST_KEY, strict=True)]
_Label = Annotated[int, Field(ge=1, le=LARGEST_LABEL, strict=True)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DraftCode(_Strict):
    """A coded concept (PS3.3 8.8)."""

    value: _Text
    scheme: _ShortText
    meaning: _Text

    @property
    def code(self) -> Code:
        return Code(self.value, self.scheme, self.meaning)


class DraftSegment(_Strict):
    """A segment: what it is, and which voxels of which label map are its own.

    ``algorithm`` is the name of what made it; of a segment that was drawn by hand it is left out.
    """

    number: _Label
    label: _Text
    layer: Annotated[int, Field(ge=0, lt=MOST_LAYERS, strict=True)]
    value: _Label
    colour: Annotated[str | None, Field(pattern="^#[0-9a-f]{6}$")] = None
    category: DraftCode | None = None
    type: DraftCode | None = None
    type_modifier: DraftCode | None = None
    anatomic_region: DraftCode | None = None
    region_modifier: DraftCode | None = None
    algorithm_type: AlgorithmType = "MANUAL"
    algorithm: Annotated[str, Field(max_length=64), AfterValidator(_plain)] = ""

    @property
    def segment(self) -> Segment:
        """The same as the library has it."""
        colour = None if self.colour is None else bytes.fromhex(self.colour[1:])
        return Segment(
            number=self.number,
            label=self.label,
            category=TISSUE if self.category is None else self.category.code,
            type=TISSUE if self.type is None else self.type.code,
            algorithm=self.algorithm,
            algorithm_type=self.algorithm_type,
            anatomic_region=_code(self.anatomic_region),
            type_modifier=_code(self.type_modifier),
            region_modifier=_code(self.region_modifier),
            colour=None if colour is None else (colour[0], colour[1], colour[2]),
        )


def _code(code: DraftCode | None) -> Code | None:
    return None if code is None else code.code


class Draft(_Strict):
    """A segmentation that was drawn over an image: volume ``volume`` of series ``series``.

    Its label maps lie on the image's grid, or on that of ``base``, the segmentation it began as: ``grid``. They hold
    ``dtype``, little endian, slice after slice; 0 is no segment. The new segmentation gets a series of its own, or
    becomes the next instance of that of ``base``. ``same_frame_of_reference`` confirms that image and base lie in one
    place of the patient where nothing says so.
    """

    series: _Key
    volume: Annotated[int, Field(ge=0, le=LARGEST_KEY, strict=True)] = 0
    label: _Text
    grid: Literal["image", "base"] = "image"
    base: _Key | None = None
    series_choice: Literal["new", "base"] = "new"
    dtype: Literal["uint8", "uint16"] = "uint8"
    segments: Annotated[tuple[DraftSegment, ...], Field(min_length=1, max_length=MOST_SEGMENTS)]
    same_frame_of_reference: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Draft:
        if self.base is None and "base" in (self.grid, self.series_choice):
            raise ValueError("grid and series_choice are 'base' only if base names a segmentation")
        if len({one.number for one in self.segments}) < len(self.segments):
            raise ValueError("each segment's number differs")
        if len({(one.layer, one.value) for one in self.segments}) < len(self.segments):
            raise ValueError("two segments have the same value in the same layer")
        if any(one.value > np.iinfo(self.dtype).max for one in self.segments):
            raise ValueError(f"a segment's value is at most {np.iinfo(self.dtype).max} in label maps of {self.dtype}")
        if {one.layer for one in self.segments} != set(range(self.layers)):
            raise ValueError("layers are counted from 0, and each holds a segment")
        return self

    @property
    def layers(self) -> int:
        """The number of label maps."""
        return 1 + max(one.layer for one in self.segments)

    @property
    def params(self) -> dict[str, Any]:
        """What the list of jobs tells of it."""
        return {"label": self.label, "segments": len(self.segments), "series_choice": self.series_choice}
