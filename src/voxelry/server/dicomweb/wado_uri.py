"""WADO-URI: one instance, named by the query (PS3.18 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.shown_frames import StoredInstance, instance_by_uid
from voxelry.server.dicomweb.negotiation import DICOM
from voxelry.server.dicomweb.rendered_answers import animation_answer, pictures_answer, wanted_picture
from voxelry.server.dicomweb.rendered_documents import documents_answer, offered_documents
from voxelry.server.dicomweb.rendered_media import IMAGES, TEXTS, RenderedChoice, none_acceptable, preferred_type
from voxelry.server.dicomweb.rendered_parameters import (
    QUALITY,
    Rendering,
    annotations_of,
    decimal,
    positive_side,
    quality_of,
    single_values,
    window_of_numbers,
)
from voxelry.server.dicomweb.rendered_pictures import (
    frame_indices,
    frames_in,
    is_picture,
    representative_index,
)
from voxelry.server.dicomweb.rendered_presentation import is_presentation_state, presented_pictures
from voxelry.server.dicomweb.retrieve_instances import retrieve_instance
from voxelry.server.dicomweb.routes import Route
from voxelry.workflows.pictures.viewport import Viewport

_REQUIRED = ("requestType", "studyUID", "seriesUID", "objectUID")
_OTHERS = (
    "contentType", "charset", "anonymize", "annotation", "rows", "columns", "region", "windowCenter", "windowWidth",
    "frameNumber", "imageQuality", "presentationUID", "presentationSeriesUID", "transferSyntax",
)  # fmt: skip
_CHARSETS = {"utf-8", "utf8", "*", "us-ascii"}


def wado(asked: Asked) -> Answer:
    """An instance as it is stored, or rendered.

    Raises
    ------
    RefusedError
        400 for a parameter that is missing, repeated or wrong; 404 if there is no such instance; 406 if it cannot be
        sent as it is asked for.
    """
    given = single_values(asked.parameters(), (*_REQUIRED, *_OTHERS))
    missing = [name for name in _REQUIRED if not given.get(name)]
    if missing:
        raise _refused(f"The parameters {', '.join(missing)} are missing; WADO-URI needs {', '.join(_REQUIRED)}.")
    if given["requestType"] != "WADO":
        raise _refused("The parameter requestType is WADO.")
    rendering = _rendering(given)
    study = given["studyUID"]
    stored = instance_by_uid(asked.who, study, given["seriesUID"], given["objectUID"])
    if stored is None:
        raise RefusedError(404, "There is no such instance.", code="not_found")
    if given.get("anonymize"):
        raise RefusedError(406, "Instances are not de-identified on the way out: leave out anonymize.")
    media = _media(asked, stored, given)
    if media == DICOM:
        return _as_dicom(asked, given)
    if given.get("transferSyntax"):
        raise _refused("The parameter transferSyntax belongs to contentType=application/dicom.")
    if media not in IMAGES:
        _check_charset(given)
        return documents_answer(asked, [stored], RenderedChoice(media))
    return _as_picture(asked, study, stored, media, rendering, given)


def _media(asked: Asked, stored: StoredInstance, given: Mapping[str, str]) -> str:
    """The media type: that of contentType, else the default of the object if it is accepted (9.1.2.2.1)."""
    offered = _offered(stored, given)
    wanted = given.get("contentType") or asked.headers.get("accept", "")
    if not given.get("contentType") and preferred_type(wanted, offered[:1]) is not None:
        return offered[0]
    choice = preferred_type(wanted, offered)
    if choice is None:
        raise none_acceptable(offered)
    return choice.type


def _offered(stored: StoredInstance, given: Mapping[str, str]) -> tuple[str, ...]:
    """The media types of an instance, the default first: multi-frame images are sent as DICOM."""
    if is_picture(stored):
        one = bool(given.get("frameNumber")) or frames_in(stored) == 1
        return (*IMAGES, DICOM) if one else (DICOM, *IMAGES)
    return (*offered_documents(stored), DICOM, *(IMAGES if is_presentation_state(stored) else ()))


def _as_picture(
    asked: Asked, study: str, stored: StoredInstance, media: str, rendering: Rendering, given: Mapping[str, str]
) -> Answer:
    warnings: list[str] = []
    choice = RenderedChoice(media)
    if is_presentation_state(stored):
        wanted, warnings = presented_pictures(asked, study, stored, rendering)
        return pictures_answer(asked, wanted[:1], choice, rendering, warnings=warnings)
    count = frames_in(stored)
    number = given.get("frameNumber", "")
    if number and not re.fullmatch(r"[1-9][0-9]{0,6}", number):
        raise _refused("The parameter frameNumber is a whole number from 1.")
    if count > 1 and not number and media == "image/gif":
        return animation_answer(asked, [wanted_picture(stored, index, rendering) for index in range(count)], rendering)
    index = frame_indices(stored, number)[0] if number else representative_index(stored)
    if count > 1 and not number:
        warnings.append(f"only frame {index + 1} of {count} is shown: ask for a frameNumber or for image/gif")
    if "presentationUID" in given:
        state = _presentation_state(asked, given)
        wanted, more = presented_pictures(asked, study, state, rendering, only=(stored.sop_instance_uid, index))
        return pictures_answer(asked, wanted, choice, rendering, warnings=[*warnings, *more])
    return pictures_answer(asked, [wanted_picture(stored, index, rendering)], choice, rendering, warnings=warnings)


def _presentation_state(asked: Asked, given: Mapping[str, str]) -> StoredInstance:
    state = instance_by_uid(asked.who, given["studyUID"], given["presentationSeriesUID"], given["presentationUID"])
    if state is None or not is_presentation_state(state):
        raise RefusedError(404, "There is no such presentation state.", code="not_found")
    return state


def _as_dicom(asked: Asked, given: Mapping[str, str]) -> Answer:
    syntax = given.get("transferSyntax", "")
    if syntax and not re.fullmatch(r"[0-9.]{1,64}|\*", syntax):
        raise _refused("The parameter transferSyntax is the UID of a transfer syntax.")
    accept = f"{DICOM};transfer-syntax={syntax}" if syntax else DICOM
    plain = replace(asked, query="", headers={**asked.headers, "accept": accept})
    return retrieve_instance(plain, given["studyUID"], given["seriesUID"], given["objectUID"])


def _rendering(given: Mapping[str, str]) -> Rendering:
    """How a picture is wanted; all values are checked, whatever is sent (9.1.2.2.2 and following)."""
    window = None
    if ("windowCenter" in given) != ("windowWidth" in given):
        raise _refused("The parameters windowCenter and windowWidth go together.")
    if ("presentationUID" in given) != ("presentationSeriesUID" in given):
        raise _refused("The parameters presentationUID and presentationSeriesUID go together.")
    if "windowCenter" in given:
        if "presentationUID" in given:
            raise _refused("A presentation state has its own windows: leave out windowCenter and windowWidth.")
        center, width = (decimal(given[name], name) for name in ("windowCenter", "windowWidth"))
        window = window_of_numbers(center, width, "LINEAR", "windowWidth")
    columns, rows = (positive_side(given[name], name) if name in given else None for name in ("columns", "rows"))
    left, top, right, bottom = _region(given["region"]) if "region" in given else (0.0, 0.0, 1.0, 1.0)
    viewport = None
    if not {"columns", "rows", "region"}.isdisjoint(given):
        viewport = Viewport(columns, rows, left, top, right - left, bottom - top, shares=True)
    shaping = ("windowCenter", "windowWidth", "columns", "rows", "region", "imageQuality", "presentationUID")
    return Rendering(
        window,
        viewport,
        quality_of(given["imageQuality"], "imageQuality") if "imageQuality" in given else QUALITY,
        "&".join(f"{name}={given[name]}" for name in shaping if name in given),
        tuple(annotations_of(given["annotation"])) if "annotation" in given else (),
    )


def _region(text: str) -> tuple[float, float, float, float]:
    """``xmin,ymin,xmax,ymax`` as shares of the sides (9.1.2.2.9)."""
    parts = [decimal(part, "region") for part in text.split(",")]
    if len(parts) != 4 or not (0 <= parts[0] < parts[2] <= 1 and 0 <= parts[1] < parts[3] <= 1):
        raise _refused("The parameter region has four numbers from 0 to 1: left, top, right, bottom.")
    return parts[0], parts[1], parts[2], parts[3]


def _check_charset(given: Mapping[str, str]) -> None:
    names = [name.partition(";")[0].strip().lower() for name in given.get("charset", "*").split(",")]
    if not _CHARSETS.intersection(names):
        raise RefusedError(406, f"{' and '.join(TEXTS)} are sent in UTF-8 only.", code="not_acceptable")


def _refused(words: str) -> RefusedError:
    return RefusedError(400, words, code="parameter")


ROUTES = (Route("wado", {"GET": (wado, Rule.VIEWER)}),)
