"""The bounds: time until CONNECT, keepalive, sizes, queues, and broken packets."""

from __future__ import annotations

import asyncio

import pytest

from pulse_acl.rules import Action, Rule
from pulse_broker.gate import CONNECT_WITHIN_S, MAX_AWAITING_CONNECT
from pulse_broker.log_limit import MOST_LINES
from pulse_broker.packets import MAX_FILTERS
from pulse_broker.sessions import MAX_SESSIONS_OF_ONE, MAX_SUBSCRIPTIONS
from support.mqtt_client import PINGRESP, connect_packet, packet, publish_packet, text
from support.waiting import eventually

ANYTHING = (Rule(Action.PUBLISH, "#", retain=True), Rule(Action.SUBSCRIBE, "#"))


async def anything(bench, client_id: str = "int:1", **options: object):
    token = bench.mint.token(client_id, "integration:x", ANYTHING)
    return await bench.join((client_id, "integration:x", token), **options)


async def one_ended(bench, reason: str) -> None:
    """Wait until the broker counts a connection that it ended; its client may see the end before."""
    await eventually(
        lambda: bench.running.metrics.value("connections_ended_total", reason=reason) == 1,
        what=f"one connection is counted as ended by {reason}",
    )


async def test_gate_socket_without_connect_is_closed_after_five_seconds(bench) -> None:
    started = asyncio.get_running_loop().time()
    silent, slow = await bench.open(), await bench.open_ws()
    await slow.send(connect_packet(*bench.mint.device("D1"))[:20])
    await silent.expect_closed(CONNECT_WITHIN_S + 5)
    await slow.expect_closed()
    assert asyncio.get_running_loop().time() - started >= CONNECT_WITHIN_S
    assert bench.refused("no_connect") == 2


async def test_gate_connections_that_await_connect_are_bounded(bench) -> None:
    bench.running.gate._max_awaiting = 2
    first, second = await bench.open(), await bench.open()
    await eventually(lambda: bench.running.gate._awaiting == 2, what="both await CONNECT")
    third = await bench.open()
    await third.expect_closed()
    assert bench.refused("too_many_awaiting") == 1
    assert (first.is_closed, second.is_closed) == (False, False)
    assert MAX_AWAITING_CONNECT >= 100


