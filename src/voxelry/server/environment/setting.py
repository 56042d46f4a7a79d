"""The metadata of a field of the configuration: its place in the file, its variable and its explanation."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the value of a setting is given, and how it is explained. Stands in the field's ``Annotated``.

    Attributes
    ----------
    key
        The place in the file, ``section.name``; empty if the file cannot hold it.
    variable
        The environment variable.
    explanation
        One or more sentences, for the reference.
    allowed
        Completes "must be" in an error; empty if the field's type and limits say it.
    secret
        Whether the value is kept out of messages.
    """

    key: str
    variable: str
    explanation: str
    allowed: str = field(default="", kw_only=True)
    secret: bool = field(default=False, kw_only=True)


def setting_of(declared: FieldInfo) -> Setting:
    """The `Setting` in a field's ``Annotated``."""
    return next(entry for entry in declared.metadata if isinstance(entry, Setting))
