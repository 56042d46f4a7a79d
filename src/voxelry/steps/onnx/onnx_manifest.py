"""The manifest beside an ONNX file, in JSON or TOML: the model's input and output. Nothing in it is executed."""

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
"""Most bytes of a manifest."""
SIDES = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}
"""Patient axis and direction of each letter, LPS."""
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
class StatisticsMasks:
    """Masks of the voxels that statistics use, in the values' shape; None means all voxels.

    Attributes
    ----------
    valid
        True where a value is not padding.
    inside
        True where any channel is not 0, with holes filled.
    """

    valid: Mask | None = None
    inside: Mask | None = None

    def of(self, values: Floats) -> Floats:
        return values if self.valid is None else values[self.valid]


class ZScore(_Strict):
    """``(x - mean) / std``, after clipping; nnU-Net's CTNormalization sets all values, ZScoreNormalization none.

    ``nonzero`` leaves 0 unchanged and out of the statistics (MONAI); ``"filled"`` does so outside the mask of voxels
    that are not 0 in any channel, with holes filled (nnU-Net's ``use_mask_for_norm``).
    """

    method: Literal["zscore"]
    clip: Range | None = None
    mean: float | None = None
    std: Annotated[float, Field(gt=0)] | None = None
    nonzero: Annotated[bool, Field(strict=True)] | Literal["filled"] = False

    def of(self, values: Floats, known: StatisticsMasks) -> Floats:
        """Normalise values."""
        chosen: Mask | None = None
        if self.nonzero == "filled":
            chosen = known.inside
        elif self.nonzero:
            chosen = values != 0
        if self.clip is not None:
            values = values.clip(*self.clip)
        counted = [one for one in (chosen, known.valid) if one is not None]
        inside = values[np.logical_and.reduce(counted)] if counted else values
        mean = float(inside.mean(dtype=np.float64)) if self.mean is None and inside.size else self.mean or 0.0
        std = float(inside.std(dtype=np.float64)) if self.std is None and inside.size else self.std or 1.0
        found = (values - np.float32(mean)) / np.float32(max(std, 1e-8))
        return np.asarray(found if chosen is None else np.where(chosen, found, values), np.float32)


class RangeScaling(_Strict):
    """Linear scaling from one range (by default the volume's) to another; MONAI's ScaleIntensityRange."""

    method: Literal["scale"]
    from_: Pair | None = Field(None, alias="from")
    to: Pair = (0.0, 1.0)
    clip: bool = True

    def of(self, values: Floats, known: StatisticsMasks) -> Floats:
        used = known.of(values)
        low, high = self.from_ or ((float(used.min()), float(used.max())) if used.size else (0.0, 1.0))
        return _scaled(values, low, high, self.to, self.clip)


class _OfPercentiles(_Strict):
    percentiles: Pair = (0.5, 99.5)

    @field_validator("percentiles")
    @classmethod
    def _ordered(cls, value: Pair) -> Pair:
        if not 0 <= value[0] < value[1] <= 100:
            raise ValueError("percentiles ascend from 0 to 100")
        return value

    def found(self, values: Floats, known: StatisticsMasks) -> Pair:
        used = known.of(values)
        low, high = np.percentile(used, self.percentiles).tolist() if used.size else (0.0, 1.0)
        return float(low), float(high)


class Percentile(_OfPercentiles):
    """Linear scaling from two percentiles of the volume to a range; MONAI's ScaleIntensityRangePercentiles."""

    method: Literal["percentile"]
    to: Pair = (0.0, 1.0)
    clip: bool = True

    def of(self, values: Floats, known: StatisticsMasks) -> Floats:
        return _scaled(values, *self.found(values, known), self.to, self.clip)


class Clip(_OfPercentiles):
    """Clipping to a range, or to two percentiles of the volume; MONAI's ClipIntensityPercentiles."""

    method: Literal["clip"]
    range: Range | None = None

    def of(self, values: Floats, known: StatisticsMasks) -> Floats:
        low, high = self.range or self.found(values, known)
        return np.asarray(values.clip(np.float32(low), np.float32(high)), np.float32)


class Untouched(_Strict):
    """Unchanged values."""

    method: Literal["none"]

    def of(self, values: Floats, known: StatisticsMasks) -> Floats:
        return values


def _scaled(values: Floats, low: float, high: float, to: Pair, clip: bool) -> Floats:
    span = high - low if high > low else 1.0
    found = (values - np.float32(low)) / np.float32(span) * np.float32(to[1] - to[0]) + np.float32(to[0])
    return np.asarray(found.clip(min(to), max(to)) if clip else found, np.float32)


Normalisation = Annotated[ZScore | RangeScaling | Percentile | Clip | Untouched, Field(discriminator="method")]


