"""A real broker of this test's own, and tokens that it takes."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from pulse_acl.rules import PERMISSION_RULES, Permission, Rule, auth_api_rules
from pulse_auth.clock import system_clock
from pulse_auth.db.session import Sessions, make_engine, make_sessions
from pulse_auth.domain.broker_tokens.services import BrokerToken, BrokerTokens, TokenKind
from pulse_auth.keys.jwks import publish_jwks
from pulse_auth.keys.signing import load_keys
from pulse_auth.settings import Settings, default_paths
from support.database import Database
from support.mqtt_client import MqttClient, TcpStream, trusting
from support.processes import Program, free_ports, program
from support.waiting import until


@dataclass
class Broker:
    """``pulse-broker`` on ports of its own; ``settings`` are those of an auth API beside it."""

    program: Program
    settings: Settings

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.program.start()
        url = self.settings.broker_api_url.removesuffix("/api/v5") + "/status"

        def answers() -> bool:
            assert self.program.running, self.program.tail()
            try:
                return httpx.get(url, trust_env=False).status_code < 500
            except httpx.TransportError:
                return False

        until(answers, within_s=20, what="the broker answers")


@pytest.fixture
def stopped_broker() -> Iterator[Broker]:
    home = Path(tempfile.mkdtemp(prefix="pulse-broker-"))
    names = ("PULSE_MQTTS_PORT", "PULSE_MQTT_WS_PORT", "PULSE_MQTT_WSS_PORT", "PULSE_BROKER_API_PORT")
    ports = dict(zip(names, free_ports(4), strict=True))
    settings = Settings(
        **default_paths(home),
        mqtts_url=f"mqtts://127.0.0.1:{ports['PULSE_MQTTS_PORT']}",
        broker_api_url=f"http://127.0.0.1:{ports['PULSE_BROKER_API_PORT']}/api/v5",
    )
    publish_jwks(load_keys(settings.keys_dir), settings.jwks_file)
    variables = {"PULSE_HOME": str(home), **{name: str(port) for name, port in ports.items()}}
    broker = Broker(Program("broker", [program("pulse-broker")], variables, home / "broker.log"), settings)
    yield broker
    if broker.program.running:
        broker.program.stop()
    shutil.rmtree(home)


@pytest.fixture
def broker(stopped_broker: Broker) -> Broker:
    stopped_broker.start()
    return stopped_broker


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    engine = make_engine(database.dsn())
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture
def mint(stopped_broker: Broker, sessions: Sessions) -> Callable[..., object]:
    """Mint a token for a client id with rules; by default the auth API's own."""
    settings = stopped_broker.settings
    tokens = BrokerTokens(load_keys(settings.keys_dir), settings, system_clock)

    async def issue(
        client_id: str = "svc:auth-api:1",
        username: str = "service:auth-api",
        rules: tuple[Rule, ...] = auth_api_rules("1"),
    ) -> BrokerToken:
        async with sessions.begin() as session:
            return await tokens.issue(
                session,
                username=username,
                client_id=client_id,
                rules=rules,
                lifetime_s=3_600,
                kind=TokenKind.SERVICE,
            )

    return issue


@pytest.fixture
def viewer_rules() -> tuple[Rule, ...]:
    return PERMISSION_RULES[Permission.VIEW_DASHBOARD]


@pytest.fixture
async def api(broker: Broker, start: Callable[..., Any], clock: Any) -> Any:
    """The API beside that broker, with a signed-in administrator and the real time at its start."""
    clock.now = system_clock()
    settings = broker.settings
    started = await start(
        home=settings.home,
        mqtts_url=settings.mqtts_url,
        broker_api_url=settings.broker_api_url,
        broker_api_key_file=settings.broker_api_key_file,
        ca_file=settings.ca_file,
        jwks_file=settings.jwks_file,
    )
    await started.sign_in()
    return started


@pytest.fixture
async def knock() -> AsyncIterator[Callable[..., Any]]:
    """Connect with a token's document; give the client and CONNACK's code, 0 when it was let in."""
    clients: list[MqttClient] = []

    async def connect(api: Any, token: dict[str, Any]) -> tuple[MqttClient, int]:
        port = urlsplit(api.settings.mqtts_url).port
        streams = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(api.settings.ca_file))
        client = MqttClient(TcpStream(*streams))
        clients.append(client)
        code, _ = await client.connect(token["client_id"], token["username"], token["password"])
        return client, code

    yield connect
    for client in clients:
        await client.close()
