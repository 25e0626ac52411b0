"""The API and a real broker together: revoking a device reaches its connection, and enrolling again frees it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pulse_auth.domain.presence.link import Credentials, Link, LinkRefusedError, Retained, open_link
from support.device_keys import DeviceKeys
from support.waiting import until


async def enroll(api: Any, keys: DeviceKeys) -> None:
    code = (await api.client.post("/api/v1/devices/enrollment-codes", json={"client_id": "D1"})).json()["code"]
    answer = await api.client.post("/api/v1/devices/enroll", json=keys.enrollment(code))
    assert answer.status_code == 201, answer.text


async def ask_token(api: Any, keys: DeviceKeys) -> Any:
    assertion = keys.assertion(int(api.clock().timestamp()))
    return await api.client.post("/api/v1/devices/token", json={"assertion": assertion})


async def connect(api: Any, token: dict[str, Any]) -> Link:
    who = Credentials(token["client_id"], token["username"], token["password"])
    will = Retained("heartbeat/D1", b'{"client_id":"D1","status":"OFFLINE"}')
    return await open_link(token["mqtts_url"], api.settings.ca_file, who, will)


async def test_revoked_device_is_cut_within_2_s_and_its_token_is_refused_after_a_broker_restart_case_30(
    api: Any, broker: Any
) -> None:
    keys = DeviceKeys("D1")
    await enroll(api, keys)
    token = (await ask_token(api, keys)).json()
    link = await connect(api, token)
    assert (await api.client.delete("/api/v1/devices/D1")).status_code == 200
    await asyncio.wait_for(link.lost.wait(), 2)
    await link.close()
    with pytest.raises(LinkRefusedError):
        await connect(api, token)
    await asyncio.to_thread(broker.program.stop)
    await asyncio.to_thread(broker.start)
    with pytest.raises(LinkRefusedError):
        await connect(api, token)


async def test_device_enrolled_again_is_let_in_when_its_old_tokens_have_run_out(api: Any, broker: Any) -> None:
    first, second = DeviceKeys("D1"), DeviceKeys("D1")
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
