"""The runbooks' commands: services and jobs of compose.yaml are there; each of our programs' is tried on a system."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
# Who runs a system of its own tries these: tests/system/test_operations.py, auth-api's tests, tests/deploy.
TRIED = {"doctor", "keys", "migrate", "reconcile", "postgres", "status"}


def lines() -> list[str]:
    """Return every line of shell in the runbooks."""
    blocks = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    return [line for block in blocks for line in block.splitlines() if line]


def test_runbooks_name_services_and_jobs_that_compose_has() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    found = [shlex.split(line)[2:] for line in lines() if line.startswith("docker compose ")]
    assert len(found) > 6
    for words in found:
        deed, rest = words[0], [word for word in words[1:] if not word.startswith("-")]
        assert deed in {"run", "stop", "up", "exec", "restart", "ps", "logs"}, words
        rest = rest[1:] if words[1:2] == ["--tail"] else rest  # its number
        rest = rest[: rest.index("|")] if "|" in rest else rest
        named = rest if deed in {"stop", "restart", "logs"} else rest[:1]
        named = [name.partition("=")[0] for name in named]
        assert set(named) <= services.keys(), words
        if deed == "run":
            is_job = services[named[0]]["labels"]["precisionpulse.kind"] == "job"
            is_shell = "--entrypoint=sh" in words  # what is done while the service itself is stopped
            assert is_job or is_shell or rest == ["auth-api", "doctor"], words


def test_runbooks_commands_of_ours_are_tried_by_a_test() -> None:
    ours = [match for line in lines() for match in re.findall(r"\bpulse-(?:auth-api|ingest|desktop) ([a-z-]+)", line)]
    assert len(ours) > 15
    assert set(ours) <= TRIED


def test_alerts_and_runbooks_lead_to_each_other() -> None:
    text = (ROOT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in text
    alerts = (ROOT / "deploy" / "prometheus" / "alerts.yaml").read_text(encoding="utf-8")
    named = set(re.findall(r"`(Pulse[A-Z]\w+)`", "".join(page.read_text("utf-8") for page in PAGES)))
    assert len(named) > 5
    assert all(f"alert: {name}\n" in alerts for name in named)
