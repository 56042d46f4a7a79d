"""Where derived pixels come from, as elements: sources, derivation, equipment (PS3.3 C.7.6.1, C.12.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.metadata import version

from voxelry.core.errors import ParameterError
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.write.header_bytes import EncodedElements, code, encoded_items, joined, new_uid, tag_of, words

MAX_LONG_STRING = 64
MAX_SHORT_TEXT = 1024
VERSION = version("voxelry")
PROCESSING_EQUIPMENT = ("109102", "DCM", "Processing Equipment")
SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")
REPLACED = ("REPLACED", "99VOXELRY", "Pixel values replaced")


@dataclass(frozen=True, slots=True)
class Derivation:
    """What was done to a series, by whom and when.

    Attributes
    ----------
    description
        ASCII.
    suffix
        Of Series Description.
    seed
        Of the new UIDs; None for random ones.
    created
        None where it is not said.
    version
        Of Voxelry, which did it.
    """

    description: str
    suffix: str
    seed: str | None
    created: datetime | None
    version: str = VERSION

    def __post_init__(self) -> None:
        for name, text, most in (("description", self.description, 900), ("suffix", self.suffix, MAX_LONG_STRING)):
            if not (text.isascii() and text.replace("\n", " ").isprintable() and len(text) <= most) or "\\" in text:
                raise ParameterError(f"{name} is for at most {most} printable ASCII characters without a backslash")

    @property
    def sentence(self) -> str:
        """For Derivation Description (0008,2111)."""
        return f"{self.description} (voxelry {self.version})"

    def uid(self, *parts: object) -> str:
        return new_uid(self.seed, *parts)

    def source(self, header: Header) -> bytes:
        """An item of Source Image Sequence (0008,2112)."""
        return encoded_items(
            joined(
                reference(header.sop_class_uid, header.sop_instance_uid)
                | {tag_of("PurposeOfReferenceCodeSequence"): code(*SOURCE_IMAGE)}
            )
        )


@lru_cache(maxsize=16)
def equipment_of(derivation: Derivation) -> bytes:
    """An item of Contributing Equipment Sequence (0018,A001)."""
    found = {
        tag_of("PurposeOfReferenceCodeSequence"): code(*PROCESSING_EQUIPMENT),
        tag_of("Manufacturer"): words(b"LO", "Voxelry"),
        tag_of("ManufacturerModelName"): words(b"LO", "voxelry"),
        tag_of("SoftwareVersions"): words(b"LO", VERSION),
        tag_of("ContributionDescription"): words(b"ST", derivation.sentence),
    }
    if derivation.created is not None:
        found[tag_of("ContributionDateTime")] = words(b"DT", derivation.created.strftime("%Y%m%d%H%M%S"))
    return encoded_items(joined(found))


@lru_cache(maxsize=16)
def moment_elements(moment: datetime, prefix: str) -> EncodedElements:
    """A moment as a date and a time: ``Content`` gives Content Date and Content Time."""
    return {
        tag_of(f"{prefix}Date"): words(b"DA", moment.strftime("%Y%m%d")),
        tag_of(f"{prefix}Time"): words(b"TM", moment.strftime("%H%M%S.%f")),
    }


def reference(sop_class_uid: str, sop_instance_uid: str) -> EncodedElements:
    """The reference to an instance (PS3.3 10.8)."""
    return {
        tag_of("ReferencedSOPClassUID"): words(b"UI", sop_class_uid),
        tag_of("ReferencedSOPInstanceUID"): words(b"UI", sop_instance_uid),
    }


def referenced_series_item(series_instance_uid: str, headers: Iterable[Header]) -> bytes:
    """An item of Referenced Series Sequence (0008,1115): what is referred to of one series of the same study."""
    instances = encoded_items(*(joined(reference(one.sop_class_uid, one.sop_instance_uid)) for one in headers))
    return encoded_items(
        joined(
            {
                tag_of("SeriesInstanceUID"): words(b"UI", series_instance_uid),
                tag_of("ReferencedInstanceSequence"): (b"SQ", instances),
            }
        )
    )


def with_suffix(description: EncodedValue | None, suffix: str, *, utf8: bool) -> EncodedValue:
    """Series Description (0008,103E) with a suffix, shortened to what its representation holds."""
    value = b"" if description is None else description[1].strip(b" \0")
    if b"\x1b" in value and len(value) + len(suffix) > MAX_LONG_STRING:  # no cut within an escape sequence
        return b"LO", value
    if utf8:
        text = value.decode("utf-8", "ignore")[: MAX_LONG_STRING - len(suffix)].rstrip() + suffix
        return b"LO", text.strip().encode()
    return b"LO", (value[: MAX_LONG_STRING - len(suffix)].rstrip() + suffix.encode()).strip()


def evidence(study_instance_uid: str, header: Header) -> bytes:
    """An item of Source Image Evidence Sequence (0008,9154): the source by study and series (PS3.3 C.17.2.1)."""
    series = joined(
        {
            tag_of("SeriesInstanceUID"): words(b"UI", header.series_instance_uid),
            tag_of("ReferencedSOPSequence"): (
                b"SQ",
                encoded_items(joined(reference(header.sop_class_uid, header.sop_instance_uid))),
            ),
        }
    )
    return encoded_items(
        joined(
            {
                tag_of("StudyInstanceUID"): words(b"UI", study_instance_uid),
                tag_of("ReferencedSeriesSequence"): (b"SQ", encoded_items(series)),
            }
        )
    )
