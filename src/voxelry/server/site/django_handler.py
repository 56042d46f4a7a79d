"""Django as an ASGI application that answers each request in one thread.

Django's own handler goes from the event loop to a thread and back around each synchronous middleware, and its threads
end with the request, each with its connection to the database. Here the middleware and the view run in one of the
threads that last. Only answers that are made while they are sent leave it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import IO, Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.db import connections
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

from voxelry.server.site.request_threads import RequestThreads

MOST_THREADS = 24


class ThreadedDjango(ASGIHandler):
    """Django's handler with its synchronous middleware, in one thread for each request."""

    def __init__(self) -> None:
        super(ASGIHandler, self).__init__()
        self.load_middleware(is_async=False)
        self._threads = RequestThreads(MOST_THREADS, "django")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request over HTTP."""
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is answered, not {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        try:
            response = await self._threads.run(self._respond, scope, body)
            await send(_start(response))
            if isinstance(response, StreamingHttpResponse):
                await self._stream(response, receive, send)
            else:
                await send({"type": "http.response.body", "body": response.content})  # type: ignore[attr-defined]
        finally:
            body.close()

    def _respond(self, scope: Any, body: IO[bytes]) -> HttpResponseBase:
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refused = self.create_request(scope, body)
        response: HttpResponseBase = self.get_response(request) if request is not None else refused or HttpResponse()
        if isinstance(response, HttpResponse):
            response.close()  # in the thread whose connections it is about
        return response

    async def _stream(self, response: StreamingHttpResponse, receive: Any, send: Any) -> None:
        """Send what is still to be made, until the client goes away."""
        sending = asyncio.ensure_future(self._send_parts(response, send))
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([sending, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
        finally:
            sending.cancel()
            leaving.cancel()
            await self._threads.run(response.close)

    async def _send_parts(self, response: StreamingHttpResponse, send: Any) -> None:
        if not response.is_async:
            parts = iter(response)
            while (part := await self._threads.run(next, parts, None)) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        else:
            async with ThreadSensitiveContext():  # a thread of its own for the work between two parts
                try:
                    async for part in response:
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                finally:
                    await sync_to_async(connections.close_all)()
        await send({"type": "http.response.body", "body": b""})


def _start(response: HttpResponseBase) -> dict[str, Any]:
    """The beginning of an answer; one that has no body by its status tells no length (RFC 9110 8.6)."""
    if response.status_code in (204, 304):
        response.headers.pop("Content-Length", None)
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers += [
        (b"Set-Cookie", cookie.output(header="").encode("ascii").strip()) for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}
