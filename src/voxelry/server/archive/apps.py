"""The Django application of the archive."""

import warnings

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete

from voxelry.server.access.revision import Watched


class ArchiveConfig(AppConfig):
    """Registers the kinds of jobs that ingest uploads and build volumes."""

    name = "voxelry.server.archive"
    label = "archive"
    verbose_name = "Archive"
    raises_revision = (
        Watched("archive_patient"),
        Watched("archive_study"),
        Watched("archive_series"),
        Watched("archive_instance"),
        Watched("archive_stack"),
        Watched("archive_studylisting"),
        # Lists say what is being built; progress and leases of a job change nothing that is kept.
        Watched("jobs_job", columns=("state",), inserts=False),
    )

    def ready(self) -> None:
        # pydicom's warnings quote values, which may be a patient's.
        warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
        from voxelry.server.archive import build, unused_files
        from voxelry.server.archive.intake import ingest
        from voxelry.server.archive.lists import study_listing
        from voxelry.server.jobs import job_kinds

        pre_delete.connect(
            study_listing.forget_listing, sender=self.get_model("StudyListing"), dispatch_uid="voxelry-listing"
        )
        unused_files.follow_deletions()
        # Django's `flush`, which empties the tables of models, says only this.
        post_migrate.connect(study_listing.forget_flushed, sender=self, dispatch_uid="voxelry-flushed")

        # A higher priority than steps, of which thousands may wait, so that an upload is visible soon.
        job_kinds.register(ingest.KIND, ingest.ingest, queue="ingest", once=True, priority=10)
        job_kinds.register(
            build.KIND, build.build, failed=study_listing.refresh_of_series, queue="ingest", once=True, priority=10
        )
