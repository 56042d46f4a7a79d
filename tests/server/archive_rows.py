"""Rows of studies without files, for tests of what happens to rows."""

from __future__ import annotations

import hashlib

from django.db import transaction

from voxelry.server.access.models import Project
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Instance, Patient, Series, Study, Upload


def project_row(name: str) -> Project:
    """The project of a name."""
    return Project.objects.get_or_create(name=name)[0]


@transaction.atomic
def study_rows(
    project: Project, uid: str = "1.2", *, series: int = 1, instances: int = 2, content: str = "", first: int = 1
) -> Study:
    """A study with series ``uid.1``, ``uid.2``, and in each instances ``uid.1.1``, ``uid.1.2``.

    Parameters
    ----------
    content
        Other bytes for the same UIDs.
    first
        The number of the first series.
    """
    patient, _ = Patient.objects.get_or_create(project=project, patient_id="P", defaults={"name": "Doe^Jane"})
    study = Study.objects.filter(project=project, study_instance_uid=uid, trashed=None).first()
    if study is None:
        study = Study.objects.create(project=project, patient=patient, study_instance_uid=uid, description="a study")
    upload = Upload.objects.create(project=project)
    for number in range(first, first + series):
        row, _ = Series.objects.get_or_create(
            project=project,
            study=study,
            series_instance_uid=f"{uid}.{number}",
            number=number,
            modality="CT",
            revision=1,
        )
        Instance.objects.bulk_create(
            Instance(
                project=project,
                series=row,
                upload=upload,
                sop_instance_uid=f"{row.series_instance_uid}.{one}",
                sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
                transfer_syntax_uid="1.2.840.10008.1.2.1",
                number=one,
                has_pixels=True,
                sha256=hashlib.sha256(f"{row.series_instance_uid}.{one}{content}".encode()).hexdigest(),
                size=1,
                name=f"{one}.dcm",
            )
            for one in range(1, instances + 1)
        )
    refresh_listing([study.pk])
    return study
