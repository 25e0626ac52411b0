"""Chapter "rest, bans": the management interface, over real HTTP."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from support.conformance.play import ALL, CLOSED, Play, allow, ends, publish
from support.conformance.table import Case, client_fields
from support.mqtt_client import MqttClient, Will

API = "/api/v5"
FOREVER = {"as": "clientid", "who": "forever"}


def _short(answer: httpx.Response) -> dict[str, Any]:
    code = (
        answer.json().get("code") if answer.content and answer.headers["content-type"] == "application/json" else None
    )
    return {"status": answer.status_code} | ({"code": code} if code else {})


async def credentials(play: Play, case: Case) -> Any:
    """Ask without a key, or with a wrong one."""
    key = None if "without" in case.name else ("pulse", "wrong")
    async with play.rest(key=key) as rest:
        return _short(await rest.get(f"{API}/clients"))


async def kick(play: Play, case: Case) -> Any:
    """Kick one client, with and without a will, and let it come back."""
    observer, name = await play.observer(), play.name("kick")
    has_will = "Last-Will" in case.name
    client = await play.join(allow("w/#"), client_id=name, will=Will("w/kick") if has_will else None)
    async with play.rest() as rest:
        answer = await rest.delete(f"{API}/clients/{name}")
    seen = await ends(client)
    if "reconnects at once" in case.name:
        return await play.knock(name, name, play.token(name, name, []))
    if has_will:
        one = await observer.expect()
        will = [[one.topic, one.qos, int(one.retain), one.payload.decode()]]
        return {"http": answer.status_code, "client saw": seen, "will routed": will}
    return {"http": _short(answer), "client saw": seen}


async def unknown_client(play: Play, _: Case) -> Any:
    """Kick a client that is not there."""
    async with play.rest() as rest:
        return _short(await rest.delete(f"{API}/clients/nobody"))


async def bulk_kick(play: Play, _: Case) -> Any:
    """Kick two clients and one that is not there."""
    clients = [await play.join(client_id=name) for name in ("bulk1", "bulk2")]
    async with play.rest() as rest:
        answer = await rest.post(f"{API}/clients/kickout/bulk", json=["bulk1", "bulk2", "nobody"])
    return {"http": _short(answer), "saw": [await ends(client) for client in clients]}


async def one_client(play: Play, _: Case) -> Any:
    """Ask for a connected client."""
    name = play.name()
    client = await play.join(allow("t/#"), client_id=name, username="alice", keepalive=60)
    await client.subscribe("t/#")
    async with play.rest() as rest:
        answer = await rest.get(f"{API}/clients/{name}")
    await client.disconnect()
    return {"status": answer.status_code, "fields": client_fields(answer.json())}


async def clients_of_one(play: Play, _: Case) -> Any:
    """Ask for the clients of one user name."""
    client = await play.join(username="alice")
    async with play.rest() as rest:
        answer = await rest.get(f"{API}/clients", params={"username": "alice"})
    await client.disconnect()
    return {"status": answer.status_code, "meta": answer.json()["meta"]}


async def ban(play: Play, case: Case) -> Any:
    """Ban a connected client, try to come in, lift the ban."""
    kind = case.config["POST /banned"]["as"]
    who, name = ("ban-u", play.name()) if kind == "username" else ("ban-c", "ban-c")
    user, acl = ("ban-u", allow("b/#")) if kind == "username" else (name, allow("b/#"))
    until = (datetime.now(UTC) + timedelta(minutes=1)).isoformat(timespec="seconds")
    body = {
        "as": kind,
        "who": "^banre-.*" if kind == "clientid_re" else who,
        "reason": "test",
        "by": "hub",
        "until": until,
    }
    observer, client = await play.observer(), await play.join(acl, client_id=name, username=user)
    async with play.rest() as rest:
        answer = await rest.post(f"{API}/banned", json=body)
        if answer.status_code != 200:
            await client.disconnect()
            return {"http": _short(answer)}
        already = await _already(play, client, observer, cut=kind == "clientid")
        new = await play.knock(name, user, play.token(name, user, acl))
        old = CLOSED if client.is_closed else "alive"
        lifted = await rest.delete(f"{API}/banned/{kind}/{who}")
        again = await play.knock(name, user, play.token(name, user, acl))
    told = {key: answer.json()[key] for key in ("as", "who", "by", "reason")}
    return {
        "http": {"status": answer.status_code, **told},
        "already connected client": already,
        "new connect": new,
        "old connection after that": old,
        "DELETE /banned/{as}/{who}": _short(lifted),
        "connect after unban": again,
    }


async def _already(play: Play, client: MqttClient, observer: MqttClient, *, cut: bool) -> dict[str, Any]:
    saw = await ends(client) if cut else None
    answer = CLOSED if cut else await publish(client, "b/1")
    return {"saw": saw, "its next publish": answer, "routed": await play.told(observer)}


async def bans_list(play: Play, case: Case) -> Any:
    """Ban without end, twice; list; lift what does not stand."""
    async with play.rest() as rest:
        if case.name == "unban unknown":
            return _short(await rest.delete(f"{API}/banned/clientid/stranger"))
        made = await rest.post(f"{API}/banned", json=FOREVER)
        try:
            if case.name == "ban without until":
                return {"status": made.status_code, "until": made.json()["until"]}
            if case.name == "ban twice":
                return _short(await rest.post(f"{API}/banned", json=FOREVER))
            answer = await rest.get(f"{API}/banned")
            return {"status": answer.status_code, "meta": answer.json()["meta"]}
        finally:
            await rest.delete(f"{API}/banned/clientid/forever")


async def publish_by_rest(play: Play, case: Case) -> Any:
    """Publish through the interface."""
    observer = await play.observer("api/#", "marker")
    body: dict[str, Any] = {"topic": "api/x", "payload": "hello", "qos": 1}
    if "base64" in case.name:
        body |= {"payload": base64.b64encode(b"hello").decode(), "payload_encoding": "base64"}
    if "properties" in case.name:
        body |= case.config
    body |= {"topic": "nobody/x"} if "no subscriber" in case.name else {}
    body |= {"topic": "a/#"} if "wildcard" in case.name else {}
    async with play.rest() as rest:
        answer = await rest.post(f"{API}/publish", json=body)
    if answer.status_code != 200:
        return {"status": answer.status_code, **answer.json()}
    told = [[one.topic, one.payload.decode(), one.qos] for one in await play.seen(observer)]
    return {"status": 200, "delivered": [[topic, {}] for topic, *_ in told] if "properties" in case.name else told}


async def other_path(play: Play, case: Case) -> Any:
    """Ask for a path that this project never asks for."""
    name = play.name()
    client = await play.join(ALL, client_id=name)
    found = re.match(r"(?:REST )?(?:(GET|POST) )?([/\w{}]+)", case.name.replace("dashboard login", "POST /login"))
    assert found is not None
    path = API + found[2].replace("{clientid}", name)
    async with play.rest() as rest:
        answer = await rest.request(found[1], path, json={} if found[1] == "POST" else None)
    await client.disconnect()
    return {"status": answer.status_code}


async def status(play: Play, _: Case) -> Any:
    """Ask without a key whether it runs."""
    async with play.rest(key=None) as rest:
        answer = await rest.get("/status")
    return {"status": answer.status_code, "says that it runs": "is running" in answer.text}


RUNS = {
    "REST without credentials": credentials,
    "REST wrong secret": credentials,
    "REST dashboard login": other_path,
    "kick: DELETE": kick,
    "kick a client with an allowed Last-Will": kick,
    "kicked client reconnects": kick,
    "kick an unknown client": unknown_client,
    "bulk kick": bulk_kick,
    "GET /clients/{clientid}": one_client,
    "GET /clients/{clientid}/": other_path,
    "GET /clients?username": clients_of_one,
    "ban by": ban,
    "ban without until": bans_list,
    "ban twice": bans_list,
    "GET /banned": bans_list,
    "unban unknown": bans_list,
    "POST /publish": publish_by_rest,
    "POST /publish/bulk": other_path,
    "POST /clients/{clientid}/subscribe": other_path,
    "POST /clients/{clientid}/unsubscribe": other_path,
    "GET /nodes": other_path,
    "GET /stats": other_path,
    "GET /authentication/jwt/status": other_path,
    "GET /authorization/settings": other_path,
    "GET /status": status,
    "GET /subscriptions": other_path,
    "GET /topics": other_path,
}
