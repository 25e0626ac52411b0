"""Reads the Markdown of this repository as far as the tests of it need: links, anchors, code, tables."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .__main__ import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``name`` is its path below the repository's folder."""

    name: str
    text: str

    @property
    def prose(self) -> str:
        """The page without its fenced code."""
        return _FENCE.sub("", self.text)

    def fences(self, *languages: str) -> list[str]:
        """Return the fenced code in one of *languages*."""
        return [found[2] for found in _FENCE.finditer(self.text) if found[1] in languages]

    def spans(self) -> list[str]:
        """Return what stands between backticks in the prose."""
        return [" ".join(found[2].split()) for found in _SPAN.finditer(self.prose)]

    def links(self) -> list[str]:
        """Return the targets of links and pictures."""
        return _LINK.findall(_SPAN.sub("", self.prose))

    def anchors(self) -> set[str]:
        """Return the anchors that GitHub gives to the headings."""
        found: set[str] = set()
        for heading in _HEADING.findall(self.prose):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
            slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
            count = next(number for number in range(100) if _numbered(slug, number) not in found)
            found.add(_numbered(slug, count))
        return found

    def first_cells(self) -> Iterator[str]:
        """Yield the first cell of every row of every table, heads left out."""
        lines = self.prose.splitlines()
        for number, line in enumerate(lines):
            is_head = number + 1 < len(lines) and re.match(r"^\|[ :|-]+\|$", lines[number + 1])
            if line.startswith("| ") and not is_head:
                yield re.split(r"(?<!\\)\|", line)[1].strip()


def _numbered(slug: str, number: int) -> str:
    return f"{slug}-{number}" if number else slug


def pages(root: Path = ROOT) -> list[Page]:
    """Return every page that is or is about to be in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    names = sorted(name for name in listed.split("\0") if name and (root / name).is_file())
    return [Page(name, (root / name).read_text(encoding="utf-8")) for name in names]


def page(name: str) -> Page:
    """Return one page."""
    return Page(name, (ROOT / name).read_text(encoding="utf-8"))
