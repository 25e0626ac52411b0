"""What the cases are played with: clients with tokens of any kind, an observer with all rights, the REST interface."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx

from support.mqtt_client import PUBCOMP, MqttClient, Received, packet, publish_packet
from support.tokens import TokenMint

ALL = [{"permission": "allow", "action": "all", "topic": "#"}]
CLOSED = {"closed": True}


def allow(*topics: str, action: str = "all", **more: Any) -> list[dict[str, Any]]:
    """Return a claim with one allow rule for each topic."""
    return [{"permission": "allow", "action": action, "topic": topic, **more} for topic in topics]


class Play:
    """Plays cases on one running broker (``bench``: that of the broker's own tests)."""

    def __init__(self, bench: Any, at_home: Callable[..., AbstractAsyncContextManager[Any]], folder: Path) -> None:
        self.bench = bench
        self._at_home, self._folder = at_home, folder
        self._numbers = itertools.count(1)
        self._clients: list[MqttClient] = []

    async def finish(self) -> None:
        """Drop every connection of the case before."""
        for client in self._clients:
            await client.close()
        self._clients.clear()

    def name(self, prefix: str = "n") -> str:
        """Return a client id that nobody has used."""
        return f"{prefix}-{next(self._numbers)}"

    def token(self, client_id: str, username: str = "u", acl: Any = (), /, **claims: Any) -> str:
        """Return a good token with the *acl* claim as given; see ``TokenMint.claims`` for the others."""
        return str(
            self.bench.mint.token(client_id, username, acl=list(acl) if isinstance(acl, tuple) else acl, **claims)
        )

    async def open(self, *, ws: bool = False, acknowledge: bool = True) -> MqttClient:
        """Open a connection without CONNECT."""
        found: MqttClient = await (self.bench.open_ws() if ws else self.bench.open(acknowledge=acknowledge))
        self._clients.append(found)
        return found

    async def knock(self, client_id: str, username: str | None, password: Any, /, **options: Any) -> int:
        """Connect and return CONNACK's code (-1: closed without one); a refusal has to close the connection."""
        client = await self.open(ws=options.pop("ws", False))
        try:
            code, _ = await client.connect(client_id, username, password, **options)
        except ConnectionError:
            return -1
        if code:
            await client.expect_closed()
        return code

    async def join(
        self,
        acl: Any = (),
        /,
        client_id: str | None = None,
        username: str | None = None,
        *,
        acknowledge: bool = True,
        **options: Any,
    ) -> MqttClient:
        """Return a client that was let in; ``claims`` among *options* are the token's."""
        client_id = client_id or self.name()
        username = client_id if username is None else username  # the broker bounds the sessions of one user name
        token = self.token(client_id, username, acl, **options.pop("claims", {}))
        client = await self.open(ws=options.pop("ws", False), acknowledge=acknowledge)
        code, present = await client.connect(client_id, username, token, **options)
        if code:
            raise RefusedError(code)
        client.session_present = int(present)  # type: ignore[attr-defined]
        return client

    async def observer(self, *filters: str) -> MqttClient:
        """Return a subscriber with all rights."""
        client = await self.join(ALL)
        await client.subscribe(*(filters or ("#",)))
        await self.seen(client)
        return client

    async def seen(self, client: MqttClient) -> list[Received]:
        """Return what *client* was handed until now; it has to be subscribed to everything, or to ``marker``."""
        mark = self.name("mark")
        other = await self.join(allow("marker"), ws=True)
        await other.publish("marker", mark)
        await other.disconnect()
        found = []
        while (message := await client.expect()).payload != mark.encode():
            if message.topic != "marker":
                found.append(message)
        return found

    async def routed(self, observer: MqttClient) -> list[list[Any]]:
        """Return what *observer* was handed until now as the table writes it."""
        return [[one.topic, one.qos, int(one.retain)] for one in await self.seen(observer)]

    async def told(self, observer: MqttClient) -> list[list[Any]]:
        """Return the same with payloads."""
        return [[one.topic, one.qos, int(one.retain), one.payload.decode()] for one in await self.seen(observer)]

    @contextlib.asynccontextmanager
    async def bench_without_keys(self) -> AsyncIterator[Play]:
        """Give a play on another broker, whose key set is not there."""
        async with self._at_home(self._folder / "bare", TokenMint()) as bench:
            yield Play(bench, self._at_home, self._folder / "more")

    async def restarted(self) -> dict[str, Any]:
        """Leave a session, a retained message and a ban on a broker of its own, start it anew, and look."""
        home, rules = self._folder / "restarted", allow("rs/#")
        async with self._at_home(home) as bench:
            play, mint = Play(bench, self._at_home, home), bench.mint
            client = await play.join(rules, client_id="away", clean=False)
            await client.subscribe("rs/#")
            await client.disconnect()
            await publish(await play.join(ALL), "rs/r", "kept", retain=True)
            async with play.rest() as rest:
                await rest.post("/api/v5/banned", json={"as": "clientid", "who": "rsban"})
        async with self._at_home(home, mint) as bench:
            play = Play(bench, self._at_home, home)
            client = await play.join([*rules, *allow("marker")], client_id="away", clean=False)
            await client.subscribe("marker")
            present = client.session_present  # type: ignore[attr-defined]
            delivered = [one.payload.decode() for one in await play.seen(client)]
            async with play.rest() as rest:
                banned = [one["who"] for one in (await rest.get("/api/v5/banned")).json()["data"]]
            kept = [message.topic for message in bench.running.retained.matching("rs/#")]
        return {"v4": {"session present": present, "delivered": delivered}, "retained": kept, "banned": banned}

    def rest(self, *, key: tuple[str, str] | str | None = "right") -> httpx.AsyncClient:
        """Return a client of the REST interface."""
        own, _, secret = self.bench.settings.management_key_file.read_text().strip().partition(":")
        auth = (own, secret) if key == "right" else key
        base = f"http://127.0.0.1:{self.bench.running.api_port}"
        return httpx.AsyncClient(base_url=base, auth=auth, trust_env=False)  # type: ignore[arg-type]


class RefusedError(Exception):
    """CONNACK refused; ``code`` is its code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"CONNACK {code}")
        self.code = code


async def publish(client: MqttClient, topic: str, payload: str = "x", *, qos: int = 1, retain: bool = False) -> Any:
    """Publish and return the answer as the table writes it."""
    if qos == 0:
        await client.send(publish_packet(topic, payload.encode(), qos=0, retain=retain))
        await client.ping()
        return {"qos0": "alive"}
    try:
        await client.publish(topic, payload, qos=qos, retain=retain)
        if qos == 1:
            return {"puback": 0}
        await client.send(packet(0x62, b"\x00\x01"))
        await client.answer(PUBCOMP)
    except ConnectionError:
        return CLOSED
    return {"pubrec": 0, "pubcomp": 0}


async def subscribe(client: MqttClient, *filters: str, qos: int = 1) -> Any:
    """Subscribe and return the answer as the table writes it."""
    try:
        return {"suback": await client.subscribe(*filters, qos=qos)}
    except ConnectionError:
        return CLOSED


async def alive(client: MqttClient) -> str:
    """Return ``alive`` for a connection that answers."""
    await client.ping()
    return "alive"


async def ends(client: MqttClient, within_s: float = 5.0) -> dict[str, bool]:
    """Wait for the broker's end of the connection."""
    await client.expect_closed(within_s)
    return CLOSED


def segment(found: dict[str, Any]) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(found).encode()).rstrip(b"=").decode()
