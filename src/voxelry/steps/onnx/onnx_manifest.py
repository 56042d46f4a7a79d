"""What a model wants and gives: the manifest beside an ONNX file, in JSON or TOML. Nothing in it is ever executed."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from voxelry.core.errors import FormatError, NothingFoundError

MOST_BYTES = 2**20
"""Of a manifest."""
SIDES = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
"""Patient axis and direction, LPS."""
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Positive = Annotated[float, Field(gt=0, le=1000)]
Pair = tuple[float, float]


def _ascending(pair: Pair) -> Pair:
    if not pair[0] < pair[1]:
        raise ValueError(f"the lower value comes first, not {pair[0]:g} before {pair[1]:g}")
    return pair


Range = Annotated[Pair, AfterValidator(_ascending)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Which voxels statistics may be made of; both masks have the values' shape, None is all of them.

    Attributes
    ----------
    told
        Where a value is no padding.
    inside
        Where any channel is not 0, with the holes therein.
    """

    told: Mask | None = None
    inside: Mask | None = None

    def of(self, values: Floats) -> Floats:
        return values if self.told is None else values[self.told]


class ZScore(_Strict):
    """``(x - mean) / std``, after clipping; nnU-Net's CTNormalization gives all four, ZScoreNormalization none.

    ``nonzero`` leaves 0 as it is and out of the statistics (MONAI); ``"filled"`` does so outside of what is not 0 in
    any channel, and holes in it count as inside (nnU-Net's ``use_mask_for_norm``).
    """

    method: Literal["zscore"]
    clip: Range | None = None
    mean: float | None = None
    std: Annotated[float, Field(gt=0)] | None = None
    nonzero: Annotated[bool, Field(strict=True)] | Literal["filled"] = False

    def of(self, values: Floats, known: Known) -> Floats:
        """Normalised."""
        chosen: Mask | None = None
        if self.nonzero == "filled":
            chosen = known.inside
        elif self.nonzero:
            chosen = values != 0
        if self.clip is not None:
            values = values.clip(*self.clip)
        counted = [one for one in (chosen, known.told) if one is not None]
        inside = values[np.logical_and.reduce(counted)] if counted else values
        mean = float(inside.mean(dtype=np.float64)) if self.mean is None and inside.size else self.mean or 0.0
        std = float(inside.std(dtype=np.float64)) if self.std is None and inside.size else self.std or 1.0
        found = (values - np.float32(mean)) / np.float32(max(std, 1e-8))
        return np.asarray(found if chosen is None else np.where(chosen, found, values), np.float32)


class Scale(_Strict):
    """From one range to another; without ``from`` the volume's own; MONAI's ScaleIntensityRange."""

    method: Literal["scale"]
    from_: Pair | None = Field(None, alias="from")
    to: Pair = (0.0, 1.0)
    clip: bool = True

    def of(self, values: Floats, known: Known) -> Floats:
        told = known.of(values)
        low, high = self.from_ or ((float(told.min()), float(told.max())) if told.size else (0.0, 1.0))
        return _scaled(values, low, high, self.to, self.clip)


class _OfPercentiles(_Strict):
    percentiles: Pair = (0.5, 99.5)

    @field_validator("percentiles")
    @classmethod
    def _ordered(cls, value: Pair) -> Pair:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("percentiles ascend from 0 to 100")
        return value

    def found(self, values: Floats, known: Known) -> Pair:
        told = known.of(values)
        low, high = np.percentile(told, self.percentiles).tolist() if told.size else (0.0, 1.0)
        return float(low), float(high)


class Percentile(_OfPercentiles):
    """From two percentiles of the volume to a range; MONAI's ScaleIntensityRangePercentiles."""

    method: Literal["percentile"]
    to: Pair = (0.0, 1.0)
    clip: bool = True

    def of(self, values: Floats, known: Known) -> Floats:
        return _scaled(values, *self.found(values, known), self.to, self.clip)


class Clip(_OfPercentiles):
    """Cut to a range, or to two percentiles of the volume; MONAI's ClipIntensityPercentiles."""

    method: Literal["clip"]
    range: Range | None = None

    def of(self, values: Floats, known: Known) -> Floats:
        low, high = self.range or self.found(values, known)
        return np.asarray(values.clip(np.float32(low), np.float32(high)), np.float32)


class Untouched(_Strict):
    """Values as they are."""

    method: Literal["none"]

    def of(self, values: Floats, known: Known) -> Floats:
        return values


def _scaled(values: Floats, low: float, high: float, to: Pair, clip: bool) -> Floats:
    span = high - low if high > low else 1.0
    found = (values - np.float32(low)) / np.float32(span) * np.float32(to[1] - to[0]) + np.float32(to[0])
    return np.asarray(found.clip(min(to), max(to)) if clip else found, np.float32)


Normalisation = Annotated[ZScore | Scale | Percentile | Clip | Untouched, Field(discriminator="method")]


