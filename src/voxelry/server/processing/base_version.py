"""Which state of a segmentation somebody edited: what If-Match names when the edited one is saved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from pydantic import TypeAdapter

from voxelry.core.errors import VoxelryError
from voxelry.dicom.write.header_bytes import new_uid
from voxelry.server.access.grants import Grants
from voxelry.server.archive import queries
from voxelry.server.archive.shown.segmentation_files import SegmentationRecord
from voxelry.server.archive.stored_segmentations import PreparedSegmentation
from voxelry.server.jobs import batches, job_queries
from voxelry.server.jobs.models import State
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Process

_record: TypeAdapter[SegmentationRecord] = TypeAdapter(SegmentationRecord)


@dataclass(frozen=True, slots=True)
class NewerSave:
    """A segmentation that was saved from another one, or is about to be.

    Attributes
    ----------
    segmentation
        The key of its instance; None while its job is not done.
    """

    process: int
    job: int
    segmentation: int | None


class BaseChangedError(VoxelryError):
    """Another segmentation was saved from the same one meanwhile, or that one is read differently now.

    Attributes
    ----------
    tag
        The entity tag of now.
    newer
        What was saved; None if nothing was.
    """

    code: ClassVar[str] = "precondition"

    def __init__(self, tag: str, newer: NewerSave | None) -> None:
        what = (
            "was read differently when it was prepared again"
            if newer is None
            else f"was saved by somebody else meanwhile (job {newer.job})"
        )
        super().__init__(
            f"The segmentation that this was edited from {what}: look at it, then save this beside it. "
            "Nothing was stored."
        )
        self.tag, self.newer = tag, newer


class NoConditionError(VoxelryError):
    """A base is named without its entity tag."""

    code: ClassVar[str] = "precondition_required"


def base_tag(prepared: PreparedSegmentation, newer: NewerSave | None) -> str:
    """The entity tag of a segmentation as a base: of all that is told of it, and of the latest save from it."""
    listed = prepared.listed
    told = b"" if prepared.record is None else _record.dump_json(prepared.record)
    digest = hashlib.sha256(listed.sop_instance_uid.encode() + b"\0" + told).hexdigest()[:20]
    return f'"{digest}-{0 if newer is None else newer.process}"'


def newer_save(base: int, who: Grants) -> NewerSave | None:
    """The latest save from a segmentation that is stored or under way; None if there is none."""
    of_base = process_queries.processes(who).filter(base=base)
    jobs = job_queries.jobs(who).filter(
        kind=process_queries.SAVE,
        subject__in=of_base.order_by().values("pk"),
        state__in=(*batches.OPEN, State.SUCCEEDED),
        in_trash=False,
    )
    for key, subject, state in jobs.order_by("-subject").values_list("pk", "subject", "state"):
        process = of_base.get(pk=subject)
        made = segmentation_of_process(process, who)
        if made is not None or state != State.SUCCEEDED:
            return NewerSave(process.pk, key, made)
    return None  # what was saved was deleted again


def made_uid(process: Process) -> str:
    """The SOP Instance UID of the segmentation that a process writes by its seed."""
    return new_uid(process.seed, "instance")


def segmentation_of_process(process: Process, who: Grants) -> int | None:
    """The key of the segmentation that a process wrote; None if it is not there."""
    rows = queries.instances(who).filter(project=process.project_id, sop_instance_uid=made_uid(process))
    return rows.values_list("pk", flat=True).first()
