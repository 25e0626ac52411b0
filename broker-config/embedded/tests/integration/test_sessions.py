"""Sessions: take-over, persistence, wills, and what their ends leave behind."""

from __future__ import annotations

import asyncio

from pulse_acl.rules import Action, Rule, device_rules
from support.mqtt_client import Will
from support.waiting import eventually


async def test_sessions_second_connection_of_a_client_id_ends_the_first_before_it_is_answered(bench) -> None:
    identity = bench.mint.device("D1")
    first = await bench.join(identity)
    second = await bench.join(identity)
    await first.expect_closed()
    assert bench.running.metrics.value("connections") == 1
    await second.ping()


async def test_sessions_clean_take_over_leaves_one_that_publishes(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("telemetry/+/live")
    identity = bench.mint.device("D1")
    first, second = await bench.join(identity), await bench.join(identity)
    await first.expect_closed()
    await second.publish("telemetry/D1/live", b"second")
    await worker.expect_payloads(b"second")


async def test_sessions_persistent_take_over_goes_on_receiving(bench) -> None:
    identity = bench.mint.device("D1")
    first = await bench.join(identity, clean=False)
    await first.subscribe("archive/D1/receipt")
    second = await bench.open()
    assert await second.connect(*identity, clean=False) == (0, True)
    await first.expect_closed()
    worker = await bench.join(bench.mint.ingest())
    await worker.publish("archive/D1/receipt", b"after")
    await second.expect_payloads(b"after")


async def test_sessions_many_take_overs_at_once_leave_exactly_one(bench) -> None:
    identity = bench.mint.device("D1")
    clients = [await bench.open() for _ in range(20)]
    answers = await asyncio.gather(
        *(client.connect(*identity, clean=False) for client in clients), return_exceptions=True
    )
    assert [answer[0] for answer in answers if isinstance(answer, tuple)].count(0) >= 1
    await eventually(lambda: [client.is_closed for client in clients].count(False) == 1, what="all but one are closed")
    assert bench.running.metrics.value("connections") == 1


async def test_sessions_messages_wait_for_a_persistent_session_in_order(bench) -> None:
    identity = bench.mint.ingest()
    worker = await bench.join(identity, clean=False)
    await worker.subscribe("telemetry/+/live")
    await worker.disconnect()
    device = await bench.join(bench.mint.device("D1"))
    for number in range(50):
        await device.publish("telemetry/D1/live", str(number))
    worker = await bench.open()
    assert await worker.connect(*identity, clean=False) == (0, True)
    found = await worker.expect_payloads(*(str(number).encode() for number in range(50)))
    assert not any(message.retain or message.dup for message in found)


async def test_sessions_unacknowledged_message_is_sent_again_with_dup_after_any_time(bench) -> None:
    identity = bench.mint.ingest()
    worker = await bench.join(identity, acknowledge=False, clean=False)
    await worker.subscribe("telemetry/+/live")
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("telemetry/D1/live", b"one")
    first = await worker.expect()
    await worker.close()
    worker = await bench.join(identity, clean=False)
    again = await worker.expect()
    assert (again.payload, again.dup, again.packet_id) == (b"one", True, first.packet_id)
    await worker.ping()  # the acknowledgement went before it
    await worker.disconnect()
    worker = await bench.join(identity, clean=False)
    await device.publish("telemetry/D1/live", b"two")
    await worker.expect_payloads(b"two")


async def test_sessions_slow_acknowledgement_loses_nothing_while_connected(bench) -> None:
    """amqtt gives an unacknowledged message up after 5 s; here the window just stays open."""
    worker = await bench.join(bench.mint.ingest(), acknowledge=False)
    await worker.subscribe("telemetry/+/live")
    device = await bench.join(bench.mint.device("D1"))
    for number in range(1_100):
        await device.publish("telemetry/D1/live", str(number))
    taken = [await worker.expect() for _ in range(1_000)]
    await worker.ping()
    for message in taken:
        await worker.acknowledge(message.packet_id)
    await worker.expect_payloads(*(str(number).encode() for number in range(1_000, 1_100)))


async def test_sessions_clean_connect_wipes_ones_own_session(bench) -> None:
    identity = bench.mint.device("D1")
    device = await bench.join(identity, clean=False)
    await device.subscribe("archive/D1/receipt")
    await device.disconnect()
    device = await bench.join(identity, clean=True)
    await device.disconnect()
    device = await bench.open()
    assert await device.connect(*identity, clean=False) == (0, False)
    worker = await bench.join(bench.mint.ingest())
    await worker.publish("archive/D1/receipt", b"nobody asked")
    await device.subscribe("command/D1/reload")
    admin = await bench.join(bench.mint.user("ann"))
    await admin.publish("command/D1/reload", b"marker")
    await device.expect_payloads(b"marker")


async def test_sessions_of_another_user_under_the_same_client_id_are_not_inherited(bench) -> None:
    rules = (Rule(Action.SUBSCRIBE, "telemetry/+/live"),)
    first = await bench.join(("int:1", "integration:a", bench.mint.token("int:1", "integration:a", rules)), clean=False)
    await first.subscribe("telemetry/+/live")
    await first.disconnect()
    second = await bench.open()
    token = bench.mint.token("int:1", "integration:b", rules)
    assert await second.connect("int:1", "integration:b", token, clean=False) == (0, False)


async def test_sessions_unsubscribed_filter_delivers_no_more_and_leaves_no_trace(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("telemetry/+/live", "heartbeat/+")
    await worker.unsubscribe("telemetry/+/live", "never/asked")
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("telemetry/D1/live", b"no more")
    await device.publish("heartbeat/D1", b"marker")
    await worker.expect_payloads(b"marker")


async def test_sessions_will_is_published_when_the_link_breaks_and_not_after_a_disconnect(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("heartbeat/+")
    will = Will("heartbeat/D1", b"offline", retain=True)
    device = await bench.join(bench.mint.device("D1"), will=will)
    await device.close()
    await worker.expect_payloads(b"offline")
    device = await bench.join(bench.mint.device("D2"), will=Will("heartbeat/D2", b"never"))
    await device.disconnect()
    device = await bench.join(bench.mint.device("D3"))
    await device.publish("heartbeat/D3", b"marker")
    await worker.expect_payloads(b"marker")
    late = await bench.join(bench.mint.user("ann"))
    await late.subscribe("heartbeat/+")
    assert (await late.expect()).payload == b"offline"


async def test_sessions_will_of_an_expired_token_is_not_published(bench) -> None:
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("heartbeat/+")
    expires_at = int(bench.clock()) + 3
    device = await bench.join(bench.mint.device("D1", exp=expires_at), will=Will("heartbeat/D1", b"never"))
    await device.expect_closed()
    assert bench.clock() > expires_at - 0.05
    other = await bench.join(bench.mint.device("D2"))
    await other.publish("heartbeat/D2", b"marker")
    await worker.expect_payloads(b"marker")
    assert bench.running.metrics.value("connections_ended_total", reason="expired") == 1


async def test_sessions_token_that_expired_during_a_suspend_is_cut_at_the_next_packet(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    bench.clock.ahead_s = 3_600
    await device.send(b"\xc0\x00")
    await device.expect_closed()


async def test_sessions_token_that_expired_during_a_suspend_receives_nothing(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.subscribe("archive/D1/receipt")
    far = int(bench.clock()) + 90_000
    worker = await bench.join(bench.mint.ingest(exp=far))
    bench.clock.ahead_s = 3_600
    await worker.publish("archive/D1/receipt", b"too late")
    await device.expect_closed()


async def test_sessions_left_alone_too_long_are_dropped(bench) -> None:
    device = await bench.join(bench.mint.device("D1"), clean=False)
    await device.disconnect()
    session = bench.running.sessions.get("D1")
    await eventually(lambda: session.connection is None, what="the broker has let the connection go")
    await bench.running.sessions.sweep()
    assert bench.running.sessions.get("D1") is session
    bench.clock.ahead_s = 2 * 3_600 + 1
    await bench.running.sessions.sweep()
    assert bench.running.sessions.get("D1") is None


async def test_sessions_narrower_token_gets_neither_queued_nor_live_messages_any_more(bench) -> None:
    client_id, username, wide = bench.mint.user("ann", client_id="web:1")
    browser = await bench.join((client_id, username, wide), clean=False)
    await browser.subscribe("audit/command", "telemetry/+/live")
    await browser.disconnect()
    admin = await bench.join(bench.mint.user("root"))
    await admin.publish("command/D1/reload", b"{}")
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("telemetry/D1/live", b"one")
    narrow = bench.mint.token(
        client_id, username, (Rule(Action.SUBSCRIBE, "telemetry/D1/live"), Rule(Action.SUBSCRIBE, "telemetry/+/live"))
    )
    browser = await bench.open()
    assert await browser.connect(client_id, username, narrow, clean=False) == (0, True)
    await admin.publish("command/D1/reload", b"{}")
    await device.publish("telemetry/D1/live", b"two")
    await browser.expect_payloads(b"one", b"two")
    assert bench.running.metrics.value("deliveries_dropped_total", reason="not_allowed") == 2


async def test_sessions_hub_failure_ends_the_connection_and_the_client_begins_anew(bench) -> None:
    bench.expected_errors.add("hub.link_lost")
    identity = bench.mint.device("D1")
    device = await bench.join(identity, clean=False)
    session = bench.running.sessions.get("D1")
    assert session is not None
    assert session.link is not None
    session.link._reader.feed_eof()  # as if amqtt had dropped it
    await device.expect_closed()
    device = await bench.open()
    assert await device.connect(*identity, clean=False) == (0, False)
    assert await device.subscribe("archive/D1/receipt") == [1]
    assert device_rules("D1")
