"""Names: which a user, role or permission may have, and how they are compared (casefolded in NFKC)."""

from __future__ import annotations

import unicodedata

MAX_CHARS = 64
# Wildcards and separators of MQTT, and what separates kinds of principals.
_FORBIDDEN = frozenset("+#/$:%{}\\\"'")


def name_key(name: str) -> str:
    """Return what names are compared by; two names with the same key are the same name."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def username_problem(name: str) -> str | None:
    """Say why *name* may not be a user name, or return ``None``; it has to be in NFKC already."""
    if not 1 <= len(name) <= MAX_CHARS:
        return f"A user name has 1 to {MAX_CHARS} characters."
    if unicodedata.normalize("NFKC", name) != name:
        return "A user name is written in NFKC."
    if any(letter in _FORBIDDEN or unicodedata.category(letter)[0] in {"C", "Z"} for letter in name):
        return "A user name has no white space, control characters, quotes or + # / $ : % { } \\."
    return None


def label_problem(name: str) -> str | None:
    """Say why *name* may not name a role or a permission, or return ``None``."""
    if not 1 <= len(name) <= MAX_CHARS or name != name.strip():
        return f"A name has 1 to {MAX_CHARS} characters, and no white space around it."
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        return "A name has no control characters."
    return None
