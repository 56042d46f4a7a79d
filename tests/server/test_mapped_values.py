"""Mapped volumes are kept, and never taken for others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxelry.server.archive.shown.mapped_values import MOST_MAPPED, mapped_values


def written(path: Path, value: int) -> Path:
    """A file of three values, put in the place of another one as builds do."""
    aside = path.with_suffix(".part.npy")
    np.save(aside, np.full(3, value, np.int16))
    return aside.replace(path)


def test_a_file_is_mapped_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a.npy", 5)
    first = mapped_values(path)
    assert first.tolist() == [5, 5, 5]
    assert not first.flags.writeable
    assert mapped_values(path) is first


def test_a_file_in_the_place_of_another_is_mapped_anew(tmp_path: Path) -> None:
    path = written(tmp_path / "a.npy", 5)
    first = mapped_values(path)
    written(path, 6)
    assert mapped_values(path).tolist() == [6, 6, 6]
    assert first.tolist() == [5, 5, 5]


def test_a_file_that_is_gone_is_let_go(tmp_path: Path) -> None:
    path = written(tmp_path / "a.npy", 5)
    first = mapped_values(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        mapped_values(path)
    assert mapped_values(written(path, 5)) is not first


def test_only_a_few_files_are_mapped(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{number}.npy", number) for number in range(MOST_MAPPED + 1)]
    maps = [mapped_values(path) for path in paths]
    assert mapped_values(paths[-1]) is maps[-1]
    assert mapped_values(paths[0]) is not maps[0]
