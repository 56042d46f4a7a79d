"""All formats together: any to any; the contract's tests find what is wrong; the handbook knows every format."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voxelry.core.progress import Progress, silent
from voxelry.core.registry import format_named, formats
from voxelry.core.spacing import UNKNOWN
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats import nrrd
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, assert_same_volume, placed, unplaced, voxels

ROOT = Path(__file__).resolve().parents[2]
NAMES = [one.name for one in formats()]


@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(NAMES, 2)))
def test_from_any_to_any(first: str, second: str, tmp_path: Path) -> None:
    """Oblique, of either hand, several at once."""
    turn = np.radians(25)
    affine = AXIAL_LPS.copy()
    affine[:2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]] @ affine[:2]
    affine[:3, 0] *= -1
    wanted = [placed(voxels((2, 3, 4), "int16", seed), affine) for seed in range(2)]
    given: Sequence[Volume] = wanted
    for number, name in enumerate((first, second)):
        one = format_named(name)
        path = str(tmp_path / f"{number}{one.suffixes[0]}")
        one.write(given, path, options={})
        given = one.read(path)
    for volume, other in zip(given, wanted, strict=True):
        assert_same_volume(volume, other, rtol=2.4e-7)


# --- the contract bites -----------------------------------------------------------------------------------------------


class Liar:
    """NRRD, but for one thing that it does to what it reads."""

    name, suffixes, description = "liar", (".liar",), "for tests"

    def __init__(self, lie: Callable[[Volume], Volume]) -> None:
        self.lie = lie

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        return tuple(self.lie(volume) for volume in nrrd.FORMAT.read(path, progress=progress))

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        nrrd.FORMAT.write(volumes, path, options=options, progress=progress)


def shifted(volume: Volume) -> Volume:
    affine = np.array(volume.affine)
    affine[2, 3] += 1e-6
    return volume.with_geometry(replace(volume.geometry, affine=affine))


def mirrored(volume: Volume) -> Volume:
    affine = np.diag([-1.0, 1, 1, 1]) @ volume.geometry.known_affine
    return volume.with_geometry(replace(volume.geometry, affine=affine))


def swapped(volume: Volume) -> Volume:
    slices, rows, columns = volume.geometry.shape
    geometry = replace(volume.geometry, shape=(slices, columns, rows))
    return volume.with_geometry(geometry, array=volume.array.swapaxes(1, 2))


LIES: dict[str, Callable[[Volume], Volume]] = {
    "an axis is flipped": lambda volume: replace(volume, array=volume.array[:, ::-1]),
    "axes are swapped": swapped,
    "left is right": mirrored,
    "the place is a little off": shifted,
    "the dtype is wider": lambda volume: replace(volume, array=volume.array.astype(np.float64)),
    "place and spacing are forgotten": lambda volume: unplaced(volume, UNKNOWN),
    "the place is forgotten": lambda volume: unplaced(volume, volume.spacing),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_contract_finds_a_lie(lie: str) -> None:
    class LyingTests(FormatTests):
        format = Liar(LIES[lie])
        suffix = ".liar"

    class HonestTests(FormatTests):
        format = Liar(lambda volume: volume)
        suffix = ".liar"

    volume = placed(voxels((2, 3, 4), "int16"))
    HonestTests().check(volume)
    with pytest.raises(AssertionError):
        LyingTests().check(volume)


def test_the_contract_wants_words(tmp_path: Path) -> None:
    class Silent(Liar):
        def write(
            self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
        ) -> None:
            Path(path).write_bytes(b"")

    class SilentTests(FormatTests):
        format = Silent(lambda volume: volume)
        suffix = ".liar"

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        SilentTests().check_refused(placed(voxels((2, 3, 4), "int16")))


def test_the_handbook_knows_every_format() -> None:
    page = (ROOT / "docs/reference/formats.md").read_text("utf-8")
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")}
    for one in formats():
        assert all(f"`{suffix}`" in rows[one.name] for suffix in one.suffixes), one.name
