"""What stands beside a NIfTI file: the JSON sidecar that says how its images were acquired, and its gradients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from voxelry.core.errors import ParameterError
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.emission import emission_fields
from voxelry.dicom.acquisition.scan_facts import scan_facts
from voxelry.dicom.series.slice_timing import simultaneous_slices, slice_times
from voxelry.dicom.series.volume_steps import VolumeSteps
from voxelry.formats.nifti.gradients import gradients_of
from voxelry.formats.nifti.sidecar import HeaderFacts, sidecar
from voxelry.formats.shared.options import text_option, yes_option
from voxelry.workflows.load.volume_batches import Batch

NIFTI = "nifti"
COMPANION_OPTIONS = ("sidecar", "gradients")
"""Options that the files beside a NIfTI file have, and not the file itself."""
GRADIENTS = ("fsl", "mrtrix", "none")
"""How b-values and directions are written: ``.bval`` and ``.bvec``, ``.b``, or not at all."""
_HEADER_KEYWORDS = frozenset({"TemporalResolution"})
"""Attributes that a NIfTI file holds itself; they alone are no reason to write a sidecar."""

Companions: TypeAlias = Callable[[Sequence[Volume], Batch], Iterator[tuple[str, str]]]
"""From the volumes of one file: what each companion's name ends in, in place of the file's suffix, and its text."""


def companions_wanted(options: Mapping[str, Value]) -> Companions:
    """What is to be written beside each file.

    Raises
    ------
    ParameterError
        If an option is none that there is: before anything is read.
    """
    with_sidecar = yes_option(options, "sidecar", True)
    reorient = text_option(options, "reorient")
    gradients = text_option(options, "gradients") or GRADIENTS[0]
    if gradients not in GRADIENTS:
        raise ParameterError(f"gradients are {', '.join(GRADIENTS)}, not {gradients!r}")

    def companions(volumes: Sequence[Volume], batch: Batch) -> Iterator[tuple[str, str]]:
        if with_sidecar and volumes[0].metadata.keys() - _HEADER_KEYWORDS:
            times = _slice_times(volumes, batch)
            steps = None if "time_step" in options else batch.steps
            emission = emission_fields([stack.frames for stack in batch.stacks]) if batch.stacks else {}
            told = sidecar(
                volumes,
                facts=_header_facts(batch, times),
                of_file=emission,
                slice_times=times,
                time_step=_repetition(steps, batch, options.get("time_step")),
                volume_times=() if steps is None or steps.seconds is not None or steps.of_cycle else steps.times,
                reorient=reorient,
            )
            yield ".json", json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        yield from _gradients(volumes, gradients, reorient)

    return companions


def _repetition(steps: VolumeSteps | None, batch: Batch, asked: Value) -> float | None:
    """What BIDS calls Repetition Time where headers tell it; 0 within a cycle, whose phases are no repetitions."""
    if isinstance(asked, int | float):
        return float(asked)
    if not batch.stacks:
        return None
    return 0.0 if steps is None or steps.of_cycle else steps.seconds or 0.0


def _gradients(volumes: Sequence[Volume], kind: str, reorient: str) -> Iterator[tuple[str, str]]:
    """b-values and directions of diffusion weighted volumes; FSL's need axes in the patient."""
    found = None if kind == "none" else gradients_of(volumes)
    if found is None:
        return
    geometry = volumes[0].geometry
    if kind == "mrtrix":
        yield ".b", found.mrtrix()
    elif geometry.placed:
        yield ".bval", found.bval()
        yield ".bvec", found.bvec(geometry, reorient=reorient)


def _slice_times(volumes: Sequence[Volume], batch: Batch) -> tuple[float, ...] | None:
    """Seconds, where the volumes' slices are those of the files still, and not made of them."""
    if not batch.stacks:
        return None
    for volume, stack in zip(volumes, batch.stacks, strict=True):
        if volume.instance_uids != tuple(frame.header.sop_instance_uid for frame in stack.frames):
            return None
    return slice_times(batch.stacks)


def _header_facts(batch: Batch, times: Sequence[float] | None) -> list[HeaderFacts]:
    """What the headers of each volume say beside its metadata."""
    bands = 1 if times is None else simultaneous_slices(times)
    counted: dict[str, Value] = {"MultibandAccelerationFactor": bands} if bands > 1 else {}
    found = []
    for one in scan_facts([stack.frames for stack in batch.stacks]):
        phase = one.phase_encoding
        direction = None if phase is None else phase.direction
        known = phase is not None and phase.positive is not None
        found.append(HeaderFacts(counted | one.fields, direction, known))
    return found
