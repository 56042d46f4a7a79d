"""Files, folders and archives: what is refused is named, and nothing else is lost."""

from __future__ import annotations

import os
import resource
import struct
import zipfile
from pathlib import Path

import pytest

import voxelry
from voxelry.core.errors import NothingFoundError, Problem
from voxelry.dicom.sources import Limits, walk
from voxelry.testing import (
    bomb_zip,
    nested_zip,
    protected_zip,
    synthetic_instance,
    synthetic_series,
    write,
    write_zip,
    zip_bytes,
    zip_folder,
)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(synthetic_instance(), tmp_path / "good.dcm")


def names_and_problems(path: Path, limits: Limits | None = None) -> tuple[list[str], dict[str, Problem]]:
    problems: dict[str, Problem] = {}
    sources = walk(path, on_problem=problems.__setitem__, limits=limits or Limits())
    return [source.name.removeprefix(f"{path}/") for source in sources], {
        name.removeprefix(f"{path}/"): problem for name, problem in problems.items()
    }


def test_a_zip_loads_like_its_folder(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "deep" / "er", suffix="")
    archive = zip_folder(tmp_path / "study.zip", tmp_path / "deep")
    for path in (tmp_path / "deep", archive):
        volume = voxelry.load_volume(path)
        assert (volume.array == truth.array).all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_archives_in_archives_are_opened(tmp_path: Path, good: Path, depth: int) -> None:
    names, problems = names_and_problems(nested_zip(tmp_path / "a.zip", {"x/good.dcm": good}, depth=depth))
    assert len(names) == 1
    assert not problems


def test_an_archive_too_deep_is_refused_and_its_neighbours_are_not(tmp_path: Path, good: Path) -> None:
    inner = nested_zip(tmp_path / "inner.zip", {"x.dcm": good}, depth=3)
    archive = write_zip(tmp_path / "a.zip", {"deep.zip": inner, "good.dcm": good})
    names, problems = names_and_problems(archive)
    assert names == ["good.dcm"]
    (problem,) = problems.values()
    assert problem.code == "nested_too_deep"
    assert "deep.zip" in problem.message


@pytest.mark.parametrize("evil", ["../evil.dcm", "/etc/evil.dcm", "a/../../evil.dcm", "..\\evil.dcm", "C:\\evil.dcm"])
def test_a_name_that_leads_outside_is_refused_and_its_neighbours_are_not(tmp_path: Path, good: Path, evil: str) -> None:
    names, problems = names_and_problems(write_zip(tmp_path / "a.zip", {evil: good, "good.dcm": good}))
    assert names == ["good.dcm"]
    assert [problem.code for problem in problems.values()] == ["unsafe_path"]
    assert not (tmp_path.parent / "evil.dcm").exists()


def test_an_entry_behind_a_password_is_refused_and_its_neighbours_are_not(tmp_path: Path, good: Path) -> None:
    archive = protected_zip(tmp_path / "a.zip", {"good.dcm": good, "secret.dcm": good}, only="secret.dcm")
    names, problems = names_and_problems(archive)
    assert names == ["good.dcm"]
    assert problems["secret.dcm"].code == "password_protected"
    assert "secret.dcm" in problems["secret.dcm"].message


def test_a_bomb_is_refused_unexpanded_and_its_neighbours_are_not(tmp_path: Path, good: Path) -> None:
    bomb = bomb_zip(tmp_path / "bomb.zip", expanded_bytes=2**30)
    archive = write_zip(tmp_path / "a.zip", {"good.dcm": good, "bomb.zip": bomb})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names, problems = names_and_problems(archive)
    assert names == ["good.dcm"]
    (problem,) = problems.values()
    assert problem.code == "too_large"
    assert "bomb.dcm" in problem.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_many_small_bombs_share_one_budget(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "a.zip", {f"{n}.dcm": b"\0" * 2**20 for n in range(8)})
    names, problems = names_and_problems(archive, Limits(ratio=100, ratio_from=3 * 2**20))
    assert len(names) == 3
    assert {problem.code for problem in problems.values()} == {"too_large"}


def test_an_archive_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    _, problems = names_and_problems(write_zip(tmp_path / "a.zip", {"a": b"1", "b": b"2"}), Limits(entries=1))
    assert [problem.code for problem in problems.values()] == ["too_large"]


