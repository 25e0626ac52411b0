"""Which documents are generated from more than one part, and what each of them has to hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pulse_acl.emit.markdown import replace_section

from .command_lines import command_sections, targets_section
from .databases import database_sections
from .http_api import calls_section, openapi_yaml, problems_section, read_api
from .states import connection_sections, settings_section

DOCS = Path("docs")


def wanted(root: Path) -> dict[Path, str]:
    """
    Return path below *root* → text.

    Raises:
        OSError: A page that is written around its sections cannot be read.
        ValueError: A page lacks the markers of a section.
    """
    api = read_api()
    pages = {
        "architecture.md": connection_sections(),
        "commands.md": {"targets": targets_section(root), **command_sections()},
        "configuration.md": {"settings": settings_section()},
        "database-schema.md": database_sections(),
        "http-api.md": {"calls": calls_section(api), "problems": problems_section()},
    }
    return {
        DOCS / "openapi.yaml": openapi_yaml(api),
        **{DOCS / name: _filled(root / DOCS / name, sections) for name, sections in pages.items()},
    }


def drifted(root: Path, documents: Mapping[Path, str]) -> list[Path]:
    """Return those of *documents* that are missing below *root*, or hold something else."""
    return sorted(path for path, text in documents.items() if _read(root / path) != text)


def _filled(path: Path, sections: Mapping[str, str]) -> str:
    page = path.read_text(encoding="utf-8")
    for name, content in sections.items():
        page = replace_section(page, name, content)
    return page


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
