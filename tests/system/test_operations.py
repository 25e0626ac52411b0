"""
What whoever runs the system has to hand: doctor, keys, metrics, readiness, logs; on a real system that is then broken.

The tests go on from one another's state, in the order in which they stand here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.processes import ROOT, program
from support.stack import Stack, running_stack
from support.waiting import until

# Depends on the machine that runs the tests, not on the system.
OF_THE_MACHINE = {"disk", "clock kept"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack() as made:
        yield made


def command(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs as whoever has the machine does."""
    variables = {**os.environ, **stack.variables}
    arguments = [program(words[0]), *words[1:]]
    return subprocess.run(arguments, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=90)


def examined(stack: Stack) -> tuple[int, dict[str, Any]]:
    """Return the doctor's exit code and its findings by check."""
    done = command(stack, "pulse-auth-api", "doctor", "--json")
    assert done.stdout, done.stderr
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)["findings"]}


def ill(findings: dict[str, Any]) -> set[str]:
    return {name for name, one in findings.items() if one["level"] != "ok"} - OF_THE_MACHINE


def sample(text: str, name: str) -> float:
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")]
    assert len(found) == 1, name
    return float(found[0])


def metrics(stack: Stack) -> str:
    answer = httpx.get(f"{stack.address}/metrics")
    assert answer.status_code == 200
    return answer.text


def test_doctor_finds_a_running_system_well(stack: Stack) -> None:
    def well() -> bool:
        found = examined(stack)[1]
        return not ill(found) and found["archive"]["words"].startswith("1 of 1 devices heard")

    until(well, within_s=60, every_s=1, what="the doctor finds nothing ill and hears the device")
    code, findings = examined(stack)
    assert code == 0 or any(findings[name]["level"] == "wrong" for name in OF_THE_MACHINE & findings.keys())
    assert findings["schema"]["words"].startswith("at 0")
    assert {"home", "keys", "ca", "database", "durability", "worker", "archive"} <= findings.keys()
    assert {
        "api",
        "public address",
        "broker api",
        "broker mqtts",
        "broker for browsers",
        "broker wss",
    } <= findings.keys()
    assert "certificate good until 20" in findings["broker mqtts"]["words"]


def test_metrics_tell_of_devices_disk_and_certificates(stack: Stack) -> None:
    def heard() -> bool:
        return sample(metrics(stack), 'pulse_devices{state="ONLINE"}') == 1

    until(heard, within_s=40, every_s=0.5, what="the figures know of the device")
    text = metrics(stack)
    assert sample(text, "pulse_database_up") == 1
    assert sample(text, "pulse_database_bytes") > 1_000_000
    assert 0 < sample(text, "pulse_home_free_bytes") < sample(text, "pulse_home_size_bytes")
    assert sample(text, "pulse_ca_expiry_timestamp_seconds") > 1.7e9
    assert sample(text, "pulse_archive_lost_readings") == 0

    def seen() -> bool:
        return sample(metrics(stack), 'pulse_certificate_expiry_timestamp_seconds{address="mqtts"}') > 1.7e9

    until(seen, within_s=40, every_s=0.5, what="the figures know the broker's certificate")


def test_metrics_are_not_for_those_who_come_through_the_edge(stack: Stack) -> None:
    answer = httpx.get(f"{stack.address}/metrics", headers={"x-forwarded-for": "198.51.100.7"})
    assert answer.status_code == 404
    assert "pulse_" not in answer.text


def test_keys_are_listed_rotated_and_retired_as_the_runbook_says(stack: Stack) -> None:
    listed = command(stack, "pulse-auth-api", "keys", "list")
    assert (listed.returncode, listed.stdout.count("signs; made")) == (0, 3), listed.stderr
    rotated = command(stack, "pulse-auth-api", "keys", "rotate", "--purpose", "broker", "--purpose", "access")
    assert (rotated.returncode, rotated.stdout.count("announced; signs from")) == (0, 2), rotated.stderr
    published = {key["kid"] for key in json.loads((stack.home / "keys" / "jwks.json").read_bytes())["keys"]}
    assert len(published) == 3
    retired = command(stack, "pulse-auth-api", "keys", "retire")
    assert (retired.returncode, "Removed" in retired.stdout) == (0, False)
    unknown = command(stack, "pulse-auth-api", "keys", "retire", "--early", "nothing")
    assert (unknown.returncode, "there is no key" in unknown.stderr) == (2, True)


def test_keys_in_a_wrong_folder_are_named_and_none_is_made(stack: Stack) -> None:
    elsewhere = stack.home / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    done = subprocess.run(
        [program("pulse-auth-api"), "keys", "list"],
        env={**os.environ, **stack.variables, "PULSE_HOME": str(elsewhere)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "is PULSE_HOME right" in done.stderr
    assert not list(elsewhere.rglob("*.pem"))


def test_reconcile_is_asked_for_as_the_runbook_says(stack: Stack) -> None:
    done = command(stack, "pulse-ingest", "reconcile", "--since", "2026-02-07T10:15:00Z")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Stored:")


def test_every_log_line_is_one_json_object_with_time_level_and_event(stack: Stack) -> None:
    for one in stack.programs.values():
        lines = one.log.read_text(encoding="utf-8").splitlines()
        assert lines or one.name == "link", one.name  # the link has nothing to say while nothing is cut
        for line in lines:
            assert {"at", "level", "event"} <= json.loads(line).keys(), f"{one.name}: {line}"


def test_doctor_and_readiness_tell_of_a_worker_that_is_gone(stack: Stack) -> None:
    stack["ingest"].stop()
    code, findings = examined(stack)
    assert code == 1
    assert findings["worker"]["level"] == "wrong"
    assert "start pulse-ingest" in findings["worker"]["remedy"]
    stack["ingest"].start()


def test_doctor_and_readiness_tell_of_a_broker_that_is_gone(stack: Stack) -> None:
    stack["broker"].stop()
    until(lambda: "broker" in sick(stack), within_s=30, what="the API says that the broker is away")
    code, findings = examined(stack)
    assert code == 1
    assert {"broker api", "broker mqtts", "broker for browsers", "broker wss", "api broker"} <= ill(findings)
    assert all(findings[name]["remedy"] for name in ill(findings))
    assert sample(metrics(stack), "pulse_broker_connected") == 0
    stack["broker"].start()


def test_doctor_and_readiness_tell_of_a_database_that_is_gone(stack: Stack) -> None:
    stack["postgres"].stop()
    until(lambda: "database" in sick(stack), within_s=30, what="the API says that the database is away")
    assert httpx.get(f"{stack.address}/readyz").status_code == 503
    code, findings = examined(stack)
    assert code == 1
    assert {"database", "api"} <= ill(findings)
    until(lambda: sample(metrics(stack), "pulse_database_up") == 0, within_s=40, what="the figures say so too")


def sick(stack: Stack) -> set[str]:
    checks = httpx.get(f"{stack.address}/readyz").json()["checks"]
    return {name for name, words in checks.items() if words != "ok"}
