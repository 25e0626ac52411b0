"""User names as the API takes them; what makes a name good and how names are compared is ``pulse_sync.names``'s."""

from __future__ import annotations

import unicodedata

from pulse_sync.names import MAX_CHARS, name_key, username_problem

from ...errors import InvalidNameError

__all__ = ["MAX_CHARS", "clean_username", "is_username", "name_key"]


def clean_username(name: str) -> str:
    """
    Return *name* in NFKC when it may be a user name.

    Raises:
        InvalidNameError: Empty, too long, or with white space, control characters, or one of + # / $ : % { }.
    """
    cleaned = unicodedata.normalize("NFKC", name)
    problem = username_problem(cleaned)
    if problem is not None:
        raise InvalidNameError(problem)
    return cleaned


def is_username(name: str) -> bool:
    """Tell whether *name* may be a user name."""
    return username_problem(unicodedata.normalize("NFKC", name)) is None
