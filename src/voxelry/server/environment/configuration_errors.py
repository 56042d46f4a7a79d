"""The error of a configuration that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from voxelry.core.errors import VoxelryError
from voxelry.server.environment.setting import setting_of

_TYPES = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text"}
_LIMITS = {
    "greater_than": "be above {gt:g}",
    "greater_than_equal": "not be below {ge:g}",
    "less_than_equal": "be at most {le:g}",
}


class ConfigurationError(VoxelryError, ValueError):
    """A setting is unknown or its value cannot be used."""

    code: ClassVar[str] = "configuration"


def configuration_error(
    error: ValidationError, fields: Mapping[str, FieldInfo], origins: Mapping[str, str]
) -> ConfigurationError:
    """Names each wrong setting, where it was given, what was found and what is allowed.

    The value of a secret (a password, or an address that may hold one) is left out.

    Parameters
    ----------
    fields
        The fields of the configuration, by name.
    origins
        The file or the variable that gave each value, by the setting's name.
    """
    sentences = [_sentence(detail, fields, origins) for detail in error.errors()]
    return ConfigurationError("; ".join(dict.fromkeys(sentences)))


def _sentence(detail: ErrorDetails, fields: Mapping[str, FieldInfo], origins: Mapping[str, str]) -> str:
    name = str(detail["loc"][0])
    if name not in fields:
        return f"there is no setting {name!r}"
    setting = setting_of(fields[name])
    origin = origins.get(name)
    if origin == setting.variable and detail["type"].endswith(("_type", "_parsing")) and not setting.secret:
        return f"{origin} cannot be {detail['input']!r}"
    where = setting.key or name if origin is None else f"{origin}: {setting.key or name}"
    found = "" if setting.secret else f", not {detail['input']!r}"
    return f"{where} must {_allowed(detail, fields[name])}{found}"


def _allowed(detail: ErrorDetails, field: FieldInfo) -> str:
    """Completes "must" by the field's type, by the words of its `Setting` or by the limit that was passed."""
    kind = detail["type"]
    if kind == "tuple_type" or (kind == "string_type" and len(detail["loc"]) > 1):
        return "be a list of texts"
    if kind.endswith("_type"):
        return f"be {_TYPES.get(kind.removesuffix('_type'), 'of another type')}"
    if setting_of(field).allowed:
        return f"be {setting_of(field).allowed}"
    return _LIMITS[kind].format(**detail.get("ctx", {})) if kind in _LIMITS else "be another value"
