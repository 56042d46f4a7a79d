"""Login by password and by link."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from voxelry.server.access import throttle
from voxelry.server.access.secrets import use_login_link


class ThrottledForm(AuthenticationForm):
    """Django's form, which stops trying after too many wrong passwords."""

    def clean(self) -> dict[str, Any]:
        name = self.cleaned_data.get("username") or ""
        request = cast(HttpRequest, self.request)
        if throttle.closed(request, name):
            raise ValidationError("Too many wrong passwords. Wait five minutes, then try again.", code="throttled")
        try:
            return super().clean()
        except forms.ValidationError:
            throttle.failed(request, name)
            raise


class Login(LoginView):
    """The login page."""

    template_name = "voxelry/login.html"
    authentication_form = ThrottledForm
    redirect_authenticated_user = True


@never_cache
def login_by_link(request: HttpRequest, secret: str) -> HttpResponse:
    """Log in by a link that works once."""
    user = use_login_link(secret)
    if user is None:
        return render(request, "voxelry/link_used.html", status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")
