"""A format's options: known ones, in their ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxelry.core.errors import ParameterError
from voxelry.core.value import Value


def check_options(options: Mapping[str, Value], known: Sequence[str], name: str) -> None:
    """Refuse what the format ``name`` does not know.

    Raises
    ------
    ParameterError
        If there is an unknown option; the message lists the known.
    """
    if unknown := sorted(set(options) - set(known)):
        words = f"it knows {', '.join(known)}" if known else "it has none"
        raise ParameterError(f"{name} has no option {unknown[0]!r}; {words}")


def whole_option(options: Mapping[str, Value], name: str, usual: int, allowed: range) -> int:
    """A whole number; the usual one where it is absent.

    Raises
    ------
    ParameterError
        If it is no whole number of the range.
    """
    found = options.get(name, usual)
    if isinstance(found, bool) or not isinstance(found, int) or found not in allowed:
        raise ParameterError(f"{name} is a whole number from {allowed[0]} to {allowed[-1]}, not {found!r}")
    return found


def yes_option(options: Mapping[str, Value], name: str, usual: bool) -> bool:
    """Yes or no; the usual answer where it is absent.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    found = options.get(name, usual)
    if not isinstance(found, bool):
        raise ParameterError(f"{name} is true or false, not {found!r}")
    return found


def text_option(options: Mapping[str, Value], name: str) -> str:
    """A text; empty where it is absent or None.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    found = options.get(name)
    if found is not None and not isinstance(found, str):
        raise ParameterError(f"{name} is a text, not {found!r}")
    return found or ""
