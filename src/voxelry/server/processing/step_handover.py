"""What `read_inputs`, `do_step` and `publish_results` hand over, as JSON: the step runs in a child process.

The keys stay, so that a worker can read what the version before wrote.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue

from voxelry.server.archive.source_images import Original


class _Handover(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class InputVolume(_Handover):
    """A volume of the archive that a step is done on.

    Attributes
    ----------
    volume
        The file that holds its decoded values, if there is one.
    index, label, shape
        Of its stack: the position in the series, the name, and the shape ``(slice, row, column)``.
    instances
        The originals of its series, in order.
    source_images
        The originals of the series that its segmentations refer to, by Series Instance UID.
    """

    volume: str
    index: int
    label: str
    shape: tuple[int, ...]
    warnings: tuple[str, ...]
    instances: tuple[Original, ...]
    source_images: dict[str, tuple[Original, ...]]


class InputSegment(_Handover):
    """A segment of a stored segmentation, in which a step counts.

    Attributes
    ----------
    folder, layer, value
        Where its label map is, and its voxels' value there.
    box
        The first index of each axis, and the one after the last; None if it has no voxel.
    shape, affine, spacing, space
        The grid of the segmentation, and its Frame of Reference UID; empty if that is unknown.
    series
        The Series Instance UID of the segmentation.
    """

    folder: str
    layer: int
    value: int
    number: int
    box: tuple[tuple[int, int, int], tuple[int, int, int]] | None
    shape: tuple[int, int, int]
    affine: list[list[float]] | None
    spacing: tuple[float | None, float | None, float | None]
    space: str
    series: str


class StepInputs(_Handover):
    """The step, its parameters and its inputs: volumes, or all that lies in ``in_dir``.

    Attributes
    ----------
    region
        The segment that the parameter ``within`` names.
    seed, created
        Of the DICOM that is written: the same however often the step is run.
    """

    job_name: str
    step: str
    params: dict[str, JsonValue]
    in_dir: str
    same_frame_of_reference: bool
    seed: str
    created: datetime
    inputs: tuple[InputVolume, ...]
    region: InputSegment | None = None


class WrittenFile(_Handover):
    """A file below the run's folder; ``path`` is relative to it."""

    path: str
    sha256: str
    size: int


class NamedFile(WrittenFile):
    """A file that is kept under a name."""

    name: str


class StepOutcome(_Handover):
    """What a step gave: instances as they will be stored, other files, rows and warnings."""

    instances: tuple[WrittenFile, ...]
    files: tuple[NamedFile, ...]
    rows: tuple[dict[str, JsonValue], ...]
    warnings: tuple[str, ...]
