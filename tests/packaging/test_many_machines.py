"""A site whose parts are apart: web, worker, PostgreSQL and Redis, by settings only."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import voxelry
from voxelry.testing import synthetic_series

if TYPE_CHECKING:
    from tests.packaging.conftest import Client

VOXELRY = str(Path(sys.executable).parent / "voxelry")


@contextmanager
def process(arguments: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        started = subprocess.Popen(
            [VOXELRY, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            yield started
        except BaseException:
            print(f"--- {' '.join(arguments)}\n{log.read_text(errors='replace')}")
            raise
        finally:
            started.terminate()
            try:
                started.wait(60)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


@pytest.fixture(scope="module")
def site(
    postgres_url: str,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    connect: type[Client],
    free_port: Callable[[], int],
) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))}
    environment |= {
        "VOXELRY_DATA": str(folder / "data"),
        "VOXELRY_DATABASE_URL": postgres_url,
        "VOXELRY_BROKER_URL": redis_url,
        "VOXELRY_ADMIN_PASSWORD": connect.password,
    }
    client = connect(f"http://127.0.0.1:{port}")
    with ExitStack() as stack:
        serve = ["serve", "--host", "127.0.0.1", "--port", str(port), "--no-worker"]
        web = stack.enter_context(process(serve, environment, folder / "web.log"))
        client.wait_for_start(web)
        stack.enter_context(process(["worker"], environment, folder / "worker.log"))
        yield client


def upload(site: Client, folder: Path) -> dict[str, Any]:
    """Upload a folder's files and wait for the report."""
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    address = site.ask("/api/uploads", files=files, field="files")["address"]
    site.wait_until(lambda: site.ask(address)["state"] in ("succeeded", "failed"))
    report: dict[str, Any] = site.ask(address)
    return report


@pytest.mark.servers
def test_an_upload_becomes_a_volume_through_postgresql_and_redis(site: Client, tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=5)

    report = upload(site, tmp_path)
    assert report["state"] == "succeeded"
    assert report["counts"] == {"stored": 5, "present": 0, "skipped": 0}

    [series] = report["series"]
    site.wait_until(lambda: site.ask(f"/api/series/{series}")["state"] in ("succeeded", "failed"))
    assert site.ask(f"/api/series/{series}")["state"] == "succeeded"
    measured = site.ask(f"/api/series/{series}/measure")
    expected = voxelry.measure(voxelry.load_volume(tmp_path))
    assert measured["pixels_above_threshold"] == expected.pixels_above_threshold
    assert measured["volume_mm3"] == expected.volume_mm3


@pytest.mark.servers
def test_the_same_upload_again_adds_nothing(site: Client, tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=4, seed=1)

    assert upload(site, tmp_path)["counts"]["stored"] == 4
    assert upload(site, tmp_path)["counts"] == {"stored": 0, "present": 4, "skipped": 0}
