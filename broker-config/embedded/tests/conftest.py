"""A running broker in the test's own event loop, on free ports and a PULSE_HOME of its own."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pulse_broker.app import Running, running
from pulse_broker.settings import Settings, read_settings
from pulse_runtime.environment import Environment
from support.mqtt_client import MqttClient, tcp_client, trusting, ws_client
from support.tokens import TokenMint

PUBLIC_URL = "http://127.0.0.1:8080"


class Clock:
    """The wall clock, which a test may move."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


def settings_for(home: Path, **variables: str) -> Settings:
    ports = dict.fromkeys(
        ("PULSE_MQTTS_PORT", "PULSE_MQTT_WS_PORT", "PULSE_MQTT_WSS_PORT", "PULSE_BROKER_API_PORT"), "0"
    )
    return read_settings(Environment({"PULSE_HOME": str(home), "PULSE_PUBLIC_URL": PUBLIC_URL, **ports, **variables}))


@dataclass
class Bench:
    """A broker, the key that mints its tokens, and ways to reach it."""

    settings: Settings
    running: Running
    mint: TokenMint
    clock: Clock
    stack: AsyncExitStack
    logs: list[MutableMapping[str, Any]]
    expected_errors: set[str] = field(default_factory=set)

    async def open(self, *, acknowledge: bool = True) -> MqttClient:
        """Open a client over TLS, without CONNECT."""
        context = trusting(self.settings.ca_file)
        return await self.stack.enter_async_context(
            tcp_client(self.running.mqtts_port, context, acknowledge=acknowledge)
        )

    async def open_ws(self, **options: str) -> MqttClient:
        """Open a client over plaintext WebSockets, without CONNECT."""
        return await self.stack.enter_async_context(
            ws_client(f"ws://127.0.0.1:{self.running.ws_port}/mqtt", **options)  # type: ignore[arg-type]
        )

    async def join(self, identity: tuple[str, str, str], *, acknowledge: bool = True, **options: object) -> MqttClient:
        """Open a client and connect it with *identity* (client id, user name, token); it has to be let in."""
        client = await self.open(acknowledge=acknowledge)
        code, _ = await client.connect(*identity, **options)
        assert code == 0
        return client

    def logged(self, event: str, **fields: object) -> list[MutableMapping[str, Any]]:
        """Return the log lines of one event with these fields."""
        return [line for line in self.logs if line["event"] == event and fields.items() <= line.items()]

    def refused(self, reason: str) -> float:
        """Count refused connections of one reason."""
        return self.running.metrics.value("connects_refused_total", reason=reason)


@asynccontextmanager
async def bench_at(home: Path, mint: TokenMint | None = None, **variables: str) -> AsyncIterator[Bench]:
    """Run a broker at *home*; without *mint* a new key is made and its key set written."""
    settings, clock = settings_for(home, **variables), Clock()
    if mint is None:
        mint = TokenMint()
        mint.write_jwks(settings.jwks_file)
    with capture_logs() as logs:
        async with running(settings, now=clock) as broker, AsyncExitStack() as stack:
            bench = Bench(settings, broker, mint, clock, stack, logs)
            yield bench
    errors = [line for line in logs if line["log_level"] == "error" and line["event"] not in bench.expected_errors]
    assert not errors


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench_at(tmp_path / "home") as made:
        yield made


@pytest.fixture
def at_home() -> Callable[..., AbstractAsyncContextManager[Bench]]:
    """Give ``bench_at``, for tests that start more than one broker."""
    return bench_at
