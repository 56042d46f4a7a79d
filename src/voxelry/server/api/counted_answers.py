"""Figures of stored volumes that are counted anew for each request: by limits, in a region, at a point.

A request that reads voxels beyond the plain threshold waits for its turn, and ends after a bound of time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from django.conf import settings

from voxelry.core.errors import ParameterError
from voxelry.core.histogram import histogram
from voxelry.core.measure import MeasurementRecord, measure
from voxelry.core.progress import Progress
from voxelry.core.region_words import names_segment, segment_of_text, solid_of_text, vector_of_text
from voxelry.core.regions import PatientRegion, SegmentRegion
from voxelry.core.volume import Volume
from voxelry.server.access.grants import Grants
from voxelry.server.api.problems import ApiError
from voxelry.server.api.slice_answers import stack_of
from voxelry.server.api.turns import Turns, deadline, turn_or_busy
from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown import stack_files
from voxelry.server.archive.stored_segmentations import segmentation_named, segmentation_of

LONGEST_REGION = 1000
"""Characters of a region's text."""
MOST_VOXELS = 2**30
"""Of a volume in which a region or a connected piece is looked for: a mask of it takes as many bytes."""
PATIENCE_SECONDS = 30.0
LONGEST_SECONDS = 60.0

_STORED = re.compile(r"segmentation:(\d{1,9})(?:#(\d{1,5}))?", re.ASCII)

_turns = Turns(2)


@dataclass(frozen=True, slots=True)
class CountChoice:
    """What is to be counted, as the address says it; see `measure`."""

    threshold: float | None = None
    method: str | None = None
    lower: float | None = None
    upper: float | None = None
    percentile: float | None = None
    classes: int | None = None
    class_number: int | None = None
    within: str | None = None
    component: str | None = None
    same_frame_of_reference: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is only a threshold on [0, 1], for which little more than the volume's file is read."""
        others = replace(self, threshold=None, method=None, same_frame_of_reference=False)
        return self.method in (None, "fixed") and others == CountChoice()


def count_in_stored(who: Grants, series_id: int, volume: int, choice: CountChoice) -> MeasurementRecord:
    """The measurement of a stored volume.

    Raises
    ------
    ApiError
        If there is no such volume, it is too large, or too much is counted already.
    VoxelryError
        As `measure` does.
    """
    stack = _regular(who, series_id, volume)
    default = settings.VOXELRY.threshold
    if choice.plain:
        return measure(stack_files.open_volume(stack), choice.threshold, choice.method, default=default).record()
    component = None if choice.component is None else vector_of_text(choice.component)
    with _turn(who) as progress:
        opened = stack_files.open_volume(stack, shown=False)
        if choice.within is not None or component is not None or choice.method == "hysteresis":
            _check_size(opened)
        region = None
        if choice.within is not None:
            confirmed = choice.same_frame_of_reference
            region = _region_of_query(who, choice.within, stack.series.project_id, same_frame_of_reference=confirmed)
        return measure(
            opened,
            choice.threshold,
            choice.method,
            lower=choice.lower,
            upper=choice.upper,
            percentile=choice.percentile,
            classes=choice.classes,
            class_number=choice.class_number,
            default=default,
            within=region,
            component=component,
            progress=progress,
        ).record()


def region_histogram(
    who: Grants, series_id: int, volume: int, within: str, *, same_frame_of_reference: bool = False
) -> dict[str, object]:
    """How often each value occurs in a region of a stored volume; ``total`` counts all of its voxels.

    Raises
    ------
    ApiError
        If there is no such volume, it is too large, or too much is counted already.
    VoxelryError
        If there is no such region, or the volume is in colour.
    """
    stack = _regular(who, series_id, volume)
    with _turn(who) as progress:
        opened = stack_files.open_volume(stack, shown=False)
        _check_size(opened)
        project = stack.series.project_id
        region = _region_of_query(who, within, project, same_frame_of_reference=same_frame_of_reference)
        placed = region.within(opened)
        progress(0.5, "counting")
        counted = histogram(opened, placed)
    return {**stack_files.histogram_record(counted, opened), "total": placed.count}


def _region_of_query(who: Grants, text: str, project: int | None, *, same_frame_of_reference: bool) -> PatientRegion:
    """The region that a text names: ``sphere:...``, ``box:...`` or a segment, as `stored_segment` takes it.

    Raises
    ------
    ParameterError
        If it is none of them, or there is no such segment.
    Instance.DoesNotExist
        If there is no such segmentation that ``who`` may see.
    VoxelryError
        If the segmentation is being prepared, or cannot be shown.
    """
    stored = stored_segment(who, text, project)
    if stored is not None:
        numbers = () if stored.number is None else (stored.number,)
        found = segmentation_of(who, stored.segmentation)
        return SegmentRegion(found, numbers, same_frame_of_reference=same_frame_of_reference)
    try:
        return solid_of_text(text)
    except ParameterError as error:
        raise ParameterError(f"{error}, or segmentation:ID#NUMBER") from None


@dataclass(frozen=True, slots=True)
class SegmentChoice:
    """A segment of a stored segmentation, by keys; without a number all of them."""

    segmentation: int
    number: int | None


def stored_segment(who: Grants, text: str, project: int | None) -> SegmentChoice | None:
    """What a text names: ``segmentation:ID``, ``segmentation:ID#NUMBER``, or ``segment:UID#NUMBER`` as recipes have it.

    Parameters
    ----------
    project
        Of the image: UIDs are unique within one.

    Raises
    ------
    ParameterError
        If it is meant as a segment by its UID, and is none.
    Instance.DoesNotExist
        If there is no segmentation of that UID that ``who`` may see.
    """
    stored = _STORED.fullmatch(text)
    if stored is not None:
        return SegmentChoice(int(stored[1]), None if stored[2] is None else int(stored[2]))
    if not names_segment(text):
        return None
    named = segment_of_text(text)
    return SegmentChoice(segmentation_named(who, named.sop_instance_uid, project), named.number)


def _regular(who: Grants, series_id: int, volume: int) -> Stack:
    stack = stack_of(who, series_id, volume)
    if stack.problem_code:
        raise ApiError(422, stack.problem_code, stack.problem_message)
    return stack


def _check_size(volume: Volume) -> None:
    if volume.array.size > MOST_VOXELS:
        words = (
            f"this volume has {volume.array.size:,} voxels: in more than {MOST_VOXELS:,} no region and no connected "
            "piece is looked for here; `voxelry measure` does it"
        )
        raise ApiError(422, "too_large", words)


@contextmanager
def _turn(who: Grants) -> Iterator[Progress]:
    """A turn, with a progress that raises when it took too long."""
    busy = "Too many volumes are being counted: try again in a minute."
    slow = f"counting took longer than {LONGEST_SECONDS:.0f} s: choose narrower limits or a smaller region"
    with turn_or_busy(_turns, who.user or 0, busy, patience=PATIENCE_SECONDS):
        yield deadline(LONGEST_SECONDS, slow)
