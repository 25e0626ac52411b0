"""``docs/integration.md`` as an integrator follows it: commands and program word for word, on a running system."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.markdown import page
from support.stack import ADMIN_PASSWORD, Stack, running_stack
from support.waiting import until

GUIDE = page("docs/integration.md")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as made:
        until(lambda: made.admin.get("/telemetry/latest").json()["items"], within_s=60, what="the first reading")
        yield made


@pytest.fixture(scope="module")
def folder(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the guide takes it for granted: the CA's certificate, and who signs in."""
    made = tmp_path_factory.mktemp("integrator")
    (made / ".pulse").mkdir()
    (made / ".pulse" / "ca.pem").write_bytes((stack.home / "ca.pem").read_bytes())
    (made / "login.json").write_text(json.dumps({"username": "admin", "password": ADMIN_PASSWORD}))
    return made


def here(stack: Stack, code: str) -> str:
    """Put the ports of *stack* in place of the usual ones."""
    code = re.sub(r"\b8080\b", str(stack.ports["PULSE_HTTP_PORT"]), code)
    return re.sub(r"\b8883\b", str(stack.ports["PULSE_MQTTS_PORT"]), code)


@pytest.fixture(scope="module")
def followed(stack: Stack, folder: Path) -> subprocess.CompletedProcess[str]:
    """All commands of the guide in one shell, in their order."""
    script = "set -euo pipefail\n" + "\n".join(here(stack, block) for block in GUIDE.fences("sh"))
    command = ["bash", "-c", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


def test_guide_commands_all_succeed_and_show_what_they_say(
    stack: Stack, folder: Path, followed: subprocess.CompletedProcess[str]
):
    assert followed.returncode == 0, followed.stderr
    device = stack.admin.get("/devices").json()["items"][0]["client_id"]
    lines = followed.stdout.splitlines()
    told = [line.split(" ")[0] for line in lines if line.startswith(f"telemetry/{device}/")]
    assert len(told) >= 2
    assert f"telemetry/{device}/live" in told, "the other one may be of a backlog"
    assert any(line.startswith(f"heartbeat/{device} ") for line in lines)
    assert any('"service":"ingest"' in line for line in lines)
    assert '"missing": 0' in followed.stdout
    head, *rows = (folder / "export.csv").read_text().splitlines()
    assert head.startswith("recorded_at,received_at,stream,sequence_no,metric,")
    assert len(rows) > 2
    assert json.loads((folder / "erp.json").read_text())["username"] == "integration:erp"
    assert (folder / "token.json").stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("followed")
def test_guide_python_program_prints_readings(stack: Stack, folder: Path):
    [code] = GUIDE.fences("python")
    (folder / "read.py").write_text(here(stack, code))
    device = stack.admin.get("/devices").json()["items"][0]["client_id"]
    output = folder / "read.log"
    with output.open("w") as log:
        reader = subprocess.Popen([sys.executable, "-W", "error", "read.py"], cwd=folder, stdout=log, stderr=log)
        try:
            until(lambda: f"\n{device} " in output.read_text(), within_s=30, what="the program prints a reading")
        finally:
            reader.terminate()
            reader.wait(10)
    assert "connected: Success" in output.read_text()
