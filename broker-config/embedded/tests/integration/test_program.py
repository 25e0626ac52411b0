"""The program itself: start, wrong configuration, taken ports, SIGTERM, and what survives a restart."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from pulse_broker import __version__
from pulse_broker.bans import Ban
from support.mqtt_client import tcp_client, trusting
from support.tokens import TokenMint

PROGRAM = [sys.executable, "-W", "error", "-m", "pulse_broker"]
PORTS = ("PULSE_MQTTS_PORT", "PULSE_MQTT_WS_PORT", "PULSE_MQTT_WSS_PORT", "PULSE_BROKER_API_PORT")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}


async def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the program to its end."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *arguments,
        env={**ENVIRONMENT, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def started(
    home: Path, **variables: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, int], list[str]]]:
    """Run the program; gives the process, its ``broker.started`` line and all lines so far."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        env={**ENVIRONMENT, "PULSE_HOME": str(home), **dict.fromkeys(PORTS, "0"), **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    lines: list[str] = []
    try:
        async with asyncio.timeout(30):
            while True:
                lines.append((await process.stderr.readline()).decode())
                assert lines[-1], "".join(lines)
                line = json.loads(lines[-1])
                if line["event"] == "broker.started":
                    break
        yield process, line, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_program_tells_its_version_and_its_help() -> None:
    assert await run("--version") == (0, f"pulse-broker {__version__}\n", "")
    code, out, _ = await run("--help")
    assert (code, "MQTT 3.1.1" in out) == (0, True)


async def test_program_taken_port_is_one_sentence_that_names_port_and_process(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        variables = {**dict.fromkeys(PORTS, "0"), "PULSE_MQTT_WSS_PORT": str(port)}
        code, out, err = await run(PULSE_HOME=str(tmp_path / "home"), **variables)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert f"port {port} (PULSE_MQTT_WSS_PORT)" in err
    assert f"(process {os.getpid()})" in err
    assert not (tmp_path / "home" / "tls").exists()


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"PULSE_MQTTS_PORT": "x"}, "PULSE_MQTTS_PORT"),
        ({"PULSE_LOG_LEVEL": "loud"}, "PULSE_LOG_LEVEL"),
        ({"PULSE_PUBLIC_URL": "http://example.org"}, "PULSE_PUBLIC_URL"),
        ({"PULSE_HOME": "/proc/nowhere"}, "PULSE_HOME"),
        ({"PULSE_TLS_CERT_FILE": "/nowhere/a.pem"}, "PULSE_TLS_KEY_FILE"),
        ({"PULSE_TLS_CERT_FILE": "/nowhere/a.pem", "PULSE_TLS_KEY_FILE": "/nowhere/b.pem"}, "/nowhere/a.pem"),
    ],
)
async def test_program_wrong_configuration_is_one_sentence_and_code_2(tmp_path, variables, named) -> None:
    given = {"PULSE_HOME": str(tmp_path / "home"), **dict.fromkeys(PORTS, "0"), **variables}
    code, out, err = await run(**given)
    sentences = [line for line in err.splitlines() if not line.startswith("{")]
    assert (code, out, len(sentences)) == (2, "", 1)
    assert named in sentences[0]


@pytest.mark.parametrize("name", ["bans.json", "management-key"])
async def test_program_damaged_file_stops_the_start(tmp_path, name) -> None:
    path = tmp_path / "home" / "broker" / name
    path.parent.mkdir(mode=0o700, parents=True)
    path.write_text("{")
    path.chmod(0o600)
    code, _, err = await run(PULSE_HOME=str(tmp_path / "home"), **dict.fromkeys(PORTS, "0"))
    assert (code, name in err) == (2, True)


async def test_program_sigterm_closes_clients_and_ends_with_code_0(tmp_path) -> None:
    mint = TokenMint()
    mint.write_jwks(tmp_path / "home" / "keys" / "jwks.json")
    async with started(tmp_path / "home") as (process, ports, _):
        async with tcp_client(ports["mqtts_port"], trusting(tmp_path / "home" / "ca.pem")) as client:
            assert await client.connect(*mint.device("D1")) == (0, False)
            process.send_signal(signal.SIGTERM)
            await client.expect_closed()
        async with asyncio.timeout(10):
            _, rest = await process.communicate()
    assert process.returncode == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "broker.stopped"