def test_a_lie_about_a_size_is_found_out(tmp_path: Path) -> None:
    raw = bytearray(zip_bytes({"a.dcm": b"x" * 1000}))
    central = raw.index(b"PK\x01\x02")
    for place in (22, central + 24):
        raw[place : place + 4] = struct.pack("<I", 10)
    path = tmp_path / "a.zip"
    path.write_bytes(raw)
    (problem,) = voxelry.load(path).skipped.values()
    assert problem.code == "damaged"


def test_a_damaged_or_cut_archive_is_named(tmp_path: Path, good: Path) -> None:
    whole = zip_bytes({"good.dcm": good})
    for name, raw in (("cut.zip", whole[:-60]), ("flipped.zip", whole[:80] + bytes(40) + whole[120:])):
        path = tmp_path / name
        path.write_bytes(raw)
        (problem,) = voxelry.load(path).skipped.values()
        assert problem.code == "damaged"
        assert name in problem.message


def test_an_unknown_compression_is_named(tmp_path: Path) -> None:
    raw = bytearray(zip_bytes({"a.dcm": b"x" * 100}))
    central = raw.index(b"PK\x01\x02")
    raw[8], raw[central + 10] = 97, 97
    path = tmp_path / "a.zip"
    path.write_bytes(raw)
    (problem,) = voxelry.load(path).skipped.values()
    assert "compressed by a method" in problem.message


def test_an_empty_archive_says_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    (problem,) = voxelry.load(tmp_path / "a.zip").skipped.values()
    assert problem.code == "empty_archive"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NothingFoundError, match="no such file"):
        voxelry.load(tmp_path / "nothing")


def test_a_dicom_file_whose_preamble_looks_like_a_zip_is_dicom(tmp_path: Path, good: Path) -> None:
    raw = good.read_bytes()
    path = tmp_path / "dual.dcm"
    path.write_bytes(b"PK\x03\x04" + raw[4:])
    assert voxelry.load_volume(path).array.shape == (1, 16, 20)


def test_broken_links_and_pipes_are_named_and_never_read(tmp_path: Path, good: Path) -> None:
    import os

    folder = tmp_path / "folder"
    folder.mkdir()
    good.rename(folder / "good.dcm")
    (folder / "broken").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    result = voxelry.load(folder)
    assert len(result.volumes) == 1
    assert {problem.code for problem in result.skipped.values()} == {"unreadable"}
    assert len(result.skipped) == 2


def test_links_are_followed_and_loops_end(tmp_path: Path, good: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    good.rename(elsewhere / "good.dcm")
    folder = tmp_path / "folder"
    (folder / "a").mkdir(parents=True)
    (folder / "linked").symlink_to(elsewhere)
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    names, problems = names_and_problems(folder)
    assert names == ["linked/good.dcm"]
    assert set(problems) == {"self"}


def test_what_is_no_file_is_named_and_never_opened(tmp_path: Path, good: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    names, problems = names_and_problems(tmp_path)
    assert names == ["good.dcm"]
    assert problems["pipe"].code == "unreadable"
    assert not voxelry.load(tmp_path / "pipe").volumes


def test_a_path_that_cannot_be_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path / ("x" * 5_000), f"{tmp_path}/nul\0byte"):
        with pytest.raises(NothingFoundError):
            voxelry.load(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_entry_is_named_however_it_was_compressed(tmp_path: Path, good: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.write(good, "bad.dcm")
    raw = bytearray(path.read_bytes())
    raw[60:90] = b"\xff" * 30
    path.write_bytes(raw)
    result = voxelry.load(path)
    assert result.skipped[f"{path}/bad.dcm"].code == "damaged"
    assert f"{path}/bad.dcm" in voxelry.tabulate(path).attrs["skipped"]


def test_people_may_know_a_path_by_another_name(tmp_path: Path, good: Path) -> None:
    archive = write_zip(tmp_path / "000000", {"x/good.dcm": good, "../bad.dcm": good})
    problems: dict[str, Problem] = {}
    sources = list(walk(archive, on_problem=problems.__setitem__, name="study.zip"))
    assert [source.name for source in sources] == ["study.zip/x/good.dcm"]
    assert problems["study.zip/../bad.dcm"].message.startswith("study.zip/../bad.dcm: ")
