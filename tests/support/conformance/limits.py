"""Chapters "queues, paho cross-check, websocket, limits", restart, retainer and listeners."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from typing import Any

import paho.mqtt.client as paho

from support.conformance.connecting import signed_by_a_stranger
from support.conformance.play import ALL, Play, alive, allow, ends, publish, subscribe
from support.conformance.sessions import SOON_S
from support.conformance.table import Case
from support.mqtt_client import publish_packet, trusting

QUEUED, UNANSWERED, RETAINED, IN_A_ROW = 1_500, 100, 4_000, 400
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


async def offline_queue(play: Play, _: Case) -> Any:
    """Queue 1,500 messages for a session that is away."""
    name, rules = play.name(), allow("off/#", "marker")
    first = await play.join(rules, client_id=name, clean=False)
    await first.subscribe("off/#", "marker")
    await first.disconnect()
    sender = await play.join(ALL)
    for number in range(QUEUED):
        await publish(sender, "off/1", str(number))
    found = [int(one.payload) for one in await play.seen(await play.join(rules, client_id=name, clean=False))]
    ends_at = [found[0], found[-1]]
    return {
        "publisher pubacks": {"0": QUEUED},
        "delivered": len(found),
        "first..last": ends_at,
        "in order": found == sorted(found),
    }


async def never_acknowledged(play: Play, _: Case) -> Any:
    """Receive 100 messages, acknowledge none, come back."""
    name, rules = play.name(), allow("una/#")
    first = await play.join(rules, client_id=name, clean=False, acknowledge=False)
    await first.subscribe("una/#")
    sender = await play.join(ALL)
    for number in range(UNANSWERED):
        await publish(sender, "una/1", str(number))
    at_first = [await first.expect() for _ in range(UNANSWERED)]
    await first.close()
    again = await play.join(rules, client_id=name, clean=False)
    found = [await again.expect() for _ in range(UNANSWERED)]
    return {
        "received at first": len(at_first),
        "after reconnect": len(found),
        "dup flags after reconnect": sum(one.dup for one in found),
        "first after reconnect": [[int(found[0].payload), int(found[0].dup)]],
    }


async def paho_client(play: Play, case: Case) -> Any:
    """Let paho-mqtt connect, publish and subscribe."""
    name = play.name("paho")
    left_s = -1 if case.name.endswith("expired token") else SOON_S if "while connected" in case.name else 900
    claims = {"exp": int(time.time() + left_s)}
    token = play.token(name, name, allow("ok/#", action="publish"), **claims)
    if "bad signature" in case.name:
        token = signed_by_a_stranger(play)
    found: dict[str, Any] = {}
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv311, reconnect_on_failure=False)
    client.username_pw_set(name, token)
    client.tls_set_context(trusting(play.bench.settings.ca_file))

    def connected(_c: Any, _d: Any, _f: Any, code: Any, _p: Any) -> None:
        found["connack"] = f"{code} ({code.value})"
        if "topic" in case.name or "publish" in case.name:
            client.publish("no/1" if "denied topic" in case.name else "ok/1", b"x", qos=1)

    def published(_c: Any, _d: Any, _m: int, code: Any, _p: Any) -> None:
        found["puback"] = f"{code} ({code.value})"
        client.subscribe("no/#", 1)

    def subscribed(_c: Any, _d: Any, _m: int, codes: Any, _p: Any) -> None:
        found["suback"] = [f"{code} ({code.value})" for code in codes]
        client.disconnect()

    def disconnected(_c: Any, _d: Any, flags: Any, code: Any, _p: Any) -> None:
        found["disconnect"] = f"{code} ({code.value}) from_server={flags.is_disconnect_packet_from_server}"
        loop.call_soon_threadsafe(ended.set)

    client.on_connect, client.on_publish = connected, published
    client.on_subscribe, client.on_disconnect = subscribed, disconnected
    await asyncio.to_thread(client.connect, "127.0.0.1", play.bench.running.mqtts_port)
    client.loop_start()
    try:
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        await asyncio.to_thread(client.loop_stop)
    return found


async def upgrade(play: Play, case: Case) -> Any:
    """Ask for a WebSocket by hand."""
    wss = case.name.startswith("WSS")
    asked = "path /mqtt, subprotocol mqtt" if wss else case.config
    path = re.match(r"path (\S+?)(?:,|$)", asked)
    protocol = re.search(r"subprotocol (\S+)$", asked)
    more = [] if asked == "no subprotocol" else [f"Sec-WebSocket-Protocol: {protocol[1] if protocol else 'mqtt'}"]
    more += [asked.replace("Origin ", "Origin: ")] if asked.startswith("Origin") else []
    request = UPGRADE.format(path=path[1] if path else "/mqtt", more="".join(f"{line}\r\n" for line in more))
    port = play.bench.running.wss_port if wss else play.bench.running.ws_port
    context = trusting(play.bench.settings.ca_file) if wss else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(request.encode())
        async with asyncio.timeout(5):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    finally:
        writer.close()
    shown = [line.lower() for line in lines if line.lower().startswith("sec-websocket-protocol")]
    return lines[0] if wss else [lines[0], *shown]


async def large_token(play: Play, case: Case) -> Any:
    """Connect with many rules and publish where the last of them allows it."""
    count = int(re.findall(r"\d+", case.name)[0])
    topics = [f"telemetry/device-{number:06}/longer/topic/level" for number in range(count)]
    client = await play.join(allow(*topics, action="publish"))
    return {"connack": 0, "publish to the last rule": await publish(client, topics[-1])}


async def keepalive(play: Play, _: Case) -> Any:
    """Be silent."""
    began = time.monotonic()
    client = await play.join(keepalive=2)
    return {"saw": await ends(client), "after s": float(int(time.monotonic() - began))}


async def large_publish(play: Play, _: Case) -> Any:
    """Send a packet of more than a megabyte."""
    client = await play.join(ALL)
    await client.send(publish_packet("a", b"x" * (1024 * 1024 + 1))[:65_536])
    return await ends(client)


async def deep_topic(play: Play, case: Case) -> Any:
    """Publish on a topic of many levels."""
    levels = int(re.findall(r"\d+", case.name)[0])
    return await publish(await play.join(ALL), "/".join("a" * levels))


async def in_a_row(play: Play, _: Case) -> Any:
    """Connect again and again under one client id, each time without a word at the end."""
    name, codes = play.name(), {}
    token = play.token(name, name, [])
    for _ in range(IN_A_ROW):
        client = await play.open(ws=True)
        code, _present = await client.connect(name, name, token)
        codes[str(code)] = codes.get(str(code), 0) + 1
        await client.close()
    return codes


async def restart(play: Play, case: Case) -> Any:
    """Stop the broker and start it again with the same folder."""
    found = await play.restarted()
    return {"retained after restart": found["retained"]} if "retainer" in case.name else found


async def many_retained(play: Play, _: Case) -> Any:
    """Retain on 4,000 topics as fast as possible."""
    client = await play.join(ALL)
    await client.send(
        b"".join(publish_packet(f"many/{number}", b"x", qos=0, retain=True) for number in range(RETAINED))
    )
    await client.ping()
    stored = sum(1 for _ in play.bench.running.retained.matching("many/#"))
    await client.send(b"".join(publish_packet(f"many/{number}", b"", qos=0, retain=True) for number in range(RETAINED)))
    await client.ping()
    return {"all stored": stored == RETAINED}


async def tls_listener(play: Play, _: Case) -> Any:
    """Connect over TLS."""
    name = play.name()
    context = trusting(play.bench.settings.ca_file)
    assert context.verify_mode is ssl.CERT_REQUIRED
    return await play.knock(name, name, play.token(name, name, []))


async def broker_figures(play: Play, _: Case) -> Any:
    """Subscribe to the broker's own figures with a rule for them."""
    client = await play.join(allow("$SYS/#", action="subscribe"))
    found = {"suback": await subscribe(client, "$SYS/#")}
    assert await alive(client)
    return found


RUNS = {
    "offline persistent session": offline_queue,
    "subscriber that never sends PUBACK": never_acknowledged,
    "paho-mqtt 2.2": paho_client,
    "WebSocket upgrade": upgrade,
    "WSS listener": upgrade,
    "token with 50": large_token,
    "keep-alive 2 s": keepalive,
    "PUBLISH larger than": large_publish,
    "PUBLISH topic of": deep_topic,
    "400 connects in a row": in_a_row,
    "node restart (graceful stop": restart,
    "node restart with retainer": restart,
    "4000 retained": many_retained,
    "TLS listener": tls_listener,
    "$SYS messages": broker_figures,
}
