"""Files, folders and archives: what is refused is named, and nothing else is lost."""

from __future__ import annotations

import gc
import gzip
import os
import resource
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

import voxelry
from voxelry.core.errors import NothingFoundError, Problem, TooLargeError
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.packed_files import ArchiveLimits
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


def names_and_problems(path: Path, limits: ArchiveLimits | None = None) -> tuple[list[str], dict[str, Problem]]:
    problems: dict[str, Problem] = {}
    sources = walk(path, on_problem=problems.__setitem__, limits=limits or ArchiveLimits())
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


@pytest.mark.slow
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
    names, problems = names_and_problems(archive, ArchiveLimits(ratio=100, ratio_from=3 * 2**20))
    assert len(names) == 3
    assert {problem.code for problem in problems.values()} == {"too_large"}


def test_an_archive_of_too_many_entries_is_refused(tmp_path: Path) -> None:
    _, problems = names_and_problems(write_zip(tmp_path / "a.zip", {"a": b"1", "b": b"2"}), ArchiveLimits(entries=1))
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


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing tells which files are open here")
@pytest.mark.parametrize("number", [0, 2, 4])
def test_an_archive_with_a_cut_entry_is_closed_with_its_last_volume(tmp_path: Path, number: int) -> None:
    """At once, and not when Python next looks for cycles: a program that reads thousands would run out of files."""
    files = {path.name: path.read_bytes() for path in synthetic_series(tmp_path / "series").paths}
    cut = sorted(files)[number]
    files[cut] = files[cut][:-100]
    archive = write_zip(tmp_path / "a.zip", files)
    gc.disable()
    try:
        assert not voxelry.load(archive).volumes
        descriptors = Path("/proc/self/fd").iterdir()
        assert str(archive) not in {os.path.realpath(descriptor) for descriptor in descriptors}
    finally:
        gc.enable()


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


# --- gzip -------------------------------------------------------------------------------------------------------------


def packed(path: Path, content: Path | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content if isinstance(content, bytes) else content.read_bytes()))
    return path


def test_a_gzipped_file_is_read_as_what_is_in_it(tmp_path: Path, good: Path) -> None:
    path = packed(tmp_path / "out" / "good.dcm.gz", good)
    volume = voxelry.load_volume(path)
    np.testing.assert_array_equal(volume.array, voxelry.load_volume(good).array)
    np.testing.assert_array_equal(voxelry.pixels(path), voxelry.pixels(good))
    (source,) = walk(path, on_problem=lambda *_: pytest.fail("refused"))
    assert (source.name, source.size) == (str(path), good.stat().st_size)
    assert source.open().read() == good.read_bytes()
    assert source.head(200) == good.read_bytes()[:200]


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless]
)
def test_files_of_all_kinds_may_be_gzipped(tmp_path: Path, syntax: str) -> None:
    path = write(synthetic_instance(transfer_syntax=syntax), tmp_path / "plain.dcm")
    zipped = packed(tmp_path / "packed.dcm.gz", path)
    np.testing.assert_array_equal(voxelry.pixels(zipped), voxelry.pixels(path))


def test_a_series_may_be_gzipped_file_by_file_in_folders_and_in_zips(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "plain")
    (tmp_path / "mixed").mkdir()
    for number, file in enumerate(truth.paths):
        if number % 2:
            packed(tmp_path / "mixed" / f"{file.name}.GZ", file)
        else:
            shutil.copy(file, tmp_path / "mixed" / file.name)
    archive = nested_zip(
        tmp_path / "all.zip", {path.name: path for path in sorted((tmp_path / "mixed").iterdir())}, depth=2
    )
    for path in (tmp_path / "mixed", archive):
        result = voxelry.load(path)
        assert not result.skipped
        np.testing.assert_array_equal(result.volumes[0].array, truth.array)
    assert len(voxelry.tabulate(archive)) == 5


