"""Every setting of the server, and where its value comes from.

Defaults, then ``voxelry.toml``, then the environment, then flags; the later wins. This module only parses:
it makes no folder and writes no file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar, cast

import platformdirs

from voxelry.core.errors import VoxelryError

FILE_NAME = "voxelry.toml"
QUEUES = ("ingest", "cpu", "gpu")
LONGEST_LEASE_SECONDS = 15.0
DATA = Path(platformdirs.user_data_dir("voxelry", appauthor=False))
"""Where everything is kept unless told otherwise."""

_NOT_POSITIVE = frozenset({"broker_url", "queues", "memory_limit_bytes"})

_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9._/-]*)?")
_ENDPOINT = re.compile(r"https?://[^/@\s]+/?")

Scalar = str | int | float | bool
Parsed = Scalar | tuple[str, ...] | Path | None


class ConfigurationError(VoxelryError, ValueError):
    """A setting is unknown or its value cannot be used."""

    code: ClassVar[str] = "configuration"


def _setting(default: Parsed, words: str, *, key: str = "", variable: str = "") -> Any:
    """A field that knows its place in the file (``section.key``), its variable and its explanation."""
    metadata = {"key": key, "variable": variable, "words": words}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What the server was told. `described` lists each setting with its explanation."""

    data: Path = _setting(DATA, "The folder that holds everything: database, files, jobs.", variable="VOXELRY_DATA")
    file: Path | None = _setting(None, "The configuration file.", variable="VOXELRY_CONFIG")
    threshold: float = _setting(
        0.5,
        "Threshold of a measurement that names none, on [0, 1].",
        key="measure.threshold",
        variable="VOXELRY_MEASURE_THRESHOLD",
    )
    host: str = _setting(
        "127.0.0.1",
        "Address to listen on; 0.0.0.0 for every network this machine is in.",
        key="server.host",
        variable="VOXELRY_HOST",
    )
    port: int = _setting(8000, "Port to listen on.", key="server.port", variable="VOXELRY_PORT")
    hosts: tuple[str, ...] = _setting(
        (),
        "Names by which browsers may reach the server, besides this machine's own; '*' for any.",
        key="server.hosts",
        variable="VOXELRY_HOSTS",
    )
    trusted_origins: tuple[str, ...] = _setting(
        (),
        "Origins behind a proxy, with their scheme, such as https://images.example.org.",
        key="server.trusted_origins",
        variable="VOXELRY_TRUSTED_ORIGINS",
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (),
        "Addresses or networks of proxies whose X-Forwarded-For is believed, such as 127.0.0.1 or 10.0.0.0/8. "
        "Empty: none, and all that comes through a proxy counts as one address.",
        key="server.trusted_proxies",
        variable="VOXELRY_TRUSTED_PROXIES",
    )
    secret_key: str = _setting(
        "",
        "Signs sessions. Empty: made at the first start and kept in the data folder.",
        key="server.secret_key",
        variable="VOXELRY_SECRET_KEY",
    )
    admin_password: str = _setting(
        "",
        "Password of the user admin, made at the first start. Empty: a generated one, printed once.",
        key="server.admin_password",
        variable="VOXELRY_ADMIN_PASSWORD",
    )
    debug: bool = _setting(
        False, "Django's debug pages. Never where others can reach it.", key="server.debug", variable="VOXELRY_DEBUG"
    )
    database_url: str = _setting(
        "",
        "postgresql://user:password@host:5432/name. Empty: SQLite in the data folder.",
        key="server.database_url",
        variable="VOXELRY_DATABASE_URL",
    )
    broker_url: str = _setting(
        "",
        "redis://host:6379/0 or amqp://user:password@host:5672// wakes workers. Empty: they look at the database.",
        key="jobs.broker_url",
        variable="VOXELRY_BROKER_URL",
    )
    queues: tuple[str, ...] = _setting(
        (),
        "Whose jobs a worker does: some of ingest (uploads and their volumes), cpu and gpu. Empty: all.",
        key="jobs.queues",
        variable="VOXELRY_QUEUES",
    )
    concurrency: int = _setting(
        2, "Jobs that a worker does at a time.", key="jobs.concurrency", variable="VOXELRY_CONCURRENCY"
    )
    lease_seconds: float = _setting(
        15.0,
        "A job whose worker is silent for so long is given to another; at most 15.",
        key="jobs.lease_seconds",
        variable="VOXELRY_LEASE_SECONDS",
    )
    attempts: int = _setting(
        5, "How often a job is begun before it is given up.", key="jobs.attempts", variable="VOXELRY_ATTEMPTS"
    )
    time_limit_seconds: float = _setting(
        6 * 3600.0,
        "How long a job may take that was given no limit of its own.",
        key="jobs.time_limit_seconds",
        variable="VOXELRY_TIME_LIMIT_SECONDS",
    )
    memory_limit_bytes: int = _setting(
        0,
        "How much memory a job in a process of its own may take that was given no limit of its own. "
        "0: three quarters of the machine's.",
        key="jobs.memory_limit_bytes",
        variable="VOXELRY_MEMORY_LIMIT_BYTES",
    )
    storage_url: str = _setting(
        "",
        "s3://bucket/prefix keeps files at rest in a bucket (extra s3); the data folder is then its cache. "
        "Empty: in the data folder.",
        key="storage.url",
        variable="VOXELRY_STORAGE_URL",
    )
    storage_endpoint: str = _setting(
        "",
        "Where the bucket is, such as https://minio.example.org:9000. Empty: Amazon S3.",
        key="storage.endpoint",
        variable="VOXELRY_STORAGE_ENDPOINT",
    )
    storage_region: str = _setting(
        "",
        "The bucket's region. Empty: what AWS_DEFAULT_REGION says.",
        key="storage.region",
        variable="VOXELRY_STORAGE_REGION",
    )
    storage_cache_bytes: int = _setting(
        64 * 2**30,
        "About how many bytes of the bucket's files the data folder keeps; the least recently used go first. 0: all.",
        key="storage.cache_bytes",
        variable="VOXELRY_STORAGE_CACHE_BYTES",
    )
    processing_roots: tuple[str, ...] = _setting(
        (),
        "Folders of this machine whose DICOM a job may read by its path. Empty: none.",
        key="processing.roots",
        variable="VOXELRY_PROCESSING_ROOTS",
    )
    processing_gpu: bool = _setting(
        False,
        "Whether models wait for a worker of the queue gpu.",
        key="processing.gpu",
        variable="VOXELRY_PROCESSING_GPU",
    )
    nesting: int = _setting(
        3,
        "How deep archives may lie inside archives.",
        key="limits.nesting",
        variable="VOXELRY_LIMIT_NESTING",
    )
    entries: int = _setting(
        200_000,
        "How many entries an archive may hold.",
        key="limits.entries",
        variable="VOXELRY_LIMIT_ENTRIES",
    )
    expanded_bytes: int = _setting(
        64 * 2**30,
        "How large an archive may grow when it is unpacked, in bytes.",
        key="limits.expanded_bytes",
        variable="VOXELRY_LIMIT_EXPANDED_BYTES",
    )
    ratio: float = _setting(
        100.0,
        "How many times its own size an archive may unpack to, once that is above half a GiB.",
        key="limits.ratio",
        variable="VOXELRY_LIMIT_RATIO",
    )
    upload_files: int = _setting(
        20_000,
        "How many files one request may bring.",
        key="limits.upload_files",
        variable="VOXELRY_LIMIT_UPLOAD_FILES",
    )
    upload_bytes: int = _setting(
        64 * 2**30,
        "How large one request may be, in bytes.",
        key="limits.upload_bytes",
        variable="VOXELRY_LIMIT_UPLOAD_BYTES",
    )
    measured_bytes: int = _setting(
        4 * 2**30,
        "How large a file, unpacked, may be that is measured without being stored, in bytes.",
        key="limits.measured_bytes",
        variable="VOXELRY_LIMIT_MEASURED_BYTES",
    )
    measurements: int = _setting(
        2,
        "How many files are measured at a time without being stored; others wait their turn.",
        key="limits.measurements",
        variable="VOXELRY_LIMIT_MEASUREMENTS",
    )
    connections: int = _setting(
        500,
        "How many connections, or requests by way of trusted proxies, one address may have open at a time.",
        key="limits.connections",
        variable="VOXELRY_LIMIT_CONNECTIONS",
    )
    header_seconds: float = _setting(
        20.0,
        "How long a request may take to say what it asks for.",
        key="limits.header_seconds",
        variable="VOXELRY_LIMIT_HEADER_SECONDS",
    )
    body_bytes_per_second: int = _setting(
        8192,
        "How fast the body of a request has to come, over each half minute.",
        key="limits.body_bytes_per_second",
        variable="VOXELRY_LIMIT_BODY_BYTES_PER_SECOND",
    )

    def __post_init__(self) -> None:
        for proxy in self.trusted_proxies:
            if not _is_network(proxy):
                raise ConfigurationError(f"server.trusted_proxies must be addresses or networks, not {proxy!r}")
        if not 0 <= self.threshold <= 1:
            raise ConfigurationError(f"measure.threshold must be from 0 to 1, not {self.threshold}")
        if not 0 <= self.port < 65536:
            raise ConfigurationError(f"server.port must be from 0 (a free one) to 65535, not {self.port}")
        positive = [f.name for f in fields(self) if str(f.metadata["key"]).startswith(("jobs.", "limits."))]
        for name in positive:
            if name not in _NOT_POSITIVE and getattr(self, name) <= 0:
                raise ConfigurationError(f"{_key(name)} must be above 0, not {getattr(self, name)}")
        if self.memory_limit_bytes < 0:
            raise ConfigurationError(f"jobs.memory_limit_bytes must not be below 0, not {self.memory_limit_bytes}")
        if self.storage_url and not _BUCKET.fullmatch(self.storage_url):
            raise ConfigurationError("storage.url must be s3://bucket or s3://bucket/prefix")
        if self.storage_endpoint and not _ENDPOINT.fullmatch(self.storage_endpoint):
            raise ConfigurationError("storage.endpoint must be http:// or https:// and a host, without a password")
        if self.storage_cache_bytes < 0:
            raise ConfigurationError(f"storage.cache_bytes must not be below 0, not {self.storage_cache_bytes}")
        if self.lease_seconds > LONGEST_LEASE_SECONDS:
            raise ConfigurationError(
                f"jobs.lease_seconds must be at most {LONGEST_LEASE_SECONDS:g}, not {self.lease_seconds:g}"
            )
        if not set(self.queues) <= set(QUEUES):
            raise ConfigurationError(f"jobs.queues must be some of {', '.join(QUEUES)}, not {', '.join(self.queues)}")


