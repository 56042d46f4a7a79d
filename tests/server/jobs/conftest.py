"""Sites whose parts can be killed: the default one, and two of many machines."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers.running import Server, create_database, postgres, postgres_folder, rabbitmq, redis, wait_until
from voxelry.server.jobs import isolated

ROOT = Path(__file__).resolve().parents[3]
databases = itertools.count(1)


@pytest.fixture(scope="package", autouse=True)
def _no_child_is_left() -> Iterator[None]:
    yield
    isolated.tidy(0)


@dataclass
class Parts:
    """A site, its processes, and the servers that it needs."""

    folder: Path
    settings: dict[str, str]
    broker: Server | None = None
    database: Server | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.server.jobs.site_settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            "VOXELRY_DATA": str(self.folder / "data"),
            **self.settings,
        }

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A Python process of the site, leading a group of its own."""
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def work(self) -> subprocess.Popen[bytes]:
        """One worker more."""
        worker = self.start("-m", "voxelry.server.site.worker")
        self.workers.append(worker)
        return worker

    @contextmanager
    def driven(self, *words: str) -> Iterator[Iterator[str]]:
        """What `drive` says, as it says it; it must end well."""
        driver = subprocess.Popen(
            [sys.executable, "-m", "tests.server.jobs.drive", *words],
            env=self.environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert driver.stdout is not None
        lines: list[str] = []

        def said() -> Iterator[str]:
            assert driver.stdout is not None
            for line in driver.stdout:
                lines.append(line)
                yield line.strip()

        try:
            yield said()
            for _ in said():
                pass
            assert driver.wait(120) == 0, "".join(lines[-5:]) + self.log
            assert "right\n" in lines
        finally:
            driver.kill()
            driver.wait()
            driver.stdout.close()

    def migrate(self) -> Parts:
        """Make its database."""
        made = [sys.executable, "-m", "tests.server.jobs.drive", "migrate"]
        subprocess.run(made, env=self.environment, cwd=ROOT, check=True)
        return self

    def end(self) -> None:
        """All workers; the test is over."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(120)
        self.workers.clear()


def kill(process: subprocess.Popen[bytes]) -> None:
    """As the system does when memory runs out."""
    process.kill()
    process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """And what it has started in its group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def alive(pid: int) -> bool:
    """Whether there is such a process that is more than a corpse."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float) -> None:
    """Wait until it is."""
    wait_until(lambda: not alive(pid), f"the end of process {pid}", seconds)


@pytest.fixture(scope="package")
def database_server() -> Iterator[tuple[Path, Server]]:
    """A PostgreSQL that these tests may crash."""
    binaries = postgres_folder()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres(binaries) as server:
        yield binaries, server


SET_UPS = [
    "default",
    pytest.param("redis", marks=pytest.mark.servers),
    pytest.param("rabbitmq", marks=[pytest.mark.servers, pytest.mark.programs("rabbitmq-server")]),
]


@pytest.fixture(scope="module", params=SET_UPS)
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    """SQLite without a broker; PostgreSQL with Redis; PostgreSQL with RabbitMQ."""
    folder = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        if request.param == "default":
            site = Parts(folder, {})
        else:
            broker = stack.enter_context(redis() if request.param == "redis" else rabbitmq())
            binaries, database = request.getfixturevalue("database_server")
            name = f"jobs_{next(databases)}"
            create_database(binaries, database.port, name, check=True)
            scheme = "redis://" if request.param == "redis" else "amqp://guest:guest@"
            settings = {
                "VOXELRY_DATABASE_URL": f"postgresql://voxelry@127.0.0.1:{database.port}/{name}",
                "VOXELRY_BROKER_URL": f"{scheme}127.0.0.1:{broker.port}/{'0' if request.param == 'redis' else '/'}",
            }
            site = Parts(folder, settings, broker, database)
        yield site.migrate()


@pytest.fixture
def site_parts(parts: Parts) -> Iterator[Parts]:
    """The same, with no worker before and after."""
    yield parts
    parts.end()
