"""Label maps of stored segmentations, and figures of their segments, without a framework."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass

import numpy as np
from django.conf import settings

from voxelry.core.coded_segment import SegmentCodes, text_of_codes
from voxelry.core.cuts import Cut, cut
from voxelry.core.errors import ParameterError
from voxelry.core.frame_of_reference import check_one_uid
from voxelry.core.region_words import NamedSegment, text_of_numbers
from voxelry.core.segmentation import Code
from voxelry.core.statistics import SegmentStatistics, statistics
from voxelry.core.threshold_rule import threshold_rule
from voxelry.core.volume import Volume
from voxelry.machine import memory_bytes
from voxelry.server.access.conditional import accepts_gzip
from voxelry.server.access.exchange import Answer, Asked, FilePart
from voxelry.server.access.grants import Grants
from voxelry.server.api.counted_answers import stored_segment
from voxelry.server.api.problems import ApiError
from voxelry.server.api.segmentation_schemas import CodeOut, CodesIn, SegmentationRequest
from voxelry.server.api.slice_answers import caching_headers, is_known_tag, little_endian, stack_of, values_headers
from voxelry.server.api.turns import Turns, turn_or_busy
from voxelry.server.archive.models import Series
from voxelry.server.archive.shown import stack_files
from voxelry.server.archive.shown.segmentation_files import (
    SegmentationRecord,
    layer_path,
    layer_stream,
    layer_values,
)
from voxelry.server.archive.stored_segmentations import (
    ListedSegmentation,
    geometry_of,
    prepared_segmentation,
    segmentation_named,
    segmentation_of,
    shown_segmentation,
)

MOST_VALUES = 2**27
"""Voxels of an image in segments, for figures of them; fewer where there is little memory."""
_BYTES_OF_VALUE = 64
"""Memory that each of them takes at most, for two requests at a time."""
_PATIENCE_SECONDS = 30.0

_turns = Turns(2)


@dataclass(frozen=True, slots=True)
class LabelsChoice:
    """Which slices of which label map are asked for, and the version as the address has it; empty without.

    Attributes
    ----------
    count
        None for all slices from ``first`` on.
    """

    layer: int = 0
    first: int = 0
    count: int | None = None
    version: str = ""


def raw_labels(asked: Asked, key: int, choice: LabelsChoice) -> Answer:
    """Slices of a label map, in C order and little endian; headers tell dtype and shape.

    In gzip for who accepts it and asks for no range.
    """
    listed, record = _shown(asked.who, key)
    slices = record.shape[0]
    _check_layer(choice.layer, record)
    if choice.first >= slices:
        raise ApiError(422, "parameter", f"first is {choice.first:,}: there are {slices:,} slices, counted from 0.")
    count = slices - choice.first if choice.count is None else choice.count
    if choice.first + count > slices:
        words = f"count is {count:,} from slice {choice.first:,} on: there are only {slices:,} slices."
        raise ApiError(422, "parameter", words)
    packed = "range" not in asked.headers and accepts_gzip(asked.headers)
    parts = f"{choice.layer}-{choice.first}-{count}{'-gzip' if packed else ''}"
    headers = {
        **values_headers(record.dtype, (count, *record.shape[1:])),
        **_caching(listed, parts, choice.version, varies=("Accept-Encoding",)),
    }
    if is_known_tag(asked.headers, headers["ETag"]):
        return Answer(status=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
        if count == slices:
            path = layer_path(listed.folder, choice.layer, packed=True)
            return Answer([FilePart(path, 0, path.stat().st_size)], headers=headers)
        labels = layer_values(listed.folder, choice.layer)[choice.first : choice.first + count]
        return Answer(_closed(layer_stream(labels)), headers=headers)
    path = layer_path(listed.folder, choice.layer, packed=False)
    labels = np.load(path, mmap_mode="r")
    length = labels[:1].nbytes
    part = FilePart(path, labels.offset + choice.first * length, count * length)
    return Answer([part], headers=headers | {"Accept-Ranges": "bytes"})


def labels_cut(asked: Asked, key: int, layer: int, rectangle: Cut, version: str) -> Answer:
    """The labels at a rectangle of points, each of the nearest voxel; NaN outside of the grid."""
    listed, record = _shown(asked.who, key)
    _check_layer(layer, record)
    name = hashlib.sha256(repr(rectangle).encode()).hexdigest()[:24]
    headers = _caching(listed, f"{layer}-{name}-cut", version)
    if is_known_tag(asked.headers, headers["ETag"]):
        return Answer(status=304, headers=headers)
    volume = Volume(array=layer_values(listed.folder, layer), geometry=geometry_of(listed, record))
    values = cut(volume, rectangle, method="nearest")
    return Answer([little_endian(values)], headers=values_headers(values.dtype.name, values.shape) | headers)


def statistics_over(
    who: Grants, key: int, *, series: int, volume: int, same_frame_of_reference: bool
) -> tuple[SegmentStatistics, ...]:
    """The figures of all segments over a volume, by the library's own function.

    Raises
    ------
    ApiError
        If there is no such volume, the segments hold too much of it, or too many others are counted.
    VoxelryError
        If the segmentation cannot be shown, or nothing says how the two lie.
    """
    _, record = _shown(who, key)
    stack = stack_of(who, series, volume)
    if stack.problem_code:
        raise ApiError(422, stack.problem_code, f"no figures: {stack.problem_message}")
    image = stack_files.open_volume(stack)
    inside = _values_inside(record, image)
    most = min(MOST_VALUES, memory_bytes() // _BYTES_OF_VALUE or MOST_VALUES)
    if inside > most:
        words = f"The segments hold about {inside:,} voxels of this image; figures are given of up to {most:,}."
        raise ApiError(422, "too_large", words)
    busy = "Too many figures are being made: try again in a minute."
    with turn_or_busy(_turns, who.user or 0, busy, patience=_PATIENCE_SECONDS):
        return statistics(image, segmentation_of(who, key), same_frame_of_reference=same_frame_of_reference)


def _shown(who: Grants, key: int) -> tuple[ListedSegmentation, SegmentationRecord]:
    """One that has label maps; else an error with the code of its own problem."""
    found = prepared_segmentation(who, key)
    problem = found.listed.problem
    if problem is not None and not (found.record is not None and found.record.layers):
        raise ApiError(422, problem.code, problem.message)
    return shown_segmentation(who, key)


def _values_inside(record: SegmentationRecord, image: Volume) -> int:
    """About how many voxels of an image the segments hold."""
    own = sum(segment.count for segment in record.segments)
    if record.voxel_mm3 is None or not image.voxel_mm3:
        return own
    return round(own * record.voxel_mm3 / image.voxel_mm3)


def _check_layer(layer: int, record: SegmentationRecord) -> None:
    if layer >= record.layers:
        words = f"layer is {layer:,}: this segmentation has {record.layers:,} label maps, counted from 0."
        raise ApiError(422, "parameter", words)


def _caching(listed: ListedSegmentation, part: str, version: str, *, varies: tuple[str, ...] = ()) -> dict[str, str]:
    row = Series(folder=listed.version)
    return caching_headers(f'"{listed.version}-{listed.id}-{part}"', version, row, varies=varies)


def _closed(parts: Iterator[bytes]) -> Iterator[bytes]:
    with closing(parts) as own:  # type: ignore[type-var]
        yield from own


def params_of_request(who: Grants, body: SegmentationRequest) -> dict[str, object]:
    """The parameters of the step ``threshold`` that make what is asked for.

    Raises
    ------
    ParameterError
        If numbers do not fit together, its region is none, or a text is none that a segment holds.
    ApiError, Instance.DoesNotExist
        If there is no such volume or segmentation.
    FrameOfReferenceError
        If nothing says that the volume and the segment of the region lie in one place.
    """
    recipe = body.recipe
    rule = threshold_rule(
        recipe.threshold,
        recipe.method,
        lower=recipe.lower,
        upper=recipe.upper,
        percentile=recipe.percentile,
        classes=recipe.classes,
        class_number=recipe.class_number,
        default=settings.VOXELRY.threshold,
    )
    return {
        **{name: value for name, value in asdict(rule).items() if value is not None},
        "label": body.label,
        "codes": "" if body.codes is None else _text_of_term(body.codes),
        "colour": body.colour or "",
        "within": "" if recipe.within is None else _lasting_region(who, recipe.within, body),
        "component": "" if recipe.component is None else text_of_numbers(recipe.component),
    }


def _text_of_term(codes: CodesIn) -> str:
    def code(given: CodeOut) -> Code:
        return Code(given.value, given.scheme, given.meaning)

    side, region = codes.type_modifier, codes.anatomic_region
    return text_of_codes(
        SegmentCodes(
            category=code(codes.category),
            type=code(codes.type),
            type_modifier=None if side is None else code(side),
            anatomic_region=None if region is None else code(region),
        )
    )


def _lasting_region(who: Grants, text: str, body: SegmentationRequest) -> str:
    """The text of a region that means the same in every archive: a segment by its SOP Instance UID."""
    stack = stack_of(who, body.series, body.volume)
    project = stack.series.project_id
    chosen = stored_segment(who, text, project)
    if chosen is None:
        return text
    listed, record = _shown(who, chosen.segmentation)
    if segmentation_named(who, listed.sop_instance_uid, project) != listed.id:
        raise ParameterError("the segmentation of the region lies in another project than the image")
    numbers = [segment.number for segment in record.segments]
    if chosen.number is None and len(numbers) > 1:
        raise ParameterError("the segmentation of the region has several segments: say which, segmentation:ID#NUMBER")
    number = numbers[0] if chosen.number is None else chosen.number
    if number not in numbers:
        raise ParameterError(f"no segment {number}; there are {', '.join(map(str, numbers))}")
    if not body.same_frame_of_reference:
        own = "" if listed.summary is None else listed.summary.space
        check_one_uid([stack.metadata.get("FrameOfReferenceUID") or None, own or None])
    return NamedSegment(listed.sop_instance_uid, number).text
