"""Arguments of another type than a public function takes: what was expected, and what to do instead."""

from __future__ import annotations

from typing import TypeVar

from voxelry.core.errors import WrongTypeError

T = TypeVar("T")


def check_type(value: object, kind: type[T], *, name: str, instead: str = "") -> T:
    """The value, if it is one of a type.

    Parameters
    ----------
    name
        What the argument is called: ``"volume"``.
    instead
        A few words on what leads from what people give to what is needed.

    Raises
    ------
    WrongTypeError
        If it is something else; the message names both types, and no value.
    """
    if isinstance(value, kind):
        return value
    words = f"; {instead}" if instead else ""
    raise WrongTypeError(f"{name} is a {kind.__name__}, not {a_kind(value)}{words}")


def check_path(value: object, *, name: str = "path", instead: str = "") -> None:
    """Raise unless the value is a path: a text or what has ``__fspath__``; never a number, which names an open file.

    Raises
    ------
    WrongTypeError
        If it is something else.
    """
    if not isinstance(value, str) and not hasattr(type(value), "__fspath__"):
        words = f"; {instead}" if instead else ""
        raise WrongTypeError(f"{name} is a text or a pathlib.Path, not {a_kind(value)}{words}")


def a_kind(value: object) -> str:
    """What a value is, in words: ``"a list"``, ``"None"``."""
    if value is None:
        return "None"
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' or kind == 'ndarray' else 'a'} {kind}"
