"""Volumes as pictures: one for each slice, many in one, or moving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast, get_args

from voxelry.core.errors import FormatError, ParameterError, Problem, VoxelryError
from voxelry.core.extras import require
from voxelry.core.intensity import Window
from voxelry.core.planes import Axis, plane_aspect, plane_count, plane_spacing
from voxelry.core.progress import Progress
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.frames.cine import cine_of
from voxelry.dicom.pixels.overlays import Overlay, overlays_of
from voxelry.formats.pictures.animation import AnimationFormat, encode_animation
from voxelry.formats.pictures.picture import PictureFormat, encode_jpeg, encode_png
from voxelry.formats.shared.options import check_options, whole_option, yes_option
from voxelry.workflows.convert.volume_target import Target, Told
from voxelry.workflows.load.volume_batches import Batch
from voxelry.workflows.pictures.montage import every_nth, montage, planes
from voxelry.workflows.pictures.picture_files import picture_shape, save_pictures

FOLDER_OPTIONS = ("axis", "mosaic", "overlays", "window")
MOSAIC_OPTIONS = (*FOLDER_OPTIONS, "columns", "every")
ANIMATION_OPTIONS = ("axis", "every", "fps", "window")
USUAL_FPS = 10.0
MOST_PIXELS = 2**30
"""The largest number of pixels of a mosaic; programs do not open larger pictures."""
_LONGEST_JPEG = 65_500
_MOST = range(1, 1_000_001)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown of a volume."""

    axis: Axis | None
    window: Window | None
    every: int = 1

    @classmethod
    def asked(cls, options: Mapping[str, Value]) -> _Shown:
        every = whole_option(options, "every", 1, _MOST)
        return cls(_axis(options.get("axis")), _window(options.get("window")), every)


def pictures(kind: PictureFormat, suffix: str, options: Mapping[str, Value]) -> Target:
    """Still pictures: a folder of them, one for each slice; or, where a file is named or a mosaic wanted, all in one.

    Raises
    ------
    ParameterError
        If an option is unknown or wrong.
    """
    mosaic = yes_option(options, "mosaic", bool(suffix))
    check_options(options, MOSAIC_OPTIONS if mosaic else FOLDER_OPTIONS, kind)
    shown = _Shown.asked(options)
    overlays = yes_option(options, "overlays", False)
    if overlays and shown.axis is not None:
        raise ParameterError(f"overlays lie over slices as they were acquired, not over {shown.axis} planes")
    columns = whole_option(options, "columns", 1, _MOST) if "columns" in options else None

    def write(volumes: Sequence[Volume], path: Path, batch: Batch, progress: Progress) -> Told:
        volume = _only(volumes)
        over, refused = _overlays(batch) if overlays else ({}, {})
        if not mosaic:
            files = save_pictures(volume, path, kind, shown.window, shown.axis, overlays=over, progress=progress)
            return Told(len(files), skipped=refused)
        count = len(every_nth(volume, shown.axis, shown.every))
        if plane_count(volume, shown.axis) > 1:
            if overlays:
                raise FormatError("overlays are drawn over single slices: name a folder, which gets one for each")
            path.write_bytes(_mosaic(volume, kind, shown, columns, count, progress))
            return Told()
        with TemporaryDirectory(dir=path.parent) as folder:
            (file,) = save_pictures(volume, folder, kind, shown.window, shown.axis, overlays=over, progress=progress)
            file.replace(path)
        return Told(skipped=refused)

    in_one = suffix or (f".{kind}" if mosaic else "")

    def count(volumes: Sequence[Volume], _: Batch) -> int:
        return 1 if mosaic else plane_count(volumes[0], shown.axis)

    return Target(kind, in_one, not suffix, write, several=False, staged=bool(in_one), settings=options, count=count)


def _mosaic(
    volume: Volume, kind: PictureFormat, shown: _Shown, columns: int | None, count: int, progress: Progress
) -> bytes:
    height, width = picture_shape(volume, shown.axis)
    if count * height * width > MOST_PIXELS:
        raise FormatError(f"a mosaic of {count} planes of {height} x {width} is too large: show fewer (every)")
    picture = montage(
        volume, axis=shown.axis, window=shown.window, every=shown.every, columns=columns, progress=progress
    )
    aspect = plane_aspect(volume, shown.axis)
    if kind == "png":
        return encode_png(picture, spacing=plane_spacing(volume, shown.axis), aspect=aspect)
    if max(picture.shape) > _LONGEST_JPEG:
        raise FormatError(f"JPEG counts to {_LONGEST_JPEG:,} pixels, and the mosaic has {max(picture.shape):,}")
    return encode_jpeg(picture, aspect=aspect)


def animation(kind: AnimationFormat, suffix: str, options: Mapping[str, Value]) -> Target:
    """A file that shows the planes of a volume one after the other.

    Raises
    ------
    ParameterError
        If an option is unknown or wrong.
    MissingExtraError
        If Pillow is not installed.
    """
    check_options(options, ANIMATION_OPTIONS, kind)
    require(f"`{kind}`", ("PIL",))
    shown = _Shown.asked(options)
    fps = options.get("fps")
    if fps is not None and (isinstance(fps, bool) or not isinstance(fps, int | float) or not 0.01 <= fps <= 1000):
        raise ParameterError(f"fps is how many planes are shown in a second, from 0.01 to 1000, not {fps!r}")

    def write(volumes: Sequence[Volume], path: Path, batch: Batch, progress: Progress) -> Told:
        volume = _only(volumes)
        seconds = 1 / fps if fps is not None else _header_seconds(batch, shown)
        moving = planes(volume, axis=shown.axis, window=shown.window, every=shown.every, progress=progress)
        path.write_bytes(encode_animation(moving, kind, seconds=seconds))
        return Told()

    return Target(kind, suffix or f".{kind}", not suffix, write, several=False, staged=True, settings=options)


def _header_seconds(batch: Batch, shown: _Shown) -> float | tuple[float, ...]:
    """The default duration of each plane: that of a multi-frame image's header, else a constant."""
    cine = cine_of(batch.stacks[0].frames) if len(batch.stacks) == 1 and shown.axis is None else None
    if cine is None:
        return 1 / USUAL_FPS
    return cine.durations[:: shown.every] or 1 / cine.rate


def _only(volumes: Sequence[Volume]) -> Volume:
    if len(volumes) > 1:
        raise FormatError("one picture shows one volume")
    return volumes[0]


def _axis(value: Value) -> Axis | None:
    if value is None or value in get_args(Axis):
        return cast("Axis | None", value)
    raise ParameterError(f"no axis {value!r}; there are {', '.join(get_args(Axis))}")


def _window(value: Value) -> Window | None:
    """``"40,400"`` or ``[40, 400]``: centre and width."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else value
    try:
        center, width = (float(cast("float", part)) for part in cast("list[Value]", parts))
    except (TypeError, ValueError):
        raise ParameterError(f"{value!r} is no CENTER,WIDTH, such as 40,400") from None
    return Window(center, width)


def _overlays(batch: Batch) -> tuple[dict[str, tuple[Overlay, ...]], dict[str, Problem]]:
    found: dict[str, tuple[Overlay, ...]] = {}
    refused: dict[str, Problem] = {}
    for header in dict.fromkeys(header for stack in batch.stacks for header in stack.headers):
        try:
            found[header.sop_instance_uid] = overlays_of(header)
        except VoxelryError as error:
            refused[header.name] = error.problem
    return {uid: masks for uid, masks in found.items() if masks}, refused
