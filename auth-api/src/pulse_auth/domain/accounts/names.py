"""User names: which are possible, and how they are compared (casefolded in NFKC)."""

from __future__ import annotations

import unicodedata

from ...errors import InvalidNameError

MAX_CHARS = 64
# Wildcards and separators of MQTT, and what separates kinds of principals.
_FORBIDDEN = set("+#/$:%{}\\\"'")


def name_key(name: str) -> str:
    """Return what names are compared by; two names with the same key are the same name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def clean_username(name: str) -> str:
    """
    Return *name* in NFKC when it may be a user name.

    Raises:
        InvalidNameError: Empty, too long, or with white space, control characters, or one of + # / $ : % { }.
    """
    cleaned = unicodedata.normalize("NFKC", name)
    if not 1 <= len(cleaned) <= MAX_CHARS:
        raise InvalidNameError(f"A user name has 1 to {MAX_CHARS} characters.")
    for letter in cleaned:
        if letter in _FORBIDDEN or unicodedata.category(letter)[0] in {"C", "Z"}:
            raise InvalidNameError("A user name has no white space, control characters, quotes or + # / $ : % { } \\.")
    return cleaned


def is_username(name: str) -> bool:
    """Tell whether *name* may be a user name."""
    try:
        clean_username(name)
    except InvalidNameError:
        return False
    return True