async def test_connection_is_closed_after_one_and_a_half_keepalives(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    started = asyncio.get_running_loop().time()
    device = await bench.join(bench.mint.device("D1"), keepalive=1)
    await device.expect_closed()
    assert asyncio.get_running_loop().time() - started >= 1.5
    await one_ended(bench, "keepalive")
    await worker.ping()


async def test_connection_that_only_dribbles_bytes_is_no_sign_of_life(bench) -> None:
    device = await bench.join(bench.mint.device("D1"), keepalive=1)
    message = publish_packet("telemetry/D1/live", b"x" * 100)
    for byte in message:
        if device.is_closed:
            break
        await device.send(bytes([byte]))
        try:
            await device.expect_closed(0.1)
        except TimeoutError:
            continue
    assert device.is_closed


@pytest.mark.parametrize(
    "data",
    [
        connect_packet("D1", None, None),
        b"\x00\x00",
        b"\xf0\x00",
        b"\x20\x02\x00\x00",
        b"\x36\x07\x00\x01a\x00\x01xy",
        publish_packet("a/+", b""),
        publish_packet("", b""),
        publish_packet("a", b"", packet_id=0),
        packet(0x30, b"\x00\x05a"),
        packet(0x30, b"\x00\x02\xff\xfe"),
        packet(0x30, text("a\x00b")),
        packet(0x82, b"\x00\x01"),
        packet(0x80, b"\x00\x01" + text("a") + b"\x01"),
        packet(0x82, b"\x00\x01" + text("a") + b"\x03"),
        packet(0xA2, b"\x00\x01"),
        packet(0x40, b"\x00"),
        b"\x30\xff\xff\xff\xff\x01",
        b"\x30\x81\x80\x40",
    ],
    ids=lambda data: data[:12].hex(),
)
async def test_connection_broken_packet_ends_only_its_sender(bench, data) -> None:
    other = await bench.join(bench.mint.ingest())
    client = await anything(bench)
    await client.send(data)
    await client.expect_closed()
    await other.ping()
    await one_ended(bench, "protocol")


async def test_connection_packet_of_a_megabyte_passes_and_a_larger_one_ends_its_sender(bench) -> None:
    client, watcher = await anything(bench), await anything(bench, "int:2")
    await watcher.subscribe("a")
    most = 1024 * 1024 - len(text("a")) - 2
    await client.publish("a", b"x" * most)
    assert len((await watcher.expect()).payload) == most
    await client.send(publish_packet("a", b"x" * (most + 1))[:64])
    await client.expect_closed()


async def test_connection_large_frames_over_websockets_are_bounded(bench) -> None:
    client = await bench.open_ws()
    token = bench.mint.token("int:1", "integration:x", ANYTHING)
    assert await client.connect("int:1", "integration:x", token) == (0, False)
    await client.send(b"\xc0\x00" * (1024 * 1024))
    await client.expect_closed()


async def test_connection_slow_consumer_is_cut_off_and_others_go_on(bench) -> None:
    token = bench.mint.token("int:slow", "integration:x", ANYTHING)
    slow = await bench.open(acknowledge=False)
    assert (await slow.connect("int:slow", "integration:x", token))[0] == 0
    await slow.subscribe("bulk")
    slow._task.cancel()  # from here on it reads nothing
    fast = await anything(bench, "int:fast")
    await fast.subscribe("bulk")
    publisher = await anything(bench, "int:publisher")
    payload = b"x" * 500_000
    sent = 0
    while not bench.running.metrics.value("connections_ended_total", reason="slow_consumer"):
        await publisher.publish("bulk", payload)
        assert (await fast.expect()).payload == payload
        sent += 1
        assert sent < 200
    await eventually(lambda: bench.running.sessions.get("int:slow") is None, what="its session is dropped")
    await eventually(lambda: bench.running.sessions.budget.used == 0, what="no queue holds anything")


async def test_session_offline_queue_is_bounded_and_drops_the_oldest(bench) -> None:
    token = bench.mint.token("int:1", "integration:x", ANYTHING)
    away = await bench.join(("int:1", "integration:x", token), clean=False)
    await away.subscribe("bulk")
    await away.disconnect()
    session = bench.running.sessions.get("int:1")
    session.queue._max_queued = 10
    publisher = await anything(bench, "int:publisher")
    for number in range(15):
        await publisher.publish("bulk", str(number))
    away = await bench.join(("int:1", "integration:x", token), clean=False)
    await away.expect_payloads(*(str(number).encode() for number in range(5, 15)))
    assert bench.running.metrics.value("deliveries_dropped_total", reason="queue_full") == 5


async def test_session_number_of_subscriptions_is_bounded(bench) -> None:
    client = await anything(bench)
    for number in range(0, MAX_SUBSCRIPTIONS, 100):
        assert await client.subscribe(*(f"a/{index}" for index in range(number, number + 100))) == [1] * 100
    assert await client.subscribe("one/more", "a/1") == [0x80, 1]


@pytest.mark.parametrize("first", [0x82, 0xA2], ids=["subscribe", "unsubscribe"])
async def test_connection_number_of_filters_in_one_packet_is_bounded(bench, first) -> None:
    client, other = await anything(bench), await anything(bench, "int:2")
    one = text("a") + (b"\x00" if first == 0x82 else b"")
    await client.send(packet(first, b"\x00\x01" + one * (MAX_FILTERS + 1)))
    await client.expect_closed()
    await one_ended(bench, "protocol")
    assert await other.subscribe(*["a"] * MAX_FILTERS) == [1] * MAX_FILTERS


async def test_connection_same_filter_again_and_again_brings_a_retained_message_once(bench) -> None:
    client = await anything(bench)
    await client.publish("a", b"kept", retain=True)
    await client.subscribe(*["a"] * 100)
    await client.publish("a", b"marker")
    await client.expect_payloads(b"kept", b"marker")


async def test_connection_endless_refusals_are_counted_but_not_all_logged(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.send(publish_packet("telemetry/D2/live", b"", qos=0) * 1_000)
    await device.ping()
    assert bench.running.metrics.value("publishes_refused_total", reason="denied") == 1_000
    assert len(bench.logged("connection.publish_refused")) == MOST_LINES


async def test_connection_flood_of_one_client_does_not_hold_up_others(bench) -> None:
    device, flooder = await bench.join(bench.mint.device("D1")), await bench.open_ws()
    assert await flooder.connect(*bench.mint.device("D2")) == (0, False)
    await flooder.send(b"\xc0\x00" * 500_000)
    await flooder.answer(PINGRESP)  # it is being served
    await device.ping()
    assert flooder._others.qsize() < 400_000


async def test_connection_long_topics_are_refused_and_not_kept_in_memory(bench) -> None:
    client = await anything(bench)
    long = "a/" + "x" * 60_000
    assert await client.subscribe(long, "a/#") == [0x80, 1]
    await client.publish(long, b"refused")
    await client.publish("a/b", b"marker")
    await client.expect_payloads(b"marker")
    assert all(len(str(line)) < 2_000 for line in bench.logs)


async def test_session_one_user_name_cannot_take_all_sessions(bench) -> None:
    for _ in range(MAX_SESSIONS_OF_ONE):
        await (await bench.join(bench.mint.user("eve"), clean=False)).disconnect()
    late = await bench.open()
    assert await late.connect(*bench.mint.user("eve")) == (3, False)
    await bench.join(bench.mint.user("ann"))


async def test_session_all_queues_full_costs_the_fattest_queue_and_nobody_else(bench) -> None:
    hoarder = await anything(bench, "int:hoarder", clean=False)
    await hoarder.subscribe("bulk")
    await hoarder.disconnect()
    bench.running.sessions.budget.limit = 1_000_000
    watcher, publisher = await anything(bench, "int:watcher"), await anything(bench, "int:publisher")
    await watcher.subscribe("bulk")
    for number in range(30):
        await publisher.publish("bulk", bytes([number]) * 100_000)
        assert (await watcher.expect()).payload[:1] == bytes([number])
    await watcher.ping()
    assert bench.running.metrics.value("connections_ended_total", reason="slow_consumer") == 0
    assert bench.running.sessions.get("int:hoarder").dropped >= 9


async def test_hub_forgets_filters_that_nobody_has_any_more(bench) -> None:
    client = await anything(bench)
    for number in range(50):
        await client.subscribe(f"a/{number}")
        await client.unsubscribe(f"a/{number}")
    other = await anything(bench, "int:2")
    await other.subscribe("b/1")
    await other.disconnect()
    link = bench.running.sessions.get("int:1").link
    await eventually(lambda: not link._broker.subscriptions, what="no filter is left")


async def test_retained_store_full_refuses_new_topics_and_says_so(bench) -> None:
    bench.running.retained._max_messages = 2
    client = await anything(bench)
    for topic in ("a", "b", "c", "a"):
        await client.publish(topic, b"new", retain=True)
    assert bench.running.metrics.value("publishes_refused_total", reason="retained_full") == 1
    assert len(bench.running.retained) == 2
    await client.publish("a", b"", retain=True)
    assert len(bench.running.retained) == 1
