"""Rows of DICOM's levels, of uploads and their reports, and of files to delete."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from voxelry.server.access.models import Project
from voxelry.server.jobs.models import Job


class Patient(models.Model):
    """A patient of one project. Without a Patient ID two cannot be told apart, so each study then has its own row."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient_id = models.CharField(max_length=64, blank=True)
    issuer = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=324, blank=True)
    birth_date = models.CharField(max_length=10, blank=True)
    sex = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ["patient_id"]
        indexes = [models.Index(fields=["project", "-id"], name="patient_by_project")]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "patient_id", "issuer"],
                condition=~Q(patient_id=""),
                name="patient_id_once_per_project",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.patient_id or f"patient {self.pk}"


GOING = datetime(1970, 1, 1, tzinfo=UTC)
"""In place of ``Study.trashed``: the study is being deleted for good, by this process or the next."""


class Study(models.Model):
    """One visit to the imaging department.

    A study is live, or in the trash of its project since ``trashed``. Its UID occurs once among the live studies of a
    project; another project may have a study of the same UID. ``study_id`` to ``attributes``, of its first object, are
    null until they are filled (`fill_search`).
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    study_instance_uid = models.CharField(max_length=64)
    date = models.CharField(max_length=10, blank=True)
    time = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    accession_number = models.CharField(max_length=64, blank=True, db_index=True)
    study_id = models.CharField(max_length=64, null=True)
    referrer = models.CharField(max_length=324, null=True, help_text="The Referring Physician's Name.")
    referrer_key = models.CharField(max_length=100, null=True, help_text="Folded, for comparison.")
    timezone = models.CharField(max_length=16, null=True, help_text="The Timezone Offset From UTC: +0100.")
    attributes = models.TextField(null=True, help_text="The attributes of the study in the DICOM JSON Model.")
    created = models.DateTimeField(auto_now_add=True)
    trashed = models.DateTimeField(null=True, blank=True)
    trashed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "studies"
        indexes = [
            models.Index(fields=["project", "-id"], condition=Q(trashed=None), name="study_by_project"),
            models.Index(fields=["trashed"], condition=Q(trashed__isnull=False), name="study_in_trash"),
            models.Index(fields=["study_instance_uid"], name="study_by_uid"),
            models.Index(fields=["project", "study_id"], name="study_by_study_id"),
            models.Index(fields=["project", "referrer_key"], name="study_by_referrer"),
            models.Index(fields=["project", "time"], name="study_by_time"),
            models.Index(fields=["id"], condition=Q(attributes=None), name="study_unfilled"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(study_instance_uid=""), name="study_has_uid"),
            models.UniqueConstraint(
                fields=["project", "study_instance_uid"], condition=Q(trashed=None), name="study_once_per_project"
            ),
        ]

    def __str__(self) -> str:
        return self.description or f"study of {self.date or self.created.date().isoformat()}"


class Series(models.Model):
    """A series. ``revision`` counts the times that instances were added.

    Its volumes are of ``built_revision`` and lie in ``folder``; ``job`` is the latest job that builds them. ``report``
    holds the geometry that the build found (``GeometryReport.record``). `study_listing.refresh_listing` counts its
    instances and their bytes, and writes whether one is lossy. ``project`` is its study's; empty while the study is in
    the trash. ``performed_date`` to ``attributes`` are of its first object, and null until they are filled.
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    number = models.IntegerField(null=True, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    body_part = models.CharField(max_length=64, blank=True)
    performed_date = models.CharField(max_length=10, null=True, help_text="When the procedure step began: YYYY-MM-DD.")
    performed_time = models.CharField(max_length=16, null=True)
    scheduled_step_id = models.TextField(null=True, help_text="Several with backslashes around each.")
    requested_procedure_id = models.TextField(null=True, help_text="Like the scheduled steps.")
    sop_classes = models.TextField(null=True, help_text="Of its instances, with backslashes around each.")
    attributes = models.TextField(null=True, help_text="The attributes of the series in the DICOM JSON Model.")
    metadata = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)
    revision = models.PositiveIntegerField(default=0)
    built_revision = models.PositiveIntegerField(default=0)
    folder = models.CharField(max_length=100, blank=True)
    thumbnail = models.BooleanField(default=False)
    instance_count = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    lossy = models.BooleanField(default=False)
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "series"
        indexes = [
            models.Index(fields=["project", "-id"], name="series_by_project"),
            models.Index(fields=["project", "modality", "-id"], name="series_by_project_modality"),
            models.Index(fields=["modality", "-id"], name="series_by_modality"),
            models.Index(fields=["-id"], condition=~Q(problem_code=""), name="series_with_problem"),
            models.Index(fields=["series_instance_uid"], name="series_by_uid"),
            models.Index(fields=["project", "number"], name="series_by_number"),
            models.Index(fields=["project", "performed_date"], name="series_by_performed_date"),
            models.Index(fields=["project", "performed_time"], name="series_by_performed_time"),
            models.Index(fields=["project", "scheduled_step_id"], name="series_by_scheduled_step"),
            models.Index(fields=["project", "requested_procedure_id"], name="series_by_procedure"),
            models.Index(fields=["project", "sop_classes"], name="series_by_sop_classes"),
            models.Index(fields=["id"], condition=Q(attributes=None), name="series_unfilled"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_once_per_study"),
            models.CheckConstraint(condition=~Q(series_instance_uid=""), name="series_has_uid"),
        ]

    def __str__(self) -> str:
        return self.description or f"{self.modality} series {self.number or self.pk}".strip()


class Upload(models.Model):
    """Files of one request; the ingest job stores them in a project and writes an entry for each."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    node = models.CharField(max_length=60, blank=True, help_text="The name of the node that brought it, if one did.")
    names = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, blank=True, related_name="upload")
    stored = models.PositiveIntegerField(default=0)
    present = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["project", "-id"], name="upload_by_project")]

    def __str__(self) -> str:
        return f"upload {self.pk}"


class Instance(models.Model):
    """A DICOM object, stored byte for byte under its SHA-256.

    ``project`` is its study's; empty while the study is in the trash. Objects of several projects may share bytes.
    ``rows`` to ``frames`` are null until they are filled (`fill_search`).
    """

    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    sop_class_uid = models.CharField(max_length=64)
    transfer_syntax_uid = models.CharField(max_length=64)
    number = models.IntegerField(null=True, blank=True)
    has_pixels = models.BooleanField()
    rows = models.IntegerField(null=True, help_text="0 if it is not told, like those that follow.")
    columns = models.IntegerField(null=True)
    bits_allocated = models.IntegerField(null=True)
    frames = models.IntegerField(null=True)
    lossy = models.BooleanField(default=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    size = models.PositiveBigIntegerField()
    name = models.TextField(help_text="The file's name as it was brought.")
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True, help_text="Why it is in no volume, as the last build found.")

    class Meta:
        ordering = ["series", "number", "pk"]
        indexes = [
            models.Index(fields=["project", "-id"], name="instance_by_project"),
            models.Index(fields=["-id"], condition=Q(has_pixels=False), name="instance_without_pixels"),
            models.Index(fields=["project", "number"], name="instance_by_number"),
            models.Index(fields=["id"], condition=Q(rows=None), name="instance_unfilled"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["project", "sop_instance_uid"], name="instance_once_per_project"),
            models.CheckConstraint(condition=~Q(sop_instance_uid=""), name="instance_has_uid"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="instance_sha256_is_hex"),
            models.CheckConstraint(condition=Q(size__gt=0), name="instance_is_not_empty"),
        ]

    def __str__(self) -> str:
        return self.sop_instance_uid


class Entry(models.Model):
    """The report on one file of an upload."""

    class Status(models.TextChoices):
        """``present`` means that the archive had the same bytes."""

        STORED = "stored"
        PRESENT = "present"
        SKIPPED = "skipped"

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField()
    name = models.TextField()
    status = models.CharField(max_length=10, choices=Status)
    code = models.CharField(max_length=50, blank=True)
    message = models.TextField(blank=True)
    series = models.ForeignKey(Series, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["upload", "position"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["-id"], condition=Q(status="skipped"), name="entry_skipped"),
            models.Index(fields=["-id"], condition=Q(status="present"), name="entry_present"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["upload", "position"], name="entry_once_per_position"),
            models.CheckConstraint(
                condition=~Q(status="skipped") & Q(code="") | Q(status="skipped") & ~Q(code=""),
                name="entry_skipped_has_code",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UnusedFile(models.Model):
    """A file of an upload that could not be used, and that a series lacks or may lack.

    The series of a ``certain`` file is known; ``start`` holds its first bytes, with the positions of its slices. A
    series that the project does not have yet is found by its UID when it comes. In the trash it has no project.

    A node that was told that its instance is here may delete its own: if the UID was here with other content, the
    bytes are kept aside, at rest beside those of instances, as long as this row is.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, null=True, related_name="unused_files")
    trashed_with = models.ForeignKey(
        Study, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="Set if it has no series."
    )
    upload = models.ForeignKey(Upload, on_delete=models.SET_NULL, null=True, related_name="unused_files")
    certain = models.BooleanField()
    study_instance_uid = models.CharField(max_length=64, blank=True)
    series_instance_uid = models.CharField(max_length=64, blank=True, db_index=True)
    sop_instance_uid = models.CharField(max_length=64, blank=True, db_index=True)
    name = models.TextField()
    code = models.CharField(max_length=50)
    message = models.TextField()
    start = models.BinaryField(default=bytes)
    sha256 = models.CharField(
        max_length=64, blank=True, db_index=True, help_text="Of its bytes, if they are kept aside."
    )
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(certain=True) & ~Q(series_instance_uid="") | Q(certain=False, series__isnull=False),
                name="unused_file_has_series",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Stack(models.Model):
    """A series' regular grid as a volume: geometry, type, the volume's file and its pictures.

    Frames that form no grid are a stack too, for viewing slice by slice: ``regular`` is False and ``problem_message``
    says why.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="stacks")
    index = models.PositiveIntegerField()
    label = models.CharField(max_length=200, blank=True)
    shape = models.JSONField(help_text="Slices, rows, columns, and samples for colour.")
    dtype = models.CharField(max_length=10)
    regular = models.BooleanField()
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    warnings = models.JSONField(default=list)
    affine = models.JSONField(null=True, help_text="From (slice, row, column) to LPS millimetres.")
    spacing = models.JSONField(help_text="Millimetres (slice, row, column); null where unknown.")
    unit = models.CharField(max_length=64, blank=True)
    minimum = models.FloatField(null=True)
    maximum = models.FloatField(null=True)
    padding_count = models.PositiveBigIntegerField(default=0)
    inverted = models.BooleanField(default=False)
    lossy = models.BooleanField(default=False)
    windows = models.JSONField(default=list)
    default_window = models.JSONField()
    planes = models.JSONField(help_text="Count, rows, columns, spacing and shape of the pixels of each plane.")
    display = models.JSONField(
        default=dict, help_text="Tables, what each slice is shown with where they differ, cine, places of slices."
    )
    metadata = models.JSONField(default=dict)
    measurement = models.JSONField(null=True)

    class Meta:
        ordering = ["series", "index"]
        indexes = [models.Index(fields=["-id"], condition=Q(regular=False), name="stack_irregular")]
        constraints = [
            models.UniqueConstraint(fields=["series", "index"], name="stack_once_per_index"),
            models.CheckConstraint(
                condition=Q(regular=True, problem_code="") | Q(regular=False) & ~Q(problem_code=""),
                name="stack_irregular_has_problem",
            ),
        ]

    def __str__(self) -> str:
        return self.label or f"volume {self.index}"


class Deletion(models.Model):
    """A path in the data folder whose rows are deleted and whose files are still to be deleted."""

    place = models.CharField(max_length=200, help_text="Below the data folder: a file, or a folder with all in it.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=~Q(place=""), name="deletion_has_place")]

    def __str__(self) -> str:
        return self.place


class StudyKey(models.OneToOneField[Study, Study]):
    """The key of a study as the key of another table; on SQLite the key of its rows, so that indexes lead to them."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        """SQLite takes a column for the key of rows if its type is ``integer``."""
        return "integer" if connection.vendor == "sqlite" else super().db_type(connection)


class StudyListing(models.Model):
    """What lists show, sort and filter of a live study, in one row; a study in the trash has none.

    `study_listing.refresh_listing` writes it, from the rows that it repeats. ``facet`` is what a study is filtered by
    beside its date, in one value, of which an archive has few: whether it has a volume, whether it has a problem, and
    its modalities (``10:CT,SEG``). Keys of sorting are folded. Their indexes end with what is filtered by, so that an
    order is looked through without the rows.
    """

    study = StudyKey(Study, on_delete=models.CASCADE, primary_key=True, related_name="listing")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="+", db_index=False)
    arrived = models.DateTimeField()
    date = models.CharField(max_length=10, blank=True, help_text="YYYY-MM-DD, or empty.")
    month = models.CharField(max_length=7, blank=True, help_text="YYYY-MM, or empty.")
    name_key = models.CharField(max_length=100, blank=True)
    patient_id_key = models.CharField(max_length=100, blank=True)
    description_key = models.CharField(max_length=100, blank=True)
    accession_key = models.CharField(max_length=100, blank=True)
    modalities = models.CharField(max_length=300, blank=True)
    facet = models.CharField(max_length=310)
    has_volume = models.BooleanField()
    has_problem = models.BooleanField()
    series_count = models.PositiveIntegerField()
    instance_count = models.PositiveIntegerField()
    bytes = models.PositiveBigIntegerField()
    thumbnail_series = models.PositiveBigIntegerField(null=True)
    thumbnail_version = models.CharField(max_length=100, blank=True)
    text = models.TextField(help_text="Folded words that the study is found by.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["project", "study"], name="listing_by_arrival"),
            models.Index(fields=["project", "date", "study"], name="listing_by_date"),
            models.Index(fields=["project", "month", "study"], name="listing_by_month"),
            *(
                models.Index(fields=["project", column, "study", "facet", "date"], name=f"listing_by_{name}")
                for name, column in (
                    ("name", "name_key"),
                    ("patient_id", "patient_id_key"),
                    ("description", "description_key"),
                    ("accession", "accession_key"),
                    ("series", "series_count"),
                    ("instances", "instance_count"),
                    ("size", "bytes"),
                )
            ),
            models.Index(fields=["project", "facet", "study"], name="listing_by_facet"),
            models.Index(fields=["project", "facet", "date", "study"], name="listing_by_facet_date"),
            models.Index(fields=["patient", "study"], name="listing_by_patient"),
        ]

    def __str__(self) -> str:
        return f"listing of study {self.pk}"


class SavedFilter(models.Model):
    """A filter of the list of studies that a user has kept under a name."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    filter = models.JSONField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_once_per_name")]

    def __str__(self) -> str:
        return f"filter {self.pk}"
