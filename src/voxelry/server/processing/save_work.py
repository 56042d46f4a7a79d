"""Writing a segmentation that was drawn, in a child process, with the library's own writer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxelry.core.label_layers import LabelLayers, LayerPlace
from voxelry.core.progress import part
from voxelry.core.segmentation import Segmentation
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing.save_handover import SaveInputs
from voxelry.server.processing.step_handover import StepOutcome

if TYPE_CHECKING:
    from voxelry.core.volume import Volume
    from voxelry.server.processing.save_request import StoredDraft


def write_draft(run: Run) -> StepOutcome:
    """Write the draft as one DICOM segmentation below the run's folder, for `publish_results`.

    Raises
    ------
    VoxelryError
        If the image cannot be read any more, or DICOM cannot hold what was drawn.
    """
    # Imported here, because only child processes need them.
    from voxelry.server.processing.job_inputs import archived_stack
    from voxelry.server.processing.save_request import DRAFT, StoredDraft
    from voxelry.server.processing.written_segmentation import write_for_publishing

    inputs = SaveInputs.model_validate(run.inputs)
    stored = StoredDraft.model_validate_json(Path(inputs.given[DRAFT]).read_bytes())
    image = archived_stack(inputs.image, progress=part(run.progress, 0.0, 0.1))
    volume = image.load(part(run.progress, 0.1, 0.15))
    segmentation = _segmentation(stored, inputs.given, volume, run.folder / "layers")
    run.log(f"{len(segmentation.segments)} segments on {' x '.join(map(str, stored.grid.shape))}")
    return write_for_publishing(
        segmentation,
        image.stack,
        inputs,
        run,
        label=stored.draft.label,
        creator=stored.creator,
        description="drawn" if inputs.base is None else "edited",
    )


def _segmentation(stored: StoredDraft, given: dict[str, str], volume: Volume, folder: Path) -> Segmentation:
    """The draft as a value, its label maps mapped from files."""
    import numpy as np

    from voxelry.core.geometry import Geometry
    from voxelry.server.processing.label_stream import unpack_into
    from voxelry.server.processing.save_request import layer_name

    draft, grid = stored.draft, stored.grid
    folder.mkdir()
    dtype = np.dtype(draft.dtype)
    maps = tuple(
        unpack_into(Path(given[layer_name(number)]), folder / f"{number}.npy", grid.shape, dtype, number)
        for number in range(draft.layers)
    )
    places = {one.number: LayerPlace(one.layer, one.value) for one in draft.segments}
    geometry = None
    if grid.affine is not None:
        affine = np.array(grid.affine, np.float64)
        geometry = Geometry(
            shape=grid.shape, affine=affine, spacing=grid.spacing, frame_of_reference_uid=grid.space or None
        )
    return Segmentation(
        segments=sorted((one.segment for one in draft.segments), key=lambda segment: segment.number),
        layers=LabelLayers(maps, places),
        source=volume if geometry is None else None,
        geometry=geometry,
    )
