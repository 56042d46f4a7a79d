"""Login by password and by link."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from voxelry.server.access import throttle
from voxelry.server.access.secrets import use_login_link


class ThrottledForm(AuthenticationForm):
    """Django's form, which stops trying after too many wrong passwords."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username") or ""
        try:
            with throttle.guess(self.request, name) as outcome:
                cleaned = super().clean()
                outcome.right = True
                return cleaned
        except throttle.Closed:
            words = "Too many wrong passwords. Wait five minutes, then try again."
            raise ValidationError(words, code="throttled") from None


class ThrottledAdminForm(ThrottledForm, AdminAuthenticationForm):
    """The admin's login form, which it shows to users who are not staff."""


class Login(LoginView):
    """The login page."""

    template_name = "voxelry/login.html"
    authentication_form = ThrottledForm
    redirect_authenticated_user = True


class Logout(LogoutView):
    """Ends the session and makes the browser clear its cache."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().dispatch(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


@never_cache
@require_GET
def login_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Log in by a link that works once. A HEAD request or a prefetch does not use it up."""
    if "prefetch" in request.headers.get("Sec-Purpose", request.headers.get("Purpose", "")):
        return HttpResponse(status=503)
    user = use_login_link(secret)
    if user is None:
        return render(request, "voxelry/link_used.html", status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")
