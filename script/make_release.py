"""Make a release: ``script/release VERSION``, or with ``--dry-run`` only check whether it would succeed.

The version is in one place, ``__version__`` in src/voxelry/__init__.py; the changelog's "Unreleased" gets number and
date. The work is done in a clone: wheel and source archive are built and their contents are checked, the wheel is
installed in an empty environment and prints its version. Only then the commit is taken into this repository and tagged
``vVERSION``, and the archives are copied to dist/. A failure before that changes nothing, nor does ``--dry-run``.
Nothing is pushed or uploaded.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.metadata import Metadata
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = "src/voxelry/__init__.py"
VERSION_LINE = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)
PAGE = "src/voxelry/server/page"
UNRELEASED = "## [Unreleased]"
SECTION = re.compile(r"^## \[(?P<name>[^\]]+)\](?P<rest>.*)$", re.MULTILINE)
NEEDED_IN_WHEEL = ("voxelry/py.typed", "voxelry/server/page/index.html")
NEEDED_IN_SDIST = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "CHANGELOG.md", "web/package-lock.json")
UNWANTED = re.compile(r"node_modules|__pycache__|^tests/|\.dcm$|\.git/|\.made-from")


class ReleaseError(Exception):
    """The reason, in a sentence, why no release is made."""


# --- checks before the release ----------------------------------------------------------------------------------------


def check_version(text: str, root: Path) -> Version:
    """Check the requested version: well-formed, newer than every release, not older than the code's."""
    try:
        version = Version(text)
    except InvalidVersion:
        raise ReleaseError(f"{text!r} is no version: it looks like 1.2.3, 1.2.3rc1 or 1.2.3.post1 (PEP 440)") from None
    if str(version) != text or version.local or version.is_devrelease:
        raise ReleaseError(f"a release is called {version.public.partition('.dev')[0]}, not {text}")
    tags = git(root, "tag", "--list", "v*").splitlines()
    released = [Version(tag[1:]) for tag in tags if re.match(r"v\d", tag)]
    if released and version <= max(released):
        raise ReleaseError(f"{version} is not newer than {max(released)}, the last release")
    if version < (written := Version(written_version(root))):
        raise ReleaseError(f"{version} is older than {written}, which {VERSION_FILE} says")
    return version


def check_clean(root: Path) -> None:
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        raise ReleaseError(f"commit or remove what is changed first: {', '.join(line[3:] for line in changed[:5])}")


def written_version(root: Path) -> str:
    found = VERSION_LINE.search((root / VERSION_FILE).read_text("utf-8"))
    if found is None:
        raise ReleaseError(f'{VERSION_FILE} has no line `__version__ = "..."`')
    return found["version"]


def dated(changelog: str, version: Version, day: date) -> str:
    """The changelog with the unreleased section under the version's heading, below a new empty section."""
    before, heading, rest = changelog.partition(f"{UNRELEASED}\n")
    if not heading:
        raise ReleaseError(f"CHANGELOG.md has no section `{UNRELEASED}`")
    following = SECTION.search(rest)
    news = rest[: following.start()] if following else rest
    if not [line for line in news.splitlines() if line.strip() and not line.startswith("#")]:
        raise ReleaseError(f"CHANGELOG.md tells no change below `{UNRELEASED}`: there is nothing to release")
    if any(section["name"] == str(version) for section in SECTION.finditer(changelog)):
        raise ReleaseError(f"CHANGELOG.md has a section for {version} already")
    return f"{before}{UNRELEASED}\n\n## [{version}] - {day.isoformat()}\n{rest}"


# --- the release, in a clone ------------------------------------------------------------------------------------------


def prepare(clone: Path, version: Version) -> None:
    """Clone the repository, write version and date in the clone, and commit."""
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
    code = clone / VERSION_FILE
    code.write_text(VERSION_LINE.sub(f'__version__ = "{version}"', code.read_text("utf-8"), count=1), "utf-8")
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(dated(changelog.read_text("utf-8"), version, datetime.now(UTC).date()), "utf-8")
    for name in ("user.name", "user.email"):
        git(clone, "config", name, git(ROOT, "config", name).strip())
    git(clone, "commit", "--quiet", "--all", "--message", f"Release {version}")
    # A page that was built here from the same sources, by its stamp, is not built again.
    if (ROOT / PAGE).is_dir():
        shutil.copytree(ROOT / PAGE, clone / PAGE)


