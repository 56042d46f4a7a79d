"""Errors as ``application/problem+json`` (RFC 9457), in one place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from voxelry.core.errors import VoxelryError
from voxelry.server.access.problem_content import PROBLEM, problem_content
from voxelry.server.access.rules import Rule, is_for_programs, needs
from voxelry.server.environment.disk_errors import is_away, is_full
from voxelry.server.jobs.failures import Away
from voxelry.server.processing.base_version import BaseChangedError
from voxelry.server.processing.request_errors import StepParameterError

CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "precondition",
    413: "too_large",
    416: "range",
    422: "validation",
    428: "precondition_required",
    500: "internal",
    502: "node",
    503: "busy",
    504: "timed_out",
    507: "storage_full",
}
DETAILS = {
    400: "The request cannot be read: its body is not what its headers say, or the name of a file is too long.",
    401: "Log in, or send a bearer token or a name and password.",
    403: "This is not allowed, or the CSRF token (header X-CSRFToken) is missing or wrong.",
    404: "There is nothing at this address.",
    405: "This address does not know this method.",
    413: "The request is too large.",
    412: "What is here is not what If-Match names.",
    416: "The range begins behind the end of what is here.",
    500: "Something went wrong inside Voxelry.",
    507: "The disk of this server is full: whoever runs it has to make room.",
}
DETAILS_OF = {
    "database": "The server's database cannot be used now: it is away, busy or cannot be written. Try again later.",
    "storage": "The server's data folder cannot be used now. Try again later; whoever runs it sees why in its log.",
}
_STATUS_OF = {
    "damaged_original": 409,
    "job_state": 409,
    "last_owner": 409,
    "node_name": 409,
    "copy_conflict": 409,
    "restore_conflict": 409,
    "not_found": 404,
    "not_ready": 409,
    "outside_roots": 403,
    "project_name": 409,
    "precondition_required": 428,
    "project_not_empty": 409,
    "role": 403,
}


class ApiError(Exception):
    """An error with a status, a code and a message."""

    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def not_found(what: str) -> ApiError:
    """A 404 error with a message."""
    return ApiError(404, "not_found", what)


def problem(status: int, *, code: str = "", detail: str = "", more: Mapping[str, object] | None = None) -> HttpResponse:
    """A problem document."""
    words = detail or DETAILS_OF.get(code) or DETAILS.get(status, HTTPStatus(status).description)
    content = problem_content(status, words, code or CODES.get(status, "error"), more)
    return HttpResponse(content, status=status, content_type=PROBLEM)


def under_api(path: str) -> bool:
    """Whether errors at this address are problem documents."""
    return is_for_programs(path)


def trouble(error: BaseException | None) -> tuple[int, str] | None:
    """Status and code of an error that is no defect: the disk is full, or the disk or the database cannot be used."""
    if error is not None and is_full(error):
        return 507, CODES[507]
    if isinstance(error, OSError) and is_away(error, settings.VOXELRY.data):
        return 503, "storage"
    if isinstance(error, OperationalError | InterfaceError):
        return 503, "database"
    return None


def failed(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: the answer to an unexpected error."""
    status, code = trouble(sys.exc_info()[1]) or (500, CODES[500])
    if under_api(request.path):
        return problem(status, code=code)
    told = (DETAILS_OF.get(code) or DETAILS[status]) if status != 500 else ""
    return HttpResponse(render_to_string("500.html", {"trouble": told}), status=status)


def describe(schema: dict[str, Any]) -> None:
    """Correct an OpenAPI document: errors are sent as problem documents, of which Ninja knows nothing.

    Any route may also answer what the server as a whole answers: a request that cannot be read, or a disk or database
    that cannot be used.
    """
    document = {PROBLEM: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    schema["components"]["responses"] = {"Problem": {"description": "What is wrong (RFC 9457).", "content": document}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            for status in [*responses, *(code for code in _OF_ALL if code not in responses)]:
                if int(status) >= HTTPStatus.BAD_REQUEST:
                    responses[status] = {"$ref": "#/components/responses/Problem"}


_OF_ALL = (400, 401, 413, 503, 507)


def add_handlers(api: NinjaAPI) -> None:
    """Register the answers for errors that routes raise."""
    api.add_exception_handler(ApiError, _api_error)
    api.add_exception_handler(StepParameterError, _step_parameters)
    api.add_exception_handler(BaseChangedError, _base_changed)
    api.add_exception_handler(VoxelryError, _voxelry_error)
    api.add_exception_handler(ValidationError, _validation_error)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(ObjectDoesNotExist, _missing)
    api.add_exception_handler(OSError, _disk)
    api.add_exception_handler(Away, _away)


@needs(Rule.ACCOUNT)
def unknown_address(request: HttpRequest) -> HttpResponse:
    """The answer for URLs under ``/api/`` without a route."""
    return problem(404)


class ProblemMiddleware:
    """Turns Django's own error answers to programs into problem documents. Data sets of DICOMweb stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not under_api(request.path) or response.status_code < 400:
            return response
        if response.headers.get("Content-Type", "").startswith((PROBLEM, "application/dicom+")):
            return response
        answer = problem(response.status_code)
        for name in ("Allow", "WWW-Authenticate", "Retry-After"):
            if name in response.headers:
                answer.headers[name] = response.headers[name]
        answer.cookies = response.cookies
        response.close()
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer an error of the disk or the database outside of the API."""
        return _away(request, exception) if isinstance(exception, Away) else None


def _api_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status, code=error.code, detail=error.detail, more=error.more)


def _step_parameters(request: HttpRequest, error: Any) -> HttpResponse:
    """A 422 answer with the errors by field, as in `_validation_error`."""
    errors = [{"loc": ["body", "params", *place], "msg": words, "type": "parameter"} for place, words in error.places]
    return problem(422, code=error.problem.code, detail=error.problem.message, more={"errors": errors})


def _base_changed(request: HttpRequest, error: Any) -> HttpResponse:
    """A 412 answer with what was saved meanwhile, and the entity tag of now."""
    newer = None if error.newer is None else {"job": error.newer.job, "segmentation": error.newer.segmentation}
    answer = problem(412, code=error.problem.code, detail=error.problem.message, more={"newer": newer})
    answer.headers["ETag"] = error.tag
    return answer


def _voxelry_error(request: HttpRequest, error: Any) -> HttpResponse:
    found = error.problem
    return problem(_STATUS_OF.get(found.code, 422), code=found.code, detail=found.message)


def _validation_error(request: HttpRequest, error: Any) -> HttpResponse:
    # The place and the kind of each error, without the value.
    errors = [{"loc": [str(part) for part in e["loc"]], "msg": e["msg"], "type": e["type"]} for e in error.errors]
    first = errors[0] if errors else {"loc": ["request"], "msg": "cannot be read", "type": ""}
    where, what = first["loc"], first["msg"]
    if where[0] == "file" and first["type"] == "missing":
        what = f"no file came; send it as multipart/form-data, in the field {where[-1]!r} and with a file name"
    return problem(422, detail=f"{where[-1]}: {what}", more={"errors": errors})


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, detail=DETAILS.get(error.status_code, str(error)))


def _missing(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(404)


def _away(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(503, code=error.problem.code, detail=error.problem.message)


def _disk(request: HttpRequest, error: Any) -> HttpResponse:
    if not is_full(error):
        raise error
    return problem(507)
