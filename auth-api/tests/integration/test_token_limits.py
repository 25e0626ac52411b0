"""Rate limits of tokens: so many a minute to one holder; refused assertions lock out their sender and nobody else."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import asyncpg
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pulse_auth.domain.broker_tokens.limits import MOST_A_MINUTE, REFUSED

DEVICE, SERVICE = "/api/v1/devices/token", "/api/v1/services/token"


def slug(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


def assertion(api: Any, issuer: str, key: Ed25519PrivateKey, **more: Any) -> str:
    now = int(api.clock().timestamp())
    claims = {"iss": issuer, "sub": issuer, "aud": "pulse-api", "iat": now, "exp": now + 60, "jti": str(uuid4())}
    return jwt.encode({**claims, **more}, key, algorithm="EdDSA")


@pytest.fixture
async def keys(api: Any) -> dict[str, Ed25519PrivateKey]:
    """Enroll D1 and D2 with keys of their own."""
    made = {name: Ed25519PrivateKey.generate() for name in ("D1", "D2")}
    connection = await asyncpg.connect(api.database.dsn())
    for name, key in made.items():
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        x = jwt.utils.base64url_encode(raw).decode()
        jwk = f'{{"kty": "OKP", "crv": "Ed25519", "x": "{x}"}}'
        await connection.execute(
            "INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ($1, $2, '{}')", name, jwk
        )
    await connection.close()
    return made


async def ask(api: Any, path: str, text: str) -> Any:
    return await api.client.post(path, json={"assertion": text})


async def test_device_with_a_wrong_key_is_locked_out_and_its_neighbour_is_not(api: Any, keys: Any) -> None:
    stranger = Ed25519PrivateKey.generate()
    for _ in range(REFUSED.free + 1):
        assert slug(await ask(api, DEVICE, assertion(api, "D1", stranger))) == (401, "assertion-refused")
    locked = await ask(api, DEVICE, assertion(api, "D1", keys["D1"]))
    assert slug(locked) == (429, "too-many-attempts")
    assert int(locked.headers["retry-after"]) == REFUSED.lock_s
    assert (await ask(api, DEVICE, assertion(api, "D2", keys["D2"]))).status_code == 200
    api.clock.move(REFUSED.lock_s)
    assert (await ask(api, DEVICE, assertion(api, "D1", keys["D1"]))).status_code == 200


@pytest.mark.parametrize("path", [DEVICE, SERVICE])
async def test_names_that_nobody_has_share_one_lock(api: Any, keys: Any, path: str) -> None:
    stranger = Ed25519PrivateKey.generate()
    for number in range(REFUSED.free + 1):
        name = f"D{number}00" if path == DEVICE else f"service:x{number}"
        assert slug(await ask(api, path, assertion(api, name, stranger))) == (401, "assertion-refused")
    assert slug(await ask(api, path, "no JWT at all")) == (429, "too-many-attempts")
    assert (await ask(api, DEVICE, assertion(api, "D2", keys["D2"]))).status_code == 200


async def test_rightly_signed_assertions_with_a_wrong_clock_are_never_locked_out(api: Any, keys: Any) -> None:
    early = int(api.clock().timestamp()) - 3_600
    for _ in range(REFUSED.free + 2):
        late = assertion(api, "D1", keys["D1"], iat=early, exp=early + 60)
        assert slug(await ask(api, DEVICE, late)) == (401, "clock-skew")


async def test_person_gets_so_many_broker_tokens_a_minute(api: Any) -> None:
    await api.sign_in()
    for _ in range(MOST_A_MINUTE):
        assert (await api.client.post("/api/v1/broker/token", json={})).status_code == 200
    refused = await api.client.post("/api/v1/broker/token", json={})
    assert slug(refused) == (429, "too-many-requests")
    assert int(refused.headers["retry-after"]) == 60
    api.clock.move(60)
    assert (await api.client.post("/api/v1/broker/token", json={})).status_code == 200


async def test_device_gets_so_many_tokens_a_minute(api: Any, keys: Any) -> None:
    for _ in range(MOST_A_MINUTE):
        assert (await ask(api, DEVICE, assertion(api, "D1", keys["D1"]))).status_code == 200
    assert slug(await ask(api, DEVICE, assertion(api, "D1", keys["D1"]))) == (429, "too-many-requests")
    assert (await ask(api, DEVICE, assertion(api, "D2", keys["D2"]))).status_code == 200
