"""The API and a real broker together: revoking a device reaches its connection, and enrolling again frees it."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pulse_auth.clock import system_clock
from pulse_auth.domain.presence.link import Credentials, Link, LinkRefusedError, Retained, open_link
from support.processes import until


@pytest.fixture
async def api(broker: Any, start: Any, clock: Any) -> Any:
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


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def enroll(api: Any, signing: Ed25519PrivateKey) -> None:
    encryption = X25519PrivateKey.generate()
    code = (await api.client.post("/api/v1/devices/enrollment-codes", json={"client_id": "D1"})).json()["code"]
    body = {
        "code": code,
        "client_id": "D1",
        "signing_key": {"kty": "OKP", "crv": "Ed25519", "x": b64(signing.public_key().public_bytes_raw())},
        "encryption_key": {"kty": "OKP", "crv": "X25519", "x": b64(encryption.public_key().public_bytes_raw())},
    }
    proof = jwt.PyJWS().encode(json.dumps(body).encode(), signing, algorithm="EdDSA")
    answer = await api.client.post("/api/v1/devices/enroll", json={**body, "proof": proof})
    assert answer.status_code == 201, answer.text


async def ask_token(api: Any, signing: Ed25519PrivateKey) -> Any:
    now = int(api.clock().timestamp())
    claims = {"iss": "D1", "sub": "D1", "aud": "pulse-api", "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    assertion = jwt.encode(claims, signing, algorithm="EdDSA")
    return await api.client.post("/api/v1/devices/token", json={"assertion": assertion})


async def connect(api: Any, token: dict[str, Any]) -> Link:
    who = Credentials(token["client_id"], token["username"], token["password"])
    will = Retained("heartbeat/D1", b'{"client_id":"D1","status":"OFFLINE"}')
    return await open_link(token["mqtts_url"], api.settings.ca_file, who, will)


async def test_revoked_device_is_cut_within_2_s_and_its_token_is_refused_after_a_broker_restart(
    api: Any, broker: Any
) -> None:
    signing = Ed25519PrivateKey.generate()
    await enroll(api, signing)
    token = (await ask_token(api, signing)).json()
    link = await connect(api, token)
    assert (await api.client.delete("/api/v1/devices/D1")).status_code == 204
    await asyncio.wait_for(link.lost.wait(), 2)
    await link.close()
    with pytest.raises(LinkRefusedError):
        await connect(api, token)
    await asyncio.to_thread(broker.program.stop)
    await asyncio.to_thread(broker.start)
    with pytest.raises(LinkRefusedError):
        await connect(api, token)


async def test_device_enrolled_again_is_let_in_when_its_old_tokens_have_run_out(api: Any, broker: Any) -> None:
    first, second = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    await enroll(api, first)
    old = (await ask_token(api, first)).json()
    await enroll(api, second)
    with pytest.raises(LinkRefusedError):
        await connect(api, old)
    assert (await ask_token(api, second)).status_code == 409
    api.clock.move(3_601)
    await api.sign_in()
    await enroll(api, second)
    link = await connect(api, (await ask_token(api, second)).json())
    await link.close()


async def test_readiness_and_metrics_tell_of_the_broker(api: Any, broker: Any) -> None:
    def told() -> Any:
        return asyncio.run_coroutine_threadsafe(api.client.get("/readyz"), loop).result(5).json()["checks"]["broker"]

    loop = asyncio.get_running_loop()
    await asyncio.to_thread(until, lambda: told() == "ok", within_s=10, what="the broker has us")
    assert "pulse_broker_connected 1.0" in (await api.client.get("/metrics")).text
    await asyncio.to_thread(broker.program.kill9)
    await asyncio.to_thread(until, lambda: told() == "away", within_s=10, what="the broker is away")
    answer = await api.client.get("/readyz")
    assert answer.status_code == 200, "the API itself goes on without the broker"
    assert "pulse_broker_connected 0.0" in (await api.client.get("/metrics")).text
