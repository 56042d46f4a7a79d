"""What frames share is found once; it is what each says by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import FrameRow, headers_of, of_each, one_of_each, tiles_of_frame
from voxelry.dicom.grouping.piles import acquired, in_acquired_order
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.series import volume_kinds
from voxelry.dicom.series.stack import Stack
from voxelry.testing import synthetic_mosaics, synthetic_series


def stacks_of(folder: Path) -> tuple[Stack, ...]:
    return tuple(stack for series in voxelry.index(folder).series for stack in series.stacks)


@pytest.fixture
def mosaics(tmp_path: Path) -> tuple[Stack, ...]:
    synthetic_mosaics(tmp_path, volumes=4)
    return stacks_of(tmp_path)


def test_a_tile_is_its_image_but_for_place_and_facts(mosaics: tuple[Stack, ...]) -> None:
    given = mosaics[0].frames
    plain = Frame(given[0].header, 0, None, given[0].facts, ("said",), given[0].groups)
    tiles = [frame.tile for frame in given if frame.tile is not None]
    positions = [frame.position for frame in given if frame.position is not None]
    made = tiles_of_frame(plain, mosaics[1].frames[0].facts, tiles, positions)
    assert len(made) == len(given)
    for number, one in enumerate(made):
        wanted = Frame(
            plain.header, 0, positions[number], mosaics[1].frames[0].facts, ("said",), plain.groups,
            tile=tiles[number],
        )  # fmt: skip
        assert [getattr(one, each.name) for each in fields(Frame)] == [
            getattr(wanted, each.name) for each in fields(Frame)
        ]
    with pytest.raises(ValueError, match="positions"):
        tiles_of_frame(plain, plain.facts, tiles, positions[:-1])


@pytest.mark.parametrize("kind", ["single", "enhanced", "mosaics"])
def test_a_row_tells_what_its_frames_do(tmp_path: Path, kind: str) -> None:
    if kind == "mosaics":
        synthetic_mosaics(tmp_path, volumes=3)
    else:
        synthetic_series(tmp_path, frames="enhanced" if kind == "enhanced" else "single")
    frames = [frame for stack in stacks_of(tmp_path) for frame in reversed(stack.frames)]
    for given in (frames, FrameRow(frames)):
        assert list(one_of_each(given)) == list({id(frame.facts): frame for frame in frames}.values())
        assert headers_of(given) == list(dict.fromkeys(frame.header for frame in frames))
        assert of_each(given, lambda frame: frame.header.name) == [frame.header.name for frame in frames]


@pytest.mark.parametrize("same", [False, True])
def test_the_acquired_order_is_that_of_numbers(tmp_path: Path, same: bool) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.InstanceNumber = 7 if same else 9 - number

    synthetic_mosaics(tmp_path, volumes=4, edit=edit)
    frames = [frame for stack in stacks_of(tmp_path) for frame in stack.frames]
    mixed = frames[::2] + frames[1::2]
    assert in_acquired_order(mixed) == sorted(mixed, key=acquired)


class Recorder(Mapping[int, EncodedValue]):
    """Attributes that note which of them are asked for."""

    def __init__(self, encoded: Mapping[int, EncodedValue]) -> None:
        self.encoded, self.asked = encoded, set[int]()

    def __getitem__(self, tag: int) -> EncodedValue:
        self.asked.add(tag)
        return self.encoded[tag]

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("all attributes were asked for")

    def __len__(self) -> int:
        return len(self.encoded)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("kind", ["mosaics", "MR", "CT", "PT", "NM"])
def test_a_kind_is_known_by_all_that_it_is_made_of(tmp_path: Path, kind: str, bare: bool) -> None:
    """So that headers with these bytes are of one kind, whatever else differs."""
    asked: dict[str, Any] = {"rescale": None} if kind == "MR" else {}
    if kind == "mosaics":
        synthetic_mosaics(tmp_path)
    else:
        synthetic_series(tmp_path, modality=kind, **asked)
    stack = stacks_of(tmp_path)[0]
    elements = stack.frames[0].header.elements
    volume_kinds.kinds_of([stack])  # diffusion is known from here on
    assert elements.encoded is not None
    keep = (0x00080060, 0x00080008)
    encoded = {tag: one for tag, one in elements.encoded.items() if not bare or tag in keep}
    elements.encoded = recorder = Recorder(encoded)
    own = volume_kinds._kind_of(stack, directed=False)
    public = {tag for tag in recorder.asked if not tag >> 16 & 1}
    private = {tag >> 16 for tag in recorder.asked if tag >> 16 & 1}
    assert public <= set(volume_kinds._TAGS)
    assert private <= {group for group, _, _ in volume_kinds._PRIVATE}
    assert own == volume_kinds.kinds_of([stack])[0]


def test_volumes_that_differ_in_a_kind_are_of_two(tmp_path: Path) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        dataset.EchoTime, dataset.EchoNumbers = 10.0 + 5 * (number % 2), 1 + number % 2

    synthetic_mosaics(tmp_path, volumes=4, edit=edit)
    kinds = volume_kinds.kinds_of(stacks_of(tmp_path))
    assert sorted(kind.echo for kind in kinds) == [("1", "10")] * 2 + [("2", "15")] * 2
