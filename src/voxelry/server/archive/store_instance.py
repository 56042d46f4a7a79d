"""From a DICOM file to its rows: what an upload's job and a step's results have in common."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from voxelry.core.errors import PixelDataError, Problem, TruncatedError, VoxelryError
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sources import Source
from voxelry.dicom.pixels.uncompressed import check_bytes
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.server.archive.files_at_rest import Kept
from voxelry.server.archive.models import Instance, Patient, Series, Study, Upload
from voxelry.server.archive.row_values import Described, describe


def described(source: Source) -> Described:
    """What the rows of a file hold.

    Raises
    ------
    VoxelryError
        If the file is none that the archive takes: no DICOM, damaged, cut off, without its UIDs.
    """
    header = read_header(source)
    header.require_uids()
    _require_all_pixels(header)
    return describe(header)


def known(uids: Iterable[object]) -> dict[str, Instance]:
    """The instances that the archive has already, by SOP Instance UID, with their series."""
    found = Instance.objects.select_related("series").filter(sop_instance_uid__in=list(uids))
    return {instance.sop_instance_uid: instance for instance in found}


def instance_row(told: Described, kept: Kept, *, name: str, upload: Upload | None = None) -> Instance:
    """An instance that is not saved yet; its series, study and patient are. To be called in a transaction."""
    return Instance(
        series=_series(told),
        upload=upload,
        sha256=kept.sha256,
        size=kept.size,
        name=name.replace("\0", ""),
        **told.instance,
    )


def is_usable(source: Source) -> bool:
    """True if nothing in a file's header is in the way of using its pixels."""
    try:
        header = read_header(source)
        return not Grouped(header.series_instance_uid, (header,)).unusable
    except VoxelryError:
        return False


def replace(instance: Instance, told: Described, kept: Kept, *, name: str, upload: Upload) -> None:
    """Let an instance be the file that came whole in place of one that could not be used. In a transaction."""
    for key, value in told.instance.items():
        setattr(instance, key, value)
    instance.upload, instance.sha256, instance.size = upload, kept.sha256, kept.size
    instance.name, instance.problem_code, instance.problem_message = name.replace("\0", ""), "", ""
    instance.save()


def conflict(name: str, uid: str) -> Problem:
    """Why a file is refused whose UID stands for other bytes here."""
    return Problem(
        "conflict",
        f"{name}: another file with the same SOP Instance UID (0008,0018) {uid} and other content is here already; "
        "the first was kept",
    )


def _require_all_pixels(header: Header) -> None:
    """A file that was cut off is refused at the door, where its owner can still send it again."""
    pixels = header.pixel_bytes
    if pixels is None or pixels.offset is None or pixels.length is None:
        return
    # One byte of grace: the pad byte that makes the length even is sometimes left out.
    if pixels.offset + pixels.length > header.source.size + 1:
        with suppress(PixelDataError):  # in the words that a folder's file is refused with, where they fit
            check_bytes(header, describe_pixels(header))
        raise TruncatedError(
            f"{header.name}: cut off: Pixel Data (7FE0,0010) should be {pixels.length} bytes long, but the file ends "
            f"after {max(0, header.source.size - pixels.offset)} of them; copy or send it again"
        )


def _series(told: Described) -> Series:
    study = Study.objects.filter(study_instance_uid=told.study["study_instance_uid"]).first()
    if study is None:
        study = Study.objects.create(patient=_patient(told), **told.study)
    uid = told.series["series_instance_uid"]
    values = {key: value for key, value in told.series.items() if key != "series_instance_uid"}
    series, _ = Series.objects.get_or_create(study=study, series_instance_uid=uid, defaults=values)
    return series


def _patient(told: Described) -> Patient:
    values = dict(told.patient)
    if not values["patient_id"]:
        return Patient.objects.create(**values)
    key = {name: values.pop(name) for name in ("patient_id", "issuer")}
    patient, _ = Patient.objects.get_or_create(**key, defaults=values)
    return patient
