"""What a client with a valid token may send and receive, and that nothing else gets through."""

from __future__ import annotations

import json

from pulse_acl.emit.jwt_claim import DENY_ALL, to_claim
from pulse_acl.payloads import AuditRecord, decode
from pulse_acl.rules import Action, Rule
from pulse_broker.messages import Message
from support.decision_cases import DecisionCase, decision_cases
from support.mqtt_client import PUBCOMP, MqttClient, packet
from support.tokens import TokenMint

REFUSED = 0x80
WATCHER = (Rule(Action.SUBSCRIBE, "#"),)
ANYTHING = (Rule(Action.PUBLISH, "#", retain=True), Rule(Action.SUBSCRIBE, "#"))


def identity(mint: TokenMint, rules: tuple[Rule, ...], client_id: str = "int:1") -> tuple[str, str, str]:
    return client_id, f"integration:{client_id[4:]}", mint.token(client_id, f"integration:{client_id[4:]}", rules)


async def test_rights_refused_publish_is_acknowledged_counted_and_goes_nowhere(bench) -> None:
    watcher = await bench.join(identity(bench.mint, WATCHER))
    assert await watcher.subscribe("#") == [1]
    device = await bench.join(bench.mint.device("D1"))
    for topic in ("telemetry/D2/live", "archive/D1/receipt", "audit/command", "command/D1/reload", "$SYS/x", "nowhere"):
        await device.publish(topic, b"refused")
    await device.publish("telemetry/D1/live", b"retained", retain=True)
    await device.publish("telemetry/D1/live", b"marker")
    await watcher.expect_payloads(b"marker")
    assert bench.running.metrics.value("publishes_refused_total", reason="denied") == 7
    assert len(bench.logged("connection.publish_refused", client_id="D1")) == 7


