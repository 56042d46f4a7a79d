"""Drafts as the page sends them, for tests."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.files.uploadedfile import SimpleUploadedFile

from voxelry.server.archive.at_rest.files_at_rest import kept_source
from voxelry.server.archive.models import Instance

LIVER = {"value": "10200004", "scheme": "SCT", "meaning": "Liver"}
ORGAN = {"value": "123037004", "scheme": "SCT", "meaning": "Anatomical Structure"}
LEFT = {"value": "7771000", "scheme": "SCT", "meaning": "Left"}


def segment(number: int = 1, **values: Any) -> dict[str, Any]:
    return {"number": number, "label": f"Segment {number}", "layer": 0, "value": number, **values}


def packed(labels: npt.NDArray[Any]) -> bytes:
    return gzip.compress(np.ascontiguousarray(labels, labels.dtype.newbyteorder("<")).tobytes(), 1)


def draft(series: int, *layers: npt.NDArray[Any] | bytes, **values: Any) -> dict[str, Any]:
    """The form of a draft; over three slices of the synthetic series, if no label map is given."""
    body = {"series": series, "label": "Drawn", "segments": [segment()], **values}
    files = [
        SimpleUploadedFile("layer", layer if isinstance(layer, bytes) else packed(layer), "application/gzip")
        for layer in layers or (np.ones((3, 16, 20), np.uint8),)
    ]
    return {"segmentation": json.dumps(body), "layers": files}


def save(
    site: Any,
    status: int,
    layers: Sequence[npt.NDArray[Any] | bytes],
    *,
    series: int,
    if_match: str | None = None,
    **values: Any,
) -> Any:
    """POST a draft; the answer as JSON."""
    headers = {} if if_match is None else {"If-Match": if_match}
    form = draft(series, *layers, **values)
    response = site.client.post("/api/segmentations/voxels", form, headers=headers)
    assert response.status_code == status, response.content
    return response.json()


def saved(site: Any, do_jobs: Callable[[], None], layers: Sequence[npt.NDArray[Any]], **values: Any) -> Any:
    """The record of the segmentation that a draft became, and its job."""
    accepted = save(site, 202, layers, **values)
    do_jobs()
    job = site.get(f"/jobs/{accepted['id']}")
    assert job["state"] == "succeeded", job
    (key,) = job["result"]["segmentations"]
    return site.get(f"/segmentations/{key}"), job


def tag_of(site: Any, key: int) -> str:
    """The entity tag of a segmentation."""
    response = site.client.get(f"/api/segmentations/{key}")
    assert response.status_code == 200
    return str(response["ETag"])


def original(key: int, path: Path) -> Path:
    """The stored bytes of a segmentation, as a file."""
    row = Instance.objects.get(pk=key)
    with kept_source(row.sha256, name=row.name, size=row.size).open() as file:
        path.write_bytes(file.read())
    return path
