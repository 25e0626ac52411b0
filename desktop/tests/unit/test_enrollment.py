"""Enrollment at a real TLS server: what the device trusts afterwards is what the code names, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pulse_desktop.core.errors import EnrollmentError
from pulse_desktop.core.identity.enrollment import enroll
from pulse_desktop.core.identity.store import Identity
from pulse_runtime.certificates import ServerFiles, load_authority, make_authority, make_server, subject_names

ANSWER = {"broker": {"mqtts_url": "mqtts://localhost"}, "server_keys": {"sync_signing": {}, "sync_encryption": {}}}


@dataclass
class Authority:
    """A certificate authority of its own in *folder*, with one server called localhost."""

    folder: Path
    server: ServerFiles = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        files, at = (self.folder / "ca.pem", self.folder / "ca-key.pem"), datetime.now(UTC)
        make_authority(*files, at)
        self.server = ServerFiles(self.folder / "server.pem", self.folder / "server-key.pem")
        make_server(self.server, load_authority(*files), subject_names(["localhost"]), at, common_name="localhost")

    @property
    def pem(self) -> str:
        return (self.folder / "ca.pem").read_text()

    @property
    def fingerprint(self) -> str:
        der = ssl.PEM_cert_to_DER_cert(self.pem)
        return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


@dataclass
class Api:
    """Answers with *served* as its authority; ``asked``: the paths of what was posted to it."""

    served: str
    of: Authority
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(api.served.encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                api.asked.append(self.path)
                self._answer(json.dumps(ANSWER).encode())

            def _answer(self, content: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.of.server.certificate, self.of.server.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"https://localhost:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def genuine(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "genuine")


@pytest.fixture
def foreign(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "foreign")


@pytest.fixture
def apis() -> Iterator[list[Api]]:
    made: list[Api] = []
    yield made
    for one in made:
        one.close()


def enrolled(folder: Path, api_url: str, code: str) -> Identity:
    folder.mkdir()
    return enroll(folder, "D1", api_url=api_url, code=code, broker_url=None, now=lambda: datetime.now(UTC))


def test_enroll_named_authority_and_a_foreign_one_tells_the_foreign_server_nothing(
    tmp_path: Path, genuine: Authority, foreign: Authority, apis: list[Api]
):
    between = Api(genuine.pem + foreign.pem, foreign)
    apis.append(between)
    with pytest.raises(EnrollmentError, match="another server in between"):
        enrolled(tmp_path / "D1", between.url, f"SECRET.{genuine.fingerprint}")
    assert between.asked == [], "the code would let it make a device of its own"
    assert not list((tmp_path / "D1").iterdir())


@pytest.mark.parametrize("is_first", [True, False])
def test_enroll_of_several_authorities_keeps_the_one_that_the_code_names(
    tmp_path: Path, genuine: Authority, foreign: Authority, apis: list[Api], is_first: bool
):
    served = [genuine.pem, foreign.pem]
    api = Api("".join(served if is_first else reversed(served)), genuine)
    apis.append(api)
    identity = enrolled(tmp_path / "D1", api.url, f"SECRET.{genuine.fingerprint}")
    assert identity.ca_pem == genuine.pem
    assert (tmp_path / "D1" / "ca.pem").read_text() == genuine.pem


@pytest.mark.parametrize("code", ["SECRET.AAAA\u2013BBBB", "\u201cSECRET.AAAA", "S\u00cbCRET.AAAA"])
def test_enroll_code_with_a_character_that_no_code_has_is_refused_with_a_sentence(tmp_path: Path, code: str):
    with pytest.raises(EnrollmentError, match="has a character that no code has"):
        enrolled(tmp_path / "D1", "https://localhost:1", code)
