"""
The application: the only place where things are wired.

``create_app`` makes services from settings and puts them under the names by which handlers ask for them;
nothing is opened before the application starts. Read next: ``domain`` for what it does.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.middleware import DefineMiddleware

from . import __version__
from .admin_side import ADMIN_CONTROLLERS, make_admin_side
from .background import running
from .clock import Clock, system_clock
from .db.session import make_engine, make_sessions
from .device_side import API_CONTROLLERS, ROOT_CONTROLLERS, make_device_side
from .domain.access.authentication import Authentication
from .domain.accounts.access_tokens import AccessTokens
from .domain.accounts.controllers import AuthController
from .domain.accounts.first_admin import InitialPassword
from .domain.accounts.passwords import Hasher, Passwords
from .domain.accounts.refresh_tokens import RefreshTokens, load_refresh_secret
from .domain.accounts.services import Accounts
from .domain.broker_tokens.controllers import BrokerTokenController, jwks
from .domain.broker_tokens.services import BrokerTokens
from .domain.broker_tokens.shared_group import load_shared_group
from .domain.health.checks import Readiness, database_check
from .domain.health.controllers import healthz, metrics_text, readyz
from .http.metrics import Metrics
from .http.openapi import openapi_config
from .http.problems import answer_error
from .http.request_log import RequestLog
from .keys.jwks import publish_jwks
from .keys.signing import load_keys
from .operations import make_operations
from .preparation import prepare_database
from .settings import Settings

MAX_BODY_BYTES = 64 * 1024


def create_app(settings: Settings, *, clock: Clock = system_clock, hasher: Hasher | None = None) -> Litestar:
    """
    Return the application; when it starts, it migrates and seeds the database and publishes its keys.

    Args:
        settings: Validated; the database may still be away.
        clock: The server's clock.
        hasher: Of passwords; Argon2id with the system's parameters when not given.

    Raises:
        ConfigError: A key file is damaged, or the embedded database was never made.
    """
    keys = load_keys(settings.keys_dir, lambda: clock().timestamp())
    engine = make_engine(settings.dsn())
    sessions = make_sessions(engine)
    passwords = Passwords(hasher)
    access_tokens = AccessTokens(keys, settings.token_issuer)
    broker_tokens = BrokerTokens(keys, settings, clock)
    metrics = Metrics()
    devices = make_device_side(settings, sessions, broker_tokens, clock, metrics.registry)
    operations = make_operations(settings, sessions, keys, clock, metrics.registry)
    accounts = Accounts(
        open_session=sessions,
        passwords=passwords,
        access_tokens=access_tokens,
        refresh_tokens=RefreshTokens(load_refresh_secret(settings.keys_dir)),
        initial_password=InitialPassword(settings.initial_password_file),
        bans=devices.given["bans"],
        clock=clock,
    )
    given: dict[str, Any] = {
        "settings": settings,
        "clock": clock,
        "keys": keys,
        "sessions": sessions,
        "accounts": accounts,
        "broker_tokens": broker_tokens,
        "shared_group": load_shared_group(settings.keys_dir),
        "readiness": Readiness({"database": database_check(sessions)}, {**operations.told, **devices.told}),
        "metrics": metrics,
        **devices.given,
        **make_admin_side(sessions, passwords, broker_tokens, devices.given["bans"], clock),
    }

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        try:
            await prepare_database(engine, sessions, settings, passwords, clock)
            publish_jwks(keys, settings.jwks_file)
            async with running({**operations.loops, **devices.loops}):
                yield
        finally:
            await devices.broker.close()
            await engine.dispose()

    authentication = DefineMiddleware(Authentication, sessions=sessions, tokens=access_tokens, clock=clock)
    app = _make_litestar(given, lifespan, authentication)
    app.asgi_handler = RequestLog(devices.with_headers(app.asgi_handler), metrics)
    return app


def _make_litestar(
    given: dict[str, Any],
    lifespan: Callable[[Litestar], contextlib.AbstractAsyncContextManager[None]],
    authentication: DefineMiddleware,
) -> Litestar:
    """Return the routes with what they are *given* by name, and what all of them have in common."""
    return Litestar(
        route_handlers=[
            Router(
                "/api/v1",
                route_handlers=[AuthController, BrokerTokenController, *ADMIN_CONTROLLERS, *API_CONTROLLERS],
            ),
            *ROOT_CONTROLLERS,
            jwks,
            healthz,
            readyz,
            metrics_text,
        ],
        lifespan=[lifespan],
        middleware=[authentication],
        dependencies={name: Provide(_giver(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={Exception: answer_error},
        openapi_config=openapi_config(__version__),
        request_max_body_size=MAX_BODY_BYTES,
        state=State({"settings": given["settings"]}),
        logging_config=None,
        debug=False,
    )


def _giver(value: Any) -> Callable[[], Any]:
    return lambda: value
