"""Prepares the data folder and the secret key, and sets up Django."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from pathlib import Path

from voxelry.server.environment import configuration
from voxelry.server.environment.configuration import Configuration

LEAVE_SECONDS = 1.0
"""How long running threads may delay the end of the process."""


def prepare(*, data: Path | None = None, config: Path | None = None) -> Configuration:
    """Create the data folder and the secret key, and pass the flags to Django's settings.

    Called by programs, before `set_up`. Importing the settings writes nothing.

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
        # Temporary files are on the disk of their final place, so that a rename stores them; /tmp may be in memory.
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
    """End this process after some seconds, even if threads are still running."""
    last = threading.Timer(seconds, os._exit, (0,))
    last.daemon = True
    last.start()


def _keep_secret(path: Path) -> None:
    """Write a new secret key. Of two processes at once the first to link its file wins; no partial file is seen."""
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
