"""The terminology of segments."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router, Schema

from voxelry.core.segmentation import RGB
from voxelry.dicom.objects.segment_terms import LONGEST_TEXT, region_terms, segment_terms
from voxelry.server.access.rules import Rule, needs
from voxelry.server.api.schemas import ERRORS
from voxelry.server.api.segmentation_schemas import CodeOut

router = Router()
Words = Annotated[str, Query("", max_length=LONGEST_TEXT, description="Words in any order, or a code.")]
Most = Annotated[int, Query(20, ge=1, le=200, description="How many at most.")]


class TermOut(Schema):
    """What a segment can be. Of ``modifiers`` (right, left, both) one may be chosen; ``colour`` is usual for it."""

    category: CodeOut
    type: CodeOut
    modifiers: list[CodeOut]
    anatomic_region: CodeOut | None
    colour: str | None


class TermsOut(Schema):
    """Terms, the best first; and anatomic regions that the text means, for findings."""

    terms: list[TermOut]
    regions: list[CodeOut]


@router.get("/segmentation-terms", response={200: TermsOut, **ERRORS}, tags=["segmentations"])
@needs(Rule.ACCOUNT)
def list_terms(request: HttpRequest, text: Words = "", limit: Most = 20) -> object:
    """What segments are, in the codes of DICOM's context groups; without a text common structures."""
    terms = [
        TermOut(
            category=CodeOut(**asdict(term.category)),
            type=CodeOut(**asdict(term.type)),
            modifiers=[CodeOut(**asdict(one)) for one in term.modifiers],
            anatomic_region=None,
            colour=_hex(term.colour),
        )
        for term in segment_terms(text, limit=limit)
    ]
    return TermsOut(terms=terms, regions=[CodeOut(**asdict(one)) for one in region_terms(text, limit=limit)])


def _hex(colour: RGB | None) -> str | None:
    return None if colour is None else f"#{bytes(colour).hex()}"
