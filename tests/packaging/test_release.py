"""``script/release``: the version is written in one place, and a release is made whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest
from packaging.version import Version

import make_release
import voxelry
from voxelry.server.environment.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2027, 3, 14)
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n\n## [0.1.0] - 2026-11-29\n\n- The first.\n"


# --- one version ------------------------------------------------------------------------------------------------------


def test_the_version_is_written_in_one_place() -> None:
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    line = re.compile(rf"\b{re.escape(voxelry.__version__)}\b")
    named = [
        path
        for path in tracked
        if Path(path).suffix in {".py", ".toml", ".json", ".md", ".yml", ".yaml"}
        and not path.startswith(("requirements/", "tests/", "docs/decisions/", "CHANGELOG.md", "web/package-lock.json"))
        and line.search((ROOT / path).read_text("utf-8"))
    ]
    assert named == ["src/voxelry/__init__.py"]


def test_what_is_installed_and_what_the_server_says_is_that_version() -> None:
    assert installed_version("voxelry") == VERSION == voxelry.__version__


# --- what is refused --------------------------------------------------------------------------------------------------


def repository(folder: Path, *tags: str, version: str = "0.1.0") -> Path:
    """A repository with as much of the project as these checks read."""
    (folder / "src/voxelry").mkdir(parents=True)
    (folder / make_release.VERSION_FILE).write_text(f'__version__ = "{version}"\n')
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    for tag in tags:
        subprocess.run(["git", "tag", tag], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("asked", "tags", "words"),
    [
        ("one", (), "is no version"),
        ("0.2", ("v0.2",), "is not newer than 0.2"),
        ("0.1.9", ("v0.1.0", "v0.2.0"), "is not newer than 0.2.0"),
        ("0.0.9", (), "is older than 0.1.0"),
        ("0.2.0.dev1", (), "a release is called 0.2.0, not"),
        ("0.2.0+mine", (), "a release is called 0.2.0, not"),
        ("v0.2.0", (), "a release is called 0.2.0, not"),
    ],
)
def test_versions_that_are_refused(tmp_path: Path, asked: str, tags: tuple[str, ...], words: str) -> None:
    with pytest.raises(make_release.ReleaseError, match=re.escape(words)):
        make_release.check_version(asked, repository(tmp_path, *tags))


@pytest.mark.parametrize(("asked", "tags"), [("0.1.0", ()), ("0.1.1", ("v0.1.0",)), ("1.0.0rc1", ("v0.9", "vague"))])
def test_versions_that_are_taken(tmp_path: Path, asked: str, tags: tuple[str, ...]) -> None:
    assert make_release.check_version(asked, repository(tmp_path, *tags)) == Version(asked)


def test_a_tree_with_changes_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path)
    make_release.check_clean(root)
    (root / "new").write_text("")
    with pytest.raises(make_release.ReleaseError, match=r"commit or remove what is changed first: new"):
        make_release.check_clean(root)


def test_the_changelog_is_dated_and_a_new_section_begins() -> None:
    assert make_release.dated(CHANGELOG, Version("0.2.0"), DAY) == CHANGELOG.replace(
        "## [Unreleased]\n", "## [Unreleased]\n\n## [0.2.0] - 2027-03-14\n"
    )


@pytest.mark.parametrize(
    ("changelog", "words"),
    [
        ("# Changelog\n", "has no section"),
        (CHANGELOG.replace("- Something.\n", ""), "tells no change"),
        ("# Changelog\n\n## [Unreleased]\n", "tells no change"),
        (CHANGELOG.replace("0.1.0", "0.2.0"), "has a section for 0.2.0 already"),
    ],
)
def test_changelogs_that_are_refused(changelog: str, words: str) -> None:
    with pytest.raises(make_release.ReleaseError, match=words):
        make_release.dated(changelog, Version("0.2.0"), DAY)


def test_the_project_s_own_changelog_can_be_dated() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [99.0.0] - {DAY}" in make_release.dated(text, Version("99.0.0"), DAY)


@pytest.mark.parametrize(
    ("held", "words"),
    [({"a"}, "lacks b"), ({"a", "b", "web/node_modules/x.js"}, "holds web/node_modules/x.js"), ({"a", "b"}, "")],
)
def test_archives_hold_what_they_must_and_nothing_else(held: set[str], words: str) -> None:
    if not words:
        make_release._check_names("an archive", held, {"a", "b"})
        return
    with pytest.raises(make_release.ReleaseError, match=words):
        make_release._check_names("an archive", held, {"a", "b"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Metadata-Version: 2.4\nName: voxelry\nVersion: 0.3\n", "is voxelry 0.3, not voxelry 0.2"),
        (b"Metadata-Version: 2.4\nName: voxelry\nVersion: 0.2\n", "has no description"),
        (b"Metadata-Version: 2.4\nName: voxelry\nVersion: 0.2\nRequires-Python: soon\n", "soon"),
    ],
)
def test_wrong_metadata_are_found(content: bytes, words: str) -> None:
    with pytest.raises(make_release.ReleaseError, match=words):
        make_release._check_metadata("an archive", content, Version("0.2"))


# --- a release of a clone ---------------------------------------------------------------------------------------------


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def project(clone: Callable[[], Path]) -> Path:
    """A clone of the project with a change that is not released, a name for its commits, and the built page."""
    root = clone()
    git(root, "config", "user.name", "nobody")
    git(root, "config", "user.email", "nobody@example.org")
    if (ROOT / make_release.PAGE).is_dir():
        shutil.copytree(ROOT / make_release.PAGE, root / make_release.PAGE)
    subprocess.run(
        [sys.executable, str(root / "script/web_page.py"), "build"], check=True
    )  # where it is of other sources
    return root


def release(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "script/make_release.py"), *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTHONPATH"))}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def state(root: Path) -> tuple[str, str, str]:
    return git(root, "rev-parse", "HEAD"), git(root, "tag"), git(root, "status", "--porcelain", "--ignored")


@pytest.mark.slow
@pytest.mark.registries  # to build a page that is not built; test_wheel.py shows that dependencies can be had
def test_a_release_is_made_once_and_a_dry_run_leaves_nothing(project: Path, tmp_path: Path) -> None:
    before = state(project)
    tried = release(project, "99.1.0", "--dry-run", "--offline")
    assert tried.returncode == 0, tried.stderr
    assert "99.1.0 would be a release" in tried.stdout
    assert state(project) == before

    begun = datetime.now(UTC).date()
    made = release(project, "99.1.0", "--offline")
    assert made.returncode == 0, made.stderr
    assert git(project, "log", "-1", "--format=%s").strip() == "Release 99.1.0"
    assert git(project, "describe", "--exact-match").strip() == "v99.1.0"
    assert sorted(path.name for path in (project / "dist").iterdir()) == [
        "voxelry-99.1.0-py3-none-any.whl",
        "voxelry-99.1.0.tar.gz",
    ]
    assert make_release.written_version(project) == "99.1.0"
    changelog = (project / "CHANGELOG.md").read_text("utf-8")
    days = {begun, datetime.now(UTC).date()}  # two if midnight was between
    assert any(f"## [Unreleased]\n\n## [99.1.0] - {day}\n" in changelog for day in days)

    again = release(project, "99.1.0")
    assert again.returncode == 1
    assert "99.1.0 is not newer than 99.1.0" in again.stderr
    empty = release(project, "99.2.0")
    assert empty.returncode == 1
    assert "tells no change" in empty.stderr
    (project / "left over").write_text("")
    dirty = release(project, "99.2.0")
    assert dirty.returncode == 1
    assert "left over" in dirty.stderr
