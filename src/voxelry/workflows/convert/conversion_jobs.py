"""What each batch of volumes is to be called."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxelry.workflows.convert.volume_target import Target
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, file_name, numbered, stem_and_suffix
from voxelry.workflows.load.volume_batches import Batch


@dataclass(frozen=True, eq=False)
class ConversionJob:
    """A batch and what it is to be called: ``root / name``."""

    batch: Batch
    root: Path
    name: str

    @property
    def path(self) -> Path:
        return self.root / self.name

    @property
    def told_as(self) -> str:
        """The name under which a problem is reported: its source if that is one file, else the file it would become."""
        return self.batch.source or str(self.path)


def conversion_jobs(batches: Sequence[Batch], aim: Target, target: Path, template: str) -> Iterator[ConversionJob]:
    """A job for each batch, in order, with names that differ."""
    own = template == DEFAULT_TEMPLATE
    names = [
        batch.name if own and batch.name else file_name(template, batch.lookup, batch.label, batch.entities)
        for batch in batches
    ]
    if not aim.folder:
        stem, suffix = stem_and_suffix(target.name, aim.suffix)
        whole = [f"{stem}-{name.replace('/', '-')}" for name in names]
        if _only_kinds(batches):
            whole = ["_".join(filter(None, (stem, batch.entities))) for batch in batches]
        for batch, name in zip(batches, numbered(whole), strict=True):
            yield ConversionJob(batch, target.parent, name + suffix)
    elif not aim.suffix and len(batches) == 1:  # a folder of files, and it is named
        if aim.staged:  # under a name, which "." and ".." are not; links are left as they are
            named = target if target.name not in ("", "..") else Path(os.path.abspath(target))  # noqa: PTH100
            yield ConversionJob(batches[0], named.parent, named.name)
        else:
            yield ConversionJob(batches[0], target, ".")
    else:
        for batch, name in zip(batches, numbered(names), strict=True):
            yield ConversionJob(batch, target, name + aim.suffix)


def _only_kinds(batches: Sequence[Batch]) -> bool:
    """True if nothing but their entities has to tell files apart: they are of one series, or there is only one."""
    series = {batch.lookup("SeriesInstanceUID") for batch in batches}
    kinds = {batch.entities for batch in batches}
    return len(batches) < 2 or (len(series) == 1 and None not in series and len(kinds) == len(batches))
