"""Mosaics that are separated by two of their tiles give the same stacks as all tiles do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.grouping import split
from voxelry.dicom.grouping.tiled_piles import piles_of_mosaics
from voxelry.testing import synthetic_grids, synthetic_mosaics

Edit = Callable[[int, Dataset], None]


def echoes(number: int, dataset: Dataset) -> None:
    dataset.EchoTime, dataset.AcquisitionNumber = f"{10 + 5 * (number % 2)}", number // 2 + 1


def b_values(number: int, dataset: Dataset) -> None:
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", str(1000 * (number > 1)))
    if number > 1:
        block.add_new(0x0E, "FD", [1.0, 0.0, 0.0] if number % 2 else [0.0, 0.6, 0.8])


def alike(_: int, dataset: Dataset) -> None:
    """Nothing but the order of numbers tells the images apart."""
    dataset.AcquisitionNumber, dataset.AcquisitionTime, dataset.ContentTime = 1, "100000", "100000"


def circumstances(number: int, dataset: Dataset) -> None:
    alike(number, dataset)
    dataset.SequenceName = f"ep_{number}"


def copies(number: int, dataset: Dataset) -> None:
    circumstances(number, dataset)
    dataset.PixelData = bytes(len(dataset.PixelData))


def moved(number: int, dataset: Dataset) -> None:
    dataset.ImagePositionPatient = [f"{float(value) + 0.5 * number:.6f}" for value in dataset.ImagePositionPatient]


def smaller(number: int, dataset: Dataset) -> None:
    if number == 0:
        dataset.SeriesDescription = "another"
        dataset.FrameOfReferenceUID = "1.2.3"


def told(folder: Path) -> list[object]:
    [series] = voxelry.index(folder).series
    return [
        (
            stack.label, stack.problems, stack.pile.separation, stack.pile.confirmed_by, stack.pile.group,
            [(frame.header.name, frame.position, frame.tile) for frame in stack.frames],
            [(frame.header.name, frame.position, frame.tile) for frame in stack.pile.duplicates],
        )
        for stack in series.stacks
    ]  # fmt: skip


@pytest.mark.parametrize("make", [synthetic_mosaics, synthetic_grids])
@pytest.mark.parametrize("against_normal", [False, True])
@pytest.mark.parametrize("edit", [None, echoes, b_values, alike, circumstances, copies, moved, smaller])
def test_the_same_stacks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[..., object],
    against_normal: bool,
    edit: Edit | None,
) -> None:
    make(tmp_path, volumes=4, slices=7, rows=4, columns=6, against_normal=against_normal, edit=edit)
    by_two = told(tmp_path)
    monkeypatch.setattr(split, "piles_of_mosaics", lambda *_: None)
    assert by_two == told(tmp_path)


@pytest.mark.parametrize(("edit", "short"), [(None, True), (echoes, True), (b_values, True), (copies, False)])
def test_pixels_are_asked_of_all_tiles(tmp_path: Path, edit: Edit | None, short: bool) -> None:
    """The short way is taken where headers tell volumes apart, and only there."""
    synthetic_mosaics(tmp_path, volumes=4, slices=7, rows=4, columns=6, edit=edit)
    [series] = voxelry.index(tmp_path).series
    frames: list[Frame] = [frame for stack in series.stacks for frame in stack.frames]
    frames += [frame for stack in series.stacks for frame in stack.pile.duplicates]
    piles = piles_of_mosaics(frames, lambda some: split.place(some, voxelry.Tolerances()))
    assert (piles is not None) is short
