"""What the worker is measured against: a gmqtt subscriber that throws away, and one that stores each message alone."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import asyncpg
import gmqtt
import msgspec
from gmqtt.mqtt.constants import MQTTv50, MQTTv311

Token = tuple[str, str, str]  # client id, user name, password
_INSERT = """INSERT INTO telemetry_data
(client_id, stream, sequence_no, metric_key, metric_value, metric_long, metric_bool, recorded_at, received_at)
SELECT $1, $2, $3, key, double, long, flag, $8::timestamptz, now()
FROM unnest($4::text[], $5::float8[], $6::bigint[], $7::boolean[]) AS metric (key, double, long, flag)"""


def throw_away(pipe: Connection, port: int, ca_file: str, count: int, token: Token | None = None) -> None:
    """Count *count* messages of QoS 1 over TLS and send the time of the last; a child's work."""

    async def work() -> None:
        done = asyncio.Event()
        seen = 0

        def on_message(*_: object) -> None:  # no coroutine: gmqtt would make a task of each message
            nonlocal seen
            seen += 1
            if seen == count:
                done.set()

        client = await _subscribed(port, ca_file, on_message, optimistic=True, token=token)
        pipe.send("ready")
        await done.wait()
        pipe.send(time.monotonic())
        await client.disconnect()

    asyncio.run(work())


def insert_each(pipe: Connection, port: int, ca_file: str, count: int, database: dict[str, str]) -> None:
    """Store each of *count* messages in a transaction of its own, then acknowledge it; a child's work."""

    async def work() -> None:
        conn = await asyncpg.connect(**database)
        insert = await conn.prepare(_INSERT)
        waiting: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue()

        async def on_message(_client: Any, _topic: str, payload: bytes, *_: object) -> int:
            stored = asyncio.get_running_loop().create_future()
            waiting.put_nowait((payload, stored))
            await stored
            return 0

        client = await _subscribed(port, ca_file, on_message, optimistic=False)
        pipe.send("ready")
        for _ in range(count):
            payload, stored = await waiting.get()
            await insert.fetch(*_arguments(payload))
            stored.set_result(None)
        pipe.send(time.monotonic())
        await client.disconnect()
        await conn.close()

    asyncio.run(work())


async def _subscribed(port: int, ca_file: str, on_message: Any, *, optimistic: bool, token: Token | None = None) -> Any:
    logging.getLogger("gmqtt").setLevel(logging.CRITICAL)  # it complains of the end, which is wanted
    client_id, username, password = token or (f"bench-{time.monotonic_ns()}", "bench", "")
    client: Any = gmqtt.Client(client_id, optimistic_acknowledgement=optimistic)
    client.set_auth_credentials(username, password)
    version = MQTTv311 if token else MQTTv50  # tokens are for the embedded broker
    granted = asyncio.Event()
    client.on_message = on_message
    client.on_subscribe = lambda *_: granted.set()
    await client.connect("127.0.0.1", port, ssl=ssl.create_default_context(cafile=ca_file), version=version)
    client.subscribe("telemetry/+/live", qos=1)
    await asyncio.wait_for(granted.wait(), 10)
    return client


def _arguments(payload: bytes) -> list[Any]:
    reading = msgspec.json.decode(payload)
    values = list(reading["metrics"].values())
    return [
        reading["client_id"],
        UUID(reading["stream"]),
        reading["sequence_no"],
        list(reading["metrics"]),
        [value if isinstance(value, float) else None for value in values],
        [value if type(value) is int else None for value in values],
        [value if isinstance(value, bool) else None for value in values],
        datetime.fromisoformat(reading["timestamp"]),
    ]
