"""The integrations page of the dashboard: making a token in it, and running the commands that it hands out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

SHELL = ["bash", "-euc"]


def open_form(page: Page, name: str) -> None:
    """Begin an integration in the page."""
    page.get_by_test_id("integration-new").click()
    page.get_by_test_id("integration-name").fill(name)
    expect(page.get_by_test_id("topic-preset").first).to_be_visible(timeout=10_000)


def make(page: Page, name: str, preset: str = "All live readings") -> None:
    """Make an integration in the page; its token stands there afterwards."""
    open_form(page, name)
    page.get_by_label(preset, exact=True).click()
    page.get_by_test_id("integration-create").click()
    expect(page.get_by_test_id("integration-token")).to_be_visible(timeout=10_000)


def text_of(page: Page, recipe: str) -> str:
    """Return a recipe, or a part of it, as it is copied."""
    return page.get_by_test_id(recipe).text_content() or ""


@contextmanager
def printing(command: list[str], folder: Path) -> Iterator[Path]:
    """Run *command* in *folder* and give the file that it prints to."""
    out = folder / "printed"
    with out.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, stdout=file, stderr=subprocess.STDOUT, env={**os.environ})
    try:
        yield out
    finally:
        process.kill()
        process.wait(10)
