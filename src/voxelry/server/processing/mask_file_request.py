"""Requests to read a mask that another program made: one file, which becomes a segmentation of an image's study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from voxelry.core.errors import FormatError
from voxelry.server.access.grants import Grants
from voxelry.server.archive.shown.segmentation_files import FRACTION
from voxelry.server.jobs.models import Job
from voxelry.server.processing import process_queries
from voxelry.server.processing.given_request import request_with_files
from voxelry.server.processing.step_request import ChosenVolume

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MASK, TOLD = "mask", "mask.json"
"""The names of the given files that hold the mask, and a `MaskFile`."""
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".dcm")
"""Of what may be sent: one file that names no other."""


class MaskFile(BaseModel):
    """What is told of a mask's file: how its name ends, what the segmentation is called, and who sent it.

    Attributes
    ----------
    threshold
        From 0 to 1: of fractions, the voxels above it are stored.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    suffix: str
    label: str
    creator: str
    threshold: float = FRACTION


def request_mask_file(
    path: Path,
    image: ChosenVolume,
    *,
    name: str,
    label: str,
    creator: str,
    threshold: float = FRACTION,
    same_frame_of_reference: bool,
    who: Grants,
    requested_by: User | None,
) -> Job:
    """Keep the file, which is moved, and queue the job that reads it. When this returns, it is on disk.

    Parameters
    ----------
    name
        As its sender gave it, of which only the end counts: the rest may be a patient's name.
    threshold
        Of fractional segmentations, which DICOM alone has: the voxels whose fraction lies above it are stored.

    Raises
    ------
    FormatError
        If the name does not end as one of `SUFFIXES`.
    VoxelryError
        As `request_with_files`.
    """
    suffix = suffix_of(name)
    return request_with_files(
        process_queries.READ,
        image,
        {MASK: path},
        (TOLD, MaskFile(suffix=suffix, label=label, creator=creator, threshold=threshold)),
        params={"label": label, "format": suffix, **({"threshold": threshold} if suffix == ".dcm" else {})},
        same_frame_of_reference=same_frame_of_reference,
        who=who,
        requested_by=requested_by,
    )


def suffix_of(name: str) -> str:
    """How the name of a file that may be sent ends; a name without a dot is that of DICOM.

    Raises
    ------
    FormatError
        If it ends otherwise.
    """
    found = next((one for one in SUFFIXES if name.lower().endswith(one)), "" if "." in name else ".dcm")
    if not found:
        raise FormatError(
            "masks are read from NIfTI (.nii, .nii.gz), NRRD (.nrrd, .seg.nrrd), MetaImage (.mha) and DICOM "
            "segmentations (.dcm); convert others first"
        )
    return found