async def test_program_listens_on_its_four_ports_on_loopback_and_nowhere_else(tmp_path) -> None:
    async with started(tmp_path / "home") as (process, line, _):
        sockets = psutil.Process(process.pid).net_connections("inet")
        listening = {tuple(found.laddr) for found in sockets if found.status == psutil.CONN_LISTEN}
        names = ("mqtts_port", "mqtt_ws_port", "mqtt_wss_port", "broker_api_port")
        assert listening == {("127.0.0.1", line[name]) for name in names}
        assert len(sockets) == 4
        made = {str(path.relative_to(tmp_path / "home")) for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert made == {"ca.pem", "tls/ca-key.pem", "tls/server.pem", "tls/server-key.pem", "broker/management-key"}


async def test_program_starts_without_keys_refuses_and_says_so_once(tmp_path) -> None:
    mint = TokenMint()
    async with started(tmp_path / "home") as (process, line, _):
        assert "one machine" in str(line["note"])
        context = trusting(tmp_path / "home" / "ca.pem")
        token = mint.device("D1")
        for _ in range(3):
            async with tcp_client(line["mqtts_port"], context) as client:
                assert await client.connect(*token) == (3, False)
        mint.write_jwks(tmp_path / "home" / "keys" / "jwks.json")
        async with tcp_client(line["mqtts_port"], context) as client:
            assert await client.connect(*token) == (0, False)
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    events = [json.loads(entry)["event"] for entry in rest.decode().splitlines()]
    assert events.count("tokens.keys_missing") == 1
    assert events.count("gate.connect_refused") == 3
    assert token[2] not in rest.decode()


async def test_program_logs_no_token_and_no_payload_at_debug_level(tmp_path) -> None:
    mint = TokenMint()
    mint.write_jwks(tmp_path / "home" / "keys" / "jwks.json")
    identity = mint.device("D1")
    async with started(tmp_path / "home", PULSE_LOG_LEVEL="debug") as (process, line, lines):
        async with tcp_client(line["mqtts_port"], trusting(tmp_path / "home" / "ca.pem")) as client:
            assert await client.connect(*identity) == (0, False)
            await client.publish("telemetry/D1/live", "secret-payload")
            await client.publish("telemetry/D2/live", "secret-payload")
        async with tcp_client(line["mqtts_port"], trusting(tmp_path / "home" / "ca.pem")) as client:
            assert (await client.connect("D2", "device:D1", identity[2]))[0] == 4
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
    text = "".join(lines) + rest.decode()
    secrets = (
        identity[2],
        identity[2].rsplit(".", 1)[1],
        "secret-payload",
        (tmp_path / "home/broker/management-key").read_text().strip(),
    )
    assert [secret for secret in secrets if secret in text] == []
    assert "gate.connect_refused" in text


async def test_broker_bans_and_authority_survive_a_restart(tmp_path, at_home) -> None:
    mint = TokenMint()
    async with at_home(tmp_path / "home") as bench:
        mint.write_jwks(bench.settings.jwks_file)
        await bench.running.bans.add(Ban("clientid", "D1"))
        authority = bench.settings.ca_file.read_bytes()
    async with at_home(tmp_path / "home", mint) as bench:
        client = await bench.open()
        assert await client.connect(*mint.device("D1")) == (5, False)
        assert bench.settings.ca_file.read_bytes() == authority


async def test_broker_stop_with_connected_clients_leaves_no_task_behind(tmp_path, at_home) -> None:
    before = asyncio.all_tasks()
    async with at_home(tmp_path / "home") as bench:
        await bench.join(bench.mint.device("D1"), clean=False)
        client = await bench.open_ws()
        await client.connect(*bench.mint.user("ann"))
    assert asyncio.all_tasks() == before
