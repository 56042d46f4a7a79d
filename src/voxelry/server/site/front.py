"""The application in front of Django: answers hot reads itself, by the functions that Django's views call.

It answers only what is as it should be. Everything else, errors too, it leaves to Django, which comes to the same end
and says it in full. Who asks is found by `callers`. Short answers in JSON are kept as long as the revision is the same.
Files of the page whose names change with their content, which everybody may have, are kept as long as there is room.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port, validate_host
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from voxelry.server.access.conditional import finished
from voxelry.server.access.cross_origin import cross_origin_headers
from voxelry.server.access.exchange import Answer, Asked, FilePart
from voxelry.server.access.grants import Grants
from voxelry.server.access.quick_answers import TakesLongError, attempt_quickly, takes_long
from voxelry.server.access.revision import one_revision
from voxelry.server.archive.held import HeldValues, grants_key, held
from voxelry.server.dicomweb.project_scope import narrowed
from voxelry.server.dicomweb.public_root import public_root
from voxelry.server.site.callers import Callers
from voxelry.server.site.gate import Application, Receive, Scope, Send
from voxelry.server.site.hot_addresses import DeclinedError, HotAddresses, HotMatch
from voxelry.server.site.request_threads import RequestThreads
from voxelry.server.site.response_headers import secure
from voxelry.server.site.sending import NothingSentError, send_answer

Pairs = tuple[tuple[bytes, bytes], ...]
MOST_KEPT_BYTES = 4 * 2**20
"""A longer answer is not kept."""
_KEPT = re.compile(r"/api/(studies|series/\d{1,18})", re.ASCII)
"""Addresses whose answers by Django are kept: all that they say comes from rows that raise the revision."""
_BUILDING = frozenset({"queued", "running"})
"""States in which a series' record says more than its rows' revision: the progress of a job raises none."""
_IMMUTABLE = "/static/page/assets/"
"""Below this address a file's name has a digest of its content."""
_DECIDING = ("accept", "accept-charset", "accept-encoding", "origin")
_CONDITIONS = frozenset({"range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})
_ORIGIN = frozenset({b"forwarded", b"x-forwarded-for"})


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """An answer with all its headers but Content-Length."""

    answer: Answer
    headers: Pairs


class Front:
    """Stands before Django.

    Parameters
    ----------
    threads
        Where work is done that takes long; by default so many threads as the machine can use.
    """

    def __init__(self, application: Application, *, threads: RequestThreads | None = None) -> None:
        self._application = application
        self._threads = threads or RequestThreads(max(2, os.cpu_count() or 1), "front")
        self._callers = Callers()
        self._kept = HeldValues(most=2048)
        self._files = HeldValues()
        self._roots: dict[Hashable, str] = {}

    @cached_property
    def _addresses(self) -> HotAddresses:
        return HotAddresses()

    @cached_property
    def _defaults(self) -> tuple[tuple[str, bytes, bytes], ...]:
        """The headers that Django's middleware sets where an answer has none of them."""
        request, response = HttpRequest(), HttpResponse()
        del response.headers["Content-Type"]
        SecurityMiddleware(lambda _: response).process_response(request, response)
        XFrameOptionsMiddleware(lambda _: response).process_response(request, response)
        secure(response)
        return tuple((name.lower(), name.encode(), value.encode("latin-1")) for name, value in response.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD") or scope.get("root_path"):
            await self._application(scope, receive, send)
            return
        if scope["path"].startswith(_IMMUTABLE):
            await self._page_file(scope, receive, send)
            return
        match = self._addresses.match(scope["path"])
        if match is None and (scope["method"] != "GET" or not _KEPT.fullmatch(scope["path"])):
            await self._application(scope, receive, send)
            return
        request = _Request(scope)
        try:
            try:
                with attempt_quickly():
                    ready = self._ready(match, request)
            except (TakesLongError, SynchronousOnlyOperation):
                ready = await self._threads.run(self._ready, match, request)
        except Exception:
            ready = request.kept_under = None  # Django meets the same, answers it in full and logs it
        if ready is None:
            if match is None and request.kept_under is not None:
                await self._keep_djangos(self._kept, request.kept_under, scope, receive, send)
            else:
                await self._application(scope, receive, send)
            return
        try:
            await send_answer(
                ready.answer,
                ready.headers,
                receive=receive,
                send=send,
                threads=self._threads,
                without_body=scope["method"] == "HEAD",
            )
        except NothingSentError:
            await self._application(scope, receive, send)

    def _ready(self, match: HotMatch | None, request: _Request) -> ReadyAnswer | None:
        """The answer; None if Django has to give it, whose answer may be kept."""
        key = self._callers.key(request.scope["headers"])
        if key is None or request.has_body or not request.query.isascii():
            raise DeclinedError
        with one_revision() as revision:
            return self._ready_at(revision, key, match, request)

    def _ready_at(self, revision: int, key: bytes, match: HotMatch | None, request: _Request) -> ReadyAnswer | None:
        caller = self._callers.kept(key, revision)
        if caller is None:
            takes_long()
            caller = self._callers.find(request.scope, key, revision)
            if caller is None:
                raise DeclinedError
        who = caller.who
        root = self._root(request)
        about = None if request.is_conditional else (*grants_key(who), request.target, root, request.deciding)
        if about is not None:
            kept = self._kept.get(about, revision)
            if kept is not None and isinstance(kept[0], ReadyAnswer):
                return kept[0]
        request.kept_under = None if about is None else (about, revision)
        return None if match is None else self._answered(match, request, who, root)

    def _answered(self, match: HotMatch, request: _Request, who: Grants, root: str) -> ReadyAnswer:
        address, parts = match.address, dict(match.parts)
        if not address.quick:
            takes_long()
        if address.rule is not None:
            rule, project = address.rule, parts.pop("project", None)
            who, slug = held(who, ("project", project, rule), lambda: narrowed(who, project, rule))
            root += f"/dicomweb/projects/{slug}" if project else "/dicomweb"
        asked = Asked(who=who, method="GET", path=request.path, query=request.query, headers=request.headers, root=root)
        answer = finished(address.answer(asked, **parts), request.scope["method"], request.headers)
        ready = ReadyAnswer(answer, self._headers(answer.headers, request))
        if request.kept_under is not None and _is_short_list(answer):
            key, revision = request.kept_under
            self._kept.put(key, ready, revision)
        return ready

    def _headers(self, own: Mapping[str, str], request: _Request) -> Pairs:
        crossing = cross_origin_headers(request.path, request.headers) if request.path.startswith("/dicomweb") else {}
        varying = [] if request.headers.get("authorization") else ["Cookie"]
        found, given = [], {name.lower() for name in crossing}
        for name, value in (*crossing.items(), *own.items()):
            if name in ("Vary", "vary"):
                varying.append(value)
            elif name in crossing or name.lower() not in given:
                found.append((name.encode("latin-1"), value.encode("latin-1")))
        given |= {name.lower() for name in own}
        found += [(name, value) for lower, name, value in self._defaults if lower not in given]
        if varying:
            words = dict.fromkeys(word.strip() for words in varying for word in words.split(","))
            found.append((b"Vary", ", ".join(words).encode("latin-1")))
        return tuple(found)

    def _root(self, request: _Request) -> str:
        """The address of this site in answers; an error if it does not answer to the Host of the request."""
        key = request.origin
        known = self._roots.get(key)
        if known is None:
            known = _root_of(request)
            if len(self._roots) > 1000:
                self._roots.clear()
            self._roots[key] = known
        return known

    async def _page_file(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the page as Django did before, to whomever."""
        request = _Request(scope)
        if request.is_conditional or request.has_body or scope["method"] != "GET":
            await self._application(scope, receive, send)
            return
        kept = self._files.get(request.path, 0)
        if kept is None or not isinstance(kept[0], ReadyAnswer):
            await self._keep_djangos(self._files, (request.path, 0), scope, receive, send)
            return
        answer, headers = kept[0].answer, kept[0].headers
        await send_answer(answer, headers, receive=receive, send=send, threads=self._threads, without_body=False)

    async def _keep_djangos(
        self, values: HeldValues, under: tuple[Hashable, int], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Have Django answer, and keep what it sends under a key and a revision."""
        start: dict[str, Any] = {}
        body = bytearray()

        async def noted(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif len(body) <= MOST_KEPT_BYTES:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    ready = _keepable(scope["path"], start, bytes(body))
                    if ready is not None:
                        values.put(under[0], ready, under[1])
            await send(message)

        await self._application(scope, receive, noted)


def _keepable(path: str, start: Mapping[str, Any], body: bytes) -> ReadyAnswer | None:
    """Django's answer, if it is the same until the rows change."""
    if start.get("status") != 200 or len(body) > MOST_KEPT_BYTES:
        return None
    headers = tuple((name, value) for name, value in start["headers"] if name.lower() != b"content-length")
    if any(name.lower() in (b"set-cookie", b"content-encoding") for name, _ in headers):
        return None
    if path.startswith("/api/series/") and json.loads(body)["state"] in _BUILDING:
        return None
    return ReadyAnswer(Answer([body]), headers)


class _Request:
    """What is read of a request."""

    kept_under: tuple[Hashable, int] | None = None
    """The key and the revision that the answer may be kept under."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        headers: dict[str, str] = {}
        for raw, value in scope["headers"]:
            name, text = raw.decode("latin-1"), value.decode("latin-1")
            if "_" in name:
                continue
            headers[name] = f"{headers[name]}{'; ' if name == 'cookie' else ','}{text}" if name in headers else text
        self.headers: Mapping[str, str] = headers

    @property
    def has_body(self) -> bool:
        return self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers

    @property
    def is_conditional(self) -> bool:
        return not _CONDITIONS.isdisjoint(self.headers)

    @property
    def target(self) -> tuple[str, str]:
        return self.path, self.query

    @property
    def deciding(self) -> tuple[str | None, ...]:
        """The headers that an answer may depend on, and whether a header says who asks."""
        return (*(self.headers.get(name) for name in _DECIDING), "" if self.headers.get("authorization") else None)

    @property
    def origin(self) -> Hashable:
        """What the address of the site in answers depends on."""
        forwarded = tuple(
            (name, value)
            for name, value in self.scope["headers"]
            if name.startswith(b"x-forwarded-") or name in _ORIGIN
        )
        peer = (self.scope.get("client") or ("",))[0] if forwarded else ""
        here = self.scope.get("server") or ("", None)
        return self.scope.get("scheme", "http"), self.headers.get("host"), forwarded, peer, here[0], here[1]


def _root_of(request: _Request) -> str:
    host = request.headers["host"]
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        raise DeclinedError
    peer = (request.scope.get("client") or ("",))[0]
    here = request.scope.get("server") or ("", None)
    return public_root(request.scope.get("scheme", "http"), host, request.headers, peer, (here[0], here[1]))


def _is_short_list(answer: Answer) -> bool:
    parts = answer.parts
    if answer.status != 200 or not isinstance(parts, Sequence) or any(isinstance(part, FilePart) for part in parts):
        return False
    media = answer.headers.get("Content-Type", "")
    return media.startswith(("application/json", "application/dicom+json")) and (answer.length or 0) <= MOST_KEPT_BYTES
