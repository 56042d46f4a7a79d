"""What a model wants and gives: the manifest beside an ONNX file, in JSON or TOML. Nothing in it is ever executed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from voxelry.core.errors import FormatError, NothingFoundError

MOST_BYTES = 2**20
"""Of a manifest."""
SIDES = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
"""Patient axis and direction, LPS."""
Floats = npt.NDArray[np.float32]
Positive = Annotated[float, Field(gt=0, le=1000)]
Pair = tuple[float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ZScore(_Strict):
    """``(x - mean) / std``, after clipping; nnU-Net's CTNormalization gives all four, ZScoreNormalization none."""

    method: Literal["zscore"]
    clip: Pair | None = None
    mean: float | None = None
    std: Annotated[float, Field(gt=0)] | None = None
    nonzero: bool = False

    def of(self, values: Floats, known: Floats) -> Floats:
        """Normalised; ``known`` are the values that statistics are made of."""
        if self.clip is not None:
            values, known = values.clip(*self.clip), known.clip(*self.clip)
        inside = known[known != 0] if self.nonzero else known
        mean = float(inside.mean(dtype=np.float64)) if self.mean is None and inside.size else self.mean or 0.0
        std = float(inside.std(dtype=np.float64)) if self.std is None and inside.size else self.std or 1.0
        found = (values - np.float32(mean)) / np.float32(max(std, 1e-8))
        return np.asarray(np.where(values == 0, 0, found) if self.nonzero else found, np.float32)


class Scale(_Strict):
    """From one range to another; without ``from`` the volume's own; MONAI's ScaleIntensityRange."""

    method: Literal["scale"]
    from_: Pair | None = Field(None, alias="from")
    to: Pair = (0.0, 1.0)
    clip: bool = True

    def of(self, values: Floats, known: Floats) -> Floats:
        low, high = self.from_ or ((float(known.min()), float(known.max())) if known.size else (0.0, 1.0))
        return _scaled(values, low, high, self.to, self.clip)


class Percentile(_Strict):
    """From two percentiles of the volume to a range; MONAI's ScaleIntensityRangePercentiles."""

    method: Literal["percentile"]
    percentiles: Pair = (0.5, 99.5)
    to: Pair = (0.0, 1.0)
    clip: bool = True

    @field_validator("percentiles")
    @classmethod
    def _ordered(cls, value: Pair) -> Pair:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("percentiles ascend from 0 to 100")
        return value

    def of(self, values: Floats, known: Floats) -> Floats:
        low, high = np.percentile(known, self.percentiles).tolist() if known.size else (0.0, 1.0)
        return _scaled(values, low, high, self.to, self.clip)


class Untouched(_Strict):
    """Values as they are."""

    method: Literal["none"]

    def of(self, values: Floats, known: Floats) -> Floats:
        return values


def _scaled(values: Floats, low: float, high: float, to: Pair, clip: bool) -> Floats:
    span = high - low if high > low else 1.0
    found = (values - np.float32(low)) / np.float32(span) * np.float32(to[1] - to[0]) + np.float32(to[0])
    return np.asarray(found.clip(min(to), max(to)) if clip else found, np.float32)


Normalisation = Annotated[ZScore | Scale | Percentile | Untouched, Field(discriminator="method")]


class Channel(_Strict):
    """One channel of the model's input: which of the volumes given, from 0, and what is done to its values."""

    volume: int = Field(0, ge=0, le=3)
    normalisation: Normalisation


