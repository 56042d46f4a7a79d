"""A segmentation as the file of a job's result: its series, its source images, and what it came from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voxelry.core.geometry import Geometry
from voxelry.core.progress import part
from voxelry.core.segmentation import Segmentation
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.objects.segmentation_origin import SegmentationOrigin
from voxelry.dicom.series.stack import Stack
from voxelry.server.archive.at_rest import files_at_rest, holdings
from voxelry.server.archive.at_rest.flushing import sync_tree
from voxelry.server.archive.source_images import grouped_images
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing.result_files import written_file
from voxelry.server.processing.save_handover import BaseInput, SaveInputs
from voxelry.server.processing.step_handover import StepOutcome

_OFF = 0.01
"""In voxels: how far a slice may lie beside one of the grid."""


def write_for_publishing(
    segmentation: Segmentation,
    image: Stack,
    inputs: SaveInputs,
    run: Run,
    *,
    label: str,
    creator: str,
    description: str,
) -> StepOutcome:
    """Write a segmentation over an image; what `publish_results` stores of it."""
    base = None if inputs.base is None else _header(inputs.base)
    stacks = [image, *_others(segmentation, image, inputs.base)]
    folder = run.folder / "0001"
    folder.mkdir()
    written = write_segmentation(
        segmentation,
        stacks,
        folder / "segmentation.dcm",
        description=description,
        series_description=label,
        seed=inputs.seed,
        created=inputs.created.replace(tzinfo=None),
        same_frame_of_reference=inputs.same_frame_of_reference,
        origin=SegmentationOrigin(
            creator=creator,
            edited=base,
            instance_number=1 if inputs.base is None else inputs.base.instance_number or 1,
            same_series=inputs.base is not None and inputs.base.instance_number is not None,
        ),
        progress=part(run.progress, 0.2, 0.98),
    )
    sync_tree(folder)
    warnings = tuple(dict.fromkeys((*inputs.warnings, *segmentation.warnings, *written.warnings)))
    for words in warnings:
        run.log(words)
    outcome = StepOutcome(
        instances=tuple(written_file(path, run.folder) for path in written.paths), files=(), rows=(), warnings=warnings
    )
    files_at_rest.send_ahead({holdings.stored_name(file.sha256): run.folder / file.path for file in outcome.instances})
    return outcome


def _header(base: BaseInput) -> Header:
    sha256, name, size = base.original
    files_at_rest.bring([sha256])
    return read_header(files_at_rest.kept_source(sha256, name=name, size=size))


def _others(segmentation: Segmentation, image: Stack, base: BaseInput | None) -> Iterator[Stack]:
    """Images that the edited segmentation was made from, as far as slices of the new one lie on them."""
    if base is None:
        return
    own = image.headers[0]
    for series in grouped_images(base.images):
        if series.series_instance_uid != own.series_instance_uid:
            yield from (stack for stack in series.stacks if _is_below(stack, segmentation.geometry, own))


def _is_below(stack: Stack, grid: Geometry, image: Header) -> bool:
    """Whether the first slice of a stack lies on one of a grid, pixel by pixel."""
    if stack.headers[0].study_instance_uid != image.study_instance_uid or stack.shape[1:3] != grid.shape[1:3]:
        return False
    if not (stack.regular and stack.geometry.placed and grid.placed):
        return False
    first = grid.lps_to_index(stack.geometry.index_to_lps((0, 0, 0)))
    return bool(np.abs(first - np.round(first)).max() < _OFF and np.abs(first[1:]).max() < _OFF)
