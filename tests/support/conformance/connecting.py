"""Chapter "connect/authentication": one CONNECT for each case, with the token that its name says."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from support.conformance.play import Play, segment
from support.conformance.table import Case
from support.tokens import TokenMint

WHO = "node-1"
GROUP = "connect/authentication"


class Keys:
    """Keys of the other kinds, which stand in the key set beside the broker's own."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ed = ed25519.Ed25519PrivateKey.generate()

    def jwks(self, mint: TokenMint) -> str:
        """Return the key set with all three."""
        more = {
            "rsa": jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True),
            "ed": jwt.algorithms.OKPAlgorithm.to_jwk(self.ed.public_key(), as_dict=True),
        }
        return json.dumps({"keys": [mint.jwk(), *({**key, "kid": name} for name, key in more.items())]})

    def rsa_pem(self) -> bytes:
        """Return the RSA public key as PEM."""
        return self.rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


KEYS = Keys()


def _with(**changes: Any) -> Callable[[Play], str]:
    """Return a maker of a token with these claims; other than in ``claims``, ``None`` is the value null."""
    return lambda play: play.bench.mint.sign({**play.bench.mint.claims(WHO, WHO, acl=[]), **changes})


def _lacking(name: str) -> Callable[[Play], str]:
    return lambda play: play.token(WHO, WHO, [], **{name: None})


def _acl(value: Any) -> Callable[[Play], str]:
    return _with(acl=value)


def _rule(**fields: Any) -> Callable[[Play], str]:
    return _acl([{"permission": "allow", "action": "all", "topic": "a"} | fields])


def _signed(key: Any, algorithm: str, kid: str) -> Callable[[Play], str]:
    def make(play: Play) -> str:
        return jwt.encode(play.bench.mint.claims(WHO, WHO, acl=[]), key, algorithm, headers={"kid": kid})

    return make


def _confused(play: Play, pem: bytes) -> str:
    signed = f"{segment({'alg': 'HS256', 'typ': 'JWT'})}.{segment(play.bench.mint.claims(WHO, WHO, acl=[]))}"
    made = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{jwt.utils.base64url_encode(made).decode()}"


def _tampered(play: Play) -> str:
    head, _, tail = play.token(WHO, WHO, []).split(".")
    return f"{head}.{segment(play.bench.mint.claims(WHO, WHO, acl=[], exp=int(time.time()) + 9_999))}.{tail}"


def signed_by_a_stranger(play: Play) -> str:
    """Return a token signed by another key under the known key's id."""
    stranger = TokenMint(play.bench.mint.key_id)
    return stranger.sign(play.bench.mint.claims(WHO, WHO, acl=[]))


def _with_kid(kid: str) -> Callable[[Play], str]:
    return lambda play: play.token(WHO, WHO, [], headers={"kid": kid})


def _numbered(name: str, seconds: float) -> Callable[[Play], str]:
    def make(play: Play) -> str:
        return _with(**{name: int(time.time()) + seconds})(play)

    return make


def _numeric_text(play: Play) -> str:
    return _with(exp=str(int(time.time()) + 900))(play)


TOKENS: dict[str, Callable[[Play], str]] = {
    "valid token ES256": _with(),
    "valid token RS256": _signed(KEYS.rsa, "RS256", "rsa"),
    "valid token EdDSA": _signed(KEYS.ed, "EdDSA", "ed"),
    "expired token": _numbered("exp", -1),
    "expired exactly now": _numbered("exp", 0),
    "nbf in future": _numbered("nbf", 60),
    "iat in future": _numbered("iat", 600),
    "wrong signature (other RSA key, kid of a known key)": signed_by_a_stranger,
    "tampered payload": _tampered,
    "wrong kid, right key": _with_kid("nobody's"),
    "kid of the other key, right key": _with_kid("rsa"),
    "wrong iss": _with(iss="evil"),
    "missing iss": _lacking("iss"),
    "wrong aud": _with(aud="other"),
    "aud is an array holding the value": _with(aud=["pulse-broker"]),
    "missing exp": _lacking("exp"),
    "exp a float": _numbered("exp", 900.5),
    "exp a numeric string": _numeric_text,
    "exp a non-numeric string": _with(exp="abc"),
    "exp null": _with(exp=None),
    "client id differs from claim": _with(client_id="other"),
    "client_id claim missing": _lacking("client_id"),
    "client_id claim differs in case": _with(client_id=WHO.upper()),
    "alg none": lambda play: f"{segment({'alg': 'none'})}.{segment(play.bench.mint.claims(WHO, WHO, acl=[]))}.",
    "HS256 with the public key PEM as secret (es)": lambda play: _confused(play, play.bench.mint.public_pem()),
    "HS256 with the public key PEM as secret (rs)": lambda play: _confused(play, KEYS.rsa_pem()),
    "acl claim: v1 map": _acl({"pub": ["a"], "sub": ["b"], "all": ["c"]}),
    "acl claim malformed: string": _acl("x"),
    "acl claim malformed: number": _acl(5),
    "acl claim malformed: null": _acl(None),
    "acl claim malformed: empty list": _acl([]),
    "acl claim malformed: empty map": _acl({}),
    "acl claim malformed: bad permission": _rule(permission="maybe"),
    "acl claim malformed: bad action": _rule(action="read"),
    "acl claim malformed: no topic": _acl([{"permission": "allow", "action": "all"}]),
    "acl claim malformed: topic a list": _rule(topic=["a"]),
    "acl claim malformed: both topic and topics": _rule(topics=["b"]),
    "acl claim malformed: qos 3": _rule(qos=3),
    'acl claim malformed: retain "maybe"': _rule(action="publish", retain="maybe"),
    "acl claim malformed: unknown placeholder": _rule(topic="a/${foo}"),
    "acl claim malformed: unknown extra field": _rule(zzz=1),
    "is_superuser claim true": _with(is_superuser=True),
}
CREDENTIALS: dict[str, Callable[[Play], tuple[str, str | None, str | None]]] = {
    "empty client id": lambda play: ("", WHO, _with(client_id="")(play)),
    "garbage password": lambda _: (WHO, WHO, "not a token"),
    "empty password": lambda _: (WHO, WHO, ""),
    "no password": lambda _: (WHO, WHO, None),
    "no username no password": lambda _: (WHO, None, None),
    "token in the username field": lambda play: (WHO, _with()(play), None),
    "no username, token as password": lambda play: (WHO, None, _with()(play)),
}


async def connect(play: Play, case: Case) -> int:
    """Connect as the case's name says and return CONNACK's code."""
    if case.name.startswith("over WebSocket"):
        return await play.knock(WHO, WHO, signed_by_a_stranger(play), ws=True)
    if case.name in CREDENTIALS:
        return await play.knock(*CREDENTIALS[case.name](play))
    return await play.knock(WHO, WHO, TOKENS[case.name](play))


RUNS = dict.fromkeys((*TOKENS, *CREDENTIALS, "over WebSocket: wrong signature"), connect)
