"""``python -m pulse_runtime.generate``: example and table come from the variables, and drift is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pulse_runtime.environment import VARIABLES
from pulse_runtime.generate import configuration_page, drifted, env_example, main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name in (".env.example", "docs/configuration.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_committed_files_have_not_drifted() -> None:
    assert drifted(ROOT) == {}


def test_env_example_has_every_variable_commented_out_and_filled_in() -> None:
    lines = env_example().splitlines()
    assert all(line == "" or line.startswith("#") for line in lines)
    assert [line[1:].split("=")[0] for line in lines if line.startswith("#PULSE_")] == [each.name for each in VARIABLES]
    assert "#PULSE_JWKS_FILE=.pulse/keys/jwks.json" in lines


def test_configuration_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one pair of markers"):
        configuration_page("# Configuration\n")


def test_check_names_drifted_files_and_writes_nothing(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = copy / "docs/configuration.md"
    page.write_text(page.read_text(encoding="utf-8").replace("| `8080` |", "| `80` |"), encoding="utf-8")
    (copy / ".env.example").unlink()
    assert main(["--check", "--root", str(copy)]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        ".env.example",
        "docs/configuration.md",
    ]
    assert not (copy / ".env.example").exists()


def test_generate_mends_drift(copy: Path) -> None:
    (copy / ".env.example").write_text("PULSE_HTTP_PORT=1\n", encoding="utf-8")
    assert main(["--root", str(copy)]) == 0
    assert (copy / ".env.example").read_text(encoding="utf-8") == env_example()
    assert main(["--check", "--root", str(copy)]) == 0
