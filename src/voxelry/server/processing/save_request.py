"""Requests to save a segmentation that was drawn: checked, and kept on disk, before a job is queued."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from pydantic import BaseModel, ConfigDict

from voxelry.core.errors import FrameOfReferenceError, UnplacedError
from voxelry.core.frame_of_reference import CONFIRM
from voxelry.server.access.conditional import is_matched
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.shown.segmentation_files import SegmentationRecord
from voxelry.server.archive.stored_segmentations import PreparedSegmentation, prepared_segmentation, shown_segmentation
from voxelry.server.jobs.models import Job
from voxelry.server.processing import process_queries
from voxelry.server.processing.base_version import BaseChangedError, NoConditionError, base_tag, newer_save
from voxelry.server.processing.draft import Draft
from voxelry.server.processing.given_request import request_with_files
from voxelry.server.processing.request_errors import InputError
from voxelry.server.processing.step_request import ChosenVolume, project_of_stacks, volumes_to_read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DRAFT = "segmentation.json"
"""The name of the given file that holds a `StoredDraft`."""


class DraftGrid(BaseModel):
    """The grid that a draft lies on.

    Attributes
    ----------
    affine
        None for the image's own.
    space
        The Frame of Reference UID; empty if unknown.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    shape: tuple[int, int, int]
    affine: list[list[float]] | None = None
    spacing: tuple[float | None, float | None, float | None] = (None, None, None)
    space: str = ""


class StoredDraft(BaseModel):
    """A draft as it waits for its job, its grid, and the name of who drew it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    draft: Draft
    grid: DraftGrid
    creator: str


def layer_name(layer: int) -> str:
    """The name of the given file that holds a label map."""
    return f"layer{layer}"


def grid_of_draft(draft: Draft, who: Grants, *, if_match: str | None) -> DraftGrid:
    """The grid that a draft lies on, after all checks that need no voxel.

    Raises
    ------
    NoConditionError, BaseChangedError
        If the base is named without its entity tag, or with an old one.
    Instance.DoesNotExist
        If there is no such base.
    FrameOfReferenceError, InputError, UnplacedError, NoSeriesError, NotReadyError, RoleError
        If base and image do not fit, or the image cannot be drawn over.
    """
    with transaction.atomic():
        (stack,) = volumes_to_read([ChosenVolume(draft.series, draft.volume)], who)
        project_of_stacks([stack], who)
        slices, rows, columns = stack.shape[:3]
        image = DraftGrid(shape=(slices, rows, columns))
        if draft.base is None:
            return image
        prepared = prepared_segmentation(who, draft.base)
        _check_condition(draft.base, prepared, who, if_match)
        record = shown_segmentation(who, draft.base)[1]
        _check_base(draft, prepared, record, stack, who)
    if draft.grid == "image":
        return image
    slices, rows, columns = record.shape
    space = "" if prepared.listed.summary is None else prepared.listed.summary.space
    return DraftGrid(shape=(slices, rows, columns), affine=record.affine, spacing=record.spacing, space=space)


def request_save(
    draft: Draft,
    layers: Sequence[Path],
    *,
    grid: DraftGrid,
    creator: str,
    who: Grants,
    requested_by: User | None,
    if_match: str | None,
) -> Job:
    """Keep a draft whose label maps were checked, and queue the job that writes it. When this returns, all is on disk.

    Raises
    ------
    VoxelryError
        As `grid_of_draft`; what that found may have changed meanwhile.
    """

    def check_base() -> None:
        if draft.base is not None:  # two that save from one base come here one after the other
            queries.instances(who).select_for_update(of=("self",)).get(pk=draft.base)
            _check_condition(draft.base, prepared_segmentation(who, draft.base), who, if_match)

    return request_with_files(
        process_queries.SAVE,
        ChosenVolume(draft.series, draft.volume),
        {layer_name(number): path for number, path in enumerate(layers)},
        (DRAFT, StoredDraft(draft=draft, grid=grid, creator=creator)),
        params=draft.params,
        same_frame_of_reference=draft.same_frame_of_reference,
        base=draft.base,
        check=check_base,
        who=who,
        requested_by=requested_by,
    )


def _check_condition(base: int, prepared: PreparedSegmentation, who: Grants, if_match: str | None) -> None:
    if if_match is None:
        raise NoConditionError(
            "base names the segmentation that was edited: send its ETag in If-Match, so that what somebody else saved "
            "meanwhile is not overlooked"
        )
    newer = newer_save(base, who)
    tag = base_tag(prepared, newer)
    if not is_matched(if_match, tag):
        raise BaseChangedError(tag, newer)


def _check_base(
    draft: Draft, prepared: PreparedSegmentation, record: SegmentationRecord, stack: Stack, who: Grants
) -> None:
    """Refuse a base that does not lie where the image lies, or whose series the new segmentation cannot join."""
    base = prepared.listed
    image = queries.series(who).select_related("study").get(pk=draft.series)
    other = queries.series(who).select_related("study").get(pk=base.series)
    if other.study.patient_id != image.study.patient_id:
        raise InputError("the segmentation that was edited is of another patient than the image")
    own = "" if base.summary is None else base.summary.space
    space = str(stack.metadata.get("FrameOfReferenceUID") or "")
    if own and space and own != space:
        raise FrameOfReferenceError(
            "the segmentation that was edited lies in another frame of reference than the image"
        )
    if not (own and space) and not draft.same_frame_of_reference:
        raise FrameOfReferenceError(
            f"nothing says that the image and the segmentation that was edited lie in one frame of reference; {CONFIRM}"
        )
    if draft.grid == "base" and record.affine is None:
        raise UnplacedError("the segmentation that was edited has no place in the patient: draw on the image's grid")
    if draft.series_choice == "base":
        _check_series(base.kind, image, other, own, space)


def _check_series(kind: str, image: Series, other: Series, own: str, space: str) -> None:
    if kind != "SEG":
        raise InputError("a segmentation cannot join the series of a structure set: choose a new series")
    if other.study_id != image.study_id:
        raise InputError("the segmentation that was edited belongs to another study: choose a new series")
    if own != space:
        raise InputError("a series has one frame of reference, which the image does not name: choose a new series")
