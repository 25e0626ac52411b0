"""What the code has under which name: tests, variables, texts that people see, events of the log."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pulse_runtime.environment import VARIABLES

from .__main__ import ROOT

PARTS = ("acl", "sync", "runtime", "broker-config", "auth-api", "ingest-worker", "desktop", "tests")
_OURS = ("acl", "sync", "runtime", "broker-config", "auth-api", "ingest-worker", "desktop", "requirements")
_TEST = re.compile(r"^ *(?:async )?def (test_\w+)\(", re.MULTILINE)
_CLASS_TEST = re.compile(r"^class (Test\w+)|^(Test\w+) = ", re.MULTILINE)
_PLACE = re.compile(r"\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")


@cache
def tests() -> set[str]:
    """Return the names of all tests, and of classes of tests."""
    found: set[str] = set()
    for part in PARTS:
        for file in (ROOT / part).rglob("test_*.py"):
            if "node_modules" not in file.parts:
                text = file.read_text(encoding="utf-8")
                found |= set(_TEST.findall(text))
                found |= {name for pair in _CLASS_TEST.findall(text) for name in pair if name}
    return found


def variables() -> set[str]:
    """Return the names of the environment variables that programs read."""
    return {variable.name for variable in VARIABLES}


@cache
def texts() -> tuple[str, ...]:
    """Return every string of the programs with ``…`` for what is put in, and the dashboard's sources likewise."""
    python = [text for file in _python_files() for text in _strings(ast.parse(file.read_text(encoding="utf-8")))]
    files = sorted((ROOT / "dashboard" / "src").rglob("*.ts*"))
    page = [_PLACE.sub("…", " ".join(file.read_text(encoding="utf-8").split())) for file in files]
    return (*python, *page, (ROOT / "Makefile").read_text(encoding="utf-8"))


def is_said(quoted: str) -> bool:
    """Tell whether a program can print *quoted*, ``…`` standing for whatever is put in."""
    if "…" not in quoted:
        return any(quoted in text for text in texts())
    # What is left out on the page may be words of the code's own text, too.
    pieces = quoted.split("…")
    pattern = re.compile(".{0,80}?".join(map(re.escape, pieces)))
    return any(pattern.search(text) for text in texts() if all(piece in text for piece in pieces))


def classes() -> dict[str, set[str]]:
    """Return class → the names of its methods, those of all classes of that name together."""
    found: dict[str, set[str]] = {}
    for file in _python_files():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                methods = {one.name for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
                found.setdefault(node.name, set()).update(methods)
    return found


def _python_files() -> Iterator[Path]:
    for part in _OURS:
        for file in sorted((ROOT / part).rglob("*.py")):
            if not {"tests", "node_modules", "dist", ".build"} & set(file.relative_to(ROOT).parts):
                yield file


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values]
            yield " ".join("".join(parts).split(" "))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w*\}", "…", node.value)
