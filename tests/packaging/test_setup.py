"""The README's first command, as a newcomer gives it: a fresh clone, an empty home folder, no Node."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.packaging.conftest import Client

pytestmark = pytest.mark.registries

SECOND_SET_UP_SECONDS = 3.0
"""Of processor time, which a busy machine hardly prolongs; it takes a quarter of a second."""
FIRST_START_SECONDS = 1800.0
"""Downloads, installs and builds everything: two minutes on a machine that does nothing else."""

NETWORK = ("PIP_", "npm_config_", "NPM_CONFIG_", "SSL_", "REQUESTS_", "CURL_", "NODE_EXTRA_", "http", "HTTP")
"""Variables that say how to reach the registries; a newcomer would have them too."""


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of someone with a Python and nothing else: no Node, no uv, no settings in the home folder."""
    programs = tmp_path_factory.mktemp("programs")
    for folder in ("/usr/bin", "/bin", "/usr/local/bin"):
        for program in Path(folder).glob("*"):
            link = programs / program.name
            if not link.is_symlink() and program.name not in ("node", "nodejs", "npm", "npx", "uv", "uvx"):
                link.symlink_to(program)
    environment = {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}
    home = Path.home()
    for variable, place in (("PIP_CONFIG_FILE", ".config/pip/pip.conf"), ("NPM_CONFIG_USERCONFIG", ".npmrc")):
        if (home / place).is_file():
            environment.setdefault(variable, str(home / place))
    # Downloads are kept where they always are: the registries need not serve them again for each run.
    environment.setdefault("PIP_CACHE_DIR", str(home / ".cache/pip"))
    environment.setdefault("npm_config_cache", str(home / ".npm"))
    return {
        **environment,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PATH": str(programs),
        "LANG": "C.UTF-8",
    }


def without_network(environment: Mapping[str, str]) -> dict[str, str]:
    nowhere = "http://127.0.0.1:9"
    return {
        **{name: value for name, value in environment.items() if not name.startswith(NETWORK)},
        "PIP_INDEX_URL": nowhere,
        "PIP_RETRIES": "0",
        "NPM_CONFIG_REGISTRY": nowhere,
        "PIP_NO_CACHE_DIR": "1",
    }


@contextmanager
def started(
    folder: Path, arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(folder / "script/server"), *arguments],
            env=dict(environment),
            cwd=folder.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        except BaseException:
            print(log.read_text(errors="replace"))
            raise
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def checkout(clone: Callable[[], Path]) -> Path:
    return clone()


def test_one_command_sets_up_and_starts_and_the_second_start_is_quick(
    checkout: Path,
    newcomer: dict[str, str],
    connect: type[Client],
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    port = free_port()
    arguments = ["--port", str(port), "--data", str(tmp_path / "data")]
    client = connect(f"http://127.0.0.1:{port}")
    environment = newcomer | {"VOXELRY_ADMIN_PASSWORD": connect.password}

    with started(checkout, arguments, environment, tmp_path / "first.log") as server:
        client.wait_for_start(server, seconds=FIRST_START_SECONDS)
        assert client.ask("/api/me")["username"] == "admin"
    assert f"http://127.0.0.1:{port}" in (tmp_path / "first.log").read_text()

    with started(checkout, arguments, without_network(environment), tmp_path / "second.log") as server:
        client.wait_for_start(server)
    said = (tmp_path / "second.log").read_text()
    assert "installing" not in said
    assert "building" not in said


def test_a_set_up_without_work_is_quick_and_silent(checkout: Path, newcomer: dict[str, str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = set_up(checkout, without_network(newcomer))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert done.returncode == 0, done.stderr
    assert news(done.stderr) == []
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < SECOND_SET_UP_SECONDS


def test_nothing_is_left_for_git_to_see(checkout: Path) -> None:
    status = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, text=True, check=True)
    assert status.stdout == ""


def test_a_changed_page_is_built_again_and_nothing_else(checkout: Path, newcomer: dict[str, str]) -> None:
    source = checkout / "web/index.html"
    source.write_text(source.read_text() + "<!-- changed -->\n")

    done = set_up(checkout, without_network(newcomer))

    assert done.returncode == 0, done.stderr
    assert news(done.stderr) == ["voxelry: building the web page ..."]
    assert "changed" in (checkout / "src/voxelry/server/page/index.html").read_text()


def test_a_moved_checkout_is_set_up_again(checkout: Path, newcomer: dict[str, str]) -> None:
    """A virtual environment keeps the path that it was made for."""
    moved = checkout.rename(checkout.with_name("moved"))
    try:
        done = set_up(moved, without_network(newcomer))
    finally:
        moved.rename(checkout)

    assert done.returncode == 1  # without a network it cannot
    assert "making .venv" in done.stderr
    assert "pip could not install requirements/" in done.stderr


def test_it_says_what_is_missing(clone: Callable[[], Path], newcomer: dict[str, str], tmp_path: Path) -> None:
    for program in ("bash", "dirname", "cat", "mkdir", "flock"):
        (tmp_path / program).symlink_to(Path(shutil.which(program) or program))
    checkout = clone()

    def words() -> str:
        done = set_up(checkout, newcomer | {"PATH": str(tmp_path)})
        assert done.returncode == 1
        assert not (checkout / ".venv").exists()
        return done.stderr

    assert "Python 3.11 or newer is needed" in words()
    # As Debian has it without python3-venv: a Python that is new enough, but lacks a module.
    python = tmp_path / "python3"
    python.write_text('#!/bin/bash\ncase "$*" in *ensurepip*) exit 1 ;; esac\n')
    python.chmod(0o755)
    assert "sudo apt install python3-venv" in words()


def news(said: str) -> list[str]:
    """What the set-up said, without the lines that tell every few seconds of a busy machine that it goes on."""
    return [line for line in said.splitlines() if not line.startswith("voxelry: still at it")]


def set_up(checkout: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "script/setup"), "server"],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
