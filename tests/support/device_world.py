"""
A world for one real device: the real broker, a small API that gives tokens, and an archive that a test commands.

The archive keeps what it is sent in memory and answers with receipts; it can also be silent, or lie. It shares no
code with the worker.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import paho.mqtt.client as mqtt

from support.processes import Program, free_ports, program
from support.tokens import TokenMint
from support.waiting import until

PORTS = ("PULSE_MQTT_WS_PORT", "PULSE_MQTTS_PORT", "PULSE_MQTT_WSS_PORT", "PULSE_BROKER_API_PORT")


def text_time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TokenApi:
    """The three calls that a device makes, on a loopback port. Its behaviour is what its attributes say."""

    def __init__(self, mint: TokenMint, ca_file: Path, mqtts_url: Callable[[], str]) -> None:
        self.mint, self.ca_file, self.mqtts_url = mint, ca_file, mqtts_url
        self.code = "WRONG"
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.life_s = 3600.0
        self.tokens: list[str] = []
        self.enrolled: dict[str, dict[str, Any]] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = self.path == "/.well-known/pulse-ca.pem"
                self._answer(200 if found else 404, api.ca_file.read_bytes() if found else b"{}")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = api.answer(self.path, body)
                self._answer(status, json.dumps(answer).encode())

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response_only(status)
                self.send_header("Date", self.date_time_string(api.now().timestamp()))
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.refusal is not None:
            return self.refusal
        if path == "/api/v1/devices/enroll":
            return self._enroll(body)
        return self._token(body)

    def _enroll(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["code"] != self.code:
            return 403, {"type": "urn:pulse:problem:code-refused", "detail": "The code is not good (any more)."}
        key = jwt.PyJWK({**body["signing_key"], "alg": "EdDSA"})
        signed = json.loads(jwt.api_jws.decode(body["proof"], key, algorithms=["EdDSA"]))
        assert signed == {name: value for name, value in body.items() if name != "proof"}
        self.enrolled[body["client_id"]] = body
        return 201, {
            "client_id": body["client_id"],
            "server_keys": {"sync_signing": {"kty": "OKP"}, "sync_encryption": {"kty": "OKP"}},
            "broker": {"mqtts_url": self.mqtts_url(), "wss_url": None},
            "ca_pem": self.ca_file.read_text(),
            "server_time": text_time(self.now()),
        }

    def _token(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        client_id = jwt.decode(body["assertion"], options={"verify_signature": False})["iss"]
        key = jwt.PyJWK({**self.enrolled[client_id]["signing_key"], "alg": "EdDSA"})
        claims = jwt.decode(
            body["assertion"],
            key,
            algorithms=["EdDSA"],
            audience="pulse-api",
            options={"verify_exp": False, "verify_iat": False},
        )
        now = self.now().timestamp()
        if not now - 10 <= claims["exp"] <= now + 70:
            return 401, {"type": "urn:pulse:problem:clock-skew", "detail": "The clocks differ."}
        real_end = int(time.time() + self.life_s)
        _, username, token = self.mint.device(client_id, exp=real_end)
        self.tokens.append(token)
        return 201, {
            "client_id": client_id,
            "username": username,
            "password": token,
            "expires_at": text_time(self.now() + timedelta(seconds=self.life_s)),
            "server_time": text_time(self.now()),
            "mqtts_url": self.mqtts_url(),
        }


class FakeArchive:
    """
    An ingest worker in memory. ``kept``: (stream, number) to metrics as received first; ``copies``: how often each
    came. ``answers``: whether it sends receipts; ``heartbeats``: all of them, newest last.
    """

    def __init__(self, mint: TokenMint, port: int, ca_file: Path, instance: str = "1") -> None:
        self.instance = instance
        self.kept: dict[tuple[str, int], dict[str, Any]] = {}
        self.copies: dict[tuple[str, int], int] = {}
        self.rejects: Callable[[str, int], str | None] = lambda _stream, _number: None
        self.answers = True
        self.lost: set[tuple[str, int]] = set()
        self.order: list[tuple[str, str, list[int]]] = []
        self.heartbeats: list[dict[str, Any]] = []
        self.live: list[dict[str, Any]] = []
        client_id, username, token = mint.ingest(instance)
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id, clean_session=False)
        self._client.username_pw_set(username, token)
        self._client.tls_set_context(ssl.create_default_context(cafile=str(ca_file)))
        self._client.on_connect, self._client.on_message = self._on_connect, self._on_message
        self._client.on_subscribe = lambda *_: self.ready.set()
        self._client.reconnect_delay_set(1, 1)
        self.ready = threading.Event()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self.ready.wait(10), "the archive is not subscribed"

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def tell(self, client_id: str, receipt: dict[str, Any] | bytes) -> None:
        """Publish any receipt, true or not."""
        payload = receipt if isinstance(receipt, bytes) else json.dumps(receipt).encode()
        self._client.publish(f"archive/{client_id}/receipt", payload, qos=1).wait_for_publish(5)

    def say(self, status: str, database: str = "ok", started_at: str = "2026-01-01T00:00:00.000Z") -> None:
        """Publish a service status."""
        fields = {"service": "ingest", "instance": self.instance, "status": status, "checks": {"database": database}}
        payload = json.dumps({**fields, "started_at": started_at, "at": text_time(datetime.now(UTC))})
        topic = f"system/ingest/{self.instance}/status"
        self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(5)

    def numbers(self, stream: str) -> list[int]:
        """Return the archived numbers of a stream."""
        return sorted(number for name, number in list(self.kept) if name == stream)

    def streams(self) -> list[str]:
        return sorted({name for name, _ in list(self.kept)})

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([("telemetry/+/live", 1), ("telemetry/+/buffered", 1), ("heartbeat/+", 1)])

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        kind, device, *_ = message.topic.split("/")
        payload = json.loads(message.payload)
        if kind == "heartbeat":
            self.heartbeats.append(payload)
            return
        is_live = message.topic.endswith("/live")
        if is_live:
            self.live.append(payload)
        readings = [payload] if is_live else payload["readings"]
        self.order.append((message.topic.rsplit("/", 1)[1], payload["stream"], [r["sequence_no"] for r in readings]))
        if self.answers:
            lost = payload.get("lost", [])
            self.lost |= {(payload["stream"], n) for first, last in lost for n in range(first, last + 1)}
            self.tell_later(device, {**self._archive(device, payload["stream"], readings), "lost": lost})

    def tell_later(self, device: str, receipt: dict[str, Any]) -> None:
        self._client.publish(f"archive/{device}/receipt", json.dumps(receipt).encode(), qos=1)

    def _archive(self, device: str, stream: str, readings: list[dict[str, Any]]) -> dict[str, Any]:
        archived, rejected = [], []
        for reading in readings:
            key = (stream, reading["sequence_no"])
            reason = self.rejects(*key)
            if reason is not None:
                rejected.append({"sequence_no": key[1], "reason": reason})
                continue
            self.copies[key] = self.copies.get(key, 0) + 1
            self.kept.setdefault(key, reading["metrics"])
            archived.append([key[1], key[1]])
        return {
            "client_id": device,
            "stream": stream,
            "archived": archived,
            "rejected": rejected,
            "lost": [],
            "wanted_since": None,
            "at": text_time(datetime.now(UTC)),
        }


class World:
    """Broker, API and home of one test; devices and archives are started by the test."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.mint = TokenMint()
        self.mint.write_jwks(home / "keys" / "jwks.json")
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.mqtts_port = self.ports["PULSE_MQTTS_PORT"]
        self.variables = {"PULSE_HOME": str(home), **{name: str(port) for name, port in self.ports.items()}}
        self.broker = Program("broker", [program("pulse-broker")], self.variables, home / "broker.log")
        self.api = TokenApi(self.mint, home / "ca.pem", lambda: f"mqtts://127.0.0.1:{self.mqtts_port}")
        self.programs = [self.broker]
        self.archives: list[FakeArchive] = []

    def start_broker(self) -> None:
        self.broker.start()
        until(self._broker_answers, within_s=15, what=f"the broker listens: {self.broker.tail()}")

    def _broker_answers(self) -> bool:
        import socket

        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.mqtts_port), 1):
            return (self.home / "ca.pem").exists()
        return False

    def archive(self, instance: str = "1") -> FakeArchive:
        made = FakeArchive(self.mint, self.mqtts_port, self.home / "ca.pem", instance)
        self.archives.append(made)
        return made

    def code(self) -> str:
        """Return a code that the API takes, with the right fingerprint."""
        import base64
        import hashlib

        der = ssl.PEM_cert_to_DER_cert((self.home / "ca.pem").read_text())
        mark = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
        self.api.code = f"MFRGGZDFMZTWQ2LKNNWG23TPOA.{mark}"
        return self.api.code

    def enroll(self, client_id: str, *options: str) -> Path:
        """Enroll a device by its command and return its folder."""
        file = self.home / "code"
        file.write_text(self.code())
        command = [program("pulse-desktop"), "enroll", "--client-id", client_id, "--api", self.api.url]
        done = Program(
            "enroll", [*command, "--code-file", str(file), *options], self.variables, self.home / "enroll.log"
        )
        done.start()
        assert done.process is not None
        assert done.process.wait(20) == 0, done.tail()
        return self.home / "devices" / client_id

    def device(self, client_id: str, *options: str, variables: dict[str, str] | None = None) -> Program:
        """Return a device's program, not started."""
        command = [program("pulse-desktop"), "--headless", "--client-id", client_id, *options]
        made = Program(client_id, command, {**self.variables, **(variables or {})}, self.home / f"{client_id}.log")
        self.programs.append(made)
        return made

    def close(self) -> None:
        for archive in self.archives:
            archive.close()
        for one in reversed(self.programs):
            if one.running:
                one.stop()
        self.api.close()


@contextlib.contextmanager
def device_world(home: Path) -> Iterator[World]:
    """Give a world whose broker runs."""
    world = World(home)
    try:
        world.start_broker()
        yield world
    finally:
        world.close()
