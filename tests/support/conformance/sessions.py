"""Chapters on wills, retained messages, take-over, expiry and persistent sessions."""

from __future__ import annotations

import time
from typing import Any

from support.conformance.play import ALL, CLOSED, Play, RefusedError, alive, allow, ends, publish, subscribe
from support.conformance.table import Case
from support.mqtt_client import MqttClient, Will

SOON_S = 2.5  # rounded down to a whole second, so one and a half at least


async def retained(play: Play, _: Case) -> Any:
    """Retain on an allowed and a denied topic, then subscribe late."""
    client = await play.join(allow("ret/#"))
    found: dict[str, Any] = {
        "publish ret/a retained": await publish(client, "ret/a", "r1", retain=True),
        "publish no/ret retained": await publish(client, "no/ret", "r1", retain=True),
    }

    async def late(topic_filter: str, acl: Any) -> Any:
        one = await play.join([*acl, *allow("marker")])
        await one.subscribe("marker")
        answer = await subscribe(one, topic_filter)
        return answer, [[m.topic, int(m.retain), m.payload.decode()] for m in await play.seen(one)]

    found["late subscriber ret/#"] = list(await late("ret/#", allow("ret/#")))
    found["late subscriber no/ret"] = (await late("no/ret", allow("ret/#")))[0]
    found["subscriber whose rules name only ret/b asks ret/#"] = list(await late("ret/#", allow("ret/b")))
    found["$share subscriber gets retained?"] = list(await late("$share/g/ret/#", allow("ret/#")))
    found["retainer holds"] = _held(play)
    found["clear retained by empty payload"] = await publish(client, "ret/a", "", retain=True)
    return found | {"held after clear": _held(play)}


def _held(play: Play) -> list[str]:
    return [message.topic for message in play.bench.running.retained.matching("ret/#")]


async def will(play: Play, case: Case) -> Any:
    """Leave with a will, with or without DISCONNECT."""
    rule: dict[str, Any] = {"action": "publish", "topic": "w/#"}
    given = Will("w/ok", qos=1)
    if "denied" in case.name:
        given = Will("no/will", qos=1)
    elif "retain=false" in case.name:
        rule, given = {"action": "publish", "topic": "w/ok", "retain": False}, Will("w/ok", qos=1, retain=True)
    elif "qos 0" in case.name:
        rule = {"action": "publish", "topic": "w/ok", "qos": 0}
    observer = await play.observer()
    try:
        client = await play.join([{"permission": "allow", **rule}], will=given)
    except RefusedError as refused:
        return {"connack": refused.code}
    await (client.disconnect() if "clean DISCONNECT" in case.name else client.close())
    return {
        "connack": 0,
        "will routed": await _will(play, observer, expected=not case.name.endswith("clean DISCONNECT")),
    }


async def _will(play: Play, observer: MqttClient, *, expected: bool) -> list[list[Any]]:
    """Return what came; a will comes when the broker has noticed the end, so an *expected* one is waited for."""
    if not expected:
        return await play.told(observer)
    one = await observer.expect()
    return [[one.topic, one.qos, int(one.retain), one.payload.decode()], *await play.told(observer)]


async def take_over(play: Play, _: Case) -> Any:
    """Connect again under the same client id."""
    observer, name = await play.observer(), play.name()
    old = await play.join(allow("w/#"), client_id=name, will=Will("w/ok"))
    await play.join(allow("w/#"), client_id=name)
    return {"old connection saw": await ends(old), "will routed": await _will(play, observer, expected=True)}


async def second_connection(play: Play, case: Case) -> Any:
    """Connect again under the same client id with a good or a bad token."""
    name = play.name()
    old = await play.join(client_id=name)
    if "bad token" in case.name:
        return {"new": await play.knock(name, name, "bad"), "old": await alive(old)}
    return {"new": await play.knock(name, name, play.token(name, name, [])), "old saw": await ends(old)}


async def expiry(play: Play, case: Case) -> Any:
    """Stay connected until the token ends."""
    client = await play.join(claims={"exp": int(time.time() + SOON_S)}, ws=case.config.endswith("WebSocket"))
    return {"client saw": await ends(client), "websocket close code": None}


async def expiry_with_will(play: Play, case: Case) -> Any:
    """Stay connected with a will until the token ends."""
    observer = await play.observer()
    superuser = {"is_superuser": True} if "superuser" in case.name else {}
    try:
        client = await play.join(
            allow("w/#"), will=Will("w/ok"), claims={"exp": int(time.time() + SOON_S), **superuser}
        )
    except RefusedError as refused:
        return {"connack": refused.code}
    return {"client saw": await ends(client), "will routed": await play.told(observer)}


async def away_and_back(play: Play, _: Case) -> Any:
    """Miss five messages after the token's end, and come back with a new one."""
    name, rules = play.name(), allow("q/#", "marker")
    first = await play.join(rules, client_id=name, clean=False, claims={"exp": int(time.time() + SOON_S)})
    await first.subscribe("q/#", "marker")
    seen = await ends(first)
    sender = await play.join(ALL)
    for number in range(5):
        await publish(sender, "q/1", str(number))
    again = await play.join(rules, client_id=name, clean=False)
    present = again.session_present  # type: ignore[attr-defined]
    found = [one.payload.decode() for one in await play.seen(again)]
    return {"disconnect": seen, "session present": present, "delivered": found}


async def back_with_less(play: Play, _: Case) -> Any:
    """Come back with a token that no longer allows what the session is subscribed to."""
    name = play.name()
    first = await play.join(allow("q/#", "marker"), client_id=name, clean=False)
    await first.subscribe("q/#", "marker")
    await first.disconnect()
    again = await play.join(allow("marker"), client_id=name, clean=False)
    await publish(await play.join(ALL), "q/1", "leak?")
    found = [[one.topic, one.payload.decode()] for one in await play.seen(again)]
    return {"session present": again.session_present, "delivered": found}  # type: ignore[attr-defined]


async def second_connect_packet(play: Play, _: Case) -> Any:
    """Send CONNECT twice on one connection."""
    name = play.name()
    client = await play.join(client_id=name)
    try:
        code, _present = await client.connect(name, name, play.token(name, name, []))
    except ConnectionError:
        return [0, CLOSED]
    return [0, code]


RUNS = {
    "retained publishes with ACL": retained,
    "Last-Will": will,
    "same client id connects again": take_over,
    "second connection with the same client id": second_connection,
    "token expires while connected": expiry,
    "token expires while connected, client has a Last-Will": expiry_with_will,
    "token expires while connected, Last-Will, superuser": expiry_with_will,
    "persistent session: token expires": away_and_back,
    "persistent session: subscribed": back_with_less,
    "second CONNECT on one connection": second_connect_packet,
}
