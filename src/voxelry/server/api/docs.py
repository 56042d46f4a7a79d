"""The page ``/api/docs``: every route and record of the OpenAPI document, rendered here (decision 19)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from voxelry.server.access.rules import rule_of
from voxelry.server.api.route_docs import record_docs, route_groups


class Docs(DocsBase):
    """The page, in place of Ninja's: it needs no script to be read, and nothing from another site."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        document = api.get_openapi_schema(path_params=kwargs)
        groups = route_groups(document, _access(api), site=request.build_absolute_uri("/").rstrip("/"))
        context = {
            "api": api,
            "groups": groups,
            "records": record_docs(document),
            "route_count": sum(len(group.routes) for group in groups),
            "openapi_url": self.get_openapi_url(api, kwargs),
        }
        return render(request, "voxelry/api_docs.html", context)


def _access(api: NinjaAPI) -> dict[str, str]:
    """Who may ask, by operation ID: the rules that the views state."""
    operations = (
        operation
        for _, router in api._routers  # noqa: SLF001 - Ninja has no other way to its operations
        for view in router.path_operations.values()
        for operation in view.operations
    )
    rules = {api.get_openapi_operation_id(operation): rule_of(operation.view_func) for operation in operations}
    return {name: rule.value for name, rule in rules.items() if rule}
