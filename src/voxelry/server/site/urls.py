"""URLs. All that are not Django's or the API's belong to the page, which has its own router."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from voxelry.server.access.middleware import open_to_all
from voxelry.server.access.rules import Rule, needs
from voxelry.server.access.urls import urlpatterns as access_urls
from voxelry.server.access.views import Logout, ThrottledAdminForm
from voxelry.server.api.problems import unknown_address
from voxelry.server.api.study_routes import api
from voxelry.server.site.pages import health, page

admin.site.site_header = "Voxelry"
admin.site.site_title = "Voxelry"
admin.site.index_title = "Archive"
admin.site.login_form = ThrottledAdminForm

handler500 = "voxelry.server.api.problems.failed"

urlpatterns = [
    path("healthz", health, name="health"),
    path("", include(access_urls)),
    # Instead of the admin's own: browsers forget what they keep, and guesses of the old password are throttled.
    path("admin/logout/", open_to_all(Logout.as_view())),
    path("admin/password_change/", needs(Rule.ACCOUNT)(RedirectView.as_view(pattern_name="account"))),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
    re_path(r"^api(?:/.*)?$", unknown_address),
    path("", include("voxelry.server.dicomweb.urls")),
    re_path(r"^dicomweb(?:/.*)?$", unknown_address),
    re_path(r"^(?!static/)(?P<path>.*)$", page, name="page"),
]
