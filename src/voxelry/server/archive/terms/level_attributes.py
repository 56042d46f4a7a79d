"""The attributes of a study and of a series in the DICOM JSON Model, as searches give them (PS3.18 10.6.3.3).

A patient's attributes that rows of patients hold are not among those of a study.
"""

from __future__ import annotations

from dataclasses import replace

from pydicom.datadict import tag_for_keyword

from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.json_model.json_instance import CHARACTER_SET, JsonInstances
from voxelry.dicom.json_model.nested_elements import encoded_elements


def _tags(keywords: str) -> tuple[int, ...]:
    return tuple(sorted(int(tag_for_keyword(one) or 0) for one in keywords.split()))


# The modules General Study, Patient Study, Patient Demographic and Clinical Trial of PS3.3 C.7.1 and C.7.2.
OF_STUDY = _tags("""
    StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence ReferringPhysicianName
    ReferringPhysicianIdentificationSequence ConsultingPhysicianName StudyDescription ProcedureCodeSequence
    PhysiciansOfRecord NameOfPhysiciansReadingStudy AdmittingDiagnosesDescription ReferencedStudySequence
    TimezoneOffsetFromUTC StudyID RequestingService ReasonForVisit AdmissionID ServiceEpisodeID
    IssuerOfPatientIDQualifiersSequence PatientBirthTime OtherPatientIDs OtherPatientIDsSequence OtherPatientNames
    PatientAge PatientSize PatientWeight EthnicGroup Occupation SmokingStatus AdditionalPatientHistory PregnancyStatus
    MedicalAlerts Allergies PatientState PatientSexNeutered PatientSpeciesDescription PatientBreedDescription
    ResponsiblePerson ResponsibleOrganization PatientComments PatientIdentityRemoved DeidentificationMethod
    DeidentificationMethodCodeSequence ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName
    ClinicalTrialSiteID ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID
    ClinicalTrialTimePointID ClinicalTrialTimePointDescription
""")
# General Series and General Equipment, C.7.3.1 and C.7.5.1, and the frame of reference.
OF_SERIES = _tags("""
    Modality SeriesDate SeriesTime SeriesDescription SeriesDescriptionCodeSequence SeriesNumber Laterality
    BodyPartExamined ProtocolName PatientPosition PerformingPhysicianName OperatorsName Manufacturer
    ManufacturerModelName InstitutionName InstitutionAddress InstitutionalDepartmentName StationName
    DeviceSerialNumber SoftwareVersions FrameOfReferenceUID PositionReferenceIndicator AnatomicalOrientationType
    PerformedProcedureStepStartDate PerformedProcedureStepStartTime PerformedProcedureStepEndDate
    PerformedProcedureStepEndTime PerformedProcedureStepID PerformedProcedureStepDescription
    PerformedProtocolCodeSequence ReferencedPerformedProcedureStepSequence RequestAttributesSequence
    CommentsOnThePerformedProcedureStep TreatmentSessionUID
""")
_MOST_BYTES = 64 * 2**10
"""Longer values are left out: no attribute that somebody searches for has such."""
_MOST_KNOWN = 16
_known: dict[tuple[tuple[int, EncodedValue], ...], str] = {}
"""What was written last: the instances of a series have the same attributes of these levels."""


def study_attributes(header: Header) -> str:
    """The attributes of the study that an instance has, as a JSON object."""
    return _json(header, OF_STUDY)


def series_attributes(header: Header) -> str:
    """The attributes of the series that an instance has, as a JSON object."""
    return _json(header, OF_SERIES)


def _json(header: Header, tags: tuple[int, ...]) -> str:
    elements = encoded_elements(header.elements)
    some = tuple((tag, elements[tag]) for tag in (CHARACTER_SET, *tags) if tag in elements)
    found = _known.get(some)
    if found is None:
        own = Elements({tag: value for tag, value in some if len(value[1]) < _MOST_BYTES})
        found = JsonInstances().write(replace(header, elements=own, pixel_bytes=None), bulk="")
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[some] = found
    return found
