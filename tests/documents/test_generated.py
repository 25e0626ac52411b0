"""``python -m documents``: what is committed is up to date, and drift is named and mended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .__main__ import ROOT, main
from .generated import drifted, wanted


@pytest.fixture(scope="module")
def documents() -> dict[Path, str]:
    return wanted(ROOT)


@pytest.fixture
def copy(tmp_path: Path, documents: dict[Path, str]) -> Path:
    """A folder with every document as it has to be, and what is read to make them."""
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    for path, text in documents.items():
        (tmp_path / path).write_text(text)
    return tmp_path


def test_committed_documents_have_not_drifted(documents: dict[Path, str]):
    assert drifted(ROOT, documents) == []


def test_check_names_changed_and_missing_documents_and_writes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]):
    page = copy / "docs" / "http-api.md"
    page.write_text(page.read_text().replace("`VIEW_LOGS`", "`VIEW_ALL`"))
    (copy / "docs" / "openapi.yaml").unlink()
    assert main(["--check", "--root", str(copy)]) == 1
    named = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert named == ["docs/http-api.md", "docs/openapi.yaml"]
    assert not (copy / "docs" / "openapi.yaml").exists()


def test_generate_mends_drift(copy: Path):
    page = copy / "docs" / "database-schema.md"
    page.write_text(page.read_text().replace("`telemetry_ledger`", "`ledger`").replace("PK", "KP"))
    before = (ROOT / "docs" / "database-schema.md").read_text()
    assert main(["--root", str(copy)]) == 0
    assert page.read_text().count("PK") == before.count("PK")
    assert main(["--check", "--root", str(copy)]) == 0


def test_page_without_its_markers_is_refused(copy: Path):
    (copy / "docs" / "commands.md").write_text("# Commands\n")
    with pytest.raises(ValueError, match="exactly one pair of markers for targets"):
        main(["--root", str(copy)])
