"""The record of how a volume's slices are displayed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np

from voxelry.core.intensity import Voi, VoiTable
from voxelry.core.slice_grid import slice_normal
from voxelry.dicom.frames.frame import SAME_COSINE
from voxelry.server.api import slice_schemas as out
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.shown.slice_display import common_voi, slice_voi_of, tables_of
from voxelry.server.archive.shown.stack_facts import Facts, stack_facts


def showing(row: Stack, series: Series) -> dict[str, Any]:
    """The fields of a `VolumeOut` about the display of its slices."""
    common = common_voi(row)
    facts = stack_facts(row, series)
    return {
        "tables": [_view(table) for table in tables_of(row)],
        "default_view": row.default_window if common is None else _view(common),
        "slice_views": _slice_views(slice_voi_of(row)),
        "padding_ranges": row.display.get("padding"),
        "slice_places": _places(row),
        **_said(facts),
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


def _said(facts: Facts) -> dict[str, Any]:
    """What headers say of the volume and of its slices."""
    sides, regions = facts["sides"], facts["regions"]
    second, keyword = facts["acquired"] or (None, "")
    return {
        "slice_sides": None if sides is None else {"words": sides["distinct"], "slices": sides["slices"]},
        "ultrasound": None if regions is None else {"regions": regions["distinct"], "slices": regions["slices"]},
        "quadruped": facts["quadruped"],
        "overlay_slices": [number for number, _, _ in facts["overlays"]],
        "grid": facts["grid"],
        "separators": facts["separators"],
        "acquired_s": second,
        "acquired_by": keyword,
    }


def _places(row: Stack) -> list[out.SlicePlace] | None:
    """The places of the slices of an irregular stack, with the gaps between them."""
    places = row.display.get("places")
    if places is None:
        return None
    before: list[Any] = [None, *places[:-1]]
    spacing = row.spacing[1], row.spacing[2]
    return [
        out.SlicePlace(
            position=place["position"],
            orientation=place["orientation"],
            pixel_spacing_mm=spacing,
            gap_mm=None if last is None else _gap(last, place),
        )
        for last, place in zip(before, places, strict=True)
    ]


def _gap(last: dict[str, Sequence[float] | None], place: dict[str, Sequence[float] | None]) -> float | None:
    """Millimetres from one slice to the next along their normal; None if they do not share one."""
    at, then = place["position"], last["position"]
    cosines, others = place["orientation"], last["orientation"]
    if at is None or then is None or cosines is None or others is None:
        return None
    if float(np.abs(np.subtract(cosines, others)).max()) > SAME_COSINE:
        return None
    return round(abs(float(np.subtract(at, then) @ slice_normal(cosines))), 4)
