"""Django's requests and responses as those of `exchange`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from voxelry.server.access.authentication import asking
from voxelry.server.access.exchange import Answer, Asked, close_stream, streamed
from voxelry.server.access.grants import Grants

LARGEST_WHOLE = 2**24


def lower_headers(request: HttpRequest) -> dict[str, str]:
    """The headers of a request by lower-case names."""
    return {name.lower(): value for name, value in request.headers.items()}


def asked_of(
    request: HttpRequest, who: Grants | None = None, *, root: str = "", headers: Mapping[str, str] | None = None
) -> Asked:
    """A request, of who asks or with narrower grants; ``headers`` if `lower_headers` was called already."""
    return Asked(
        who=asking(request) if who is None else who,
        method=request.method or "GET",
        path=request.path,
        query=request.META.get("QUERY_STRING", ""),
        headers=lower_headers(request) if headers is None else headers,
        root=root,
        read=request.read,
    )


def as_response(answer: Answer, request: HttpRequest) -> HttpResponseBase:
    """An answer as Django's response."""
    length = answer.length
    parts = streamed(answer.parts)
    if length is not None and length <= LARGEST_WHOLE:
        whole = HttpResponse(b"".join(parts), status=answer.status, headers=answer.headers)
        if "Content-Type" not in answer.headers:
            del whole.headers["Content-Type"]  # Django's default, of pages
        return whole
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
