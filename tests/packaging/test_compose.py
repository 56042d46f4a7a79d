"""docker/: every path, command, port and variable in it is one that the project knows."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer.main
import yaml

from voxelry.cli import app
from voxelry.server.environment import configuration

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker/compose.yaml"
DOCKERFILE = ROOT / "docker/Dockerfile"
AMAZON = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
"""What boto3 reads."""
VARIABLES = {variable for _, variable, *_ in configuration.described()}
OWN_VARIABLES = {"VOXELRY_POSTGRES_PASSWORD"}
"""Those that only compose.yaml knows: it gives them to the other images."""

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def services() -> Services:
    found: Services = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as ``(instruction, arguments)``."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE))
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def arguments(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in instructions if instruction == name]


def assert_voxelry_knows(command: list[str]) -> None:
    """A command line is one that the terminal takes, options included."""
    program, verb, *options = command
    assert program == "voxelry"
    group = typer.main.get_command(app)
    found = group.commands[verb]  # type: ignore[attr-defined]
    known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {option for option in options if option.startswith("-")} <= known


@pytest.mark.programs("docker-compose")
@pytest.mark.parametrize("environment", [{}, {"VOXELRY_PORT": "8123", "VOXELRY_POSTGRES_PASSWORD": "secret"}])
def test_docker_compose_understands_it(environment: dict[str, str]) -> None:
    config = subprocess.run(
        ["docker-compose", "--file", str(COMPOSE), "config"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment},
    )
    services = yaml.safe_load(config.stdout)["services"]
    assert set(services) == {"web", "worker", "postgres", "redis"}
    assert services["web"]["ports"] == [f"127.0.0.1:{environment.get('VOXELRY_PORT', '8000')}:8000/tcp"]
    assert services["web"]["build"]["context"] == str(ROOT)
    password = environment.get("VOXELRY_POSTGRES_PASSWORD", "voxelry")
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == password
    assert urlsplit(services["worker"]["environment"]["VOXELRY_DATABASE_URL"]).password == password


def test_web_and_worker_are_one_image_with_one_configuration(services: Services) -> None:
    web, worker = services["web"], services["worker"]
    assert web["image"] == worker["image"]
    assert web["build"] == worker["build"]
    assert web["environment"] == worker["environment"]
    assert web["volumes"] == worker["volumes"]


def test_the_server_knows_every_variable(services: Services, instructions: list[tuple[str, str]]) -> None:
    assert {name for name in services["web"]["environment"] if name not in AMAZON} <= VARIABLES
    in_image = re.findall(r"\b(VOXELRY_\w+)=", " ".join(arguments(instructions, "ENV")))
    assert in_image == ["VOXELRY_DATA"]
    asked = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    assert asked <= VARIABLES | OWN_VARIABLES | AMAZON


def test_every_variable_that_is_given_is_understood(services: Services) -> None:
    given = {name: re.sub(r"\$\{\w+:-(\w*)\}", r"\1", text) for name, text in services["web"]["environment"].items()}
    read = configuration.read(given)
    assert str(read.data) == "/data"
    assert urlsplit(read.database_url).hostname in services
    assert urlsplit(read.broker_url).hostname in services


def test_the_addresses_fit_the_services(services: Services) -> None:
    database = urlsplit(services["web"]["environment"]["VOXELRY_DATABASE_URL"].replace("${", "").replace(":-", ""))
    postgres = services["postgres"]["environment"]
    assert database.username == postgres["POSTGRES_USER"]
    assert database.path == f"/{postgres['POSTGRES_DB']}"
    assert database.netloc.endswith("@postgres:5432")
    assert services["web"]["environment"]["VOXELRY_BROKER_URL"].startswith("redis://redis:6379/")


def test_the_commands_are_the_terminal_s(services: Services, instructions: list[tuple[str, str]]) -> None:
    [command] = arguments(instructions, "CMD")
    for line in (json.loads(command), services["web"]["command"], services["worker"]["command"]):
        assert_voxelry_knows(line)


def test_the_port_is_the_same_everywhere(services: Services, instructions: list[tuple[str, str]]) -> None:
    [exposed] = arguments(instructions, "EXPOSE")
    [command] = arguments(instructions, "CMD")
    [health] = arguments(instructions, "HEALTHCHECK")
    assert json.loads(command)[-2:] == services["web"]["command"][4:6] == ["--port", exposed]
    assert f"http://127.0.0.1:{exposed}/healthz" in health
    [published] = services["web"]["ports"]
    assert published.endswith(f":{exposed}")


def test_the_data_folder_is_the_volume(services: Services, instructions: list[tuple[str, str]]) -> None:
    [volume] = arguments(instructions, "VOLUME")
    assert services["web"]["environment"]["VOXELRY_DATA"] == volume
    assert services["web"]["volumes"] == [f"data:{volume}"]
    assert f"VOXELRY_DATA={volume}" in " ".join(arguments(instructions, "ENV"))


def test_every_path_is_there(services: Services, instructions: list[tuple[str, str]]) -> None:
    build = services["web"]["build"]
    context = (COMPOSE.parent / build["context"]).resolve()
    assert context == ROOT
    assert context / build["dockerfile"] == DOCKERFILE
    copied = [word for line in arguments(instructions, "COPY") if "--from" not in line for word in line.split()[:-1]]
    assert [path for path in copied if not (ROOT / path).exists()] == []
    locks = [word for line in arguments(instructions, "RUN") for word in shlex.split(line) if word.endswith(".txt")]
    assert [lock for lock in locks if not (ROOT / lock).is_file()] == []
    assert locks


def test_what_is_copied_is_not_ignored(instructions: list[tuple[str, str]]) -> None:
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [word for line in arguments(instructions, "COPY") if "--from" not in line for word in line.split()[:-1]]
    assert sorted(f"!/{path}" for path in copied) == sorted(rule for rule in rules if rule.startswith("!"))


def test_the_image_runs_as_an_ordinary_user(instructions: list[tuple[str, str]]) -> None:
    assert arguments(instructions, "USER") == ["voxelry"]
    assert {line.split()[0] for line in arguments(instructions, "FROM")} == {"debian:bookworm-slim", "python"}
