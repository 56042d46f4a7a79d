"""Examples that are made again by a test: equal but for the last digits of floats, which depend on the processor."""

from __future__ import annotations

import json
import math

ROUNDING = 1e-9


def same_examples(kept: str, made: str) -> bool:
    """Whether two texts of JSON say the same; only floats may differ, and by rounding."""
    return _alike(json.loads(kept), json.loads(made))


def _alike(one: object, other: object) -> bool:
    """Whether two values of JSON are the same but for the rounding of floats."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0.0, abs_tol=ROUNDING)
    return type(one) is type(other) and one == other
