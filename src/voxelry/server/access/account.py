"""The page on which users see their projects, and change their password, tokens and sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django import forms
from django.conf import settings
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

from voxelry.server.access import account_end, throttle
from voxelry.server.access.grants import grants_of
from voxelry.server.access.membership import projects_of, role_in
from voxelry.server.access.models import Role, Token
from voxelry.server.access.rules import Rule, needs
from voxelry.server.access.secrets import TokenError
from voxelry.server.access.sessions import end_session, end_sessions, renew_session, sessions_of
from voxelry.server.access.token_scope import (
    ScopeError,
    issue_token,
    lifetimes,
    scope_in,
    scope_words,
    state_words,
    usual_days,
    whole_account,
)

NAME_LENGTH = 100
WHOLE = "all"
"""The choice of a token for all that the account may do."""


class OwnPasswordForm(PasswordChangeForm):
    """Django's form. Guesses of the old password are throttled as at the login: the session may be another person's."""

    keep_tokens = forms.BooleanField(required=False)

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
    """The name, scope and lifetime of a new token."""

    name = forms.CharField(max_length=NAME_LENGTH)
    project = forms.ChoiceField(error_messages={"invalid_choice": "Choose one of your projects."})
    role = forms.TypedChoiceField(
        choices=Role.choices, coerce=int, initial=Role.VIEWER, required=False, empty_value=None
    )
    days = forms.TypedChoiceField(coerce=int, required=False, empty_value=None)

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        grants = grants_of(user)
        choices = [(str(project.pk), project.name) for project in projects_of(grants)]
        if grants.everything:
            choices.append((WHOLE, "all that my account may do"))
        cast(forms.ChoiceField, self.fields["project"]).choices = choices
        cast(forms.ChoiceField, self.fields["days"]).choices = [(days, f"{days} days") for days in lifetimes()]
        self.fields["days"].initial = usual_days()
        self.has_choice = bool(choices)
        self._user = user

    def issued(self) -> str:
        """The secret of a new token; empty if it is refused, which the form then says."""
        if not self.is_valid():
            return ""
        chosen = self.cleaned_data
        try:
            if chosen["project"] == WHOLE:
                scope = whole_account(self._user)
            else:
                project = projects_of(grants_of(self._user)).get(pk=int(chosen["project"]))
                scope = scope_in(self._user, project, Role(chosen["role"] or Role.VIEWER))
            return issue_token(self._user, name=chosen["name"], scope=scope, days=chosen["days"])
        except ScopeError as error:
            self.add_error("role", f"{str(error)[0].upper()}{str(error)[1:]}.")
        except TokenError:
            self.add_error("name", "There is a token of that name: revoke it, or choose another name.")
        return ""


@dataclass(frozen=True, slots=True)
class OwnToken:
    """A token as its user sees it."""

    pk: int
    name: str
    scope: str
    state: str
    created: datetime
    last_used: datetime | None
    expires: datetime | None


@needs(Rule.ACCOUNT)
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """The user's own page; a new token's secret is only in the answer that created it."""
    user = cast(User, request.user)
    asked = request.POST.get("action", "")
    password, token, secret = OwnPasswordForm(request), TokenForm(user), ""
    if asked == "password":
        password = OwnPasswordForm(request, request.POST)
        if password.is_valid():
            _change_password(request, password)
            return redirect("account")
    elif asked == "create":
        token = TokenForm(user, request.POST)
        if secret := token.issued():
            token = TokenForm(user)
    elif asked in _DONE:
        _DONE[asked](request, user)
        return redirect("account")
    context: dict[str, object] = {
        "password": password,
        "token": token,
        "secret": secret,
        "tokens": _tokens(user),
        "sessions": sessions_of(user),
        "session_key": request.session.session_key,
        "session_hours": f"{settings.VOXELRY.session_hours:g}",
        "projects": _projects(user),
        "everything": user.is_superuser,
        "name_length": NAME_LENGTH,
    }
    refused = bool(password.errors) or bool(token.errors)
    return render(request, "voxelry/account.html", context, status=422 if refused else 200)


def _tokens(user: User) -> list[OwnToken]:
    rows = Token.objects.select_related("user", "project").filter(user=user, revoked=None)
    return [
        OwnToken(row.pk, row.name, scope_words(row), state_words(row), row.created, row.last_used, row.expires)
        for row in rows
    ]


def _projects(user: User) -> list[tuple[str, int, str]]:
    grants = grants_of(user)
    return [(project.name, project.pk, role_in(grants, project.pk).label) for project in projects_of(grants)]


def _change_password(request: HttpRequest, form: OwnPasswordForm) -> None:
    keeps = bool(form.cleaned_data["keep_tokens"])
    account_end.let_stay(form.user, account_end.Stays(tokens=keeps, session=request.session.session_key))
    update_session_auth_hash(request, form.save())  # this session stays valid, the others end
    renew_session(request)
    words = "Your other sessions have ended." if keeps else "Your other sessions and your tokens have ended."
    messages.success(request, f"Your password is changed. {words}")


def _revoke(request: HttpRequest, user: User) -> None:
    own = Token.objects.filter(user=user, revoked=None)
    if own.filter(pk=_key(request, "token")).update(revoked=timezone.now()):
        messages.success(request, "The token is revoked: it opens nothing any more.")


def _end_session(request: HttpRequest, user: User) -> None:
    if end_session(user, _key(request, "session")):
        messages.success(request, "The session is ended.")


def _end_others(request: HttpRequest, user: User) -> None:
    end_sessions(user, but=request.session.session_key)
    messages.success(request, "All your other sessions are ended.")


_DONE = {"revoke": _revoke, "end-session": _end_session, "end-others": _end_others}


def _key(request: HttpRequest, name: str) -> int:
    """The key that a form names; 0, which no row has, if it is none."""
    key = request.POST.get(name, "")
    return int(key) if key.isascii() and key.isdecimal() and len(key) < 19 else 0
