"""Series whose positions repeat: every voxel says which volume it belongs to, so that a mixed one is seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

import voxelry
from tests.dicom.reports import untimed
from voxelry.testing import synthetic_series

Numbering = Literal["by volume", "by position", "random at each position"]
Stamp = Callable[[int, int, Dataset], None]
"""Writes into the image of a volume at a position what it is told apart by."""


def write_repeats(
    folder: Path,
    volumes: int,
    stamp: Stamp,
    *,
    slices: int = 4,
    numbering: Numbering = "random at each position",
    modality: str = "MR",
    lost: Iterable[tuple[int, int]] = (),
    transfer_syntax: str = ExplicitVRLittleEndian,
) -> None:
    """The voxels of volume ``v`` at position ``z`` are ``100 * (v + 1) + z``; ``lost`` images are not there."""
    chance = random.Random(0)
    order = [(volume, place) for place in range(slices) for volume in chance.sample(range(volumes), volumes)]
    if numbering == "by volume":
        order.sort()
    elif numbering == "by position":
        order.sort(key=lambda item: (item[1], item[0]))
    order = [item for item in order if item not in set(lost)]

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        stamp(*order[k], dataset)

    pixels = np.stack([np.full((4, 4), 100 * (volume + 1) + place, np.uint16) for volume, place in order])
    offsets = tuple(3.0 * place for _, place in order)
    synthetic_series(
        folder, pixels=pixels, offsets=offsets, modality=modality, rescale=None, bits_stored=16, edit=edit,
        transfer_syntax=transfer_syntax, shuffled=True,
    )  # fmt: skip


def loaded(folder: Path) -> list[tuple[int, str]]:
    """Of each volume which one it is, and its label; none may be mixed."""
    found = []
    for volume in voxelry.load(folder).volumes:
        (number,) = {int(value) // 100 for value in np.unique(volume.array)}
        found.append((number, volume.label))
    return found


def numbers(folder: Path) -> list[int]:
    """Which volume each is, in the order given."""
    return [number for number, _ in loaded(folder)]


def refusals(folder: Path) -> list[str]:
    """Why files are in no volume, each reason once."""
    return sorted({str(problem) for problem in voxelry.load(folder).skipped.values()})
