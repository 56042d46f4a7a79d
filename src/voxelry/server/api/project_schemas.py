"""The records of projects and their members in the REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

RoleName = Literal["viewer", "analyst", "uploader", "owner"]
ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
ProjectName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=ONE_LINE)]
ProjectDescription = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)]


class OwnProject(Schema):
    """A project that is open to the user, and the user's role there."""

    id: int
    name: str
    role: RoleName


class ProjectOut(Schema):
    """A project; ``study_count`` is 10,000 and ``more_studies`` true if it holds more than 10,000 studies."""

    id: int
    name: str
    slug: Annotated[str, Field(description="Names it in addresses, as in `/dicomweb/projects/{slug}/`.")]
    description: str
    created: datetime
    role: RoleName
    study_count: int
    more_studies: bool


class NewProject(Schema):
    """A project to make."""

    model_config = ConfigDict(extra="forbid")

    name: ProjectName
    description: ProjectDescription = ""


class ProjectChange(Schema):
    """What to change of a project; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: ProjectName | None = None
    description: ProjectDescription | None = None


class MemberOut(Schema):
    """A member of a project; ``is_active`` is false for an account that is closed."""

    username: str
    role: RoleName
    is_active: bool
    since: datetime


class MemberRole(Schema):
    """The role that a member gets."""

    model_config = ConfigDict(extra="forbid")

    role: Annotated[RoleName, Field(description="Each may do what those before it may.")]
