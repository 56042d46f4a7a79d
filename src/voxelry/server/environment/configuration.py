"""Every setting of the server, and where its value comes from.

Defaults, then ``voxelry.toml``, then the environment, then flags; the later wins. This module reads and validates:
it makes no folder and writes no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import platformdirs
from pydantic import AfterValidator, Field, Strict, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from voxelry.network.peer_address import title_problem
from voxelry.server.environment.configuration_errors import ConfigurationError, configuration_error
from voxelry.server.environment.setting import Setting, setting_of
from voxelry.server.environment.setting_sources import TomlFileSource, VariableSource
from voxelry.server.environment.web_addresses import origin, site_url

__all__ = ["DATA", "QUEUES", "Configuration", "ConfigurationError", "described", "read"]

FILE_NAME = "voxelry.toml"
LONGEST_LEASE_SECONDS = 15.0
DATA = Path(platformdirs.user_data_dir("voxelry", appauthor=False))
"""The data folder if no setting names another."""

QueueName = Literal["ingest", "cpu", "gpu"]
QUEUES: tuple[QueueName, ...] = get_args(QueueName)

Parsed = str | int | float | bool | tuple[str, ...] | Path | None
"""What the value of a setting may be."""

_BUCKET = r"^(s3://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9._/-]*)?)?$"
_ENDPOINT = r"^(https?://[^/@\s]+/?)?$"


def _network(text: str) -> str:
    ip_network(text, strict=False)
    return text


def _empty_search(status: int) -> int:
    if status not in (200, 204):
        raise ValueError("neither 200 nor 204")
    return status


def _ae_title(text: str) -> str:
    if (problem := title_problem(text)) is not None:
        raise ValueError(problem)
    return text.strip()


Duplicates = Literal["warning", "success", "failure"]
SearchStatus = Annotated[int, AfterValidator(_empty_search)]
# A file gives a list, which strict validation would not take for a tuple.
Texts = Annotated[tuple[str, ...], Strict(False)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Strict(False)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(origin)], ...], Strict(False)]
Queues = Annotated[tuple[QueueName, ...], Strict(False)]


class Configuration(BaseSettings):
    """The values of all settings; frozen. `described` lists each setting with its explanation.

    ``Configuration(port=8001)`` takes the defaults for what it is not given: only `read` looks at the environment and
    at files.

    Raises
    ------
    ConfigurationError
        If a setting is unknown or its value cannot be used.
    """

    model_config = SettingsConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    data: Annotated[Path, Setting("", "VOXELRY_DATA", "The folder that holds everything: database, files, jobs.")] = (
        DATA
    )
    file: Annotated[Path | None, Setting("", "VOXELRY_CONFIG", "The configuration file.")] = None
    threshold: Annotated[
        float,
        Setting(
            "measure.threshold",
            "VOXELRY_MEASURE_THRESHOLD",
            "Threshold of a measurement that names none, on [0, 1].",
            allowed="from 0 to 1",
        ),
        Field(ge=0, le=1),
    ] = 0.5
    host: Annotated[
        str,
        Setting("server.host", "VOXELRY_HOST", "Address to listen on; 0.0.0.0 for every network this machine is in."),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        Setting("server.port", "VOXELRY_PORT", "Port to listen on.", allowed="from 0 (a free one) to 65535"),
        Field(ge=0, le=65535),
    ] = 8000
    hosts: Annotated[
        Texts,
        Setting(
            "server.hosts",
            "VOXELRY_HOSTS",
            "Names by which browsers may reach the server, besides this machine's own; '*' for any.",
        ),
    ] = ()
    trusted_origins: Annotated[
        Texts,
        Setting(
            "server.trusted_origins",
            "VOXELRY_TRUSTED_ORIGINS",
            "Origins behind a proxy, with their scheme, such as https://images.example.org.",
        ),
    ] = ()
    trusted_proxies: Annotated[
        Networks,
        Setting(
            "server.trusted_proxies",
            "VOXELRY_TRUSTED_PROXIES",
            "Addresses or networks of proxies whose Forwarded and X-Forwarded-* headers are believed, such as "
            "127.0.0.1 or 10.0.0.0/8. "
            "Empty: none, and all that comes through a proxy counts as one address.",
            allowed="addresses or networks",
        ),
    ] = ()
    public_url: Annotated[
        str,
        Setting(
            "server.public_url",
            "VOXELRY_PUBLIC_URL",
            "Where clients reach the site, such as https://images.example.org/voxelry: URLs in answers begin with it. "
            "Empty: what server.trusted_proxies forward, else the Host of each request.",
            allowed="http:// or https://, a host, a port if needed, and a path if a proxy serves the site below one",
        ),
        AfterValidator(site_url),
    ] = ""
    secret_key: Annotated[
        str,
        Setting(
            "server.secret_key",
            "VOXELRY_SECRET_KEY",
            "Signs sessions. Empty: made at the first start and kept in the data folder.",
            secret=True,
        ),
        Field(repr=False),
    ] = ""
    admin_password: Annotated[
        str,
        Setting(
            "server.admin_password",
            "VOXELRY_ADMIN_PASSWORD",
            "Password of the user admin, made at the first start. Empty: a generated one, printed once.",
            secret=True,
        ),
        Field(repr=False),
    ] = ""
    session_hours: Annotated[
        float,
        Setting(
            "access.session_hours",
            "VOXELRY_SESSION_HOURS",
            "A session of the page ends when it was not used for so many hours.",
        ),
        Field(gt=0, le=24 * 366),
    ] = 12.0
    token_days: Annotated[
        int,
        Setting("access.token_days", "VOXELRY_TOKEN_DAYS", "The longest time that a new token holds for, in days."),
        Field(gt=0, le=3660),
    ] = 366
    debug: Annotated[
        bool, Setting("server.debug", "VOXELRY_DEBUG", "Django's debug pages. Never where others can reach it.")
    ] = False
    database_url: Annotated[
        str,
        Setting(
            "server.database_url",
            "VOXELRY_DATABASE_URL",
            "postgresql://user:password@host:5432/name. Empty: SQLite in the data folder.",
            secret=True,
        ),
        Field(repr=False),
    ] = ""
    broker_url: Annotated[
        str,
        Setting(
            "jobs.broker_url",
            "VOXELRY_BROKER_URL",
            "redis://host:6379/0 or amqp://user:password@host:5672// wakes workers. Empty: they look at the database.",
            secret=True,
        ),
        Field(repr=False),
    ] = ""
    queues: Annotated[
        Queues,
        Setting(
            "jobs.queues",
            "VOXELRY_QUEUES",
            "Whose jobs a worker does: some of ingest (uploads and their volumes), cpu and gpu. Empty: all.",
            allowed=f"some of {', '.join(QUEUES)}",
        ),
    ] = ()
    concurrency: Annotated[
        int, Setting("jobs.concurrency", "VOXELRY_CONCURRENCY", "Jobs that a worker does at a time."), Field(gt=0)
    ] = 2
    lease_seconds: Annotated[
        float,
        Setting(
            "jobs.lease_seconds",
            "VOXELRY_LEASE_SECONDS",
            "A job whose worker is silent for so long is given to another; at most 15.",
        ),
        Field(gt=0, le=LONGEST_LEASE_SECONDS),
    ] = 15.0
    attempts: Annotated[
        int,
        Setting("jobs.attempts", "VOXELRY_ATTEMPTS", "How often a job is begun before it is given up."),
        Field(gt=0),
    ] = 5
    time_limit_seconds: Annotated[
        float,
        Setting(
            "jobs.time_limit_seconds",
            "VOXELRY_TIME_LIMIT_SECONDS",
            "How long a job may take that was given no limit of its own.",
        ),
        Field(gt=0),
    ] = 6 * 3600.0
    memory_limit_bytes: Annotated[
        int,
        Setting(
            "jobs.memory_limit_bytes",
            "VOXELRY_MEMORY_LIMIT_BYTES",
            "How much memory a job in a process of its own may take that was given no limit of its own. "
            "0: three quarters of the machine's.",
        ),
        Field(ge=0),
    ] = 0
    storage_url: Annotated[
        str,
        Setting(
            "storage.url",
            "VOXELRY_STORAGE_URL",
            "s3://bucket/prefix keeps files at rest in a bucket (extra s3); the data folder is then its cache. "
            "Empty: in the data folder.",
            allowed="s3://bucket or s3://bucket/prefix",
            secret=True,
        ),
        Field(pattern=_BUCKET, repr=False),
    ] = ""
    storage_endpoint: Annotated[
        str,
        Setting(
            "storage.endpoint",
            "VOXELRY_STORAGE_ENDPOINT",
            "Where the bucket is, such as https://minio.example.org:9000. Empty: Amazon S3.",
            allowed="http:// or https:// and a host, without a password",
            secret=True,
        ),
        Field(pattern=_ENDPOINT, repr=False),
    ] = ""
    storage_region: Annotated[
        str,
        Setting(
            "storage.region", "VOXELRY_STORAGE_REGION", "The bucket's region. Empty: what AWS_DEFAULT_REGION says."
        ),
    ] = ""
    storage_cache_bytes: Annotated[
        int,
        Setting(
            "storage.cache_bytes",
            "VOXELRY_STORAGE_CACHE_BYTES",
            "About how many bytes of the bucket's files the data folder keeps; the least recently used go first. "
            "0: all.",
        ),
        Field(ge=0),
    ] = 64 * 2**30
    dicomweb_empty_search: Annotated[
        SearchStatus,
        Setting(
            "dicomweb.empty_search",
            "VOXELRY_DICOMWEB_EMPTY_SEARCH",
            "The status of a search of DICOMweb that finds nothing: 200 with an empty list, or 204 without one.",
            allowed="200 or 204",
        ),
    ] = 200
    dicomweb_origins: Annotated[
        Origins,
        Setting(
            "dicomweb.origins",
            "VOXELRY_DICOMWEB_ORIGINS",
            "Origins of pages on other sites that may use /dicomweb/ with a token, such as https://viewer.example.org. "
            "Empty: none.",
            allowed="origins with their scheme, such as https://viewer.example.org, and not '*'",
        ),
    ] = ()
    dimse_port: Annotated[
        int,
        Setting(
            "dimse.port",
            "VOXELRY_DIMSE_PORT",
            "Port on which scanners and archives of the DICOM network are listened to, such as 11112. 0: none.",
            allowed="from 0 to 65535",
        ),
        Field(ge=0, le=65535),
    ] = 0
    dimse_host: Annotated[
        str,
        Setting(
            "dimse.host",
            "VOXELRY_DIMSE_HOST",
            "Address to listen on for the DICOM network; 0.0.0.0 for every network this machine is in.",
        ),
    ] = "127.0.0.1"
    dimse_title: Annotated[
        str,
        Setting(
            "dimse.ae_title",
            "VOXELRY_AE_TITLE",
            "The site's AE title: nodes call it by this, and it calls them with it.",
            allowed="1 to 16 printable ASCII characters without a backslash",
        ),
        AfterValidator(_ae_title),
    ] = "VOXELRY"
    dimse_certificate: Annotated[
        str,
        Setting(
            "dimse.tls_certificate",
            "VOXELRY_DIMSE_TLS_CERTIFICATE",
            "File with the certificate chain (PEM) of the site in the DICOM network. With it the listener speaks TLS "
            "only. Empty: no TLS.",
        ),
    ] = ""
    dimse_key: Annotated[
        str,
        Setting(
            "dimse.tls_key",
            "VOXELRY_DIMSE_TLS_KEY",
            "File with the certificate's private key (PEM). Empty: it is in the certificate's file.",
        ),
    ] = ""
    dimse_authorities: Annotated[
        str,
        Setting(
            "dimse.tls_authorities",
            "VOXELRY_DIMSE_TLS_AUTHORITIES",
            "File with the certificates (PEM) that nodes' certificates are signed by, or that are theirs. With it "
            "every node has to show one. Empty: nodes show none, and those that are called are checked against the "
            "system's.",
        ),
    ] = ""
    dimse_duplicates: Annotated[
        Duplicates,
        Setting(
            "dimse.duplicates",
            "VOXELRY_DIMSE_DUPLICATES",
            "The status for an instance whose UID is here with other content, which is kept aside: warning (B000), "
            "success, or failure (0111), for which some scanners send it again for ever.",
            allowed="warning, success or failure",
        ),
    ] = "warning"
    dimse_associations: Annotated[
        int,
        Setting("dimse.associations", "VOXELRY_DIMSE_ASSOCIATIONS", "Associations that the listener has at a time."),
        Field(gt=0, le=2_000),
    ] = 100
    dimse_associations_per_node: Annotated[
        int,
        Setting(
            "dimse.associations_per_node",
            "VOXELRY_DIMSE_ASSOCIATIONS_PER_NODE",
            "Associations that one node has at a time.",
        ),
        Field(gt=0, le=2_000),
    ] = 64
    dimse_request_seconds: Annotated[
        float,
        Setting(
            "dimse.request_seconds",
            "VOXELRY_DIMSE_REQUEST_SECONDS",
            "How long a connection may take to ask for an association, and a node to answer when it is asked for one.",
        ),
        Field(gt=0),
    ] = 15.0
    dimse_pdu_seconds: Annotated[
        float,
        Setting(
            "dimse.pdu_seconds",
            "VOXELRY_DIMSE_PDU_SECONDS",
            "How long a message's next PDU may take to come, and what is sent to be taken.",
        ),
        Field(gt=0),
    ] = 30.0
    dimse_idle_seconds: Annotated[
        float,
        Setting(
            "dimse.idle_seconds",
            "VOXELRY_DIMSE_IDLE_SECONDS",
            "How long an association may be without a request before it is ended.",
        ),
        Field(gt=0),
    ] = 120.0
    dimse_answer_seconds: Annotated[
        float,
        Setting(
            "dimse.answer_seconds",
            "VOXELRY_DIMSE_ANSWER_SECONDS",
            "How long a node may take to answer a request of the site.",
        ),
        Field(gt=0),
    ] = 60.0
    trash_days: Annotated[
        float,
        Setting(
            "archive.trash_days",
            "VOXELRY_TRASH_DAYS",
            "How many days what was deleted can be restored; then it is deleted for good.",
        ),
        Field(ge=0, le=36_500),
    ] = 7.0
    across_bytes: Annotated[
        int,
        Setting(
            "archive.across_bytes",
            "VOXELRY_ACROSS_BYTES",
            "From how many bytes on a volume's values are stored a second time, in the order (column, slice, row), so "
            "that planes across the columns are read from the disk in one piece. Takes as much again on the disk as "
            "the values of such a volume. The viewer asks the server for planes of volumes that its page cannot hold.",
        ),
        Field(ge=0),
    ] = 400_000_000
    processing_roots: Annotated[
        Texts,
        Setting(
            "processing.roots",
            "VOXELRY_PROCESSING_ROOTS",
            "Folders of this machine whose DICOM a job may read by its path. Empty: none.",
        ),
    ] = ()
    processing_gpu: Annotated[
        bool, Setting("processing.gpu", "VOXELRY_PROCESSING_GPU", "Whether models wait for a worker of the queue gpu.")
    ] = False
    nesting: Annotated[
        int,
        Setting("limits.nesting", "VOXELRY_LIMIT_NESTING", "How deep archives may lie inside archives."),
        Field(gt=0),
    ] = 3
    entries: Annotated[
        int, Setting("limits.entries", "VOXELRY_LIMIT_ENTRIES", "How many entries an archive may hold."), Field(gt=0)
    ] = 200_000
    expanded_bytes: Annotated[
        int,
        Setting(
            "limits.expanded_bytes",
            "VOXELRY_LIMIT_EXPANDED_BYTES",
            "How large an archive may grow when it is unpacked, in bytes.",
        ),
        Field(gt=0),
    ] = 64 * 2**30
    ratio: Annotated[
        float,
        Setting(
            "limits.ratio",
            "VOXELRY_LIMIT_RATIO",
            "How many times its own size an archive may unpack to, once that is above half a GiB.",
        ),
        Field(gt=0),
    ] = 100.0
    upload_files: Annotated[
        int,
        Setting("limits.upload_files", "VOXELRY_LIMIT_UPLOAD_FILES", "How many files one request may bring."),
        Field(gt=0),
    ] = 20_000
    upload_bytes: Annotated[
        int,
        Setting("limits.upload_bytes", "VOXELRY_LIMIT_UPLOAD_BYTES", "How large one request may be, in bytes."),
        Field(gt=0),
    ] = 64 * 2**30
    measured_bytes: Annotated[
        int,
        Setting(
            "limits.measured_bytes",
            "VOXELRY_LIMIT_MEASURED_BYTES",
            "How large a file, unpacked, may be that is measured without being stored, in bytes.",
        ),
        Field(gt=0),
    ] = 4 * 2**30
    measurements: Annotated[
        int,
        Setting(
            "limits.measurements",
            "VOXELRY_LIMIT_MEASUREMENTS",
            "How many files are measured at a time without being stored; others wait their turn.",
        ),
        Field(gt=0),
    ] = 2
    connections: Annotated[
        int,
        Setting(
            "limits.connections",
            "VOXELRY_LIMIT_CONNECTIONS",
            "How many connections, or requests by way of trusted proxies, one address may have open at a time.",
        ),
        Field(gt=0),
    ] = 500
    header_seconds: Annotated[
        float,
        Setting(
            "limits.header_seconds",
            "VOXELRY_LIMIT_HEADER_SECONDS",
            "How long a request may take to say what it asks for.",
        ),
        Field(gt=0),
    ] = 20.0
    body_bytes_per_second: Annotated[
        int,
        Setting(
            "limits.body_bytes_per_second",
            "VOXELRY_LIMIT_BODY_BYTES_PER_SECOND",
            "How fast the body of a request has to come, over each half minute.",
        ),
        Field(gt=0),
    ] = 8192

    def __init__(self, origins: Mapping[str, str] | None = None, /, **values: object) -> None:
        try:
            super().__init__(**values)  # type: ignore[arg-type]
        except ValidationError as error:
            # Without its cause: pydantic's error holds the values, secrets too.
            raise configuration_error(error, type(self).model_fields, origins or {}) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed to the constructor: `read` brings the other sources."""
        return (init_settings,)

    def replace(self, **changes: Parsed) -> Configuration:
        """The same configuration but for some settings, validated."""
        return Configuration(**{**dict(self), **changes})


def described() -> tuple[tuple[str, str, str, Parsed], ...]:
    """``(key in the file, variable, explanation, default)`` of each setting."""
    found = ((setting_of(field), cast(Parsed, field.default)) for field in Configuration.model_fields.values())
    return tuple((own.key, own.variable, own.explanation, default) for own, default in found)


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
    named_data = data or environment.get("VOXELRY_DATA")
    folder = _absolute(named_data) if named_data else DATA
    named_file = config or environment.get("VOXELRY_CONFIG")
    places = [parent / FILE_NAME for parent in (folder, working_folder or Path.cwd())]
    file = _absolute(named_file) if named_file else next((path for path in places if path.is_file()), None)
    if named_file and file is not None and not file.is_file():
        raise ConfigurationError(f"there is no configuration file {file}")
    from_file = {} if file is None else TomlFileSource(Configuration, file)()
    from_variables = VariableSource(Configuration, environment)()
    variables = {name: setting_of(Configuration.model_fields[name]).variable for name in from_variables}
    origins = {**dict.fromkeys(from_file, str(file)), **variables}
    return Configuration(origins, **{**from_file, **from_variables, "data": folder, "file": file})


def _absolute(path: Path | str) -> Path:
    return Path(path).expanduser().absolute()
