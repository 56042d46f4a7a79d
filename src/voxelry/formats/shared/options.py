"""Checks of a format's options: known names, values in range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxelry.core.errors import ParameterError
from voxelry.core.value import Value


def check_options(options: Mapping[str, Value], known: Sequence[str], name: str) -> None:
    """Refuse options that the format ``name`` does not have.

    Raises
    ------
    ParameterError
        If an option is unknown; the message lists the known ones.
    """
    if unknown := sorted(set(options) - set(known)):
        words = f"it knows {', '.join(known)}" if known else "it has none"
        raise ParameterError(f"{name} has no option {unknown[0]!r}; {words}")


def whole_option(options: Mapping[str, Value], name: str, usual: int, allowed: range) -> int:
    """A whole number; the default if it is absent.

    Raises
    ------
    ParameterError
        If it is not a whole number within the range.
    """
    found = options.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int) or found not in allowed:
        raise ParameterError(f"{name} is a whole number from {allowed[0]} to {allowed[-1]}, not {found!r}")
    return found


def yes_option(options: Mapping[str, Value], name: str, usual: bool) -> bool:
    """A boolean; the default if it is absent.

    Raises
    ------
    ParameterError
        If it is not a boolean.
    """
    found = options.get(name, usual)
    if not isinstance(found, bool):
        raise ParameterError(f"{name} is true or false, not {found!r}")
    return found


def text_option(options: Mapping[str, Value], name: str) -> str:
    """A text; empty if it is absent or None.

    Raises
    ------
    ParameterError
        If it is not a text.
    """
    found = options.get(name)
    if found is not None and not isinstance(found, str):
        raise ParameterError(f"{name} is a text, not {found!r}")
    return found or ""
