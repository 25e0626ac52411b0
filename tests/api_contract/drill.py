"""Runs schemathesis as its users do, against a system of its own that is thrown away."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.processes import ROOT
from support.stack import ADMIN_PASSWORD, Stack

# Not asked: whether what fits the document is always taken. It cannot say that a role or a device has to exist.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "use_after_free",
    "ignored_auth",
)
# A missing If-Match has a status of its own: RFC 6585, section 3.
CONFIGURATION = """[checks.missing_required_header]
expected-statuses = ["400", "401", "403", "406", "415", "422", "428"]
"""
# These end the session that all other requests are made with.
LEFT_OUT = ("/api/v1/auth/logout",)


@dataclass(frozen=True, slots=True)
class Effort:
    """
    How long and how: *phases* of schemathesis, requests made up for each call, the seed of chance.

    ``seconds``: what the whole run may take, 0 for as long as it takes.
    """

    phases: str
    examples: int
    seed: int
    seconds: int = 0


SHORT = Effort("fuzzing", 2, 1)


def run(stack: Stack, effort: Effort, report: Path) -> subprocess.CompletedProcess[str]:
    """
    Return how schemathesis ended (0: nothing found) and what it said.

    Args:
        stack: Runs PostgreSQL, the broker and the API.
        effort: How long and how.
        report: Folder for its JUnit report and its own files.
    """
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{stack.address}/api/schema",
        "--url", stack.address, "--phases", effort.phases, "--checks", ",".join(CHECKS),
        "--max-examples", str(effort.examples), "--seed", str(effort.seed), "--continue-on-failure",
        "--generation-database", "none", "--request-timeout", "20", "--no-color", "--no-shrink", "--warnings", "off",
        "--report", "junit", "--report-junit-path", str(report / "schemathesis.xml"),
        *(word for path in LEFT_OUT for word in ("--exclude-path", path)),
        *(("--max-time", str(effort.seconds)) if effort.seconds else ()),
    ]  # fmt: skip
    (report / "schemathesis.toml").write_text(CONFIGURATION)
    variables = {
        **os.environ,
        "DRILL_ADDRESS": stack.address,
        "DRILL_PASSWORD": ADMIN_PASSWORD,
        "SCHEMATHESIS_HOOKS": "api_contract.signing_in",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    return subprocess.run(command, cwd=report, env=variables, capture_output=True, text=True, check=False)