def build(clone: Path, folder: Path) -> tuple[Path, Path]:
    """Build the wheel and the source archive."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "sdist",
            "--target",
            "wheel",
            "--directory",
            str(folder),
        ],
        cwd=clone,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    [wheel], [archive] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, archive


def check_archives(wheel: Path, archive: Path, version: Version, tracked: Iterable[str]) -> None:
    """Check the required and forbidden contents of both archives, and their metadata and version."""
    with zipfile.ZipFile(wheel) as opened:
        held = set(opened.namelist())
        metadata = opened.read(f"voxelry-{version}.dist-info/METADATA")
    sources = {path.removeprefix("src/") for path in tracked if path.startswith("src/")}
    _check_names(wheel.name, held, sources | set(NEEDED_IN_WHEEL))
    _check_metadata(wheel.name, metadata, version)
    with tarfile.open(archive) as opened_archive:
        top = f"voxelry-{version}/"
        held = {name.removeprefix(top) for name in opened_archive.getnames()}
        extracted = opened_archive.extractfile(f"{top}PKG-INFO")
        metadata = extracted.read() if extracted else b""
    _check_names(archive.name, held, {f"src/{name}" for name in sources} | set(NEEDED_IN_SDIST))
    _check_metadata(archive.name, metadata, version)


def _check_names(archive: str, held: set[str], needed: set[str]) -> None:
    if missing := sorted(needed - held):
        raise ReleaseError(f"{archive} lacks {', '.join(missing[:5])}")
    if unwanted := sorted(name for name in held if UNWANTED.search(name)):
        raise ReleaseError(f"{archive} holds {', '.join(unwanted[:5])}")


def _check_metadata(archive: str, content: bytes, version: Version) -> None:
    try:
        metadata = Metadata.from_email(content, validate=True)
    except ExceptionGroup as problems:
        raise ReleaseError(f"{archive}: {'; '.join(map(str, problems.exceptions))}") from None
    if (metadata.name, metadata.version) != ("voxelry", version):
        raise ReleaseError(f"{archive} says that it is {metadata.name} {metadata.version}, not voxelry {version}")
    if not metadata.description or metadata.description_content_type != "text/markdown":
        raise ReleaseError(f"{archive} has no description in Markdown")


def check_installed(wheel: Path, version: Version, folder: Path, *, offline: bool) -> None:
    """Install the wheel with its dependencies in an empty environment, and compare the version that it prints."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, *(["--no-deps", "--no-index"] if offline else []), str(wheel)], check=True)
    environment = {"PATH": "/usr/bin:/bin", **({"PYTHONPATH": _libraries()} if offline else {})}
    asked = [str(folder / "bin/voxelry"), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=folder, env=environment)
    if said.stdout.split() != ["voxelry", str(version)]:
        raise ReleaseError(f"`voxelry --version` of {wheel.name} says {said.stdout.strip() or said.stderr.strip()!r}")


def _libraries() -> str:
    return next(path for path in sys.path if path.endswith("site-packages"))


# --- into this repository ---------------------------------------------------------------------------------------------


def publish(clone: Path, version: Version, archives: Iterable[Path]) -> None:
    """Take the clone's commit, tag it, and copy the archives to dist/."""
    git(ROOT, "fetch", "--quiet", str(clone), "HEAD")
    git(ROOT, "merge", "--quiet", "--ff-only", "FETCH_HEAD")
    git(ROOT, "tag", "--annotate", f"v{version}", "--message", f"Voxelry {version}")
    (ROOT / "dist").mkdir(exist_ok=True)
    for archive in archives:
        shutil.copy(archive, ROOT / "dist")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def release(text: str, *, dry_run: bool, offline: bool) -> None:
    check_clean(ROOT)
    version = check_version(text, ROOT)
    dated((ROOT / "CHANGELOG.md").read_text("utf-8"), version, datetime.now(UTC).date())
    with tempfile.TemporaryDirectory(prefix="voxelry-release-") as temporary:
        folder = Path(temporary)
        clone = folder / "voxelry"
        prepare(clone, version)
        wheel, archive = build(clone, folder / "dist")
        check_archives(wheel, archive, version, git(clone, "ls-files").splitlines())
        check_installed(wheel, version, folder / "environment", offline=offline)
        if dry_run:
            print(f"{version} would be a release: {wheel.name}, {archive.name}. Nothing was changed.")
            return
        check_clean(ROOT)  # Checked again: a build takes a while.
        publish(clone, version, (wheel, archive))
    print(f"{version} is committed and tagged v{version}; dist/ holds {wheel.name} and {archive.name}.")
    print("To publish it: git push --follow-tags, and upload dist/.")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/release", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("version", metavar="VERSION")
    parser.add_argument("--dry-run", action="store_true", help="do all of it in a clone, and leave nothing behind")
    parser.add_argument(
        "--offline", action="store_true", help="install the wheel beside this environment's libraries; fetch nothing"
    )
    asked = parser.parse_args(arguments)
    try:
        release(asked.version, dry_run=asked.dry_run, offline=asked.offline)
    except ReleaseError as problem:
        print(f"no release: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