class Manifest(_Strict):
    """What has to be known of a model to run it.

    Attributes
    ----------
    task
        ``"segmentation"``: the output has a channel for each class. ``"image"``: one channel of values.
    channels
        Of the input, in order.
    patch
        Voxels ``(first, second, third axis)`` of what the model sees at once; two numbers for a model of slices, which
        sees ``(second, third axis)``.
    spacing
        mm in the order of the model's axes; None leaves the volume's.
    axes
        In which direction each of the model's axes grows, for example ``"RAS"`` or ``"SPL"``; None takes the volume's
        own ``(slice, row, column)`` in the order of ``transpose``.
    overlap
        Of neighbouring patches, as a fraction.
    activation
        What makes the output of a segmentation probabilities. ``"softmax"``: classes exclude each other, channel 0 is
        background. ``"sigmoid"``: each channel stands for itself, the later one wins. Where the model does that itself:
        ``"none"`` instead of softmax, ``"probability"`` instead of sigmoid.
    labels
        Name and number of each structure, from 1. Number n is channel n; n - 1 where channels stand for themselves.
    mirror
        Axes along which the model sees each patch mirrored too (test-time augmentation); results are averaged.
    scale, offset, unit
        Of an image: what is done to the output's values, and their unit.
    """

    task: Literal["segmentation", "image"] = "segmentation"
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=16)]
    patch: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=2, max_length=3)]
    spacing: tuple[Positive, Positive, Positive] | None = None
    axes: str | None = None
    transpose: tuple[int, int, int] = (0, 1, 2)
    overlap: float = Field(0.5, ge=0, le=0.9)
    interpolation: Literal["linear", "cubic"] = "linear"
    activation: Literal["softmax", "sigmoid", "none", "probability"] = "softmax"
    labels: dict[str, Annotated[int, Field(ge=1, le=255)]] = Field(default_factory=dict)
    mirror: tuple[Annotated[int, Field(ge=0, le=2)], ...] = ()
    scale: float = 1.0
    offset: float = 0.0
    unit: str = Field("", max_length=16)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.axes is not None and sorted(SIDES.get(side, (9, 0))[0] for side in self.axes) != [0, 1, 2]:
            raise ValueError(f"axes {self.axes!r} are not three of L or R, P or A, S or I, each pair once")
        if sorted(self.transpose) != [0, 1, 2]:
            raise ValueError("transpose is not an order of 0, 1 and 2")
        numbers = sorted(self.labels.values())
        if (self.task == "segmentation" and numbers != list(range(1, len(numbers) + 1))) or (
            self.task == "segmentation" and not numbers
        ):
            raise ValueError(f"labels are numbered 1, 2, ..., each once, not {numbers}")
        if any(not 0 < len(name) <= 64 for name in self.labels):
            raise ValueError("a label's name has 1 to 64 characters")
        if float(np.prod(self.patch)) > 2**27:
            raise ValueError("a patch has at most 2**27 voxels")
        return self

    @property
    def exclusive(self) -> bool:
        """Whether classes exclude each other, with a background of their own."""
        return self.activation in ("softmax", "none")

    @property
    def volumes(self) -> int:
        """How many volumes the channels are made of."""
        return 1 + max(channel.volume for channel in self.channels)


def manifest_beside(model: Path) -> Path:
    """``name.json`` or ``name.toml`` beside ``name.onnx``.

    Raises
    ------
    NothingFoundError
        If there is neither.
    """
    for suffix in (".json", ".toml"):
        if (found := model.with_suffix(suffix)).is_file():
            return found
    raise NothingFoundError("there is no manifest beside the model: a file of its name that ends in .json or .toml")


def read_manifest(path: Path) -> Manifest:
    """A manifest from its file.

    Raises
    ------
    FormatError
        If it is no JSON or TOML, or says what makes no sense; the message names each field.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NothingFoundError(f"the manifest cannot be read: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise FormatError(f"a manifest of {len(content):,} bytes is none")
    try:
        text = content.decode("utf-8")
        values = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the manifest is no {path.suffix[1:].upper()}: {error}") from None
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        words = [f"{'.'.join(map(str, one['loc'])) or 'manifest'}: {one['msg']}" for one in error.errors()]
        raise FormatError(f"the manifest cannot be used: {'; '.join(words)}") from None
