"""Django's views of the routes: they find who asks, and turn an `Answer` into a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from voxelry.server.access.authentication import asking
from voxelry.server.access.conditional import finished
from voxelry.server.access.django_exchange import as_response, asked_of, lower_headers
from voxelry.server.access.exchange import Answer, RefusedError
from voxelry.server.access.grants import RoleError
from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.project_scope import narrowed
from voxelry.server.dicomweb.public_root import public_root
from voxelry.server.dicomweb.refusals import refusal
from voxelry.server.dicomweb.routes import Handler, allowed


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
        headers = lower_headers(request)
        peer, here = str(request.META.get("REMOTE_ADDR", "")), (request.META["SERVER_NAME"], _port(request))
        root = public_root(_scheme(request), request.get_host(), headers, peer, here)
        who, slug = narrowed(asking(request), project, rule)
        root += f"/dicomweb/projects/{slug}" if project else "/dicomweb"
        asked = asked_of(request, who, root=root, headers=headers)
        answer = finished(handler(asked, **parts), asked.method, headers)
    except RefusedError as error:
        answer = refusal(error.status, error.words, code=error.code, headers=error.headers)
    except RoleError as error:
        answer = refusal(403, error.problem.message, code=error.problem.code)
    return answer


def _port(request: HttpRequest) -> int | None:
    port = str(request.META["SERVER_PORT"])
    return int(port) if port.isdigit() else None


def _scheme(request: HttpRequest) -> str:
    """The scheme of the connection, whatever headers say: `public_root` judges them."""
    return request._get_scheme() or "http"  # type: ignore[attr-defined]  # noqa: SLF001 - a hook of subclasses