class Channel(_Strict):
    """One channel of the model's input: the index of its volume, and the normalisations in order."""

    volume: int = Field(0, ge=0, le=3)
    normalisation: Annotated[tuple[Normalisation, ...], Field(min_length=1, max_length=8)]

    @field_validator("normalisation", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return [value] if isinstance(value, dict) else value

    def normalised(self, values: Floats, known: StatisticsMasks) -> Floats:
        """Apply the normalisations in order."""
        for one in self.normalisation:
            values = one.of(values, known)
        return values


class Manifest(_Strict):
    """The description that is needed to run a model.

    Attributes
    ----------
    task
        ``"segmentation"``: the output has a channel for each class. ``"image"``: one channel of values.
    channels
        Channels of the input, in order.
    patch
        Voxels ``(first, second, third axis)`` of the model's input; two numbers ``(second, third axis)`` for a
        model of slices.
    spacing
        mm in the order of the model's axes; two numbers for a model of slices, which keeps the volume's slice
        spacing. None keeps the volume's spacing.
    axes
        The direction in which each of the model's axes grows, for example ``"RAS"`` or ``"SPL"``; None takes the
        volume's axes ``(slice, row, column)`` in the order of ``transpose``.
    grid
        How the model's grid is aligned with the volume's: ``"box"``, voxels fill the same space (nnU-Net);
        ``"centres"``, the first voxels have the same centre (MONAI).
    interpolation
        Interpolation to the model's spacing; results are resampled back linearly.
    separate
        True to take the nearest slice along the longest axis, in both directions, if voxels of the volume or the
        model are more than three times as long along one axis as along another (nnU-Net's ``order_z`` of 0).
    crop
        ``"nonzero"``: the model sees the box of voxels that are not 0 in any channel; nothing is found outside
        (nnU-Net).
    normalise
        Channels are normalised ``"before"`` they are resampled to the model's spacing (nnU-Net), or ``"after"``
        (usual in MONAI).
    padding_counts
        True to treat DICOM padding as ordinary values, like programs that read NIfTI. Else padding counts as the
        smallest value and is left out of statistics. No structure is found in padding either way.
    overlap
        Overlap of neighbouring patches, as a fraction.
    windows
        Positions of patches: ``"even"``, evenly spaced (nnU-Net); ``"fixed"``, spaced by the overlap, with the last
        at the end (MONAI).
    weighting
        Weights within a patch: ``"gaussian"``, largest in the middle, at least a thousandth of that (MONAI);
        ``"gaussian_voxel"``, largest at the voxel behind the middle, with far smaller weights in the corners
        (nnU-Net); ``"constant"``.
    padding
        Padding of a volume that is smaller than a patch: a value, after normalisation, ``"edge"`` or ``"reflect"``.
    activation
        The function from a segmentation's output to probabilities. ``"softmax"``: classes exclude each other,
        channel 0 is background. ``"sigmoid"``: channels are independent, the later one wins. If the model applies
        it itself: ``"none"`` instead of softmax, ``"probability"`` instead of sigmoid, ``"labels"`` if it gives
        class numbers.
    back
        What is resampled to the volume's grid: the model's ``"output"`` (nnU-Net) or ``"probabilities"`` (MONAI).
    threshold
        Threshold of the probability, for independent channels.
    labels
        Name and number of each structure, from 1. Number n is channel n, or n - 1 for independent channels.
    order
        The order in which labels of independent channels are written: the later wins. Empty means 1, 2...
    mirror
        Axes along which each patch is also mirrored (test-time augmentation); results are averaged.
    scale, offset, unit
        For images: factor and offset of the output's values, and their unit.
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
        """True if classes exclude each other and channel 0 is background."""
        return self.activation in ("softmax", "none", "labels")

    @property
    def filled(self) -> bool:
        """True if a channel's statistics use only voxels that are not 0 in any channel."""
        chains = [channel.normalisation for channel in self.channels]
        return any(isinstance(one, ZScore) and one.nonzero == "filled" for chain in chains for one in chain)

    @property
    def outputs(self) -> int:
        """Number of channels of the output."""
        return 1 if self.task == "image" else len(self.labels) + self.exclusive

    @property
    def volumes(self) -> int:
        """Number of volumes that the channels use."""
        return 1 + max(channel.volume for channel in self.channels)


def manifest_beside(model: Path) -> Path:
    """The path of ``name.json`` or ``name.toml`` beside ``name.onnx``.

    Raises
    ------
    NothingFoundError
        If neither exists.
    """
    for suffix in (".json", ".toml"):
        if (found := model.with_suffix(suffix)).is_file():
            return found
    raise NothingFoundError("there is no manifest beside the model: a file of its name that ends in .json or .toml")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    FormatError
        If it is not JSON or TOML, or a field is invalid; the message names each field.
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
