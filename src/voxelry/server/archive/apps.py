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
        from voxelry.server.jobs import job_kinds

        # Before the steps that people ask for, which may wait in thousands: what was sent is soon to be seen.
        job_kinds.register(ingest.KIND, ingest.ingest, queue="ingest", once=True, priority=10)
        job_kinds.register(build.KIND, build.build, queue="ingest", once=True, priority=10)
