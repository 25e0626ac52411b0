"""
Named, described queries from ``queries.sql``: ``-- name --``, a description in comments, the statement.

Nothing else in the worker holds SQL. Read next: ``queries.sql``.
"""

from __future__ import annotations

import re
from importlib.resources import files

_HEADING = re.compile(r"^-- (\w+) --$", re.MULTILINE)


def read_queries() -> dict[str, str]:
    """
    Return every statement by its name, without its description.

    Raises:
        ValueError: A query has no description or no statement.
    """
    parts = _HEADING.split(files(__package__).joinpath("queries.sql").read_text(encoding="utf-8"))
    return {name: _statement(name, body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _statement(name: str, body: str) -> str:
    lines = body.strip().splitlines()
    statement = "\n".join(line for line in lines if not line.startswith("--")).strip()
    if not lines or not lines[0].startswith("--") or not statement:
        raise ValueError(f"query {name} needs a description and a statement")
    return statement


QUERIES = read_queries()
