"""What ordinary clients do, over every listener."""

from __future__ import annotations

from support.mqtt_client import trusting, ws_client


async def test_broker_device_publishes_over_tls_worker_receives_at_qos_1(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    assert await worker.subscribe("telemetry/+/live", "heartbeat/+") == [1, 1]
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("telemetry/D1/live", b"{}")
    message = await worker.expect()
    assert (message.topic, message.payload, message.qos, message.retain) == ("telemetry/D1/live", b"{}", 1, False)


async def test_broker_clients_on_ws_and_wss_talk_to_each_other(bench) -> None:
    plain = await bench.open_ws(origin="http://127.0.0.1:8080")
    assert await plain.connect(*bench.mint.user("ann")) == (0, False)
    assert await plain.subscribe("telemetry/+/live") == [1]
    url, context = f"wss://127.0.0.1:{bench.running.wss_port}/mqtt", trusting(bench.settings.ca_file)
    async with ws_client(url, context) as secure:
        assert await secure.connect(*bench.mint.device("D1")) == (0, False)
        await secure.publish("telemetry/D1/live", b"1")
        await plain.expect_payloads(b"1")
