"""
The broker as a whole: the only place where its parts are wired, started and stopped.

Nothing is started before every port is taken. ``running`` is also what tests use, in their own event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import structlog

from . import __version__
from .admission import Admission
from .bans import Bans
from .certificates import ensure_certificates, load_server, server_context
from .gate import Gate, GateParts
from .hub import Hub
from .listeners import Listeners
from .management import Management
from .management_guard import ManagementGuard, ManagementServer, management_key
from .metrics import Metrics
from .ports import listen_on, take_ports
from .publishing import Publishing
from .retained import RetainedStore
from .sessions import Sessions
from .settings import Settings
from .tokens import KeySet, TokenVerifier

log = structlog.get_logger()
SWEEP_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A broker that runs: its ports, and its inner parts for tests."""

    mqtts_port: int
    ws_port: int
    wss_port: int
    api_port: int
    gate: Gate
    sessions: Sessions
    metrics: Metrics
    bans: Bans
    retained: RetainedStore


@contextlib.asynccontextmanager
async def running(settings: Settings, *, now: Callable[[], float] = time.time) -> AsyncIterator[Running]:
    """
    Run a broker for as long as the context lasts.

    Args:
        settings: See ``read_settings``.
        now: The clock, seconds since 1970.

    Raises:
        ConfigError: A port is taken, or a file is wrong; nothing is left running.
    """
    sockets = take_ports(
        {
            "PULSE_MQTTS_PORT": settings.mqtts_port,
            "PULSE_MQTT_WS_PORT": settings.ws_port,
            "PULSE_MQTT_WSS_PORT": settings.wss_port,
            "PULSE_BROKER_API_PORT": settings.api_port,
        }
    )
    async with contextlib.AsyncExitStack() as stack:
        for sock in sockets.values():
            stack.callback(sock.close)
        yield await _start(settings, now, stack, sockets)


async def _start(
    settings: Settings, now: Callable[[], float], stack: contextlib.AsyncExitStack, sockets: Mapping[str, socket.socket]
) -> Running:
    bans = Bans(settings.home / "broker" / "bans.json", now)
    key = management_key(settings.management_key_file)
    ensure_certificates(settings, now)
    context = server_context(settings)
    metrics, hub, retained = Metrics(), Hub(), RetainedStore()
    sessions = Sessions(hub, metrics, now)
    publishing = Publishing(hub, retained, metrics, now)
    admission = Admission(TokenVerifier(KeySet(settings.jwks_file), settings.token_issuer, now), bans, now)
    parts = GateParts(admission, sessions, publishing, retained, metrics, now)
    gate = Gate(parts)

    await hub.start()
    stack.push_async_callback(hub.stop)
    stack.push_async_callback(sessions.close)
    listen_on(sockets)
    management = ManagementGuard(Management(gate, parts, bans).app(), key)
    _serve_management(stack, ManagementServer(management, sockets["PULSE_BROKER_API_PORT"]))
    _keep_house(stack, sessions, settings, context, now)
    await _open_listeners(stack, Listeners(gate, settings.allowed_origin), gate, context, sockets)
    ports = {name.lower().removeprefix("pulse_"): sock.getsockname()[1] for name, sock in sockets.items()}
    log.info(
        "broker.started",
        version=__version__,
        note="the embedded broker is for one machine and listens on loopback only; other tools must speak MQTT 3.1.1",
        **ports,
    )
    return Running(
        mqtts_port=ports["mqtts_port"],
        ws_port=ports["mqtt_ws_port"],
        wss_port=ports["mqtt_wss_port"],
        api_port=ports["broker_api_port"],
        gate=gate,
        sessions=sessions,
        metrics=metrics,
        bans=bans,
        retained=retained,
    )


async def _open_listeners(
    stack: contextlib.AsyncExitStack,
    listeners: Listeners,
    gate: Gate,
    context: ssl.SSLContext,
    sockets: Mapping[str, socket.socket],
) -> None:
    async def close() -> None:
        listeners.stop_listening()
        await gate.close()
        await listeners.closed()

    stack.push_async_callback(close)
    await listeners.open_mqtts(sockets["PULSE_MQTTS_PORT"], context)
    await listeners.open_websockets("ws", sockets["PULSE_MQTT_WS_PORT"], None)
    await listeners.open_websockets("wss", sockets["PULSE_MQTT_WSS_PORT"], context)


def _serve_management(stack: contextlib.AsyncExitStack, server: ManagementServer) -> None:
    task = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.stop()
        await task

    stack.push_async_callback(stop)


def _keep_house(
    stack: contextlib.AsyncExitStack,
    sessions: Sessions,
    settings: Settings,
    context: ssl.SSLContext,
    now: Callable[[], float],
) -> None:
    async def keep() -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await sessions.sweep()
                if ensure_certificates(settings, now):
                    load_server(context, settings)
            except Exception:
                log.exception("broker.housekeeping_failed")

    task = asyncio.create_task(keep())

    async def stop() -> None:
        task.cancel()
        await asyncio.wait([task])

    stack.push_async_callback(stop)
