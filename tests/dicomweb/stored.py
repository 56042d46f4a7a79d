"""Stores data sets without jobs, for tests of what is read afterwards: their volumes are not built."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping

from django.db import transaction
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from voxelry.dicom.headers.sources import MemorySource
from voxelry.server.access.models import Project
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.intake import store_instance
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Instance
from voxelry.testing import synthetic_instance, uid


def data_set(number: int, *, study: int = 1, series: int = 1, **attributes: object) -> Dataset:
    """A small instance of a numbered study and series; the value None deletes an attribute."""
    requests = attributes.pop("requests", None)
    own = {
        "StudyInstanceUID": uid(f"study {study}"),
        "SeriesInstanceUID": uid(f"series {study} {series}"),
        "SOPInstanceUID": uid(f"instance {study} {series} {number}"),
        "PatientID": f"P{study}",
        "SeriesNumber": series,
        "StudyID": f"S{study}",
        **attributes,
    }
    found = synthetic_instance(rows=2, columns=3, instance_number=number, attributes=own)
    if isinstance(requests, list):
        found.RequestAttributesSequence = Sequence([_item(item) for item in requests])
    return found


def _item(values: Mapping[str, object]) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def file_bytes(dataset: Dataset) -> bytes:
    """A data set as a file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def store(files: Iterable[Dataset | bytes], *, project: str = "default") -> list[Instance]:
    """Store data sets, or files, in a project; the rows."""
    key = Project.objects.get_or_create(name=project)[0].pk
    found = []
    with transaction.atomic():
        for file in files:
            content = file if isinstance(file, bytes) else file_bytes(file)
            values = store_instance.read_values(MemorySource("a.dcm", content))
            sha256 = hashlib.sha256(content).hexdigest()
            aside = files_at_rest.temporary_folder() / sha256
            aside.write_bytes(content)
            (kept,) = files_at_rest.keep_all([files_at_rest.Aside(aside, sha256, len(content))])
            row = store_instance.instance_row(values, kept, name="a.dcm", project=key)
            row.save()
            found.append(row)
        refresh_listing({row.series.study_id for row in found})
    return found
