"""The application."""

import warnings

from django.apps import AppConfig


class ArchiveConfig(AppConfig):
    """The archive; it tells the jobs room what its jobs do."""

    name = "voxelry.server.archive"
    label = "archive"
    verbose_name = "Archive"

    def ready(self) -> None:
        # pydicom's warnings quote the values that they are about, and those may be a patient's.
        warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
        from voxelry.server.archive import build, ingest
        from voxelry.server.jobs import run

        run.register(ingest.KIND, ingest.ingest)
        run.register(build.KIND, build.build)
