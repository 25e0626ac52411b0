"""Every link of every page that does not leave the repository leads to something that is there."""

from __future__ import annotations

import pytest

from .__main__ import ROOT
from .markdown import Page, pages

PAGES = {page.name: page for page in pages()}


def broken(page: Page) -> list[str]:
    """Return the links of *page* that lead nowhere."""
    found = []
    for link in page.links():
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (ROOT / page.name).parent.joinpath(path).resolve() if path else ROOT / page.name
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside:
            found.append(link)
        elif anchor:
            there = PAGES.get(str(target.relative_to(ROOT))) if path else page
            found += [link] * (there is None or anchor not in there.anchors())
    return found


@pytest.mark.parametrize("name", PAGES)
def test_page_every_link_and_anchor_leads_somewhere(name: str):
    assert broken(PAGES[name]) == []


def test_broken_links_are_found():
    text = "# A b\n\n[x](no.md) [y](#a-b) [z](#c) `[code](no)` ![p](docs/images/none.png) [s](docs/security.md#none)\n"
    assert broken(Page("README.md", text)) == ["no.md", "#c", "docs/images/none.png", "docs/security.md#none"]


def test_every_page_of_docs_is_reached_from_the_readme():
    reached, waiting = set(), ["README.md"]
    while waiting:
        name = waiting.pop()
        if name in PAGES and name not in reached:
            reached.add(name)
            folder = (ROOT / name).parent
            for link in PAGES[name].links():
                path = link.partition("#")[0]
                target = folder.joinpath(path).resolve() if path and "://" not in link else None
                if target is None or not target.is_relative_to(ROOT):
                    continue
                below = sorted(target.glob("*.md")) if target.is_dir() else [target]
                waiting += [str(one.relative_to(ROOT)) for one in below]
    assert {name for name in PAGES if name.startswith("docs/")} - reached == set()
