"""The rule of access that each address states; ``test_access_matrix.py`` tries every identity on every address."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class Rule(Enum):
    """Who gets an answer from an address. Others get 401 without an account, 404 outside of the project, else 403."""

    OPEN = "everybody"
    ACCOUNT = "everybody with an account"
    OWN = "everybody with an account, but no token of one project"
    MEMBER = "the members of any project"
    VIEWER = "viewers of the project"
    ANALYST = "analysts of the project"
    UPLOADER = "uploaders to the project"
    OWNER = "owners of the project"
    ADMIN = "administrators of the site"


def is_for_programs(path: str) -> bool:
    """Whether programs ask here: a header may say who asks, and errors are problem documents, not pages."""
    return path in ("/api", "/dicomweb") or path.startswith(("/api/", "/dicomweb/"))


def needs(rule: Rule) -> Callable[[View], View]:
    """State the rule of a view. The view itself asks for rows by `Grants`; this says what that comes to."""

    def stated(view: View) -> View:
        view.access_rule = rule  # type: ignore[attr-defined]
        return view

    return stated


def rule_of(view: Callable[..., Any]) -> Rule | None:
    """The rule that a view states; None if it states none."""
    found = getattr(view, "access_rule", None)
    return found if isinstance(found, Rule) else None
