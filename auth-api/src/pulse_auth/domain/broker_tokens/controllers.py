"""The calls that give out broker tokens to people and services, and the keys that verify them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK
from msgspec import Meta, Struct

from ...clock import Clock
from ...db.session import Sessions
from ...http.origin import caller_address
from ...keys.jwks import broker_jwks
from ...keys.signing import KeyRing
from ...settings import Settings
from .for_people import issue_for_person
from .for_services import claimed_name, issue_for_service
from .limits import counting_refusals
from .services import BrokerTokens


class AssertionBody(Struct, frozen=True):
    """A signed assertion (RFC 7523)."""

    assertion: Annotated[str, Meta(min_length=1, max_length=8_192)]


class BrokerTokenController(Controller):
    """Tokens for the MQTT broker."""

    tags = ("Auth",)

    @post("/broker/token", status_code=HTTP_200_OK)
    async def for_person(
        self,
        request: Request[Any, Any, Any],
        sessions: NamedDependency[Sessions],
        broker_tokens: NamedDependency[BrokerTokens],
        settings: NamedDependency[Settings],
    ) -> dict[str, Any]:
        """Return a broker token with the signed-in person's rights, for a fresh MQTT client id."""
        life_s = settings.browser_token_s
        return broker_tokens.answer(await issue_for_person(sessions, broker_tokens, request.user, lifetime_s=life_s))

    @post("/services/token", status_code=HTTP_200_OK, opt={"public": True})
    async def for_service(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[AssertionBody],
        *,
        sessions: NamedDependency[Sessions],
        broker_tokens: NamedDependency[BrokerTokens],
        shared_group: NamedDependency[str],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> dict[str, Any]:
        """Return a broker token for the service that signed the assertion, and the secret name of its shared group."""
        name = claimed_name(data.assertion)
        async with counting_refusals(sessions, clock, caller_address(request), name):
            token = await issue_for_service(sessions, broker_tokens, settings, clock, data.assertion)
        return {**broker_tokens.answer(token), "shared_group": shared_group}


class PublicKey(Struct, frozen=True):
    """A public P-256 key as a JWK (RFC 7517); ``kid`` is its RFC 7638 thumbprint."""

    crv: str
    kty: str
    x: str
    y: str
    kid: str
    use: str
    alg: str


class KeySet(Struct, frozen=True):
    """A JWK Set."""

    keys: Annotated[list[PublicKey], Meta(min_length=1)]


@get("/.well-known/jwks.json", opt={"public": True}, tags=["Auth"], sync_to_thread=False)
def jwks(keys: NamedDependency[KeyRing]) -> Response[KeySet]:
    """Return the public keys of broker tokens (RFC 7517); never empty."""
    found = msgspec.json.decode(broker_jwks(keys), type=KeySet)
    return Response(found, headers={"Cache-Control": "public, max-age=60"})
