"""
The worker's own key, and broker tokens for it: the only module that speaks HTTP to the auth API.

The private key never leaves its 0600 file; the API learns the public key from a folder. Read next: ``link``.
"""

from __future__ import annotations

import json
import ssl
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import OKPAlgorithm

from pulse_acl.payloads import ContractError, parse_time
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private, write_private

from .errors import TokenUnavailable

ASSERTION_LIFE_S = 50
SERVICE = "ingest"


class Grant(msgspec.Struct, frozen=True):
    """
    What the API answers: the broker's address and who to be there; times are RFC 3339.

    ``shared_group`` is the workers' group on a broker that shares; an older API names none.
    """

    client_id: str
    username: str
    password: str
    expires_at: str
    server_time: str
    mqtts_url: str
    shared_group: Annotated[str, msgspec.Meta(pattern=r"^[^/+#]+$")] = "ingest"

    @property
    def life_s(self) -> float:
        """How long the token lives from when it was issued, in seconds."""
        return (parse_time(self.expires_at) - parse_time(self.server_time)).total_seconds()


def service_key(private_file: Path, public_dir: Path) -> Ed25519PrivateKey:
    """
    Return the worker's key, made at the first start, and make sure that its public half lies in *public_dir*.

    Raises:
        ConfigError: A file cannot be read or written, or is no Ed25519 key.
    """
    fresh = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        key = load_pem_private_key(create_private(private_file, fresh), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{private_file} holds no Ed25519 key; move it away and start again.")
        public = json.dumps(public_jwk(key)).encode() + b"\n"
        public_file = public_dir / f"{SERVICE}.jwk.json"
        if not public_file.exists() or public_file.read_bytes() != public:
            write_private(public_file, public)
    except (OSError, ValueError) as error:
        raise ConfigError(f"The worker's key in {private_file} cannot be used: {error}.") from error
    return key


def public_jwk(key: Ed25519PrivateKey) -> dict[str, Any]:
    """Return the public half of *key* as a JWK."""
    found: dict[str, Any] = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    found.pop("key_ops", None)
    return {**found, "use": "sig", "alg": "EdDSA"}


class TokenSource:
    """Asks the API for broker tokens."""

    def __init__(self, *, api_url: str, key: Ed25519PrivateKey, instance: str, ca_file: Path) -> None:
        """Take the API's address (https, or http on loopback), the worker's key and its instance's name."""
        self._url = f"{api_url}/api/v1/services/token"
        self._secure = api_url.startswith("https:")
        self._key = key
        self._instance = instance
        self._ca_file = ca_file

    async def fetch(self) -> Grant:
        """
        Return a new token.

        Raises:
            TokenUnavailable: The API or its database is away, does not know the key yet, or answers nonsense.
        """
        try:
            async with httpx.AsyncClient(timeout=10, trust_env=False, verify=self._trust()) as client:
                answer = await client.post(self._url, json={"assertion": self._assertion()})
        except (httpx.HTTPError, OSError) as error:
            raise TokenUnavailable(f"the API cannot be reached: {type(error).__name__} {error}".strip()) from error
        if not answer.is_success:
            raise TokenUnavailable(f"the API answered {answer.status_code} {_problem(answer)}".strip())
        try:
            grant = msgspec.json.decode(answer.content, type=Grant)
            if grant.life_s <= 0:
                raise TokenUnavailable("the API answered with a token that has expired")
        except (msgspec.MsgspecError, UnicodeDecodeError, ContractError) as error:
            raise TokenUnavailable(f"the API's answer cannot be read: {error}") from error
        return grant

    def _trust(self) -> ssl.SSLContext | bool:
        """Trust the system's authorities and, when it is there, the project's own."""
        if not self._secure:
            return True
        context = ssl.create_default_context()
        if self._ca_file.exists():
            context.load_verify_locations(self._ca_file)
        return context

    def _assertion(self) -> str:
        now = int(time.time())
        subject = f"service:{SERVICE}"
        claims = {
            "iss": subject,
            "sub": subject,
            "aud": "pulse-api",
            "iat": now,
            "exp": now + ASSERTION_LIFE_S,
            "jti": str(uuid.uuid4()),
            "instance": self._instance,
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")


def _problem(answer: httpx.Response) -> str:
    """Return the title of an RFC 9457 problem, or nothing."""
    try:
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return str(found.get("detail") or found.get("title") or "")[:200]
