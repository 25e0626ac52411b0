"""Every diagram of the documentation is drawn in a real browser by Mermaid, which GitHub uses too, without a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .markdown import pages

RENDERER = Path(__file__).parent / "tools" / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
DIAGRAMS = [
    pytest.param(block, id=f"{one.name}-{number}")
    for one in pages()
    for number, block in enumerate(one.fences("mermaid"), start=1)
]
DRAW = """async (text) => {
  mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
  try {
    return (await mermaid.render("drawn", text)).svg;
  } catch (error) {
    return `fault: ${error.message}`;
  }
}"""


@pytest.fixture(scope="module")
def renderer(browser: Browser) -> Iterator[Page]:
    assert RENDERER.is_file(), "the renderer is missing: python3 requirements/install.py documents"
    made = browser.new_page()
    made.set_content("<!doctype html><title>diagrams</title>")
    made.add_script_tag(path=RENDERER)
    yield made
    made.close()


def test_documentation_has_the_diagrams_that_it_needs():
    kinds = " ".join(str(one.values[0]).split("\n", 1)[0] for one in DIAGRAMS)
    wanted = {"erDiagram": 3, "classDiagram": 3, "sequenceDiagram": 5, "stateDiagram-v2": 1, "flowchart": 4}
    assert {kind: kinds.count(kind) >= least for kind, least in wanted.items()} == dict.fromkeys(wanted, True)


@pytest.mark.parametrize("diagram", DIAGRAMS)
def test_diagram_is_drawn(renderer: Page, diagram: str):
    drawn = renderer.evaluate(DRAW, diagram)
    assert drawn.startswith("<svg"), drawn


def test_diagram_with_a_fault_is_not_drawn(renderer: Page):
    assert renderer.evaluate(DRAW, "flowchart LR\n  A --> [x").startswith("fault: ")
