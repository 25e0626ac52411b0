"""``docs/troubleshooting.md`` quotes what the programs print, word for word."""

from __future__ import annotations

import re

import pytest

from .markdown import page
from .named import is_said

PAGE = page("docs/troubleshooting.md")
QUOTED = [text for cell in PAGE.first_cells() for text in re.findall(r"^`(.+)`$", cell)]


def test_page_quotes_most_of_what_it_explains():
    assert len(QUOTED) > 60
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.mark.parametrize("text", QUOTED)
def test_page_every_quoted_text_is_one_of_a_program(text: str):
    assert is_said(text), "no program prints this: has it been worded anew?"


@pytest.mark.parametrize("text", ["the disk has run full", "port … is used by …", "worker.stuck"])
def test_text_that_no_program_prints_is_noticed(text: str):
    assert not is_said(text)
