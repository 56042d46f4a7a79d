"""The route of a slice's overlays."""

from __future__ import annotations

from base64 import b64encode

import numpy as np
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from ninja import Router

from voxelry.core.errors import VoxelryError
from voxelry.dicom.pixels.overlays import Overlay, frame_overlays
from voxelry.server.access.django_exchange import as_response, asked_of
from voxelry.server.access.exchange import Answer
from voxelry.server.access.grants import Grants
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import slice_schemas as out
from voxelry.server.api.problems import not_found
from voxelry.server.api.schemas import ERRORS
from voxelry.server.api.slice_answers import caching_headers, is_known_tag, stack_of
from voxelry.server.api.volume_routes import Version, VolumeIndex
from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown.shown_frames import instance_of_series
from voxelry.server.archive.shown.stack_facts import stack_facts

router = Router()
MOST_PIXELS = 2**27
"""Of all overlays of a slice together; what is beyond is left out and said."""


@router.get(
    "/series/{int:series_id}/slices/{int:n}/overlays", response={200: out.SliceOverlaysOut, **ERRORS}, tags=["volumes"]
)
@needs(Rule.VIEWER)
def get_overlays(
    request: HttpRequest, series_id: int, n: int, volume: VolumeIndex = 0, v: Version = ""
) -> HttpResponseBase:
    """The overlays of an acquired slice, as `overlay_slices` of its volume tells which have some."""
    asked = asked_of(request)
    stack = stack_of(asked.who, series_id, volume)
    if n >= stack.shape[0]:
        raise not_found(f"There is no slice {n}: there are {stack.shape[0]}, counted from 0.")
    tag = f'"{stack.series.folder}-{volume}-{n}-overlays"'
    headers = caching_headers(tag, v, stack.series)
    if is_known_tag(asked.headers, tag):
        return as_response(Answer(status=304, headers=headers), request)
    content = _overlays(asked.who, stack, n).model_dump_json().encode()
    return as_response(Answer([content], headers={"Content-Type": "application/json", **headers}), request)


def _overlays(who: Grants, stack: Stack, n: int) -> out.SliceOverlaysOut:
    found: list[out.OverlayOut] = []
    problems: list[str] = []
    place = next((own for own in stack_facts(stack, stack.series)["overlays"] if own[0] == n), None)
    stored = None if place is None else instance_of_series(who, stack.series_id, place[1])
    if place is None or stored is None:
        return out.SliceOverlaysOut(overlays=[], problems=[])
    try:
        overlays, failed = frame_overlays(stored.header(), place[2])
    except VoxelryError as error:
        return out.SliceOverlaysOut(overlays=[], problems=[error.problem.message])
    problems += [error.problem.message for error in failed]
    left = MOST_PIXELS
    for overlay in overlays:
        left -= overlay.mask.size
        if left < 0:
            problems.append(f"overlay {overlay.group:04X} is left out: the overlays of this slice are too large")
            continue
        found.append(_record(overlay))
    return out.SliceOverlaysOut(overlays=found, problems=problems)


def _record(overlay: Overlay) -> out.OverlayOut:
    _, rows, columns = overlay.mask.shape
    bits = np.packbits(overlay.mask.reshape(-1), bitorder="little").tobytes()
    return out.OverlayOut(
        group=overlay.group,
        kind="G" if overlay.kind == "G" else "R" if overlay.kind == "R" else "",
        label=overlay.label,
        description=overlay.description,
        origin=overlay.origin,
        rows=rows,
        columns=columns,
        bits=b64encode(bits).decode("ascii"),
    )
