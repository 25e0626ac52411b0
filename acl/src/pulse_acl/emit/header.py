"""The first line of every generated file: where it comes from and that nobody edits it by hand."""

from __future__ import annotations

_NOTICE = "Generated from acl/ by `python -m pulse_acl.generate`; do not edit."


def typescript_header() -> str:
    """Return the notice as a TypeScript comment."""
    return f"// {_NOTICE}\n"


def hash_header(sign: str = "#") -> str:
    """Return the notice as a comment of a format whose comments begin with *sign*."""
    return f"{sign} {_NOTICE}\n"
