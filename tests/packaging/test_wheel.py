"""The wheel, built from a clean clone as anyone would build it."""

from __future__ import annotations

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
def wheel(clone: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(clone(), tmp_path_factory.mktemp("wheel"))


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
    wheel: Path, clone: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sdist")
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(hatchling, cwd=clone(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    [archive] = folder.glob("voxelry-*.tar.gz")

    assert names(build_wheel(archive, tmp_path_factory.mktemp("from-sdist"))) == names(wheel)


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
