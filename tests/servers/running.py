"""Databases and brokers of a test's own: on free ports, in temporary folders, and to be crashed."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

START_SECONDS = 300.0
"""How long a server may take to answer after its start, on a busy machine: RabbitMQ takes 5 s on an idle one."""
STOP_SECONDS = 60.0
"""How long a server may take to end in order."""

FIRST_PORT = 10_000
"""Well-known services have their ports below."""

POSTGRES_BINARIES = "/usr/lib/postgresql"
"""Debian keeps ``initdb`` and ``postgres`` in versioned folders here, off the PATH."""
RABBITMQ_PROGRAMS = "/usr/lib/rabbitmq/bin/rabbitmq-server"
"""Debian's program of this name on the PATH is for its service's own user and folders."""


class Server:
    """A server process. It can be crashed and started again, with the same port and folder."""

    def __init__(
        self,
        arguments: list[str],
        folder: Path,
        port: int,
        *,
        environment: Mapping[str, str] | None = None,
        ready: Callable[[], bool] = lambda: True,
        crash: signal.Signals = signal.SIGKILL,
        seconds: float = START_SECONDS,
    ) -> None:
        self.port = port
        self._arguments, self._folder, self._ready, self._crash = arguments, folder, ready, crash
        self._environment = {**os.environ, **(environment or {})}
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it takes people in."""
        with (self._folder / "log").open("ab") as output:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        if wait:
            wait_until(self.answers, self._arguments[0], self._seconds)

    def answers(self) -> bool:
        """Whether it takes people in."""
        if self._process is None or self._process.poll() is not None:
            log = (self._folder / "log").read_text(errors="replace")
            raise RuntimeError(f"{self._arguments[0]} ended at once:\n{log}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._ready()

    def crash(self) -> None:
        """End it in the middle of whatever it does."""
        self._signal(self._crash)

    def stop(self) -> None:
        """End it in order; at once if it takes too long."""
        try:
            self._signal(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        # PostgreSQL's first process tells its others by itself; of what else there is each must be told.
        send = os.kill if number == signal.SIGQUIT else os.killpg
        with suppress(ProcessLookupError):
            send(self._process.pid, number)
        self._process.wait(STOP_SECONDS)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Started, and stopped at the end."""
    server.start()
    try:
        yield server
    finally:
        server.stop()


def postgres_folder() -> Path | None:
    """The folder that holds ``initdb`` and ``postgres``, the newest version's."""
    found = sorted(Path(POSTGRES_BINARIES).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def postgres(binaries: Path) -> Iterator[Server]:
    """PostgreSQL, as an unprivileged user if this is root, for whom it refuses to start."""
    as_user: list[str] = []
    port = free_port()
    with temporary_folder() as folder:
        if os.geteuid() == 0:
            account = unprivileged_account()
            shutil.chown(folder, account.pw_uid, account.pw_gid)
            as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        cluster = str(folder / "cluster")
        create_cluster = [*as_user, str(binaries / "initdb"), "--pgdata", cluster, "--username=voxelry", "--auth=trust"]
        create_cluster += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(create_cluster, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        arguments = [*as_user, str(binaries / "postgres"), "-D", cluster, "-h", "127.0.0.1", "-p", str(port)]
        arguments += ["-k", str(folder), "-c", "fsync=off"]

        def takes_in() -> bool:
            # The port is open before the server takes anyone in.
            return create_database(binaries, port, "template1", check=False, exists=True)

        with running(Server(arguments, folder, port, ready=takes_in, crash=signal.SIGQUIT)) as server:
            yield server


def create_database(binaries: Path, port: int, name: str, *, check: bool, exists: bool = False) -> bool:
    """Make one; with ``exists``, ask only whether there is one that takes us in."""
    program = "pg_isready" if exists else "createdb"
    ask = ["-d", name] if exists else [name]
    create = [str(binaries / program), "-h", "127.0.0.1", "-p", str(port), "-U", "voxelry", *ask]
    return subprocess.run(create, capture_output=True, check=check).returncode == 0


def unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other account")


@contextmanager
def redis() -> Iterator[Server]:
    """Redis, which keeps nothing when it ends."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("Redis is not installed")
    port = free_port()
    arguments = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    arguments += ["--databases", "1000"]
    with temporary_folder() as folder, running(Server([*arguments, "--dir", str(folder)], folder, port)) as server:
        yield server


@contextmanager
def rabbitmq() -> Iterator[Server]:
    """RabbitMQ, as a node of its own beside an ``epmd`` of its own."""
    if not Path(RABBITMQ_PROGRAMS).is_file():
        pytest.skip("RabbitMQ is not installed")
    port, distribution, names = free_port(), free_port(), free_port()
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        (folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{port}\nvm_memory_high_watermark.absolute = 512MB\n"
            "disk_free_limit.absolute = 1MB\n"
        )
        environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"voxelry-{port}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }
        epmd = shutil.which("epmd") or "/usr/lib/erlang/bin/epmd"
        stack.enter_context(running(Server([epmd, "-port", str(names)], folder, names, environment=environment)))
        server = Server([RABBITMQ_PROGRAMS], folder, port, environment=environment)
        yield stack.enter_context(running(server))


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that other accounts can enter and whose path is short enough for a Unix socket, unlike ``tmp_path``."""
    with tempfile.TemporaryDirectory(prefix="voxelry-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def wait_until(ready: Callable[[], bool], name: str, seconds: float = START_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not answer within {seconds:.0f} seconds")
        time.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on, and that this machine gives to no client.

    A server that is told of it binds it seconds later, on a busy machine many: a port from the range for clients may
    then be the end of somebody's connection.
    """
    for port in random.SystemRandom().sample(range(FIRST_PORT, _first_port_of_clients()), 1000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _first_port_of_clients() -> int:
    """The first of the ports that the system gives to those who ask for any."""
    usual = 32768
    try:
        return max(usual, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]))
    except OSError:
        return usual