def test_several_members_are_one_file(tmp_path: Path, good: Path) -> None:
    raw = good.read_bytes()
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(raw[:300]) + gzip.compress(b"") + gzip.compress(raw[300:]) + bytes(16))
    np.testing.assert_array_equal(voxelry.pixels(path), voxelry.pixels(good))


def test_a_gzip_that_is_cut_off_or_damaged_is_named_wherever_it_is(tmp_path: Path, good: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 4096, (300, 300)).astype(np.uint16)
    large = write(synthetic_instance(noise), tmp_path / "large.dcm")
    whole = gzip.compress(large.read_bytes())
    middle = len(whole) // 2
    contents = {
        "header-only": whole[:10],
        "early": whole[:60],
        "late": whole[:middle],
        "no-sum": whole[:-6],
        "wrong-sum": whole[:-8] + bytes(4) + whole[-4:],
        "flipped": whole[:middle] + bytes(40) + whole[middle + 40 :],
        "more": whole + b"and something else",
    }
    large.unlink()
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    result = voxelry.load(tmp_path)
    assert len(result.volumes) == 1
    assert {Path(name).name: problem.code for name, problem in result.skipped.items()} == dict.fromkeys(
        contents, "damaged"
    )
    for name, problem in result.skipped.items():
        assert problem.message.startswith(f"{name}: ")
    assert len(voxelry.tabulate(tmp_path)) == 1


def test_a_gzip_bomb_is_refused_and_its_neighbours_are_not(tmp_path: Path, good: Path) -> None:
    raw = good.read_bytes()
    folder = tmp_path / "folder"
    packed(folder / "bomb.gz", raw + bytes(30_000_000))
    packed(folder / "fine.gz", raw)
    small = ArchiveLimits(ratio_from=1_000_000)
    for path in (folder, zip_folder(tmp_path / "a.zip", folder)):
        result = voxelry.load(path, limits=small)
        assert len(result.volumes) == 1
        ((name, problem),) = result.skipped.items()
        assert (problem.code, name) == ("too_large", f"{path}/bomb.gz")
        assert "gzip bomb" in problem.message


def test_many_small_bombs_in_one_zip_are_one_bomb(tmp_path: Path) -> None:
    members = {f"{number}.gz": gzip.compress(bytes(132) + bytes([number]) * 600_000) for number in range(5)}
    path = write_zip(tmp_path / "a.zip", {})
    path.write_bytes(zip_bytes(members))
    sources = list(walk(path, on_problem=lambda *_: pytest.fail("refused"), limits=ArchiveLimits(ratio_from=2_000_000)))
    sizes = [source.size for source in sources[:3]]
    assert sizes == [600_132] * 3
    with pytest.raises(TooLargeError, match=r"3\.gz: would expand to more than"):
        _ = sources[3].size


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty_file", "the file is empty"),
        (b"words " * 100, "not_dicom", "it is text"),
        (gzip.compress(b"words"), "not_dicom", "gzip in gzip"),
        (zip_bytes({"a.txt": b"x"}), "not_dicom", "a zip archive in gzip"),
        (bytes(257) + b"ustar" + bytes(500), "not_dicom", "a tar archive"),
    ],
)
def test_a_gzip_that_holds_no_dicom_says_what_it_holds(
    tmp_path: Path, good: Path, content: bytes, code: str, words: str
) -> None:
    path = packed(tmp_path / "some.gz", content)
    result = voxelry.load(tmp_path)
    assert len(result.volumes) == 1
    assert result.skipped[str(path)].code == code
    assert words in result.skipped[str(path)].message


def test_a_dicom_file_whose_preamble_looks_like_gzip_is_dicom(tmp_path: Path, good: Path) -> None:
    raw = good.read_bytes()
    path = tmp_path / "dual.dcm"
    path.write_bytes(b"\x1f\x8b\x08" + raw[3:])
    assert voxelry.load_volume(path).array.shape == (1, 16, 20)
