"""Queries of the DICOM network (C-FIND) of a project: the first answers, as the listener makes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from django.http import HttpResponse
from pydicom.datadict import dictionary_VR, tag_for_keyword

from benchmarks.lists_cases import Ask, Rows
from benchmarks.lists_rows import FREQUENT_WORD, RARE_WORD
from voxelry.dicom.json_model.encoded_elements import ElementWriter
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.archive import queries
from voxelry.server.dimse.find_answers import FindAnswers
from voxelry.server.dimse.find_identifier import read_identifier

ANSWERS = 100
_ROOTS = {"PATIENT": "1.2.840.10008.5.1.4.1.2.1.1"}
_STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"
_RETURNED = {
    "PATIENT": "PatientName PatientID PatientBirthDate PatientSex NumberOfPatientRelatedStudies",
    "STUDY": "PatientName PatientID PatientSex StudyInstanceUID StudyDate StudyTime StudyDescription AccessionNumber "
    "StudyID ReferringPhysicianName ModalitiesInStudy NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
    "SERIES": "SeriesInstanceUID SeriesNumber Modality SeriesDescription NumberOfSeriesRelatedInstances",
    "IMAGE": "SOPInstanceUID SOPClassUID InstanceNumber Rows Columns",
}


def query_cases(rows: Rows) -> Iterator[tuple[str, Ask]]:
    """Each query by name; asking gives the first answers."""
    who = Grants(roles={rows.project: Role.VIEWER}, scoped=True)
    study = queries.studies(who).select_related("patient").get(pk=rows.study)
    series = queries.series(who).get(pk=rows.series)
    own = {"StudyInstanceUID": study.study_instance_uid}
    asked: dict[str, tuple[str, Mapping[str, str]]] = {
        "studies": ("STUDY", {}),
        "studies of a patient": ("STUDY", {"PatientID": study.patient.patient_id}),
        "a study": ("STUDY", own),
        "an accession number": ("STUDY", {"AccessionNumber": study.accession_number}),
        "studies, rare name": ("STUDY", {"PatientName": f"{RARE_WORD.lower()}*"}),
        "studies, frequent name": ("STUDY", {"PatientName": f"{FREQUENT_WORD.lower()}^a*"}),
        "studies, part of a name": ("STUDY", {"PatientName": "*chmid*"}),
        "studies of a day": ("STUDY", {"StudyDate": "20190314"}),
        "studies of a year": ("STUDY", {"StudyDate": "20200101-20201231", "StudyTime": "080000-120000"}),
        "CT studies": ("STUDY", {"ModalitiesInStudy": "CT"}),
        "NM studies": ("STUDY", {"ModalitiesInStudy": "NM"}),
        "nothing found": ("STUDY", {"PatientName": "qqqzzz*"}),
        "patients": ("PATIENT", {}),
        "a patient": ("PATIENT", {"PatientID": study.patient.patient_id}),
        "patients, rare name": ("PATIENT", {"PatientName": f"{RARE_WORD.lower()}*"}),
        "patients, frequent name": ("PATIENT", {"PatientName": f"{FREQUENT_WORD.lower()}*"}),
        "patients, a birthday": ("PATIENT", {"PatientBirthDate": study.patient.birth_date.replace("-", "")}),
        "series of a study": ("SERIES", own),
        "instances of a series": ("IMAGE", {**own, "SeriesInstanceUID": series.series_instance_uid}),
    }
    for name, (level, keys) in asked.items():
        yield f"C-FIND: {name}", _finding(who, level, keys)


def _finding(who: Grants, level: str, keys: Mapping[str, str]) -> Ask:
    returned = dict.fromkeys(_RETURNED[level].split(), "")
    content = _encoded({"QueryRetrieveLevel": level, **returned, **keys})

    def ask() -> HttpResponse:
        asked = read_identifier(content, _ROOTS.get(level, _STUDY_ROOT), explicit=True)
        answers = FindAnswers(who, asked, title="VOXELRY", explicit=True, stop=lambda: False).data_sets()
        return HttpResponse(b"".join(islice(answers, ANSWERS)))

    return ask


def _encoded(keys: Mapping[str, str]) -> bytes:
    writer = ElementWriter(explicit=True)
    tags = {int(tag_for_keyword(keyword) or 0): value for keyword, value in keys.items()}
    return writer.data_set({tag: writer.text(tag, dictionary_VR(tag), value) for tag, value in tags.items()})
