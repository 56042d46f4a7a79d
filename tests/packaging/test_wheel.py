"""The wheel, built from a clean clone as anyone would build it."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.registries

ROOT = Path(__file__).resolve().parents[2]


def build_wheel(source: Path, folder: Path) -> Path:
    """`pip wheel`, with the isolation that fetches what pyproject.toml and the build hook ask for."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(source)]
    subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
    [wheel] = folder.glob("voxelry-*.whl")
    return wheel


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def source(clone: Callable[[], Path]) -> Path:
    """The clone that the wheel is built from."""
    return clone()


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(source, tmp_path_factory.mktemp("wheel"))


def test_it_holds_all_of_the_package(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    held = names(wheel)
    assert {path.removeprefix("src/") for path in tracked} <= held
    assert "voxelry/py.typed" in held
    assert any("/migrations/0001" in name for name in held)
    assert any("/templates/" in name for name in held)


def test_it_holds_the_built_page(wheel: Path) -> None:
    page = {name for name in names(wheel) if name.startswith("voxelry/server/page/")}
    assert "voxelry/server/page/index.html" in page
    assert any(name.endswith(".js") for name in page)
    assert any(name.endswith(".css") for name in page)


def test_it_holds_nothing_else(wheel: Path) -> None:
    foreign = [name for name in names(wheel) if not name.startswith(("voxelry/", "voxelry-0"))]
    assert foreign == []
    unwanted = ("node_modules", "/tests/", "__pycache__", ".made-from", ".map", "package.json")
    assert [name for name in names(wheel) if any(word in name for word in unwanted)] == []


def test_a_wheel_from_the_source_archive_is_the_same(
    wheel: Path, source: Path, clone: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, fresh = tmp_path_factory.mktemp("sdist"), clone()
    # The page is built again, with the libraries that building the wheel has installed.
    (source / "web/node_modules").rename(fresh / "web/node_modules")
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(hatchling, cwd=fresh, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    [archive] = folder.glob("voxelry-*.tar.gz")

    assert names(build_wheel(archive, tmp_path_factory.mktemp("from-sdist"))) == names(wheel)


MOST_BARE_MB = 350
BARE_WORK = """
import json, sys
from pathlib import Path
import numpy as np
import voxelry

facts = voxelry.write_sample("sample")
volume = voxelry.load_volume(facts.dicom_folder if Path(facts.dicom_folder).exists() else "sample/phantom")
measured = voxelry.measure(volume, threshold=0.9)
assert measured.pixels_above_threshold == 11646, measured
table = voxelry.tabulate("sample/phantom")
assert len(table) == len(volume.array)
pictures = voxelry.save_pictures(volume, "pictures")
voxelry.convert("sample/phantom", "volume.nii.gz")
(again,) = voxelry.load("sample/phantom").volumes
np.testing.assert_array_equal(again.array, volume.array)
try:
    voxelry.process("sample/phantom", "gaussian")
except voxelry.VoxelryError as error:
    print(error)
report = voxelry.process("sample/phantom", "window")
assert len(report.results) == 1 and not report.skipped
heavy = {"scipy", "SimpleITK", "cv2", "skimage", "pyarrow", "h5py", "zarr", "highdicom", "django", "PIL"}
assert not heavy & set(sys.modules)
"""
"""What somebody does who installed nothing but the package."""


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what pip takes with it."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", with_pip=True)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(wheel)], check=True, stdin=subprocess.DEVNULL)
    return folder


def run(folder: Path, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    program = [str(folder / "venv/bin" / command[0]), *command[1:]]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_the_bare_install_is_light(bare: Path) -> None:
    (packages,) = bare.glob("venv/lib/python*/site-packages")
    blocks = sum(path.lstat().st_blocks for path in packages.rglob("*"))
    assert blocks * 512 / 1e6 < MOST_BARE_MB


def test_the_bare_install_reads_measures_and_draws(bare: Path) -> None:
    told = run(bare, "python", "-c", BARE_WORK).stdout
    assert told == "`gaussian` needs OpenCV: pip install 'voxelry[steps]'\n"
    assert (bare / "volume.nii.gz").stat().st_size > 1000
    assert len(list((bare / "pictures").iterdir())) == 48


def test_the_bare_program_says_what_it_lacks(bare: Path) -> None:
    assert "48×256×256" in run(bare, "voxelry", "info", "sample/phantom").stdout
    run(bare, "voxelry", "convert", "sample/phantom", "again.nii")
    run(bare, "voxelry", "convert", "sample/phantom", "again.nrrd")
    run(bare, "voxelry", "convert", "sample/phantom", "jpegs", "--format", "jpg")
    run(bare, "voxelry", "tags", "sample/phantom", "--out", "tags.csv")
    run(bare, "voxelry", "run", "--help")
    for command, sentence in (
        ("run median sample/phantom smooth --format nifti", ""),
        ("run gaussian sample/phantom smoother", "`gaussian` needs OpenCV: pip install 'voxelry[steps]'"),
        ("convert sample/phantom volume.h5", "`hdf5` needs h5py: pip install 'voxelry[formats]'"),
    ):
        done = run(bare, "voxelry", *command.split(), code=1 if sentence else 0)
        assert done.stderr.startswith(f"Error: {sentence}" if sentence else "")
        assert len(done.stderr.splitlines()) <= 1
    done = run(bare, "voxelry", "serve", "--port", "0", code=1)
    assert re.fullmatch(r"Error: the site needs \S+: pip install 'voxelry\[server\]'\n", done.stderr)


def test_it_installs_and_runs(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv/bin/python"
    lock = ROOT / "requirements/server.txt"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--require-hashes", "--requirement", str(lock)], check=True)
    # With its dependencies looked up but not to be had: the lock satisfies all that the wheel asks for.
    subprocess.run([*pip, "--no-index", f"{wheel}[server]"], check=True)

    helped = subprocess.run(
        [str(tmp_path / "venv/bin/voxelry"), "--help"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "serve" in helped.stdout
