"""The gate before Django: checks who sends a large body before it is read. Django would store all of it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.handlers.asgi import ASGIRequest
from django.db import InterfaceError, OperationalError, connections
from django.http import HttpResponse

from voxelry.server.api.problems import problem, trouble, under_api
from voxelry.server.site.callers import identify_sender
from voxelry.server.site.response_headers import secure

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TROUBLE = (OSError, OperationalError, InterfaceError)
STRANGERS_BYTES = 2**20
"""The largest body that is read without a user: enough for a login form."""


class Gate:
    """Reads a large body from users only, and from them no more than ``largest`` bytes.

    A refused request gets a problem document, or outside of ``/api/`` the login page. Nothing of it reaches the disk or
    Django.
    """

    def __init__(self, application: Application, *, largest: int) -> None:
        self._application = application
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            refusal = await self._refusal(scope, _declared(scope))
        except TROUBLE as error:
            refusal = _troubled(error)
            if refusal is None:
                raise
        if refusal is None:
            refusal = await self._pass_on(scope, receive, send)
        if refusal is not None:
            await _answer(send, refusal)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> HttpResponse | None:
        """Passes the request to Django and counts the body, because a chunked body declares no length."""
        came = 0
        known = (_declared(scope) or 0) > STRANGERS_BYTES
        refusal: HttpResponse | None = None
        begun = False

        async def counted() -> Message:
            nonlocal came, known, refusal
            message = await receive()
            came += len(message.get("body", b""))
            if came > (self._largest if known else min(STRANGERS_BYTES, self._largest)):
                refusal = await self._refusal(scope, came)
                known = True
                if refusal is not None:
                    return {"type": "http.disconnect"}  # makes Django release what it has
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._application(scope, counted, noted)
        except TROUBLE as error:
            refusal = _troubled(error)
            if begun or refusal is None:
                raise
        return refusal

    async def _refusal(self, scope: Scope, size: int | None) -> HttpResponse | None:
        if size is None or size <= min(STRANGERS_BYTES, self._largest):
            return None
        if size > STRANGERS_BYTES and not await _is_user(scope):
            return _stranger(scope)
        if size > self._largest:
            limit = f"{self._largest:,} bytes"
            return problem(413, detail=f"The request is larger than this server allows ({limit}): send less at a time.")
        return None


def _troubled(error: Exception) -> HttpResponse | None:
    """The answer if the disk or the database cannot be used; None for a defect."""
    known = trouble(error)
    return None if known is None else problem(known[0], code=known[1])


def _declared(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _is_user(scope: Scope) -> bool:
    def ask() -> bool:
        try:
            request = ASGIRequest(scope, BytesIO())
        except UnicodeDecodeError:
            return False
        try:
            return identify_sender(request) is not None
        finally:
            connections.close_all()  # this thread ends

    async with ThreadSensitiveContext():
        return await sync_to_async(ask)()


def _stranger(scope: Scope) -> HttpResponse:
    if not under_api(scope["path"]):
        return redirect_to_login(scope["path"])
    answer = problem(401, detail="Log in first: so large a request is read of users only.")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


async def _answer(send: Send, answer: HttpResponse) -> None:
    secure(answer)
    answer.headers["Content-Length"] = str(len(answer.content))
    answer.headers["Connection"] = "close"  # does not wait for the rest of the request
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.content})
