"""The attributes of a Volume besides voxels and geometry as one JSON object, for formats that can hold JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.intensity import Voi, VoiTable, Window, WindowFunction
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import contradictions_refused, spacing_beside

_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


def volume_record(volume: Volume) -> dict[str, Value]:
    """The attributes of a volume (label, unit, metadata, ...) without array, affine, spacing, padding and UIDs."""
    record: dict[str, Value] = {
        "label": volume.label,
        "unit": volume.unit,
        "metadata": dict(volume.metadata),
        "windows": [voi_record(one) for one in volume.windows],
        "voi_tables": [voi_record(one) for one in volume.voi_tables],
        "inverted": volume.inverted,
        "lossy": volume.lossy,
        "warnings": list(volume.warnings),
    }
    if volume.slice_voi:
        record["slice_voi"] = slice_voi_record(volume.slice_voi)
    if volume.pixel_aspect is not None:
        record["pixel_aspect"] = volume.pixel_aspect
    return record


def voi_record(one: Voi) -> dict[str, Value]:
    """The record of a window or a VOI LUT."""
    if isinstance(one, Window):
        return {"center": one.center, "width": one.width, "function": one.function, "name": one.name}
    return {"first": one.first, "bits": one.bits, "name": one.name, "entries": one.entries.tolist()}


def slice_voi_record(slice_voi: Sequence[Voi | None]) -> Value:
    """The record of the slices' windows: each distinct one once, and its index for each slice."""
    distinct = list(dict.fromkeys(one for one in slice_voi if one is not None))
    places = {one: place for place, one in enumerate(distinct)}
    which: list[Value] = [None if one is None else places[one] for one in slice_voi]
    return {"distinct": [voi_record(one) for one in distinct], "slices": which}


def recorded_slice_voi(record: Value, slices: int) -> tuple[Voi | None, ...]:
    """The inverse of ``slice_voi_record``; empty if the record is invalid, or of another number of slices."""
    return _Reader({"slice_voi": record}).slice_voi(slices)


def recorded_voi(record: Value) -> Voi | None:
    """The inverse of ``voi_record``; None if the record is invalid."""
    reader = _Reader(record)
    return None if not isinstance(record, dict) else reader.voi(record)


