"""A requested step: its parameters, inputs and results."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from voxelry.server.access.models import Project
from voxelry.server.archive.models import Series


def new_seed() -> str:
    """A seed that no other process has."""
    return uuid.uuid4().hex


def result_name(process: int, sha256: str) -> str:
    """The name in Django's storage of a file that a process made."""
    return f"results/{process}/{sha256}"


def given_name(seed: str, sha256: str) -> str:
    """The name in Django's storage of a file that came with the request for a process."""
    return f"given/{seed}/{sha256}"


class Process(models.Model):
    """One step on one input, or a segmentation that came. The subject of its job is this row's key.

    The inputs are volumes of series, or all files below ``in_dir``. Until ``published`` there is no output.
    The job holds who asked, and when.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    job_name = models.CharField(max_length=100, help_text="As it was asked for.")
    step = models.CharField(max_length=100)
    params = models.JSONField(default=dict, blank=True)
    in_dir = models.TextField(blank=True, help_text="Below one of processing.roots; empty where series are given.")
    same_frame_of_reference = models.BooleanField(
        default=False, help_text="Confirmed: the images lie in one place, though their headers do not say so."
    )
    seed = models.CharField(
        max_length=32, default=new_seed, unique=True, help_text="Of new UIDs: the same however often the step is run."
    )
    base = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        db_index=True,
        help_text="The key of the instance that was edited; no relation, which would slow deletions.",
    )
    joined_series = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        help_text="The key of the series that a segmentation is written into; no relation either.",
    )
    instance_number = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Of the segmentation there: reserved before it is written."
    )
    created = models.DateTimeField(auto_now_add=True)
    published = models.DateTimeField(null=True, blank=True)
    columns = models.JSONField(default=list, blank=True, help_text="Of the rows, whose own order PostgreSQL forgets.")
    rows = models.JSONField(default=list, blank=True)
    warnings = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "processes"
        indexes = [models.Index(fields=["job_name"])]
        constraints = [
            models.CheckConstraint(condition=~Q(step="") & ~Q(job_name=""), name="process_has_step"),
            models.CheckConstraint(
                condition=Q(published__isnull=False) | Q(rows=[], warnings=[]), name="process_is_published_with_results"
            ),
            models.UniqueConstraint(fields=["joined_series", "instance_number"], name="process_number_once_per_series"),
            models.CheckConstraint(
                condition=Q(joined_series__isnull=True, instance_number__isnull=True)
                | Q(joined_series__isnull=False, instance_number__isnull=False),
                name="process_has_number_with_series",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_name} {self.pk}"

    @property
    def table(self) -> list[dict[str, Any]]:
        """The rows, each with its columns in order."""
        return [{name: row.get(name) for name in self.columns} for row in self.rows]


class Input(models.Model):
    """A volume that a step is done on. If its series is deleted, the process and its results are deleted too."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="inputs")
    position = models.PositiveIntegerField()
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="processed")
    stack = models.PositiveIntegerField(help_text="Which volume of the series.")

    class Meta:
        ordering = ["process", "position"]
        constraints = [models.UniqueConstraint(fields=["process", "position"], name="input_once_per_position")]

    def __str__(self) -> str:
        return f"series {self.series_id}, volume {self.stack}"


class Output(models.Model):
    """A series that a step made."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="outputs")
    position = models.PositiveIntegerField()
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="made_by")

    class Meta:
        ordering = ["process", "position"]
        constraints = [
            models.UniqueConstraint(fields=["process", "position"], name="output_once_per_position"),
            models.UniqueConstraint(fields=["process", "series"], name="output_once_per_series"),
        ]

    def __str__(self) -> str:
        return f"series {self.series_id}"


class ResultFile(models.Model):
    """A file that a step made, at rest under the process' key and the SHA-256 of its bytes."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["process", "name"]
        constraints = [
            models.UniqueConstraint(fields=["process", "name"], name="file_once_per_name"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="file_sha256_is_hex"),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(name__contains="/") & ~Q(name__startswith="."), name="file_name_is_plain"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stored_name(self) -> str:
        """The file's name in Django's storage."""
        return result_name(self.process_id, self.sha256)


class GivenFile(models.Model):
    """A file that came with the request for a process; at rest until its results are published."""

    process = models.ForeignKey(Process, on_delete=models.CASCADE, related_name="given")
    name = models.CharField(max_length=50)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["process", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["process", "name"], name="given_file_once_per_name"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="given_file_sha256_is_hex"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def stored_name(self) -> str:
        """The file's name in Django's storage."""
        return given_name(self.process.seed, self.sha256)
