"""The worker's key and its questions to the API, against a small real HTTP server."""

import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest

from pulse_ingest.errors import TokenUnavailable
from pulse_ingest.tokens import TokenSource, service_key
from pulse_runtime.errors import ConfigError

GRANT = {
    "client_id": "svc:ingest:1",
    "username": "service:ingest",
    "password": "token",
    "expires_at": "2026-02-08T12:00:00.000Z",
    "server_time": "2026-02-07T12:00:00.000Z",
    "mqtts_url": "mqtts://127.0.0.1:8883",
    "ws_url": "ws://127.0.0.1:8083/mqtt",
    "acl": [],
}


class Api:
    """Answers every POST with *answer* and keeps what was asked."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, json.dumps(GRANT).encode())
        self.asked: list[tuple[str, dict[str, Any]]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.asked.append((self.path, json.loads(body)))
                self.send_response(api.answer[0])
                self.end_headers()
                self.wfile.write(api.answer[1])

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def source(url: str, folder: Path) -> TokenSource:
    key = service_key(folder / "own" / "signing-key.pem", folder / "public")
    return TokenSource(api_url=url, key=key, instance="1", ca_file=folder / "ca.pem")


def test_service_key_made_once_private_and_its_public_half_published(tmp_path: Path) -> None:
    private, public = tmp_path / "own" / "signing-key.pem", tmp_path / "public" / "ingest.jwk.json"
    first = service_key(private, public.parent)
    (public.parent / "ingest.jwk.json").unlink()
    assert service_key(private, public.parent).private_bytes_raw() == first.private_bytes_raw()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    found = json.loads(public.read_bytes())
    assert (found["kty"], found["crv"]) == ("OKP", "Ed25519")
    assert "d" not in found


@pytest.mark.parametrize("content", [b"no key", b""])
def test_service_key_damaged_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signing-key.pem").write_bytes(content)
    with pytest.raises(ConfigError, match="signing-key"):
        service_key(tmp_path / "signing-key.pem", tmp_path)


async def test_fetch_good_answer_is_a_grant_and_the_assertion_is_short_lived(api: Api, tmp_path: Path) -> None:
    tokens = source(api.url, tmp_path)
    grant = await tokens.fetch()
    assert (grant.client_id, grant.mqtts_url, grant.life_s) == ("svc:ingest:1", "mqtts://127.0.0.1:8883", 86_400)
    await tokens.fetch()
    (path, body), (_, again) = api.asked
    assert path == "/api/v1/services/token"
    key = jwt.PyJWK(json.loads((tmp_path / "public" / "ingest.jwk.json").read_bytes()))
    claims = jwt.decode(body["assertion"], key, ["EdDSA"], audience="pulse-api")
    assert (claims["iss"], claims["sub"], claims["instance"]) == ("service:ingest", "service:ingest", "1")
    assert 0 < claims["exp"] - claims["iat"] <= 60
    assert jwt.decode(again["assertion"], key, ["EdDSA"], audience="pulse-api")["jti"] != claims["jti"]


async def test_fetch_shared_group_is_the_one_the_api_names_and_ingest_when_it_names_none(
    api: Api, tmp_path: Path
) -> None:
    tokens = source(api.url, tmp_path)
    assert (await tokens.fetch()).shared_group == "ingest", "an older API"
    api.answer = (200, json.dumps(GRANT | {"shared_group": "ingest-5f"}).encode())
    assert (await tokens.fetch()).shared_group == "ingest-5f"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((503, b'{"title": "database away"}'), "503 database away"),
        ((401, b"\xff"), "401"),
        ((200, b"{}"), "cannot be read"),
        ((200, b"no json"), "cannot be read"),
        ((200, json.dumps(GRANT | {"expires_at": "soon"}).encode()), "cannot be read"),
        ((200, json.dumps(GRANT | {"shared_group": "a/b"}).encode()), "cannot be read"),
        ((200, json.dumps(GRANT | {"shared_group": ""}).encode()), "cannot be read"),
        ((200, json.dumps(GRANT | {"expires_at": GRANT["server_time"]}).encode()), "expired"),
    ],
)
async def test_fetch_other_answers_are_unavailable_with_a_reason(
    api: Api, tmp_path: Path, answer: tuple[int, bytes], words: str
) -> None:
    api.answer = answer
    with pytest.raises(TokenUnavailable, match=words):
        await source(api.url, tmp_path).fetch()


async def test_fetch_nobody_listening_is_unavailable(api: Api, tmp_path: Path) -> None:
    tokens = source("http://127.0.0.1:1", tmp_path)
    with pytest.raises(TokenUnavailable, match="cannot be reached"):
        await tokens.fetch()
