"""Getting ready: the data folder, the secret key, Django."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from pathlib import Path

from voxelry.server.environment import configuration
from voxelry.server.environment.configuration import Configuration

LEAVE_SECONDS = 1.0
"""How long threads that are still at work may hold up the end of a process that has done all it must."""


def prepare(*, data: Path | None = None, config: Path | None = None) -> Configuration:
    """Make the data folder and the secret key, and hand the flags on to Django's settings.

    To be called before `set_up`, and by programs only: importing the settings writes nothing.

    Raises
    ------
    ConfigurationError
        If a setting cannot be used.
    """
    wanted = configuration.read(os.environ, data=data, config=config)
    os.environ["VOXELRY_DATA"] = str(wanted.data)
    if wanted.file is not None:
        os.environ["VOXELRY_CONFIG"] = str(wanted.file)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings")
    try:
        wanted.data.mkdir(parents=True, exist_ok=True)
        if wanted.data.stat().st_uid == os.getuid():
            wanted.data.chmod(0o700)
        temporary = wanted.data / "temp"
        temporary.mkdir(exist_ok=True)
        # What waits to be stored waits beside its place, so that storing it is a rename; and /tmp may be memory.
        tempfile.tempdir = str(temporary)
        if not wanted.secret_key:
            _keep_secret(wanted.data / "secret-key")
    except OSError as error:
        raise configuration.ConfigurationError(
            f"the data folder {wanted.data} cannot be used: {error.strerror}"
        ) from error
    return wanted


def set_up() -> None:
    """Load Django's settings and applications; a second call does nothing."""
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def leave_soon(seconds: float = LEAVE_SECONDS) -> None:
    """The process is about to end: see to it that it does, whatever its threads are at."""
    last = threading.Timer(seconds, os._exit, (0,))
    last.daemon = True
    last.start()


def _keep_secret(path: Path) -> None:
    """Two processes may start at once: the first to link its file wins, and no one sees half of it."""
    if path.exists():
        return
    aside = path.with_name(f".{path.name}-{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
