"""Makes the rows of a DICOM file, for the jobs of uploads and for the results of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from voxelry.core.errors import PixelDataError, Problem, TruncatedError, VoxelryError
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sources import Source
from voxelry.dicom.pixels.codecs import is_supported
from voxelry.dicom.pixels.uncompressed import check_bytes
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest.files_at_rest import Kept
from voxelry.server.archive.models import Instance, Patient, Series, Upload
from voxelry.server.archive.row_values import MANY_CLASSES, InstanceValues, sop_classes_with, values_of


def read_values(source: Source) -> InstanceValues:
    """The values that the rows of a file hold.

    Raises
    ------
    VoxelryError
        If the archive does not take the file: not DICOM, damaged, truncated or without its UIDs.
    """
    return read_object(source)[0]


def read_object(source: Source) -> tuple[InstanceValues, Problem | None]:
    """The values of `read_values`, and what is wrong with the header that does not keep the file from being stored."""
    header = read_header(source)
    header.require_uids()
    _require_all_pixels(header)
    return values_of(header), _doubt(header)


def _doubt(header: Header) -> Problem | None:
    if not header.has_pixels or not is_supported(header.transfer_syntax_uid):
        return None
    try:
        describe_pixels(header)
    except VoxelryError as error:
        return error.problem
    return None


def known_uids(project: int, uids: Iterable[object]) -> list[str]:
    """Those of some SOP Instance UIDs that a project has."""
    rows = queries.instances(as_site()).filter(project=project, sop_instance_uid__in=list(uids)).order_by()
    return list(rows.values_list("sop_instance_uid", flat=True))


def known_instances(project: int, uids: Iterable[object]) -> dict[str, Instance]:
    """The instances with these UIDs that a project has, by SOP Instance UID, with their series."""
    rows = queries.instances(as_site()).filter(project=project, sop_instance_uid__in=list(uids))
    found = rows.select_related("series")
    return {instance.sop_instance_uid: instance for instance in found}


class RowMaker:
    """Makes unsaved instances of a project; their series, studies and patients are saved. Used in one transaction.

    Attributes
    ----------
    made
        The keys of series that were made, or whose row changed.
    """

    def __init__(self, project: int, upload: Upload | None = None) -> None:
        self._project, self._upload = project, upload
        self._series: dict[tuple[object, object], Series] = {}
        self.made: set[int] = set()

    def instance(self, values: InstanceValues, kept: Kept, *, name: str) -> Instance:
        """The row of a file whose bytes are kept."""
        key = values.study["study_instance_uid"], values.series["series_instance_uid"]
        series = self._series.get(key)
        if series is None:
            series, created = _series(values, self._project)
            self._series[key] = series
            if created:
                self.made.add(series.pk)
        if _note_sop_class(series, str(values.instance["sop_class_uid"])):
            self.made.add(series.pk)
        return Instance(
            project_id=self._project,
            series=series,
            upload=self._upload,
            sha256=kept.sha256,
            size=kept.size,
            name=name.replace("\0", ""),
            **values.instance,
        )


def instance_row(
    values: InstanceValues, kept: Kept, *, name: str, project: int, upload: Upload | None = None
) -> Instance:
    """An unsaved instance of a project; its series, study and patient are saved. Called in a transaction."""
    return RowMaker(project, upload).instance(values, kept, name=name)


def is_usable(source: Source) -> bool:
    """Whether a file's header allows its pixels to be used."""
    try:
        header = read_header(source)
        return not Grouped(header.series_instance_uid, (header,)).unusable
    except VoxelryError:
        return False


def replace(instance: Instance, values: InstanceValues, kept: Kept, *, name: str, upload: Upload) -> None:
    """Replace the unusable file of an instance by one that is whole. Called in a transaction."""
    for key, value in values.instance.items():
        setattr(instance, key, value)
    instance.upload, instance.sha256, instance.size = upload, kept.sha256, kept.size
    instance.name, instance.problem_code, instance.problem_message = name.replace("\0", ""), "", ""
    instance.save()


def conflict(name: str, uid: str, *, kept_aside: bool = False) -> Problem:
    """The problem of a file whose SOP Instance UID the archive has with other bytes, which may be kept aside."""
    words = "that one stays, and this one is kept aside" if kept_aside else "the first was kept"
    return Problem(
        "conflict",
        f"{name}: another file with the same SOP Instance UID (0008,0018) {uid} and other content is here already; "
        f"{words}",
    )


def _require_all_pixels(header: Header) -> None:
    """Refuse a truncated file at upload, when its owner can still send it again."""
    pixels = header.pixel_bytes
    if pixels is None or pixels.offset is None or pixels.length is None:
        return
    # One byte less is accepted: some writers leave out the pad byte that makes the length even.
    if pixels.offset + pixels.length > header.source.size + 1:
        with suppress(PixelDataError):  # raises the message that a load of a folder has, if it applies
            check_bytes(header, describe_pixels(header))
        raise TruncatedError(
            f"{header.name}: cut off: Pixel Data (7FE0,0010) should be {pixels.length} bytes long, but the file ends "
            f"after {max(0, header.source.size - pixels.offset)} of them; copy or send it again"
        )


def _series(values: InstanceValues, project: int) -> tuple[Series, bool]:
    """The series of an instance, and whether it was made."""
    known = queries.series(as_site()).filter(
        series_instance_uid=values.series["series_instance_uid"],
        study__project=project,
        study__trashed=None,
        study__study_instance_uid=values.study["study_instance_uid"],
    )
    found = known.defer("metadata", "report", "attributes").order_by().first()
    if found is not None:
        return found, False
    live = queries.studies(as_site()).filter(project=project, trashed=None)
    study = live.filter(study_instance_uid=values.study["study_instance_uid"]).first()
    if study is None:
        patient = patient_in(project, values.patient)
        study = queries.studies(as_site()).create(project_id=project, patient=patient, **values.study)
    uid = values.series["series_instance_uid"]
    others = {key: value for key, value in values.series.items() if key != "series_instance_uid"}
    classes = sop_classes_with("", str(values.instance["sop_class_uid"]))
    return queries.series(as_site()).get_or_create(
        study=study, series_instance_uid=uid, defaults={"project_id": project, "sop_classes": classes, **others}
    )


def _note_sop_class(series: Series, uid: str) -> bool:
    """Write down the class of an instance with its series; not in rows that are filled later (`fill_search`)."""
    if (
        series.sop_classes is None
        or sop_classes_with("", uid) in (known := series.sop_classes)
        or known == MANY_CLASSES
    ):
        return False
    rows = queries.series(as_site()).filter(pk=series.pk)
    series.sop_classes = sop_classes_with(rows.select_for_update(no_key=True).get().sop_classes or "", uid)
    rows.update(sop_classes=series.sop_classes)
    return True


def patient_in(project: int, values: Mapping[str, str]) -> Patient:
    """The patient of the same ID in a project; a new one if there is none, or if there is no ID."""
    others = dict(values)
    if not others["patient_id"]:
        return queries.patients(as_site()).create(project_id=project, **others)
    key = {name: others.pop(name) for name in ("patient_id", "issuer")}
    patient, _ = queries.patients(as_site()).get_or_create(project_id=project, **key, defaults=others)
    return patient
