"""Checks what a person has configured against the options of a kind. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .base import Option, SourceConfigError

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "an object"}


def checked_options(known: Mapping[str, Option], given: object) -> dict[str, Any]:
    """
    Return every option of *known*, from *given* or by its default.

    Raises:
        SourceConfigError: One is unknown, missing, of another type or out of its bounds.
    """
    if not isinstance(given, Mapping):
        raise SourceConfigError("options has to be an object, as in {}")
    unknown = sorted(str(name) for name in given if name not in known)
    if unknown:
        raise SourceConfigError(f"there is no option {unknown[0]!r}; known are: {', '.join(known) or 'none'}")
    return {name: _value(name, option, given) for name, option in known.items()}


def _value(name: str, option: Option, given: Mapping[str, object]) -> Any:
    if name not in given:
        if option.is_required:
            raise SourceConfigError(f"the option {name!r} is missing: {option.meaning}")
        return option.default
    value = given[name]
    if option.type is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**1000 else math.inf
    if type(value) is not option.type:
        raise SourceConfigError(f"the option {name!r} is {value!r}; give {_WORDS[option.type]}")
    if isinstance(value, int | float) and not _is_within(value, option):
        raise SourceConfigError(f"the option {name!r} is {value!r}; give {_bounds(option)}")
    return value


def _is_within(value: float, option: Option) -> bool:
    if isinstance(value, bool):
        return True
    least = -math.inf if option.least is None else option.least
    most = math.inf if option.most is None else option.most
    return math.isfinite(value) and least <= value <= most


def _bounds(option: Option) -> str:
    if option.least is None or option.most is None:
        return "a finite number"
    return f"{_WORDS[option.type]} from {option.least:g} to {option.most:g}"
