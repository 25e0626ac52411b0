"""``python -m pulse_acl.generate``: the committed files are up to date, and drift is named and mended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pulse_acl.generate import drifted, generated_files, main
from support.decision_cases import CASES_DIR

ROOT = CASES_DIR.parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with every generated file and what they are generated from."""
    for path in generated_files(ROOT):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    shutil.copytree(CASES_DIR / "examples", tmp_path / "acl/cases/examples")
    return tmp_path


def test_committed_files_have_not_drifted() -> None:
    assert drifted(ROOT) == []


def test_check_of_untouched_copy_succeeds_silently(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--root", str(copy)]) == 0
    assert capsys.readouterr().out == ""


def test_check_changed_missing_and_left_over_files_are_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed, missing = copy / "broker-config/acl.conf", copy / "dashboard/src/contract/topics.ts"
    left_over = copy / "acl/generated/json-schema/Former.schema.json"
    changed.write_text("{allow, all}.\n", encoding="utf-8")
    missing.unlink()
    left_over.write_text("{}", encoding="utf-8")
    assert main(["--check", "--root", str(copy)]) == 1
    named = [line.split(" has drifted")[0] for line in capsys.readouterr().out.splitlines()]
    assert named == sorted(str(path.relative_to(copy)) for path in (changed, missing, left_over))
    assert changed.read_text(encoding="utf-8") == "{allow, all}.\n"


def test_generate_mends_drift(copy: Path) -> None:
    conf, left_over = copy / "broker-config/acl.conf", copy / "acl/generated/former.yaml"
    conf.write_text("{allow, all}.\n", encoding="utf-8")
    left_over.write_text("", encoding="utf-8")
    assert main(["--root", str(copy)]) == 0
    assert conf.read_text(encoding="utf-8").endswith("{deny, all}.\n")
    assert not left_over.exists()
    assert main(["--check", "--root", str(copy)]) == 0


def test_generate_page_without_markers_is_refused(copy: Path) -> None:
    (copy / "docs/mqtt-topics.md").write_text("# Empty\n", encoding="utf-8")
    with pytest.raises(ValueError, match="markers for topics"):
        main(["--root", str(copy)])
