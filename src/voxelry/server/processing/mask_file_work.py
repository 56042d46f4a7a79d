"""Reading a mask that another program made, in a child process, and writing it as a segmentation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from voxelry.core.progress import part
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing.save_handover import SaveInputs
from voxelry.server.processing.step_handover import StepOutcome


def write_mask_file(run: Run) -> StepOutcome:
    """Read the file by the library's own readers, and write it by patient position below the run's folder.

    Raises
    ------
    VoxelryError
        If it holds no labels, has no place in the patient, or lies nowhere near the image.
    """
    # Imported here, because only child processes need them.
    from voxelry.core.frame_of_reference import check_one_frame_of_reference
    from voxelry.server.processing.job_inputs import archived_stack
    from voxelry.server.processing.mask_file_request import MASK, TOLD, MaskFile
    from voxelry.server.processing.placed_on_image import placed_on_image
    from voxelry.server.processing.written_segmentation import write_for_publishing
    from voxelry.workflows.load.load_structures import load_segmentation

    inputs = SaveInputs.model_validate(run.inputs)
    told = MaskFile.model_validate_json(Path(inputs.given[TOLD]).read_bytes())
    image = archived_stack(inputs.image, progress=part(run.progress, 0.0, 0.05))
    volume = image.load(part(run.progress, 0.05, 0.1))
    path = _alone(Path(inputs.given[MASK]), run.folder / "given", f"mask{told.suffix}")
    read = load_segmentation(path, progress=part(run.progress, 0.1, 0.2))
    check_one_frame_of_reference([volume, read.source], confirmed=inputs.same_frame_of_reference)
    placed = placed_on_image(read, volume, threshold=told.threshold)
    run.log(f"{len(placed.segments)} segments on {' x '.join(map(str, placed.geometry.shape))}")
    return write_for_publishing(
        placed,
        image.stack,
        inputs,
        run,
        label=told.label or "Segmentation",
        creator=told.creator,
        description=_description(read.fractional_type is not None, told.threshold),
    )


def _description(is_fractional: bool, threshold: float) -> str:
    return "read from a file of another program" + (f": fractions above {threshold:g}" if is_fractional else "")


def _alone(path: Path, folder: Path, name: str) -> Path:
    """A file under a name in a folder of its own: headers that name other files find none there."""
    folder.mkdir()
    try:
        os.link(path, folder / name)
    except OSError:  # the file system has no links
        shutil.copyfile(path, folder / name)
    return folder / name
