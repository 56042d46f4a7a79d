"""The container image: built from docker/Dockerfile and run, with buildah, for real."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import image

if TYPE_CHECKING:
    from tests.packaging.conftest import Client

pytestmark = [pytest.mark.registries, pytest.mark.programs("buildah", "debootstrap")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image.Buildah]:
    if os.geteuid() != 0:
        pytest.skip("only root can build the image here")
    store = tmp_path_factory.mktemp("images")
    try:
        yield image.build(store)
    finally:
        image.remove(store)


@pytest.fixture(scope="module")
def container(built: image.Buildah) -> Iterator[str]:
    with built.container(image.IMAGE) as name:
        yield name


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the image's volume, its owner the image's user, as the engines do it."""
    folder = tmp_path_factory.mktemp("data")
    os.chown(folder, 1000, 1000)
    # pytest keeps its folders to itself; another account has to get through them.
    for parent in folder.parents[:2]:
        parent.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def site(
    built: image.Buildah, container: str, data: Path, connect: type[Client], free_port: Callable[[], int]
) -> Iterator[Client]:
    """The image's own command, on a port that is free here: the container shares this machine's network."""
    port = str(free_port())
    command = [port if word == "8000" else word for word in built.config(image.IMAGE)["Cmd"]]
    environment = {"VOXELRY_ADMIN_PASSWORD": connect.password}
    client = connect(f"http://127.0.0.1:{port}")
    with image.running(built, container, command, data=data, environment=environment) as process:
        client.wait_for_start(process)
        yield client


def test_it_answers(site: Client) -> None:
    assert site.ask("/healthz")["status"] == "ok"


def test_it_measures(site: Client, corpus: Path) -> None:
    answer = site.ask("/api/measure", files={"1-101.dcm": (corpus / "single/1-101.dcm").read_bytes()})
    [measurement] = answer["measurements"]
    assert measurement["pixels_above_threshold"] == 50080
    assert measurement["volume_mm3"] == 143280.029296875


def test_it_writes_into_its_volume_as_its_own_user(site: Client, data: Path) -> None:
    owners = {path.stat().st_uid for path in data.rglob("*")}
    assert owners == {1000}


def test_its_health_check_passes(site: Client, built: image.Buildah, container: str) -> None:
    kind, *command = built.config(image.IMAGE)["Healthcheck"]["Test"]
    assert kind == "CMD"
    port = site.address.rpartition(":")[2]
    built.run("run", "--isolation", "chroot", container, "--", *[word.replace("8000", port) for word in command])


def test_a_worker_starts_from_it_too(built: image.Buildah, container: str) -> None:
    helped = built.answer("run", "--isolation", "chroot", container, "--", "voxelry", "worker", "--help")
    assert "worker" in helped


def test_it_holds_voxelry_and_nothing_of_this_machine(built: image.Buildah, container: str) -> None:
    config = built.config(image.IMAGE)
    assert config["User"] == "voxelry"
    assert {variable.partition("=")[0] for variable in config["Env"]} == {"PATH", "PYTHONUNBUFFERED", "VOXELRY_DATA"}
    root = Path(built.answer("mount", container))
    try:
        assert not list(root.joinpath("mnt").iterdir())
        assert not root.joinpath("etc/pip.conf").exists()
        assert not root.joinpath("root/.npmrc").exists()
        assert not root.joinpath("source").exists()
        assert [path.name for path in root.joinpath("opt").iterdir()] == ["voxelry"]
        assert list(root.glob("opt/voxelry/lib/python3*/site-packages/voxelry/server/page/index.html"))
    finally:
        built.answer("umount", container)
