"""OME-Zarr metadata: axes and spacing of an image (written as NGFF 0.5; 0.1 to 0.5 are read)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value

VERSION = "0.5"
MILLIMETRES: Mapping[str, float] = {
    "angstrom": 1e-7, "nanometer": 1e-6, "micrometer": 1e-3, "millimeter": 1.0, "centimeter": 10.0,
    "decimeter": 100.0, "meter": 1000.0, "inch": 25.4,
}  # fmt: skip
_ORDER = ("t", "c", "z", "y", "x")
_KINDS: Mapping[str, str] = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_TOLERANCE = 1e-9


def ngff_axes(*, several: bool, colour: bool) -> tuple[str, ...]:
    """Names of the written axes in the order that NGFF demands: time, channel, space."""
    unwanted = {name for name, there in (("t", several), ("c", colour)) if not there}
    return tuple(name for name in _ORDER if name not in unwanted)


def ngff_attributes(
    axes: Sequence[str], affine: npt.NDArray[np.float64] | None, spacing: Spacing, *, path: str, name: str
) -> dict[str, Value]:
    """The attribute ``ome`` of a group with one image.

    Parameters
    ----------
    affine
        From index to LPS. NGFF 0.5 has scales and translations only. A translation is written if the axes z, y, x
        run along superior, posterior and left; else only Voxelry's own attributes hold the affine.
    spacing
        Millimetres ``(slice, row, column)``. An unknown one is written as 1, and its axis has no unit.

    References
    ----------
    OME-Zarr specification 0.5, "axes", "coordinateTransformations" and "multiscales" metadata
    """
    known = dict(zip("zyx", spacing, strict=True))
    described: list[Value] = []
    for axis in axes:
        one: dict[str, Value] = {"name": axis, "type": _KINDS[axis]}
        if known.get(axis) is not None:
            one["unit"] = "millimeter"
        described.append(one)
    scale: list[Value] = [known.get(axis) or 1.0 for axis in axes]
    transformations: list[Value] = [{"type": "scale", "scale": scale}]
    if affine is not None and is_straight(affine, spacing):
        places = dict(zip("zyx", affine[2::-1, 3].tolist(), strict=True))
        translation: list[Value] = [places.get(axis, 0.0) for axis in axes]
        transformations.append({"type": "translation", "translation": translation})
    dataset: Value = {"path": path, "coordinateTransformations": transformations}
    multiscale: dict[str, Value] = {"axes": described, "datasets": [dataset]}
    if name:
        multiscale["name"] = name
    return {"version": VERSION, "multiscales": [multiscale]}


def is_straight(affine: npt.NDArray[np.float64], spacing: Spacing) -> bool:
    """True if slices, rows and columns ascend along superior, posterior and left, by their spacing."""
    if any(mm is None for mm in spacing) or not np.isfinite(affine).all():
        return False
    straight = np.zeros((3, 3))
    straight[2, 0], straight[1, 1], straight[0, 2] = (float(mm) for mm in spacing if mm is not None)
    return bool(np.abs(affine[:3, :3] - straight).max() <= _TOLERANCE * straight.max())


@dataclass(frozen=True, slots=True)
class Image:
    """The metadata of an OME-Zarr image by any writer.

    Attributes
    ----------
    path
        Path of the array at full resolution, within its group.
    axes
        Those of ``t``, ``c``, ``z``, ``y``, ``x`` that exist, in the array's order.
    spacing
        Millimetres ``(z, y, x)``; None for an unknown one.
    channels
        Labels of the channels, if given.
    warnings
        What the metadata leave out.
    """

    path: str
    axes: tuple[str, ...]
    spacing: Spacing
    channels: tuple[str, ...]
    warnings: tuple[str, ...]


def read_image(attributes: Mapping[str, Any]) -> Image | None:
    """The first image that a group's attributes describe, NGFF 0.1 to 0.5; None if they describe no image.

    Raises
    ------
    FormatError
        If the axes or the path of the image violate NGFF.
    """
    own = attributes.get("ome", attributes)
    multiscales = own.get("multiscales") if isinstance(own, Mapping) else None
    if not isinstance(multiscales, list) or not multiscales or not isinstance(multiscales[0], Mapping):
        return None
    first = multiscales[0]
    axes, units = _axes(_as_now(first))
    datasets = first.get("datasets")
    if not isinstance(datasets, list) or not datasets or not isinstance(datasets[0], Mapping):
        raise FormatError("the OME-Zarr metadata name no array")
    path = datasets[0].get("path")
    if not isinstance(path, str) or path.startswith("/") or "\\" in path or not _inside(path):
        raise FormatError("the OME-Zarr metadata name an array outside their own group")
    scale = _scale(datasets[0], len(axes)) * _scale(first, len(axes))
    spacing, unknown = _spacing(axes, units, scale)
    warnings = [f"the OME-Zarr metadata do not tell the spacing along {', '.join(unknown)}"] if unknown else []
    return Image(path, axes, spacing, _channels(own), tuple(warnings))


def _as_now(multiscale: Mapping[str, Any]) -> object:
    """The axes in the form of NGFF 0.4; earlier versions give only names, or none for all five in order."""
    described = multiscale.get("axes")
    if described is None and multiscale.get("version") in ("0.1", "0.2"):
        described = list(_ORDER)
    if isinstance(described, list) and described and all(isinstance(axis, str) for axis in described):
        return [{"name": axis} for axis in described]
    return described


def _inside(path: str) -> bool:
    return bool(path) and all(part not in ("", ".", "..") for part in path.split("/"))


def _axes(described: object) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    if not isinstance(described, list) or not all(isinstance(axis, Mapping) for axis in described):
        raise FormatError("the OME-Zarr metadata do not tell the axes")
    names = tuple(str(axis.get("name", "")).lower() for axis in described)
    if not set(names) <= set(_ORDER) or len(set(names)) != len(names) or not {"y", "x"} <= set(names):
        raise FormatError(f"only images with axes among {', '.join(_ORDER)} are volumes here, each of them once")
    if tuple(sorted(names, key=_ORDER.index)) != names:
        raise FormatError("the OME-Zarr image's axes are not in the order t, c, z, y, x")
    return names, tuple(unit if isinstance(unit := axis.get("unit"), str) else None for axis in described)


def _scale(holder: Mapping[str, Any], count: int) -> npt.NDArray[np.float64]:
    """The product of the scales in coordinate transformations; NaN if one is damaged or absent."""
    transformations = holder.get("coordinateTransformations")
    if transformations is None and "datasets" in holder:
        return np.ones(count)  # Transformations of all resolutions together are optional.
    product, seen = np.ones(count), "datasets" in holder
    for one in transformations if isinstance(transformations, list) else []:
        if isinstance(one, Mapping) and one.get("type") == "scale":
            found = one.get("scale")
            good = isinstance(found, list) and len(found) == count and all(isinstance(n, int | float) for n in found)
            product = product * (np.array(found, np.float64) if good else np.nan)
            seen = True
    return product if seen else np.full(count, np.nan)


def _spacing(
    axes: Sequence[str], units: Sequence[str | None], scale: npt.NDArray[np.float64]
) -> tuple[Spacing, list[str]]:
    spacing: dict[str, float | None] = {"z": None, "y": None, "x": None}
    unknown: list[str] = []
    for axis, unit, step in zip(axes, units, scale.tolist(), strict=True):
        if axis not in spacing:
            continue
        mm = step * MILLIMETRES.get(unit or "", np.nan)
        if isfinite(mm) and mm > 0:
            spacing[axis] = mm
        else:
            unknown.append(axis)
    return (spacing["z"], spacing["y"], spacing["x"]), unknown


def _channels(own: Mapping[str, Any]) -> tuple[str, ...]:
    omero = own.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list):
        return ()
    return tuple(str(one.get("label") or "") if isinstance(one, Mapping) else "" for one in channels)
