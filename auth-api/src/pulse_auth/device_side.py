"""
Wires the half of the application that devices and their data meet.

Enrollment, device tokens, telemetry, bans, the identity sync, the dashboard's pages, and this service's status on
the broker. Part of ``app``, which is its only caller; apart from it only to keep both readable.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar.types import ASGIApp, ControllerRouterHandler
from prometheus_client import CollectorRegistry, Gauge

from pulse_acl.rules import auth_api_rules

from . import __version__
from .background import Loop
from .clock import Clock
from .db.session import Sessions
from .domain.access.consequences import Consequences
from .domain.broker_admin.client import BrokerAdmin
from .domain.broker_admin.enforcement import BanEnforcement
from .domain.broker_tokens.services import BrokerTokens, TokenKind
from .domain.commands.controllers import CommandController
from .domain.commands.services import Commands
from .domain.devices.certificate import CaCertificate
from .domain.devices.controllers import CertificateController, DeviceController, EnrollmentController
from .domain.devices.device_tokens import DeviceTokens
from .domain.devices.enrollment import Enrollment
from .domain.devices.enrollment_desk import EnrollmentDesk
from .domain.devices.registry import DeviceRegistry
from .domain.devices.sync_keys import load_sync_keys
from .domain.edge.assets import Dashboard
from .domain.edge.controllers import DashboardController
from .domain.edge.csp import content_security_policy, fixed_headers, origin_of
from .domain.edge.security_headers import SecurityHeaders
from .domain.health.checks import Check
from .domain.presence.link import Credentials, Hearing
from .domain.presence.publisher import OwnToken, StatusPublisher, Surroundings
from .domain.presence.status import SERVICE, StatusSource
from .domain.sync.service import FILTERS as SYNC_FILTERS
from .domain.sync.service import SyncService
from .domain.telemetry.controllers import ExportController, TelemetryController
from .domain.telemetry.export_streams import ExportStreams
from .settings import Settings

OWN_TOKEN_LIFE_S = 24 * 3600
API_CONTROLLERS: Sequence[ControllerRouterHandler] = (
    EnrollmentController,
    DeviceController,
    CommandController,
    TelemetryController,
    ExportController,
)
ROOT_CONTROLLERS: Sequence[ControllerRouterHandler] = (CertificateController, DashboardController)


@dataclass(frozen=True, slots=True)
class DeviceSide:
    """What ``app`` takes from here; ``given``: services by the names by which handlers ask for them."""

    given: Mapping[str, Any]
    loops: Mapping[str, Loop]
    told: Mapping[str, Check]
    broker: BrokerAdmin
    dashboard: Dashboard
    settings: Settings

    def with_headers(self, app: ASGIApp) -> ASGIApp:
        """Return *app* with the security headers on each of its answers."""
        broker_origin = origin_of(self.settings.ws_url)
        fixed = fixed_headers(https=self.settings.is_behind_edge)
        return SecurityHeaders(
            app, fixed, lambda: content_security_policy(self.dashboard.table.script_hashes, [broker_origin])
        )


def make_device_side(
    settings: Settings, sessions: Sessions, tokens: BrokerTokens, clock: Clock, registry: CollectorRegistry
) -> DeviceSide:
    """
    Make all of it; nothing is opened before its loops run.

    Raises:
        ConfigError: A sync key's file is damaged.
    """
    broker = BrokerAdmin(settings.broker_api_url, settings.broker_api_key_file)
    bans = BanEnforcement(sessions, broker, clock)
    certificate = CaCertificate(settings.ca_file)
    enrollment = Enrollment(certificate, clock, secrets.token_bytes)
    dashboard = Dashboard(settings.dashboard_dir)

    def on_connected() -> None:
        bans.rewrite_soon()
        sync.publication.look_now()

    def heard(topic: str, payload: bytes) -> None:
        sync.take(topic, payload)

    hearing = Hearing(SYNC_FILTERS, heard)
    publisher = _make_publisher(settings, sessions, tokens, clock, on_connected=on_connected, hearing=hearing)
    sync_keys = load_sync_keys(settings.keys_dir)
    consequences = Consequences(bans, clock)
    sync = SyncService(sessions, settings.dsn(), clock, sync_keys, send=publisher.send, consequences=consequences)
    _register_metrics(registry, publisher, bans)
    given = {
        "certificate": certificate,
        "enrollment": enrollment,
        "enrollment_desk": EnrollmentDesk(sessions, enrollment, bans, certificate, sync_keys, settings, clock),
        "device_tokens": DeviceTokens(tokens, clock),
        "device_registry": DeviceRegistry(clock),
        "bans": bans,
        "commands": Commands(sessions, publisher.send, clock),
        "export_streams": ExportStreams(sessions),
        "dashboard": dashboard,
    }

    async def broker_check() -> str:
        return "ok" if publisher.connected else "away"

    loops = {"presence": publisher.run, "bans": bans.run, **sync.loops}
    return DeviceSide(given, loops, {"broker": broker_check}, broker, dashboard, settings)


def _make_publisher(
    settings: Settings,
    sessions: Sessions,
    tokens: BrokerTokens,
    clock: Clock,
    *,
    on_connected: Callable[[], None],
    hearing: Hearing,
) -> StatusPublisher:
    async def mint() -> OwnToken:
        async with sessions.begin() as session:
            token = await tokens.issue(
                session,
                username=f"service:{SERVICE}",
                client_id=f"svc:{SERVICE}:{settings.instance}",
                rules=auth_api_rules(settings.instance),
                lifetime_s=OWN_TOKEN_LIFE_S,
                kind=TokenKind.SERVICE,
            )
        credentials = Credentials(token.client_id, token.username, token.password)
        return OwnToken(credentials, token.issued_at + timedelta(seconds=OWN_TOKEN_LIFE_S / 2))

    status = StatusSource(settings.instance, __version__, clock(), sessions)
    around = Surroundings(settings.mqtts_url, settings.ca_file, mint, clock, random.random)
    return StatusPublisher(status, around, on_connected, hearing)


def _register_metrics(registry: CollectorRegistry, publisher: StatusPublisher, bans: BanEnforcement) -> None:
    connected = Gauge("pulse_broker_connected", "1 while the broker has this service", registry=registry)
    connected.set_function(lambda: float(publisher.connected))
    connections = Gauge("pulse_broker_connections", "Connections to the broker since the start", registry=registry)
    connections.set_function(lambda: float(publisher.connections))
    behind = Gauge("pulse_bans_behind", "1 while the broker may not know all bans", registry=registry)
    behind.set_function(lambda: float(bans.behind))
