"""Text between markers in a hand-written Markdown page, and tables in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def replace_section(page: str, name: str, content: str) -> str:
    """
    Return *page* with what stands between ``<!-- begin: name -->`` and ``<!-- end: name -->`` replaced.

    Raises:
        ValueError: The page does not have that pair of markers exactly once.
    """
    begin, end = f"<!-- begin: {name} (generated) -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(begin) + r"\n.*?" + re.escape(end), re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"the page needs exactly one pair of markers for {name}")
    return pattern.sub(lambda _found: f"{begin}\n\n{content.strip()}\n\n{end}", page)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; bars inside cells are escaped."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
