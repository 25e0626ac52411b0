"""
EMQX's REST interface over real HTTP, answering as a real one was recorded to (``broker-config/conformance``).

Status codes and bodies are the recorded ones with the names of the request put in; what no case was recorded for is
answered with 404. It keeps bans, as the client reads them back, and notes what it was asked.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from support.conformance.table import cases

API, DEFAULT_LIMIT = "/api/v5", 100
_RECORDED = {(case.name, case.version): case.recorded for case in cases()}
NO_CREDENTIALS = _RECORDED["REST without credentials", "-"]
WRONG_SECRET = _RECORDED["REST wrong secret", "-"]
BANNED = _RECORDED["ban by clientid", "3.1.1"]["http"]
LIFTED = _RECORDED["ban by clientid", "3.1.1"]["DELETE /banned/{as}/{who}"]
BANNED_TWICE = _RECORDED["ban twice", "-"]
BANS = _RECORDED["GET /banned", "-"]
NOT_BANNED = _RECORDED["unban unknown", "-"]
KICKED_MANY = _RECORDED["bulk kick", "-"]["http"]
Answer = dict[str, Any]


class RecordedEmqx:
    """One broker's interface; ``url`` is what ``PULSE_BROKER_API_URL`` would be."""

    def __init__(self, key: str = "pulse:secret", port: int = 0) -> None:
        self.bans: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.connections: list[socket.socket] = []
        #: What to answer instead, as bytes after which the connection is closed.
        self.garbled: bytes | None = None
        self._expected = f"Basic {base64.b64encode(key.encode()).decode()}"
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}{API}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """End the server and every connection to it."""
        self._server.shutdown()
        self._server.server_close()
        for one in self.connections:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def answer(self, method: str, target: str, authorization: str | None, body: Any) -> Answer:
        """Answer one request."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(API)
        self.asked.append((method, path, body))
        if authorization != self._expected:
            return NO_CREDENTIALS if authorization is None else WRONG_SECRET
        match method, path.split("/")[1:]:
            case "POST", ["banned"]:
                return self._ban(body)
            case "GET", ["banned"]:
                return self._list(parse_qs(parts.query))
            case "DELETE", ["banned", kind, who]:
                return self._lift(kind, unquote(who))
            case "POST", ["clients", "kickout", "bulk"]:
                return KICKED_MANY
        return {"status": 404, "body": {"code": "NOT_FOUND", "message": "Request Path Not Found"}}

    def _ban(self, asked: dict[str, Any]) -> Answer:
        old = self._find(asked["as"], asked["who"])
        if old is not None:
            return {**BANNED_TWICE, "body": {**BANNED_TWICE["body"], "message": json.dumps(old)}}
        made = copy.deepcopy(BANNED)
        known = {name: asked[name] for name in made["body"].keys() & asked.keys()}
        made["body"] |= {**known, "until": asked["until"].replace("Z", "+00:00")}
        self.bans.append(made["body"])
        return made

    def _list(self, query: dict[str, list[str]]) -> Answer:
        page, limit = (
            int(query.get(name, [str(default)])[0]) for name, default in (("page", 1), ("limit", DEFAULT_LIMIT))
        )
        meta = {name: {"count": len(self.bans), "limit": limit, "page": page}[name] for name in BANS["body"]["meta"]}
        return {**BANS, "body": {"data": self.bans[(page - 1) * limit : page * limit], "meta": meta}}

    def _lift(self, kind: str, who: str) -> Answer:
        found = self._find(kind, who)
        if found is None:
            return {**NOT_BANNED, "body": {**NOT_BANNED["body"], "message": f"{kind}: {who} not found"}}
        self.bans.remove(found)
        return LIFTED

    def _find(self, kind: str, who: str) -> dict[str, Any] | None:
        return next((one for one in self.bans if (one["as"], one["who"]) == (kind, who)), None)


def _handler(emqx: RecordedEmqx) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            """Note the connection, which outlives its request."""
            super().setup()
            emqx.connections.append(self.connection)

        def _serve(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            answer = emqx.answer(self.command, self.path, self.headers.get("authorization"), body)
            if emqx.garbled is not None:
                self.wfile.write(emqx.garbled)
                self.close_connection = True
                return
            written = b"" if answer["body"] is None else json.dumps(answer["body"]).encode()
            self.send_response(answer["status"])
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(written)))
            self.end_headers()
            self.wfile.write(written)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 -- the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- its name there
            """Say nothing."""

    return Handler


@contextmanager
def recorded_emqx(**options: Any) -> Iterator[RecordedEmqx]:
    """Run one for as long as the context lasts."""
    made = RecordedEmqx(**options)
    try:
        yield made
    finally:
        made.close()