def _is_network(told: str) -> bool:
    try:
        ip_network(told, strict=False)
    except ValueError:
        return False
    return True


def described() -> tuple[tuple[str, str, str, Parsed], ...]:
    """``(key in the file, variable, explanation, default)`` of each setting."""
    return tuple(
        (str(f.metadata["key"]), str(f.metadata["variable"]), str(f.metadata["words"]), cast(Parsed, f.default))
        for f in fields(Configuration)
    )


def read(
    environment: Mapping[str, str],
    *,
    data: Path | None = None,
    config: Path | None = None,
    working_folder: Path | None = None,
) -> Configuration:
    """The configuration that holds for an environment, with flags on top.

    Parameters
    ----------
    environment
        ``VOXELRY_*`` variables; others, and unknown ones, are left alone.
    data, config
        The flags ``--data`` and ``--config``.
    working_folder
        Where ``voxelry.toml`` is looked for after the data folder.

    Raises
    ------
    ConfigurationError
        If the file is missing, is no TOML or has an unknown key, or if a value cannot be used.
    """
    values: dict[str, Parsed] = {}
    for f in fields(Configuration):
        text = environment.get(f.metadata["variable"], "")
        if text:
            values[f.name] = _from_text(str(f.type), text, f.metadata["variable"])
    if data is not None:
        values["data"] = data
    if config is not None:
        values["file"] = config
    if values.get("data") is not None:
        values["data"] = Path(str(values["data"])).expanduser().absolute()

    path = values.get("file")
    if path is not None:
        path = Path(str(path)).expanduser().absolute()
        if not path.is_file():
            raise ConfigurationError(f"there is no configuration file {path}")
    else:
        folders = [values.get("data") or DATA, working_folder or Path.cwd()]
        found = (Path(str(folder)) / FILE_NAME for folder in folders)
        path = next((p for p in found if p.is_file()), None)
    from_file: dict[str, Parsed] = {}
    if path is not None:
        values["file"] = path
        from_file = _from_file(path)
    return Configuration(**{**from_file, **values})  # type: ignore[arg-type]