async def test_rights_refused_retained_publish_is_not_stored(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("telemetry/D1/live", b"not kept", retain=True)
    await device.publish("heartbeat/D2", b"not kept", retain=True)
    await device.publish("heartbeat/D1", b"kept", retain=True)
    watcher = await bench.join(identity(bench.mint, WATCHER))
    await watcher.subscribe("#")
    message = await watcher.expect()
    assert (message.payload, message.retain) == (b"kept", True)
    await watcher.ping()
    assert bench.running.metrics.value("retained_messages") == 1


async def test_rights_nobody_but_the_broker_publishes_the_audit_or_dollar_topics(bench) -> None:
    watcher = await bench.join(bench.mint.user("ann"))
    await watcher.subscribe("audit/command")
    anything = await bench.join(identity(bench.mint, (*ANYTHING, Rule(Action.PUBLISH, "$SYS/#"))))
    assert await anything.subscribe("$SYS/#") == [REFUSED]
    await anything.publish("audit/command", b"forged")
    await anything.publish("$SYS/forged", b"forged")
    await anything.publish("command/D1/reload", b"{}")
    message = await watcher.expect()
    assert decode(AuditRecord, message.payload).topic == "command/D1/reload"


async def test_rights_refused_filters_get_0x80_beside_granted_ones(bench) -> None:
    viewer = await bench.join(bench.mint.user("ann", "VIEWER"))
    asked = ("telemetry/+/live", "telemetry/#", "#", "+/+/live", "archive/D1/receipt", "heartbeat/#", "heartbeat/+")
    assert await viewer.subscribe(*asked) == [1, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, 1]
    assert bench.running.metrics.value("subscriptions_refused_total", reason="denied") == 5
    assert len(bench.logged("connection.subscription_refused", username="user:ann")) == 5


async def test_rights_malformed_and_shared_filters_are_refused(bench) -> None:
    anything = await bench.join(identity(bench.mint, ANYTHING))
    asked = ("a/#/b", "a+", "", "$share/g/a", "$queue/a", "a/" * 200)
    assert await anything.subscribe(*asked) == [REFUSED] * 6
    assert await anything.subscribe("a/#") == [1]


async def test_rights_client_gets_no_retained_message_of_somebody_elses_subscription(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.publish("heartbeat/D1", b"retained", retain=True)
    worker = await bench.join(bench.mint.ingest())
    await worker.subscribe("heartbeat/+")
    assert (await worker.expect()).retain
    stranger = await bench.join(bench.mint.device("D2"), clean=False)
    await stranger.subscribe("archive/D2/receipt", "heartbeat/D1", "heartbeat/+")
    await worker.publish("archive/D2/receipt", b"marker")
    await stranger.expect_payloads(b"marker")


async def test_rights_message_that_was_not_subscribed_to_is_dropped_whatever_the_hub_hands_over(bench) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.subscribe("command/D1/reload")
    session = bench.running.sessions.get("D1")
    for topic in ("archive/D1/receipt", "archive/D2/receipt", "command/D1/force_sync"):
        session.deliver(Message(topic, b"not asked for", 1))
    session.granted["archive/D2/receipt"] = 1
    session.access.granted_changed()
    session.deliver(Message("archive/D2/receipt", b"not allowed", 1))
    session.deliver(Message("command/D1/reload", b"marker", 1))
    await device.expect_payloads(b"marker")
    assert bench.running.metrics.value("deliveries_dropped_total", reason="not_allowed") == 4


async def test_rights_deny_rule_for_one_topic_holds_inside_a_wider_subscription(bench) -> None:
    claim = [
        {"permission": "deny", "action": "subscribe", "topic": "heartbeat/D2"},
        *to_claim((Rule(Action.SUBSCRIBE, "heartbeat/#"),)),
    ]
    token = bench.mint.token("int:1", "integration:x", acl=claim)
    watcher = await bench.join(("int:1", "integration:x", token))
    assert await watcher.subscribe("heartbeat/#") == [1]
    for name in ("D2", "D1"):
        device = await bench.join(bench.mint.device(name))
        await device.publish(f"heartbeat/{name}", name)
    await watcher.expect_payloads(b"D1")


async def test_rights_empty_claim_allows_nothing(bench) -> None:
    client = await bench.join(("int:1", "integration:x", bench.mint.token("int:1", "integration:x", acl=[DENY_ALL])))
    assert await client.subscribe("#", "a", "heartbeat/+") == [REFUSED] * 3
    await client.publish("a", b"x")


async def test_rights_delivery_has_the_lower_of_both_qos(bench) -> None:
    anything = await bench.join(identity(bench.mint, ANYTHING))
    assert await anything.subscribe("zero", qos=0) == [0]
    assert await anything.subscribe("one", qos=1) == [1]
    assert await anything.subscribe("two", qos=2) == [1]
    for topic in ("zero", "one", "two"):
        for qos in (0, 1):
            await anything.publish(topic, b"", qos=qos)
    found = [await anything.expect() for _ in range(6)]
    assert sorted((message.topic, message.qos) for message in found) == [
        ("one", 0),
        ("one", 1),
        ("two", 0),
        ("two", 1),
        ("zero", 0),
        ("zero", 0),
    ]


async def test_rights_qos_2_publish_is_taken_once_until_its_release(bench) -> None:
    anything = await bench.join(identity(bench.mint, ANYTHING))
    await anything.subscribe("a")
    repeated = b"\x34\x06\x00\x01a\x00\x07x"
    for data in (repeated, repeated):
        await anything.send(data)
        assert await anything.answer(5) == b"\x00\x07"
    await anything.send(packet(0x62, b"\x00\x07"))
    assert await anything.answer(PUBCOMP) == b"\x00\x07"
    await anything.publish("a", b"marker")
    await anything.expect_payloads(b"x", b"marker")


async def test_audit_accepted_command_is_attested_with_the_tokens_principal(bench) -> None:
    ann_id, username, token = bench.mint.user("ann")
    ann, worker = await bench.join((ann_id, username, token)), await bench.join(bench.mint.ingest())
    device = await bench.join(bench.mint.device("D1"))
    await worker.subscribe("audit/command")
    await device.publish("command/D1/result", b"{}")
    await device.publish("command/D2/force_sync", b"refused")
    await ann.publish("command/D1/force_sync", json.dumps({"issued_by": "somebody else"}))
    message = await worker.expect()
    record = decode(AuditRecord, message.payload)
    assert message.qos == 1
    assert (record.username, record.client_id, record.topic) == (username, ann_id, "command/D1/force_sync")
    assert json.loads(record.payload) == {"issued_by": "somebody else"}


async def test_broker_decides_as_the_table_says(bench) -> None:
    watcher = await bench.join(identity(bench.mint, WATCHER, "int:watcher"))
    await watcher.subscribe("#")
    marker = await bench.join(identity(bench.mint, ANYTHING, "int:marker"))
    wrong, clients = [], {}
    cases = [case for case in decision_cases() if not case.malformed]
    for case in cases:
        who = case.principal
        if case.name not in clients:
            token = bench.mint.token(who.client_id, who.username, who.rules)
            clients[case.name] = await bench.join((who.client_id, who.username, token))
        decided = await _decided(case, clients[case.name], watcher, marker)
        if decided != (case.is_allowed and not _kept_back(case)):
            wrong.append(str(case))
    assert not wrong
    assert len(cases) > 100


async def _decided(case: DecisionCase, subject: MqttClient, watcher: MqttClient, marker: MqttClient) -> bool:
    """Ask the broker."""
    if case.action is Action.SUBSCRIBE:
        granted = await subject.subscribe(case.topic) == [1]
        await subject.unsubscribe(case.topic)
        return granted
    await subject.publish(case.topic, b"case", retain=case.retain)
    await marker.publish("marker", b"marker")
    first = await watcher.expect()
    if first.payload == b"case":
        while (await watcher.expect()).topic != "marker":  # a command is followed by its audit
            continue
    return first.payload == b"case"


def _kept_back(case: DecisionCase) -> bool:
    """What the embedded broker lets no client do, whatever its token says."""
    if case.action is Action.SUBSCRIBE:
        return case.topic.startswith(("$share/", "$queue/"))
    return case.topic.startswith("$") or case.topic == "audit/command"


async def test_rights_command_cannot_escape_the_audit_by_its_size(bench) -> None:
    watcher, operator = await bench.join(bench.mint.user("ann")), await bench.join(bench.mint.user("eve", "OPERATOR"))
    await watcher.subscribe("audit/command")
    await operator.publish("command/D1/force_sync", b'{"args": {"x": "' + b"\x01" * 250_000 + b'"}}')
    record = decode(AuditRecord, (await watcher.expect()).payload)
    assert (record.username, record.topic) == ("user:eve", "command/D1/force_sync")
