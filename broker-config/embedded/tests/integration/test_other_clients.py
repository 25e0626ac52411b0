"""One ordinary round trip of each client library that the parts use, over TLS and over WebSockets."""

from __future__ import annotations

import asyncio
import ssl

import gmqtt
import paho.mqtt.client as paho
import pytest

from support.mqtt_client import trusting

WITHIN_S = 10.0


def paho_client(bench, transport: str, identity: tuple[str, str, str]) -> paho.Client:
    client_id, username, token = identity
    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id, clean_session=False, protocol=paho.MQTTv311, transport=transport
    )
    client.username_pw_set(username, token)
    if transport == "tcp":
        client.tls_set_context(trusting(bench.settings.ca_file))
    else:
        client.ws_set_options(path="/mqtt")
    return client


@pytest.mark.parametrize("transport", ["tcp", "websockets"])
async def test_paho_publishes_and_receives_with_a_persistent_session(bench, transport) -> None:
    loop, received = asyncio.get_running_loop(), asyncio.Queue()
    client = paho_client(bench, transport, bench.mint.device("D1"))
    client.on_connect = lambda *_: client.subscribe([("archive/D1/receipt", 1), ("system/+/+/status", 1)])
    client.on_subscribe = lambda _c, _u, _m, codes, _p: loop.call_soon_threadsafe(
        received.put_nowait, [code.value for code in codes]
    )
    client.on_message = lambda _c, _u, message: loop.call_soon_threadsafe(received.put_nowait, message.payload)
    port = bench.running.mqtts_port if transport == "tcp" else bench.running.ws_port
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("telemetry/+/live")
    await asyncio.to_thread(client.connect, "127.0.0.1", port)
    client.loop_start()
    try:
        async with asyncio.timeout(WITHIN_S):
            assert await received.get() == [1, 1]
            sent = client.publish("telemetry/D1/live", b"up", qos=1)
            await worker.expect_payloads(b"up")
            await asyncio.to_thread(sent.wait_for_publish, WITHIN_S)
            await worker.publish("archive/D1/receipt", b"down")
            assert await received.get() == b"down"
    finally:
        client.disconnect()
        await asyncio.to_thread(client.loop_stop)


async def test_gmqtt_publishes_and_receives_with_a_persistent_session(bench) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()
    subscribed = asyncio.Event()
    client_id, username, token = bench.mint.ingest()
    client = gmqtt.Client(client_id, clean_session=False)
    client.set_auth_credentials(username, token)
    client.on_connect = lambda c, *_: c.subscribe("telemetry/+/live", qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _c, _t, payload, *_: received.put_nowait(payload)
    context: ssl.SSLContext = trusting(bench.settings.ca_file)
    async with asyncio.timeout(WITHIN_S):
        await client.connect("127.0.0.1", bench.running.mqtts_port, ssl=context, version=gmqtt.constants.MQTTv311)
        await subscribed.wait()
        device = await bench.join(bench.mint.device("D1"))
        await device.subscribe("archive/D1/receipt")
        await device.publish("telemetry/D1/live", b"up")
        assert await received.get() == b"up"
        client.publish("archive/D1/receipt", b"down", qos=1)
        await device.expect_payloads(b"down")
        await client.disconnect()


async def test_gmqtt_and_paho_talk_over_the_broker(bench) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()
    subscribed = asyncio.Event()
    worker = gmqtt.Client(bench.mint.ingest()[0], clean_session=True)
    worker.set_auth_credentials("service:ingest", bench.mint.ingest()[2])
    worker.on_connect = lambda c, *_: c.subscribe("telemetry/+/live", qos=1)
    worker.on_subscribe = lambda *_: subscribed.set()
    worker.on_message = lambda _c, _t, payload, *_: received.put_nowait(payload)
    device = paho_client(bench, "websockets", bench.mint.device("D1"))
    async with asyncio.timeout(WITHIN_S):
        await worker.connect(
            "127.0.0.1",
            bench.running.mqtts_port,
            ssl=trusting(bench.settings.ca_file),
            version=gmqtt.constants.MQTTv311,
        )
        await subscribed.wait()
        await asyncio.to_thread(device.connect, "127.0.0.1", bench.running.ws_port)
        device.loop_start()
        try:
            device.publish("telemetry/D1/live", b"hello", qos=1)
            assert await received.get() == b"hello"
        finally:
            device.disconnect()
            await asyncio.to_thread(device.loop_stop)
        await worker.disconnect()
