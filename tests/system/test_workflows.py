"""The workflows run what is there: targets of the Makefile, services of compose.yaml, files; with no right too many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = {path.stem: path for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
# Its commit was nowhere to be looked up; the step runs only where a token for it was given.
BY_TAG = {"SonarSource/sonarqube-scan-action@v5"}
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(WORKFLOWS[name].read_text(encoding="utf-8"), yaml.BaseLoader)
    return found


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in workflow(name)["jobs"].values():
        yield from job.get("steps", [])


def commands(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


def test_workflows_are_ci_and_release() -> None:
    assert WORKFLOWS.keys() == {"ci", "release"}
    assert workflow("release")["on"] == {"push": {"tags": ["v*"]}}
    assert {"push", "pull_request", "workflow_call", "schedule"} == workflow("ci")["on"].keys()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_runs_targets_and_files_that_are_there(name: str) -> None:
    text = commands(name)
    targets = set(re.findall(r"\bmake ([a-z-]+)", text))
    assert targets - set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)) == set()
    variables = set(re.findall(r"\bmake [a-z-]+ ([A-Z]+)=", text))
    assert variables - set(re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE)) == set()
    files = set(re.findall(r"\b(requirements/\w+\.py|\.ci/run)\b", text))
    assert all((ROOT / file).is_file() for file in files)
    sets = set(re.findall(r"install\.py (\w+)", text))
    assert all(f'"{one}"' in (ROOT / "requirements" / "install.py").read_text() for one in sets)


def test_ci_runs_the_commands_that_the_readme_leads_to() -> None:
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^make (\S+)$", run, re.MULTILINE) == ["check", "test", "test-foreign"]
    assert "bash .ci/run" in commands("ci")
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/commands.md"))
    assert "docs/commands.md" in pages
    assert all(f"`make {target}`" in pages for target in ("check", "test", "test-foreign"))


def test_release_waits_for_the_tests_and_the_audit() -> None:
    jobs = workflow("release")["jobs"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert all("ci" in jobs[name]["needs"] for name in ("images", "desktop"))
    assert {"check-and-test", "audit"} <= workflow("ci")["jobs"].keys()


def test_release_builds_and_pushes_every_image_that_compose_builds() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    built = {name: service["image"] for name, service in services.items() if "build" in service}
    for word in ("build", "push"):
        found = re.search(rf"docker compose {word} ([a-z -]+)$", commands("release"), re.MULTILINE)
        assert found is not None
        named = found[1].split()
        assert set(named) <= built.keys()
        assert {built[name] for name in named} == set(built.values())


def test_workflows_have_no_right_too_many_and_pin_their_actions() -> None:
    for name in WORKFLOWS:
        assert workflow(name)["permissions"] == {"contents": "read"}, name
        for step in steps(name):
            if "uses" in step:
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", step["uses"]) or step["uses"] in BY_TAG, step[
                    "uses"
                ]
    rights = {name: job.get("permissions", {}) for name, job in workflow("release")["jobs"].items()}
    assert {name for name, given in rights.items() if "write" in given.values()} == {"images", "desktop"}


def system_sets(words: str) -> set[str]:
    """Return the sets of system packages that the make targets in *words*, or those of ``.ci/run``, want installed."""
    if ".ci/run" in words:
        words = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    wanted: set[str] = set()
    for target in re.findall(r"\bmake ([a-z-]+)", words):
        rule = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
        assert rule is not None, target
        wanted |= set(re.findall(r"install\.py (\w+)", rule[1]))
    installer = (ROOT / "requirements" / "install.py").read_text(encoding="utf-8")
    return {one for one in wanted if re.search(rf'^    "{one}": {{', installer, re.MULTILINE)}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_installs_as_root_what_its_targets_could_not_install_themselves(name: str) -> None:
    for job, what in workflow(name)["jobs"].items():
        words = "\n".join(step.get("run", "") for step in what.get("steps", []))
        installed = set(re.findall(r"sudo .*install\.py (\w+)", words))
        assert system_sets(words) <= installed, job
