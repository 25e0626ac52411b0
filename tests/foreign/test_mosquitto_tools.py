"""mosquitto's own command-line clients against the embedded broker: a token opens exactly its topics."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.live_page import blank_page, browser
from support.dashboard import open_page
from support.integrations_page import SHELL, make, printing, text_of
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    assert shutil.which("mosquitto_sub"), "mosquitto-clients is missing: python3 requirements/install.py foreign"
    with running_stack() as made:
        until(lambda: made.admin.get("/telemetry/latest").json()["items"], within_s=60, what="the first reading")
        yield made


def mosquitto(stack: Stack, program: str, *arguments: str, timeout_s: float = 20) -> subprocess.CompletedProcess[str]:
    """Run one of mosquitto's clients over TLS with a fresh token of the administrator."""
    token = stack.admin.post("/broker/token", json={}).json()
    command = [
        program,
        *("-h", "127.0.0.1", "-p", str(stack.ports["PULSE_MQTTS_PORT"]), "-V", "mqttv311", "-q", "1"),
        *("--cafile", str(stack.home / "ca.pem"), "-i", token["client_id"]),
        *("-u", token["username"], "-P", token["password"]),
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def test_mosquitto_sub_reads_live_telemetry_with_a_users_token(stack: Stack):
    done = mosquitto(stack, "mosquitto_sub", "-t", "telemetry/+/live", "-C", "2", "-W", "15")
    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(readings) == 2
    assert {"client_id", "stream", "sequence_no", "timestamp", "metrics"} <= readings[0].keys()


@pytest.mark.parametrize("topic", ["telemetry/#", "#", "+/+/+", "sync/#", "archive/+/receipt", "$SYS/#"])
def test_mosquitto_sub_is_refused_what_the_token_does_not_open(stack: Stack, topic: str):
    done = mosquitto(stack, "mosquitto_sub", "-t", topic, "-C", "1", "-W", "5")
    assert done.stdout == ""
    assert "denied" in done.stderr or "rejected" in done.stderr, done.stderr


def test_mosquitto_pub_cannot_publish_telemetry_for_a_device(stack: Stack):
    device = RawDevice(stack, "foreign-1")
    device.enroll()
    device.connect()
    payload = device.reading(1, '{"forged": 1}').decode()
    done = mosquitto(stack, "mosquitto_pub", "-t", "telemetry/foreign-1/live", "-m", payload)
    assert done.returncode == 0, "MQTT 3.1.1 acknowledges a refused publish like a success"
    device.live(device.reading(2))
    until(lambda: device.archived() == [2], within_s=10, what="the device's own reading is archived")
    assert 1 not in device.archived()
    device.close()


def test_mosquitto_sub_without_a_token_is_refused(stack: Stack):
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(stack.ports["PULSE_MQTTS_PORT"]), "-V", "mqttv311"]
    command += ["--cafile", str(stack.home / "ca.pem"), "-t", "telemetry/+/live", "-C", "1", "-W", "5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode != 0
    assert done.stdout == ""


def test_mosquitto_recipe_of_the_integrations_page_runs_as_it_stands(stack: Stack, tmp_path: Path):
    with browser() as opened, blank_page(opened) as page:
        open_page(page, stack, "/integrations/")
        make(page, "shell-reader")
        files, command = text_of(page, "recipe-mosquitto-files"), text_of(page, "recipe-mosquitto")
    subprocess.run([*SHELL, files], cwd=tmp_path, check=True, timeout=20)
    with printing([*SHELL, f"exec {command}"], tmp_path) as printed:
        until(lambda: "/live {" in printed.read_text(), within_s=15, what="a reading is printed")
