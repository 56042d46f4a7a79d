"""The page on which users change their password and tokens."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from voxelry.server.access import throttle
from voxelry.server.access.models import Token
from voxelry.server.access.rules import Rule, needs
from voxelry.server.access.secrets import TokenError, create_token

NAME_LENGTH = 100


class OwnPasswordForm(PasswordChangeForm):
    """Django's form. Guesses of the old password are throttled as at the login: the session may be another person's."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(cast(User, request.user), *args)
        self._request = request

    def clean_old_password(self) -> str:
        """The old password, if it is right."""
        try:
            with throttle.guess(self._request, self.user.get_username()) as outcome:
                found = str(super().clean_old_password())
                outcome.right = True
                return found
        except throttle.Closed:
            words = "Too many wrong passwords. Wait five minutes, then try again."
            raise ValidationError(words, code="throttled") from None


class TokenForm(forms.Form):
    """The name of a new token."""

    name = forms.CharField(max_length=NAME_LENGTH)


@needs(Rule.ACCOUNT)
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """The user's password and tokens; a new token's secret is only in the answer that created it."""
    asked = request.POST.get("action", "")
    password, token, secret = OwnPasswordForm(request), TokenForm(), ""
    if asked == "password":
        password = OwnPasswordForm(request, request.POST)
        if password.is_valid():
            update_session_auth_hash(request, password.save())  # this session stays valid, the others end
            messages.success(request, "Your password is changed. Your other sessions have ended.")
            return redirect("account")
    elif asked == "create":
        token = TokenForm(request.POST)
        secret = _made(request, token)
    elif asked == "revoke":
        _revoke(request)
        return redirect("account")
    context: dict[str, object] = {
        "password": password,
        "token": token,
        "secret": secret,
        "tokens": Token.objects.filter(user=cast(User, request.user), revoked=None),
        "name_length": NAME_LENGTH,
    }
    refused = not secret and (bool(password.errors) or bool(token.errors))
    return render(request, "voxelry/account.html", context, status=422 if refused else 200)


def _made(request: HttpRequest, form: TokenForm) -> str:
    if not form.is_valid():
        return ""
    try:
        return create_token(cast(User, request.user), name=form.cleaned_data["name"])
    except TokenError:
        form.add_error("name", "There is a token of that name: revoke it, or choose another name.")
        return ""


def _revoke(request: HttpRequest) -> None:
    key = request.POST.get("token", "")
    own = Token.objects.filter(user=cast(User, request.user), revoked=None)
    if key.isascii() and key.isdecimal() and len(key) < 19 and own.filter(pk=int(key)).update(revoked=timezone.now()):
        messages.success(request, "The token is revoked: it opens nothing any more.")
