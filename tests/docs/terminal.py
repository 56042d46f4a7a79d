"""Somebody who follows a page: a folder, a shell that remembers, and the site that the page starts."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from tests.docs.reading import ROOT, Block, Command
from tests.servers.made_tables import put_tables
from tests.servers.running import Server, free_port, running

ADDRESS = "127.0.0.1:8000"
"""Where the pages say that the site is."""
SECONDS = 600.0
"""For a command, and for the start and the end of a site, on a machine that does much else."""

PEERS = {"Orthanc": "8042", "storescp": "11113"}
"""Programs that run beside the site until the page ends, and where the pages say that they are."""
DCMTK = ("echoscu", "storescu", "findscu", "getscu", "movescu", "storescp")
"""Programs of dcmtk; those of pynetdicom, in this environment, have the same names."""
OTHER_PORTS = ("11112", "4242")
"""Where the pages say that the site and Orthanc listen to the DICOM network."""

SERVERS = ("voxelry serve", "script/server", "python manage.py runserver")
"""What these begin runs until it is stopped, and the page goes on in another terminal."""

INSTEAD = {
    "script/server": "voxelry serve",
    "voxelry worker --concurrency 4": "voxelry worker --concurrency 4 --help",
    "voxelry worker --queues ingest,cpu": "voxelry worker --queues ingest,cpu --help",
    "voxelry worker --queues gpu --concurrency 1": "voxelry worker --queues gpu --concurrency 1 --help",
    "python manage.py createsuperuser": "python manage.py createsuperuser --noinput --username reader --email ''",
}
"""What is run instead, and why: ``script/server`` is tested in tests/packaging/test_setup.py, workers in
tests/packaging/test_many_machines.py; ``createsuperuser`` asks for a password."""


class Terminal:
    """Runs a page's commands one after the other, as its reader would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home"
        self.folder.mkdir()
        # The reader stands in a clone: what the project's root has is here as well.
        (self.folder / "manage.py").symlink_to(ROOT / "manage.py")
        # A first start at the usual place finds tables; docs/how-to/deploy.md names another, which is empty.
        put_tables(self.folder / ".local/share/voxelry")
        programs = _own_programs(folder / "programs")
        self._state = folder / "state"
        self._log = folder / "log"
        self._site: subprocess.Popen[bytes] | None = None
        self._peers = ExitStack()
        self._ports = {port: free_port() for port in (*PEERS.values(), *OTHER_PORTS)}
        self._port = 0
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))},
            "HOME": str(self.folder),
            "PWD": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / ".local/share"),
            "PATH": os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SUPERUSER_PASSWORD": "a password for tests",
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
        }

    def run(self, command: Command) -> None:
        """Run a command, and hold what it prints against what the page shows."""
        text = INSTEAD.get(command.text, command.text)
        program = text.partition(" ")[0]
        if program in PEERS:
            arguments = shlex.split(self._here(text))
            arguments[0] = shutil.which(program, path=self._environment["PATH"]) or program
            peer = Server(arguments, self.folder, self._ports[PEERS[program]])
            self._peers.enter_context(running(peer))
            return
        printed = self._start(text) if command.text.startswith(SERVERS) else self._do(text, command)
        shown = self._as_on_the_page(printed)
        assert not command.printed or _pattern(command.printed).fullmatch(_bare(shown)), (
            f"{command.block.where}: `$ {command.text}` prints something else than the page shows:\n{shown}"
        )

    def python(self, block: Block, names: dict[str, object]) -> None:
        """Run a ``python`` block. A comment behind an expression is what its ``repr`` must be."""
        text = self._here(block.text)
        lines = text.splitlines()
        with patch.dict(os.environ, self._environment, clear=True):
            for statement in ast.parse(text).body:
                if not isinstance(statement, ast.Expr):
                    exec(compile(ast.Module([statement], []), block.where, "exec"), names)
                    continue
                value = eval(compile(ast.Expression(statement.value), block.where, "eval"), names)
                end = statement.end_lineno or statement.lineno
                comment = lines[end - 1].encode()[statement.end_col_offset :].decode().partition("# ")[2]
                assert not comment or _pattern(comment).fullmatch(_bare(repr(value))), (
                    f"{block.where}: line {end} of the block gives {value!r}"
                )

    def close(self) -> None:
        """Stop the site and its peers, if there are any."""
        self._peers.close()
        if self._site is None:
            return
        if self._site.poll() is None:
            os.killpg(self._site.pid, signal.SIGTERM)
        try:
            self._site.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._site.pid, signal.SIGKILL)
            raise
        finally:
            self._site = None
        assert "Traceback" not in self._log.read_text(), self._log.read_text()

    @property
    def _address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def _here(self, text: str) -> str:
        """The addresses on the page are those of this reader's own site and its peers."""
        ports = "|".join(self._ports)
        text = re.sub(rf"\b({ports})\b", lambda found: str(self._ports[found[1]]), text)
        return re.sub(r"(127\.0\.0\.1|localhost):8000", self._address, text)

    def _as_on_the_page(self, text: str) -> str:
        """What is printed, with the addresses of the page."""
        for shown, own in self._ports.items():
            text = re.sub(rf"(?<=127\.0\.0\.1[: ]){own}\b", shown, text)
        return text.replace(self._address, ADDRESS)

    def _do(self, text: str, command: Command) -> str:
        # What a command exports, and where it goes, holds for the next one.
        done = subprocess.run(
            ["bash", "-c", f"{self._here(text)}\nstatus=$?; env -0 >{self._state}; exit $status"],
            env=self._environment,
            cwd=self._environment["PWD"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, (
            f"{command.block.where}: `$ {command.text}` ends with exit code {done.returncode}:\n"
            f"{done.stdout}{done.stderr}"
        )
        self._environment = dict(line.split("=", 1) for line in self._state.read_text().split("\0") if line)
        return done.stdout

    def _start(self, text: str) -> str:
        self.close()
        self._port = free_port()
        port = f" {self._port}" if "runserver" in text else f" --port {self._port}"
        with self._log.open("wb") as log:
            self._site = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(text)}{port}"],
                env=self._environment,
                cwd=self._environment["PWD"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + SECONDS
        while not self._answers():
            assert self._site.poll() is None, f"`{text}` ended:\n{self._log.read_text()}"
            assert time.monotonic() < end, f"`{text}` does not answer:\n{self._log.read_text()}"
            time.sleep(0.1)  # between questions to a process that tells nobody when it is ready
        return self._log.read_text()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self._address}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def _own_programs(folder: Path) -> Path:
    """A folder with the machine's programs that this environment has others of the same name for."""
    folder.mkdir()
    elsewhere = [path for path in os.environ["PATH"].split(os.pathsep) if Path(path) != Path(sys.executable).parent]
    for name in DCMTK:
        if found := shutil.which(name, path=os.pathsep.join(elsewhere)):
            (folder / name).symlink_to(found)
    return folder


def _bare(text: str) -> str:
    """Text without its spaces and line breaks: these may differ."""
    return re.sub(r"\s", "", text)


def _pattern(shown: str) -> re.Pattern[str]:
    """What a page shows as a pattern, in which ``...`` stands for anything."""
    return re.compile(re.escape(_bare(shown)).replace(re.escape("..."), ".*?"), re.DOTALL)
