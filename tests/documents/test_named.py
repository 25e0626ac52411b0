"""What pages name is there: make targets, commands with their options, variables, tests, files, calls, classes."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from . import named
from .__main__ import ROOT
from .command_lines import PROGRAMS, commands_of, targets
from .http_api import read_api
from .markdown import Page, page, pages

PAGES = {one.name: one for one in pages() if one.name != "CHANGELOG.md"}
_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)")
_VARIABLE = re.compile(r"\bPULSE_[A-Z0-9_]+\b")
_TEST = re.compile(r"\b(test_\w+|Test[A-Z]\w+)\b")
_CALL = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/api/v1/[\w/{}.-]*|/[a-z][\w/{}.-]*)")
_OTHERS_VARIABLES = {"PULSE_PICTURES"}  # the Makefile's own, for tests
_WORDS_AFTER_MAKE = {"a", "an", "it", "its", "one", "them", "the", "this", "up", "out", "devices", "sure", "releases"}


def code_of(one: Page) -> list[str]:
    """Return what stands as code on the page: spans, and lines of shell."""
    joined = [block.replace("\\\n", " ") for block in one.fences("sh", "")]
    return [*one.spans(), *(line for block in joined for line in block.splitlines())]


@pytest.mark.parametrize("name", PAGES)
def test_page_names_no_target_that_the_makefile_lacks(name: str):
    known = targets(ROOT)
    named_here = {target for code in code_of(PAGES[name]) for target in _MAKE.findall(code)} - _WORDS_AFTER_MAKE
    assert named_here - known.keys() == set()


@pytest.mark.parametrize("name", PAGES)
def test_page_names_no_variable_that_no_program_reads(name: str):
    named_here = set(_VARIABLE.findall(PAGES[name].text)) - _OTHERS_VARIABLES
    prefixes = {one for one in named_here if one.endswith("_")}  # as in PULSE_DEVICE_…
    assert named_here - prefixes - named.variables() == set()


def wrong_command(code: str) -> str | None:
    """Say what of a line of shell with one of our programs in it that program does not know."""
    code = code.replace("\\|", "|")  # as tables write it
    found = re.search(r"(?:^|(?<!-u)[ /])(pulse-(?:desktop|auth-api|ingest|broker|local))(?= |$)([^|<>;&`()]*)", code)
    if found is None or "://" in code.split(found[1], maxsplit=1)[0] or "…" in found[2]:
        return None
    program, words = found[1], shlex.split(found[2].replace("'", ""), comments=True)
    if any(word in {"and", "or", "is", "/", "+", "="} for word in words):
        return None
    for word in words:
        if word.startswith("--"):
            known = {"--help", "--version"}.union(*(one.flags for one in _commands(program)))
            if word.split("=")[0] not in known:
                return f"{program} has no option {word}"
    firsts = {word for one in _commands(program) for word in one.words[:1]}
    first = next((word for word in words if not word.startswith("-")), None)
    if first is not None and words[0] == first and firsts and first not in firsts and first.isalpha():
        return f"{program} has no command {first}"
    seconds = {one.words[1] for one in _commands(program) if one.words[:1] == (first,) and len(one.words) > 1}
    behind = words[words.index(first) + 1 :] if first in words else []
    if seconds and behind and not behind[0].startswith("-"):
        return None if behind[0] in seconds else f"{program} {first} has no {behind[0]}"
    return None


_KNOWN: dict[str, list] = {}


def _commands(program: str) -> list:
    return _KNOWN.setdefault(program, commands_of(program)) if program in PROGRAMS else []


@pytest.mark.parametrize("name", PAGES)
def test_page_commands_of_ours_and_their_options_are_known_to_the_programs(name: str):
    assert [wrong for code in code_of(PAGES[name]) if (wrong := wrong_command(code))] == []


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("pulse-desktop status", False),
        ("`.venv/bin/pulse-desktop login --username admin", False),
        ("PULSE_HOME=x pulse-desktop enroll --client-id press-7 --api URL --code-file - < code.txt", False),
        ("pulse-desktop state", True),
        ("pulse-desktop users create olga --role OPERATOR", False),
        ("pulse-desktop users make olga", True),
        ("pulse-desktop --headles", True),
        ("pulse-ingest reconcile --since 2026-02-07T09:55:00Z", False),
        ("pulse-ingest --since 2026-02-07T09:55:00Z reconciled", False),
        ("pulse-ingest reconciled", True),
        ("pulse-auth-api create-user --name x", True),
    ],
)
def test_wrong_commands_are_told_from_right_ones(code: str, wrong: bool):
    assert bool(wrong_command(code)) is wrong


@pytest.mark.parametrize("name", PAGES)
def test_page_names_no_test_that_is_not_there(name: str):
    spans = [span for span in PAGES[name].spans() if "/" not in span]
    named_here = {test for span in spans if not span.endswith(".py") for test in _TEST.findall(span)}
    assert named_here - named.tests() == set()


@pytest.mark.parametrize("name", PAGES)
def test_page_names_no_call_that_the_api_lacks(name: str):
    known = {(method.upper(), path) for path, item in read_api().document["paths"].items() for method in item}
    patterns = [
        (method, re.compile(re.sub(r"\\\{\w+\\\}", r"(\\{\\w+\\}|[\\w.-]+)", re.escape(path))))
        for method, path in known
    ]
    calls = {found for span in PAGES[name].spans() for found in _CALL.findall(span)}
    lost = [
        call
        for call in calls
        if call[1].startswith("/api/v1/")
        and not any(call[0] == method and pattern.fullmatch(call[1].rstrip(".")) for method, pattern in patterns)
    ]
    assert lost == []


@pytest.mark.parametrize("name", PAGES)
def test_page_names_no_file_of_ours_that_is_not_there(name: str):
    spans = {span for span in PAGES[name].spans() if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", span)}
    tops = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    below = [span for span in spans if span.partition("/")[0] in tops and not span.startswith(("sync/", "broker/"))]
    assert [span for span in below if not (ROOT / span).exists() and not is_made_by_a_command(span)] == []


def is_made_by_a_command(path: str) -> bool:
    """Tell whether git ignores *path*: what is built, or comes out of a run."""
    asked = ["git", "check-ignore", path, f"{path.rstrip('/')}/"]  # a folder that is not there yet is one by its slash
    return bool(subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).stdout)


def test_class_diagrams_show_classes_and_methods_of_the_code():
    known = named.classes()
    wrong = []
    for block in page("docs/architecture.md").fences("mermaid"):
        if block.startswith("classDiagram"):
            shown = re.findall(r"^  class (\w+)", block, re.MULTILINE)
            assert len(shown) > 5
            wrong += [name for name in shown if name not in known]
            for name, body in re.findall(r"^  class (\w+) \{\n(.*?)^  \}", block, re.MULTILINE | re.DOTALL):
                wrong += [
                    f"{name}.{method}" for method in re.findall(r"\+(\w+)\(", body) if method not in known.get(name, ())
                ]
            wrong += [
                end
                for pair in re.findall(r"^  (\w+) --> (\w+)", block, re.MULTILINE)
                for end in pair
                if end not in shown
            ]
    assert wrong == []
