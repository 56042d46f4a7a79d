"""Stored segmentations and structure sets, to be laid over images: which there are, and what is prepared of them.

Nothing is read from DICOM here: the build of their series has prepared it (`make_segmentations`). A series that an
earlier version built has nothing prepared; it is built again when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from django.db import transaction
from django.db.models import Q

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.geometry import Geometry
from voxelry.core.label_layers import LabelLayers, LayerPlace
from voxelry.core.segmentation import TISSUE, AlgorithmType, Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.dicom.objects.structure_sets import STRUCTURE_SET
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.held import held
from voxelry.server.archive.make_segmentations import SHOWN_AS_SEGMENTS
from voxelry.server.archive.models import Instance, Series
from voxelry.server.archive.shown.segmentation_files import (
    FOLDER,
    SegmentationRecord,
    SegmentationSource,
    SegmentationSummary,
    StoredSegment,
    layer_values,
    read_record,
    read_summaries,
)
from voxelry.server.jobs.models import State
from voxelry.workflows.load.loading import as_error

MOST_LISTED = 1000
PreparedState: TypeAlias = Literal["ready", "building"]
_OPEN = (State.QUEUED, State.RUNNING)


class BeingPreparedError(VoxelryError):
    """What is asked for is made by a job that has not ended yet."""

    code: ClassVar[str] = "not_ready"


@dataclass(frozen=True, slots=True)
class ListedSegmentation:
    """A segmentation that somebody may see.

    Attributes
    ----------
    id
        The key of its instance.
    version
        Of what is prepared; empty if nothing is.
    state
        Whether a job is about to prepare it.
    problem
        Why it cannot be shown.
    summary
        What the build found; None if there was none.
    """

    id: int
    series: int
    series_uid: str
    sop_instance_uid: str
    study: int
    version: str
    kind: SegmentationSource
    state: PreparedState
    problem: Problem | None
    summary: SegmentationSummary | None

    @property
    def folder(self) -> Path:
        """Of its prepared files."""
        return files_at_rest.stacks_folder(self.series) / self.version / FOLDER / str(self.id)


@dataclass(frozen=True, slots=True)
class PreparedSegmentation:
    """A segmentation with all that is told of it; ``record`` is None if nothing is prepared."""

    listed: ListedSegmentation
    record: SegmentationRecord | None


def segmentations_of_study(who: Grants, study: int) -> list[ListedSegmentation]:
    """The segmentations and structure sets of a study, by series; begins the jobs that are to prepare them.

    At most `MOST_LISTED`.
    """
    return _begun(who, held(who, ("segmentations", study), lambda: _listed(who, Q(series__study=study))))


def segmentations_of_other_studies(who: Grants, study: int, space: str) -> list[ListedSegmentation]:
    """Those of a patient's other studies in the same project that lie in a frame of reference, by study and series.

    Parameters
    ----------
    space
        The Frame of Reference UID; in an unknown one nothing lies.
    """
    if not space:
        return []
    patient = Q(series__study__patient__studies=study) & ~Q(series__study=study)
    others = _begun(who, held(who, ("segmentations of other studies", study), lambda: _listed(who, patient)))
    return [one for one in others if one.summary is not None and one.summary.space == space]


def listed_segmentation(who: Grants, key: int) -> ListedSegmentation:
    """One by the key of its instance; begins the job that is to prepare it.

    Raises
    ------
    Instance.DoesNotExist
        If there is none that ``who`` may see.
    """
    found = _begun(who, held(who, ("segmentation", key), lambda: _listed(who, Q(pk=key))))
    if not found:
        raise Instance.DoesNotExist
    return found[0]


def segmentation_named(who: Grants, sop_instance_uid: str, project: int | None) -> int:
    """The key of a segmentation of a project by its SOP Instance UID.

    Raises
    ------
    Instance.DoesNotExist
        If there is none that ``who`` may see.
    """
    rows = queries.instances(who).filter(series__project=project, sop_class_uid__in=SHOWN_AS_SEGMENTS)
    return int(rows.values_list("pk", flat=True).get(sop_instance_uid=sop_instance_uid))


def prepared_segmentation(who: Grants, key: int) -> PreparedSegmentation:
    """One with all that is told of it.

    Raises
    ------
    Instance.DoesNotExist
        If there is none that ``who`` may see.
    BeingPreparedError
        If its files are being exchanged.
    """
    listed = listed_segmentation(who, key)
    if listed.summary is None:
        return PreparedSegmentation(listed, None)
    try:
        return held(who, ("prepared", key), lambda: PreparedSegmentation(listed, read_record(listed.folder)))
    except FileNotFoundError:  # another build has taken its place meanwhile
        raise BeingPreparedError("This segmentation is being prepared again; try again in a moment.") from None


def shown_segmentation(who: Grants, key: int) -> tuple[ListedSegmentation, SegmentationRecord]:
    """One that has label maps, which those without a place have too.

    Raises
    ------
    Instance.DoesNotExist
        If there is none that ``who`` may see.
    BeingPreparedError
        If a job is about to prepare it.
    VoxelryError
        The problem for which it cannot be shown.
    """
    found = prepared_segmentation(who, key)
    if found.record is not None and found.record.layers:
        return found.listed, found.record
    if found.listed.problem is not None:
        raise as_error(found.listed.problem)
    raise BeingPreparedError("This segmentation is being prepared; try again when the job of its series is done.")


def segmentation_of(who: Grants, key: int) -> Segmentation:
    """A stored segmentation as a value, its label maps mapped from the disk; of fractions what lies above a half.

    Raises
    ------
    Instance.DoesNotExist
        If there is none that ``who`` may see.
    BeingPreparedError
        If a job is about to prepare it.
    VoxelryError
        The problem for which it cannot be shown.
    """
    listed, record = shown_segmentation(who, key)
    geometry = geometry_of(listed, record)
    labels = tuple(layer_values(listed.folder, layer) for layer in range(record.layers))
    return Segmentation(
        segments=[_segment(one) for one in record.segments],
        layers=LabelLayers(labels, {one.number: LayerPlace(one.layer, one.value) for one in record.segments}),
        source=Volume(array=labels[0], geometry=geometry, metadata={"SeriesInstanceUID": listed.series_uid}),
        recipe=record.recipe,
        warnings=record.warnings,
    )


def geometry_of(listed: ListedSegmentation, record: SegmentationRecord) -> Geometry:
    """The grid of a segmentation."""
    slices, rows, columns = record.shape
    space = "" if listed.summary is None else listed.summary.space
    affine = None if record.affine is None else np.array(record.affine, np.float64)
    return Geometry(
        shape=(slices, rows, columns), affine=affine, spacing=record.spacing, frame_of_reference_uid=space or None
    )


def _segment(stored: StoredSegment) -> Segment:
    kinds: dict[str, AlgorithmType] = {"SEMIAUTOMATIC": "SEMIAUTOMATIC", "MANUAL": "MANUAL"}
    red, green, blue = bytes.fromhex(stored.colour[1:])
    return Segment(
        number=stored.number,
        label=stored.label,
        category=stored.category or TISSUE,
        type=stored.type or TISSUE,
        algorithm=stored.algorithm,
        algorithm_type=kinds.get(stored.algorithm_type, "AUTOMATIC"),
        type_modifier=stored.type_modifier,
        anatomic_region=stored.anatomic_region,
        region_modifier=stored.region_modifier,
        colour=(red, green, blue),
    )


# --- what is listed, and what has to be made ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    listed: tuple[ListedSegmentation, ...]
    unmade: tuple[int, ...]
    """Series that a job has to build."""


def _listed(who: Grants, chosen: Q) -> _Found:
    rows = queries.instances(who).filter(chosen, sop_class_uid__in=SHOWN_AS_SEGMENTS)
    rows = rows.select_related("series__job").defer("series__metadata", "series__report")
    summaries: dict[int, Mapping[int, SegmentationSummary] | None] = {}
    listed, unmade = [], []
    for row in rows.order_by("series__study", "series__number", "series", "number", "pk")[:MOST_LISTED]:
        series = row.series
        if series.pk not in summaries:
            build = files_at_rest.stacks_folder(series.pk) / series.folder
            summaries[series.pk] = read_summaries(build) if series.folder else None
            if summaries[series.pk] is None and _is_to_build(series):
                unmade.append(series.pk)
        listed.append(_one(row, summaries[series.pk], is_unmade=series.pk in unmade))
    return _Found(tuple(listed), tuple(unmade))


def _is_to_build(series: Series) -> bool:
    """Whether nobody has tried: no job waits, and none has failed or was stopped."""
    return series.job is None or series.job.state == State.SUCCEEDED


def _one(row: Instance, summaries: Mapping[int, SegmentationSummary] | None, *, is_unmade: bool) -> ListedSegmentation:
    series = row.series
    summary = None if summaries is None else summaries.get(row.pk)
    problem: Problem | None = None
    state: PreparedState = "ready"
    if summary is not None:
        problem = Problem(summary.problem_code, summary.problem_message) if summary.problem_code else None
    elif is_unmade or (series.job is not None and series.job.state in _OPEN):
        state = "building"
    else:
        words = "the job that should have prepared it did not succeed: run the job of its series again"
        problem = Problem(series.problem_code or "not_prepared", series.problem_message or words)
    return ListedSegmentation(
        id=row.pk,
        series=series.pk,
        series_uid=series.series_instance_uid,
        sop_instance_uid=row.sop_instance_uid,
        study=series.study_id,
        version="" if summary is None else series.folder,
        kind="RTSTRUCT" if row.sop_class_uid == STRUCTURE_SET else "SEG",
        state=state,
        problem=problem,
        summary=summary,
    )


def _begun(who: Grants, found: _Found) -> list[ListedSegmentation]:
    """What was found, after the jobs have begun that it needs."""
    if found.unmade:
        with transaction.atomic():
            for series in queries.series(who).filter(pk__in=found.unmade).order_by("pk"):
                submit_build(series)
    return list(found.listed)
