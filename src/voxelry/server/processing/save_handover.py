"""What the jobs that write segmentations hand over, as JSON: the work runs in a child process.

The keys stay, so that a worker can read what the version before wrote.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from voxelry.server.archive.source_images import Original
from voxelry.server.processing.step_handover import InputVolume


class BaseInput(BaseModel):
    """The segmentation that was edited.

    Attributes
    ----------
    images
        The originals of the series that it refers to, by Series Instance UID.
    instance_number
        Of the next instance of its series; None if the new segmentation does not join that.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    original: Original
    images: dict[str, tuple[Original, ...]]
    instance_number: int | None


class SaveInputs(BaseModel):
    """A draft, or a file that holds a segmentation, and the image.

    Attributes
    ----------
    given
        The paths of the files that came, by name.
    seed, created
        Of the DICOM that is written: the same however often the job is done.
    warnings
        What is to be told beside the work's own.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    given: dict[str, str]
    image: InputVolume
    base: BaseInput | None
    same_frame_of_reference: bool
    seed: str
    created: datetime
    warnings: tuple[str, ...]