def _key(name: str) -> str:
    return next(str(f.metadata["key"]) for f in fields(Configuration) if f.name == name)


def _from_file(path: Path) -> dict[str, Parsed]:
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    by_key = {f.metadata["key"]: f for f in fields(Configuration) if f.metadata["key"]}
    sections = {key.partition(".")[0] for key in by_key}
    values: dict[str, Parsed] = {}
    for section, entries in tree.items():
        if section not in sections or not isinstance(entries, dict):
            known = ", ".join(f"[{s}]" for s in sorted(sections))
            raise ConfigurationError(f"{path}: unknown key {section!r}; the sections are {known}")
        for name, value in entries.items():
            key = f"{section}.{name}"
            if key not in by_key:
                known = ", ".join(sorted(k.partition(".")[2] for k in by_key if k.startswith(f"{section}.")))
                raise ConfigurationError(f"{path}: unknown key {key!r}; [{section}] knows {known}")
            f = by_key[key]
            values[f.name] = _checked(value, str(f.type), f"{path}: {key}")
    return values


def _checked(value: object, kind: str, where: str) -> Parsed:
    if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "str" and isinstance(value, str):
        return value
    if kind.startswith("tuple") and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    wanted = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "text"}
    raise ConfigurationError(f"{where} must be {wanted.get(kind, 'a list of texts')}, not {value!r}")


def _from_text(kind: str, text: str, variable: str) -> Parsed:
    try:
        if kind == "float":
            return float(text)
        if kind == "int":
            return int(text)
        if kind == "bool":
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if kind.startswith("tuple"):
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return Path(text) if "Path" in kind else text
    except (ValueError, KeyError) as error:
        raise ConfigurationError(f"{variable} cannot be {text!r}") from error
