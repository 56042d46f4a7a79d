"""The route that measures a file without storing it, a limited number at a time."""

from __future__ import annotations

import base64
import logging
from dataclasses import replace
from typing import cast

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from ninja import File, Form, Router
from ninja.files import UploadedFile

from voxelry.core.errors import IncompleteStackError, VoxelryError
from voxelry.core.histogram import histogram
from voxelry.core.planes import plane_aspect, plane_spacing
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SuvKind
from voxelry.dicom.headers.packed_files import ArchiveLimits
from voxelry.dicom.pixels.decoding import patience
from voxelry.dicom.pixels.pixel_memory import limited_memory
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import require_any_project
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api import schemas as out
from voxelry.server.api.problems import ApiError
from voxelry.server.api.turns import Turns, deadline, turn_or_busy
from voxelry.server.archive.intake.ingest import archive_limits
from voxelry.server.archive.intake.receive_upload import ReceivedFile
from voxelry.server.archive.shown import stack_files
from voxelry.server.jobs.failures import where
from voxelry.workflows.measure import MeasureReport, measure_all
from voxelry.workflows.pictures.picture_files import encode_picture

logger = logging.getLogger(__name__)
router = Router()
ERRORS = {(401, 403, 413, 422, 503, 507): out.ProblemDocument}
PATIENCE_SECONDS = 30.0
"""How long a measurement waits for earlier ones."""
LONGEST_SECONDS = 120.0
WASTED_SECONDS = 8.0
"""Time lost to frames whose decoder had to be killed, after which other frames of the upload get less time each."""
_BUSY = "Too many measurements are under way: try again in a minute, or upload the file and measure it then."

_turns = Turns(settings.VOXELRY.measurements)


@router.post("/measure", response={200: out.MeasureOut, **ERRORS}, tags=["volumes"], exclude_unset=True)
@needs(Rule.MEMBER)
def measure_file(
    request: HttpRequest,
    file: File[UploadedFile],
    threshold: Form[float | None] = None,
    method: Form[str | None] = None,
    suv: Form[SuvKind | None] = None,
    view: Form[bool] = False,
) -> object:
    """Measure a file or archive without storing it; ``view`` adds what a page needs to show it.

    ``suv`` measures PET in standardized uptake values; PET whose headers do not say enough is skipped with the reason.
    """
    received = cast(ReceivedFile, file)
    require_any_project(asking(request))
    slow = f"{received.name}: measuring took longer than {LONGEST_SECONDS:.0f} s; upload it, and measure it then"
    try:
        with (
            turn_or_busy(_turns, cast(int, request.user.pk), _BUSY, patience=PATIENCE_SECONDS),
            patience(WASTED_SECONDS),
            limited_memory(settings.VOXELRY.measured_bytes),
        ):
            report = measure_all(
                received.path,
                threshold=threshold,
                method=method,
                default=settings.VOXELRY.threshold,
                suv=suv,
                limits=_limits(received),
                progress=deadline(LONGEST_SECONDS, slow),
            )
            return _answer(report, received, view=view)
    except (ApiError, VoxelryError, OSError, DatabaseError):
        raise
    except SystemExit as error:  # the decoders were closed
        raise ApiError(503, "busy", "The server is being stopped: send the file again in a minute.") from error
    except Exception as error:  # an unforeseen fault of a file is not a defect of the server
        logger.warning("a file could not be measured:\n%s", where(error))
        words = f"{received.name}: cannot be measured ({type(error).__name__}); it is damaged, or asks for too much"
        raise ApiError(422, "damaged", words) from error
    finally:
        # If the client has disconnected, Django closes nothing.
        received.close()


def _limits(received: ReceivedFile) -> ArchiveLimits:
    """The limits of archives whose volumes are held in memory."""
    most: int = settings.VOXELRY.measured_bytes
    if cast(int, received.size) > most:
        words = f"{received.name}: is larger than what is measured without being stored ({most:,} bytes); upload it"
        raise ApiError(413, "too_large", words)
    whole = archive_limits()
    return replace(whole, expanded_bytes=min(whole.expanded_bytes, most))


def _answer(report: MeasureReport, received: ReceivedFile, *, view: bool) -> dict[str, object]:
    path, name = str(received.path), str(received.name)
    skipped = {
        key.replace(path, name): {"code": problem.code, "message": problem.message.replace(path, name)}
        for key, problem in report.skipped.items()
    }
    if not report.measurements:
        # A stack with lost files cannot be measured.
        lacking = [problem for problem in skipped.values() if problem["code"] == IncompleteStackError.code]
        first = next(
            iter((*lacking, *skipped.values())),
            {"code": "nothing_found", "message": f"{name}: holds nothing to measure"},
        )
        raise ApiError(422, first["code"], first["message"], skipped=skipped)
    measurements: list[dict[str, object]] = []
    for measurement, volume in zip(report.measurements, report.volumes, strict=True):
        record: dict[str, object] = {**measurement.record()}
        record["warnings"] = [warning.replace(path, name) for warning in measurement.warnings]
        if view:
            record["view"] = _view(volume)
        measurements.append(record)
    return {"measurements": measurements, "skipped": skipped}


def _view(volume: Volume) -> dict[str, object]:
    index = volume.array.shape[0] // 2
    picture = base64.b64encode(encode_picture(volume, index, "png")).decode("ascii")
    return {
        "picture": f"data:image/png;base64,{picture}",
        "rows": volume.array.shape[1],
        "columns": volume.array.shape[2],
        "slice": index,
        "spacing_mm": list(plane_spacing(volume)),
        "aspect": plane_aspect(volume),
        "histogram": stack_files.histogram_record(histogram(volume), volume),
        "unit": volume.unit,
        "shape": list(volume.array.shape),
    }