@contradictions_refused()
def recorded_volume(
    array: npt.NDArray[Any],
    record: Value,
    *,
    affine: npt.NDArray[np.float64] | None,
    spacing: Spacing,
    padding: npt.NDArray[np.float64] | None = None,
    instance_uids: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Volume:
    """The volume with a record's attributes. Missing ones are empty; invalid ones are left out, with a warning.

    Parameters
    ----------
    record
        The result of ``volume_record``, or any JSON object in a file by others.
    warnings
        The caller's warnings about the file, which follow those of the record.
    """
    reader = _Reader(record)
    said = reader.texts("warnings")
    spacing, told = spacing_beside(affine, spacing)
    if len(instance_uids) not in (0, array.shape[0]):
        reader.damaged.append("instance_uids")
        instance_uids = ()
    return Volume(
        array=array,
        affine=affine,
        spacing=spacing,
        padding=padding,
        instance_uids=instance_uids,
        label=reader.text("label"),
        unit=reader.text("unit"),
        metadata=reader.object("metadata"),
        windows=tuple(window for one in reader.objects("windows") if (window := reader.window(one)) is not None),
        voi_tables=tuple(table for one in reader.objects("voi_tables") if (table := reader.table(one)) is not None),
        slice_voi=reader.slice_voi(array.shape[0]),
        pixel_aspect=reader.aspect(),
        inverted=reader.flag("inverted"),
        lossy=reader.flag("lossy"),
        warnings=(*said, *warnings, *told, *(f"the file's {name} are damaged and left out" for name in reader.damaged)),
    )


class _Reader:
    """A reader of typed values from an untrusted JSON object; it collects the names of invalid ones."""

    def __init__(self, record: Value) -> None:
        self._record: Mapping[str, Value] = record if isinstance(record, dict) else {}
        self.damaged: list[str] = [] if isinstance(record, dict) else ["descriptions"]

    def _damage(self, name: str) -> None:
        if name not in self.damaged:
            self.damaged.append(name)

    def text(self, name: str) -> str:
        value = self._record.get(name, "")
        if not isinstance(value, str):
            self._damage(name)
            return ""
        return value

    def flag(self, name: str) -> bool:
        value = self._record.get(name, False)
        if not isinstance(value, bool):
            self._damage(name)
        return value is True

    def object(self, name: str) -> Mapping[str, Value]:
        value = self._record.get(name, {})
        if not isinstance(value, dict):
            self._damage(name)
            return {}
        return value

    def _list(self, name: str) -> Sequence[Value]:
        value = self._record.get(name, [])
        if not isinstance(value, list):
            self._damage(name)
            return ()
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._list(name)
        if not all(isinstance(one, str) for one in found):
            self._damage(name)
        return tuple(one for one in found if isinstance(one, str))

    def objects(self, name: str) -> tuple[dict[str, Value], ...]:
        found = self._list(name)
        if not all(isinstance(one, dict) for one in found):
            self._damage(name)
        return tuple(one for one in found if isinstance(one, dict))

    def voi(self, one: dict[str, Value]) -> Voi | None:
        return self.table(one) if "entries" in one else self.window(one)

    def window(self, one: dict[str, Value]) -> Window | None:
        center, width = one.get("center"), one.get("width")
        function, name = one.get("function", "LINEAR"), one.get("name", "")
        numbers = isinstance(center, int | float) and isinstance(width, int | float)
        if numbers and function in _FUNCTIONS and isinstance(name, str):
            try:
                return Window(cast(float, center), cast(float, width), cast(WindowFunction, function), name)
            except (ParameterError, OverflowError):
                pass
        self._damage("windows")
        return None

    def slice_voi(self, slices: int) -> tuple[Voi | None, ...]:
        record = self.object("slice_voi")
        if not record:
            return ()
        inner = _Reader(dict(record))
        distinct = [inner.voi(one) for one in inner.objects("distinct")]
        which = record.get("slices")
        known = {None, *range(len(distinct))}
        if inner.damaged or not isinstance(which, list) or len(which) != slices or not _all_in(which, known):
            self._damage("slice_voi")
            return ()
        return tuple(None if one is None else distinct[cast(int, one)] for one in which)

    def aspect(self) -> float | None:
        value = self._record.get("pixel_aspect")
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
            return float(value)
        if value is not None:
            self._damage("pixel_aspect")
        return None

    def table(self, one: dict[str, Value]) -> VoiTable | None:
        first, bits, entries, name = one.get("first"), one.get("bits"), one.get("entries"), one.get("name", "")
        if isinstance(first, int) and isinstance(bits, int) and isinstance(entries, list) and isinstance(name, str):
            try:
                return VoiTable(first, np.array(entries), bits, name)
            except (ValueError, OverflowError):  # ParameterError is a ValueError.
                pass
        self._damage("voi_tables")
        return None


def _all_in(values: Sequence[Value], known: set[int | None]) -> bool:
    return all((one is None or type(one) is int) and one in known for one in values)


def json_text(value: Value) -> str:
    """Encode valid JSON in ASCII.

    Raises
    ------
    FormatError
        If it holds NaN or infinity, which JSON cannot express.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise FormatError("the metadata hold a number that is not finite, which JSON has no word for") from None


def json_value(text: str | bytes) -> Value:
    """Parse JSON from a file.

    Raises
    ------
    FormatError
        If it is not JSON, or is nested too deeply.
    """
    try:
        return cast(Value, json.loads(text))
    except (ValueError, RecursionError):
        raise FormatError("the description is no JSON") from None