class Channel(_Strict):
    """One channel of the model's input: which of the volumes given, from 0, and what is done to its values in turn."""

    volume: int = Field(0, ge=0, le=3)
    normalisation: Annotated[tuple[Normalisation, ...], Field(min_length=1, max_length=8)]

    @field_validator("normalisation", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    def normalised(self, values: Floats, known: Known) -> Floats:
        """One after the other."""
        for one in self.normalisation:
            values = one.of(values, known)
        return values


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
        mm in the order of the model's axes; two numbers for a model of slices, which lie as far apart as they did.
        None leaves the volume's.
    axes
        In which direction each of the model's axes grows, for example ``"RAS"`` or ``"SPL"``; None takes the volume's
        own ``(slice, row, column)`` in the order of ``transpose``.
    grid
        What the volume's grid and the model's have in common: ``"box"``, the space that their voxels fill (nnU-Net);
        ``"centres"``, the centre of the first voxel (MONAI).
    interpolation
        On the way to the model's spacing; the way back is linear.
    separate
        Whether, where voxels of the volume or of the model are more than three times as long along one axis as along
        another, the nearest slice is taken along the longest, both ways (nnU-Net's ``order_z`` of 0).
    crop
        ``"nonzero"``: the model sees the box of what is not 0 in any channel, and there is nothing outside (nnU-Net).
    normalise
        Channels ``"before"`` they are brought to the model's spacing (nnU-Net), or ``"after"`` (MONAI, as a rule).
    padding_counts
        Whether voxels that DICOM calls padding are values like any other, as programs that read NIfTI take them. Else
        they count as the smallest value, and are left out of statistics. No structure is found in them either way.
    overlap
        Of neighbouring patches, as a fraction.
    windows
        Where patches begin: ``"even"``, from one end to the other (nnU-Net); ``"fixed"``, as far apart as the overlap
        says, and the last at the end (MONAI).
    weighting
        Of what patches say of one voxel: ``"gaussian"``, most in a patch's middle, and a thousandth of it at least
        (MONAI); ``"gaussian_voxel"``, most at the voxel behind the middle, and far less in the corners (nnU-Net);
        ``"constant"``.
    padding
        What surrounds a volume that is smaller than a patch: a value, after normalisation, ``"edge"`` or ``"reflect"``.
    activation
        What makes the output of a segmentation probabilities. ``"softmax"``: classes exclude each other, channel 0 is
        background. ``"sigmoid"``: each channel stands for itself, the later one wins. Where the model does that itself:
        ``"none"`` instead of softmax, ``"probability"`` instead of sigmoid, ``"labels"`` if it gives classes' numbers.
    back
        What goes back to the volume's grid: the model's ``"output"`` (nnU-Net) or ``"probabilities"`` (MONAI).
    threshold
        Of the probability, where channels stand for themselves.
    labels
        Name and number of each structure, from 1. Number n is channel n; n - 1 where channels stand for themselves.
    order
        The labels' numbers in turn, as channels that stand for themselves are written: the later wins. Empty is 1, 2...
    mirror
        Axes along which the model sees each patch mirrored too (test-time augmentation); results are averaged.
    scale, offset, unit
        Of an image: what is done to the output's values, and their unit.
    """

    task: Literal["segmentation", "image"] = "segmentation"
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=16)]
    patch: Annotated[tuple[Annotated[int, Field(ge=1, le=1024)], ...], Field(min_length=2, max_length=3)]
    spacing: Annotated[tuple[Positive, ...], Field(min_length=2, max_length=3)] | None = None
    axes: str | None = None
    transpose: tuple[int, int, int] = (0, 1, 2)
    grid: Literal["box", "centres"] = "box"
    interpolation: Literal["linear", "cubic"] = "linear"
    separate: bool = False
    crop: Literal["none", "nonzero"] = "none"
    normalise: Literal["before", "after"] = "before"
    padding_counts: bool = False
    overlap: float = Field(0.5, ge=0, le=0.9)
    windows: Literal["even", "fixed"] = "even"
    weighting: Literal["gaussian", "gaussian_voxel", "constant"] = "gaussian"
    padding: float | Literal["edge", "reflect"] = 0.0
    activation: Literal["softmax", "sigmoid", "none", "probability", "labels"] = "softmax"
    back: Literal["output", "probabilities"] = "output"
    threshold: float = Field(0.5, gt=0, lt=1)
    labels: dict[str, Annotated[int, Field(ge=1, le=255)]] = Field(default_factory=dict)
    order: tuple[int, ...] = ()
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
        if self.axes is not None and self.transpose != (0, 1, 2):
            raise ValueError("axes already say the order: leave transpose out, or axes")
        if float(np.prod(self.patch)) > 2**27:
            raise ValueError("a patch has at most 2**27 voxels")
        if self.spacing is not None and len(self.spacing) < len(self.patch):
            raise ValueError("a model of volumes has three spacings")
        if len(self.patch) == 2 and 0 in self.mirror:
            raise ValueError("a model of slices is mirrored along 1 and 2, the axes that it sees, not along 0")
        if self.normalise == "after" and self.filled:
            raise ValueError('nonzero = "filled" belongs to normalise = "before"')
        self._honest_labels()
        return self

    def _honest_labels(self) -> None:
        if self.task == "image":
            if self.crop != "none":
                raise ValueError("crop is for segmentations: outside of it an image would have no values")
            return
        numbers = sorted(self.labels.values())
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(f"labels are numbered 1, 2, ..., each once, not {numbers}")
        if any(not 0 < len(name) <= 64 for name in self.labels):
            raise ValueError("a label's name has 1 to 64 characters")
        if self.order and (self.exclusive or sorted(self.order) != numbers):
            raise ValueError("order holds each label's number once, and needs the activation sigmoid or probability")

    @property
    def exclusive(self) -> bool:
        """Whether classes exclude each other, with a background of their own."""
        return self.activation in ("softmax", "none", "labels")

    @property
    def filled(self) -> bool:
        """Whether a channel's statistics are made of what is not 0 in any."""
        chains = [channel.normalisation for channel in self.channels]
        return any(isinstance(one, ZScore) and one.nonzero == "filled" for chain in chains for one in chain)

    @property
    def outputs(self) -> int:
        """How many channels the output has."""
        return 1 if self.task == "image" else len(self.labels) + self.exclusive

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
