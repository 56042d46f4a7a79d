"""The record of how a volume's slices are displayed."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from voxelry.core.intensity import Voi, VoiTable
from voxelry.server.api import schemas as out
from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown.slice_display import common_voi, slice_voi_of, tables_of


def showing(row: Stack) -> dict[str, Any]:
    """The fields of a `VolumeOut` about the display of its slices."""
    common = common_voi(row)
    return {
        "tables": [_view(table) for table in tables_of(row)],
        "default_view": row.default_window if common is None else _view(common),
        "slice_views": _slice_views(slice_voi_of(row)),
        "padding_ranges": row.display.get("padding"),
        "slice_places": row.display.get("places"),
        **_cine(row.display.get("cine")),
    }


def _view(voi: Voi) -> out.WindowOut | out.TableOut:
    if isinstance(voi, VoiTable):
        return out.TableOut(name=voi.name, first=voi.first, levels=b64encode(voi.levels.tobytes()).decode("ascii"))
    return out.WindowOut(name=voi.name, center=voi.center, width=voi.width, function=voi.function)


def _slice_views(own: tuple[Voi | None, ...]) -> out.SliceViews | None:
    if not own:
        return None
    distinct = list(dict.fromkeys(voi for voi in own if voi is not None))
    places = {voi: place for place, voi in enumerate(distinct)}
    slices = [None if voi is None else places[voi] for voi in own]
    return out.SliceViews(views=[_view(voi) for voi in distinct], slices=slices)


def _cine(record: dict[str, Any] | None) -> dict[str, Any]:
    if record is None:
        return {"frame_rate": None, "frame_times_ms": None, "frame_sweep": False, "frame_rate_source": ""}
    return {
        "frame_rate": record["rate"],
        "frame_times_ms": [1000 * seconds for seconds in record["durations"]] or None,
        "frame_sweep": record["sweep"],
        "frame_rate_source": record["source"],
    }
