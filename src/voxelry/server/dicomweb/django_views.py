"""Django's views of the routes: they find who asks, and turn an `Answer` into a response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from voxelry.server.access.authentication import asking
from voxelry.server.access.conditional import finished
from voxelry.server.access.exchange import Answer, Asked, RefusedError, streamed
from voxelry.server.access.grants import RoleError
from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.project_scope import narrowed
from voxelry.server.dicomweb.public_root import public_root
from voxelry.server.dicomweb.refusals import refusal
from voxelry.server.dicomweb.routes import Handler, allowed

LARGEST_WHOLE = 2**24


def view_of(methods: Mapping[str, tuple[Handler, Rule]]) -> Callable[..., HttpResponseBase]:
    """The view of an address: one function for all its methods."""

    @csrf_exempt  # AccessMiddleware checks requests with a session's cookie, as it does below /api/
    def view(request: HttpRequest, project: str | None = None, **parts: str) -> HttpResponseBase:
        return as_response(_answer(request, project, parts, methods), request)

    view.access_rules = {method: rule for method, (_, rule) in methods.items()}  # type: ignore[attr-defined]
    view.access_rule = next(iter(methods.values()))[1]  # type: ignore[attr-defined]
    return view


def _answer(
    request: HttpRequest, project: str | None, parts: dict[str, str], methods: Mapping[str, tuple[Handler, Rule]]
) -> Answer:
    try:
        method = "GET" if request.method == "HEAD" else request.method or "GET"
        if method not in methods:
            told = {"Allow": allowed(methods)}
            raise RefusedError(405, "This address does not know this method.", headers=told)
        handler, rule = methods[method]
        headers = {name.lower(): value for name, value in request.headers.items()}
        root = public_root(_scheme(request), request.get_host(), headers, str(request.META.get("REMOTE_ADDR", "")))
        who, slug = narrowed(asking(request), project, rule)
        answer = handler(
            Asked(
                who=who,
                method=request.method or "GET",
                path=request.path,
                query=request.META.get("QUERY_STRING", ""),
                headers=headers,
                root=root + (f"/dicomweb/projects/{slug}" if project else "/dicomweb"),
                read=request.read,
            ),
            **parts,
        )
        answer = finished(answer, request.method or "GET", headers)
    except RefusedError as error:
        answer = refusal(error.status, error.words, code=error.code, headers=error.headers)
    except RoleError as error:
        answer = refusal(403, error.problem.message, code=error.problem.code)
    return answer


def _scheme(request: HttpRequest) -> str:
    """The scheme of the connection, whatever headers say: `public_root` judges them."""
    return request._get_scheme() or "http"  # type: ignore[attr-defined]  # noqa: SLF001 - a hook of subclasses


def as_response(answer: Answer, request: HttpRequest) -> HttpResponseBase:
    """An answer as Django's response."""
    length = answer.length
    parts = streamed(answer.parts)
    if length is not None and length <= LARGEST_WHOLE:
        return HttpResponse(b"".join(parts), status=answer.status, headers=answer.headers)
    if request.method == "HEAD":
        close_stream(parts)
        parts = iter(())
    following = in_threads(parts) if isinstance(request, ASGIRequest) else parts
    response = StreamingHttpResponse(following, status=answer.status, headers=answer.headers)
    if length is not None:
        response.headers["Content-Length"] = str(length)
    return response


async def in_threads(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Bytes as an asynchronous iterator: an ASGI server would collect a synchronous one first."""
    following = sync_to_async(lambda: next(parts, None))
    try:
        while (part := await following()) is not None:
            yield part
    finally:
        await sync_to_async(close_stream)(parts)


def close_stream(parts: Iterator[bytes]) -> None:
    """Let go of the files of a stream whose client went away."""
    close = getattr(parts, "close", None)
    if close is not None:
        close()
