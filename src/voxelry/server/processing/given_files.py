"""Files that come with a request for a process: at rest before it is answered, and until the results are published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import transaction

from voxelry.core.errors import Problem
from voxelry.server.access.grants import as_site
from voxelry.server.archive.at_rest import files_at_rest, flushing
from voxelry.server.jobs.failures import JobError
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import GivenFile, Process, given_name

_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class FlushedFile:
    """A whole file in the temporary folder that is on disk, with its digest."""

    path: Path
    sha256: str
    size: int


def flushed(paths: Mapping[str, Path]) -> dict[str, FlushedFile]:
    """Flush files before the transaction that gives them their rows, and tell their digests."""
    flushing.sync_files(paths.values())
    found = {}
    for name, path in paths.items():
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        found[name] = FlushedFile(path, digest.hexdigest(), path.stat().st_size)
    return found


def send_given(files: Mapping[str, FlushedFile], seed: str) -> None:
    """Send the files of a process that is about to have a row to the bucket; without one this does nothing."""
    files_at_rest.send_ahead({given_name(seed, file.sha256): file.path for file in files.values()})


def keep_given(files: Mapping[str, FlushedFile], process: Process) -> None:
    """Give the files their final names and rows. Called in the transaction that submits the job."""
    files_at_rest.wait_for_writers(writing=True)
    for name, file in files.items():
        final = Path(default_storage.path(given_name(process.seed, file.sha256)))
        flushing.make_folder(final.parent)
        if file.path.exists():  # else two of the files have the same bytes
            file.path.replace(final)
        flushing.sync_folder(final.parent)
        process_queries.given_files(as_site()).create(process=process, name=name, sha256=file.sha256, size=file.size)


def discard_given(files: Mapping[str, FlushedFile], seed: str) -> None:
    """Remove the files of a process that got no row."""
    for file in files.values():
        default_storage.delete(given_name(seed, file.sha256))


def given_path(row: GivenFile) -> Path:
    """The file on this machine's disk.

    Raises
    ------
    JobError
        If it is no longer there.
    """
    if not default_storage.exists(row.stored_name):
        raise JobError(Problem("given_gone", "what came with this request is no longer here; send it again"))
    default_storage.open(row.stored_name).close()  # fetches it from a bucket
    return Path(default_storage.path(row.stored_name))


def remove_used() -> None:
    """Remove the files of all processes whose results are published, after the rows that say so are on disk."""
    flushing.sync_rows()
    with transaction.atomic():
        process_queries.given_files(as_site()).filter(process__published__isnull=False).delete()
