"""The TLS edge by itself: a real nginx with the deployment's configuration before an API that repeats what it hears."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pulse_runtime.certificates import ServerFiles, make_server, subject_names
from support.edge import HOST, Edge, made_edge
from support.processes import free_ports
from support.waiting import until


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with made_edge() as made, ThreadingHTTPServer(("127.0.0.1", 0), Echo) as api:
        threading.Thread(target=api.serve_forever, args=(0.05,), daemon=True).start()
        (nobody,) = free_ports(1)
        ca = made.folder / "authority" / "ca.pem"
        made.start(api_port=api.server_address[1], broker_port=nobody, broker_ca=ca)
        yield made
        api.shutdown()


def test_edge_tells_the_api_who_calls_whatever_the_caller_says(edge: Edge):
    with edge.client(source="127.0.0.7") as client:
        heard = client.get("/x", headers={"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "http"}).json()
    assert (heard["X-Forwarded-For"], heard["X-Forwarded-Proto"]) == ("127.0.0.7", "https")
    assert heard["Host"] == f"{HOST}:{edge.https_port}"


def test_edge_metrics_are_for_those_inside(edge: Edge):
    with edge.client() as client:
        assert client.get("/metrics").status_code == 404
        assert client.get("/metricsx").status_code == 200


def test_edge_internal_way_is_open_for_the_workers_call_alone(edge: Edge):
    with edge.client("edge", port=edge.internal_port) as client:
        assert client.post("/api/v1/services/token", json={}).status_code == 200
        for path in ("/", "/api/v1/auth/login", "/api/v1/services/token/x", "/metrics"):
            assert client.post(path, json={}).status_code == 404


def test_edge_page_of_another_origin_opens_no_websocket(edge: Edge):
    with edge.client() as client:
        for origin in ("https://evil.example", f"https://{HOST}.evil.example", f"http://{HOST}", "null"):
            assert client.get("/mqtt", headers={"origin": origin}).status_code == 403, origin
        for ours in ({}, {"origin": edge.origin}, {"origin": f"https://{HOST}:443"}):
            assert client.get("/mqtt", headers=ours).status_code == 503, "nobody is there, but it was asked"


def test_edge_part_that_is_away_is_a_problem_that_says_to_try_again(edge: Edge):
    with edge.client() as client:
        answer = client.get("/mqtt")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert answer.json()["status"] == 503


def test_edge_clear_text_leads_to_the_one_origin_whatever_host_is_named(edge: Edge):
    for host in (HOST, "evil.example"):
        answer = httpx.get(f"http://127.0.0.1:{edge.http_port}/devices?x=1", headers={"host": host})
        assert (answer.status_code, answer.headers["location"]) == (308, f"{edge.origin}/devices?x=1")


def test_edge_another_name_is_not_served(edge: Edge):
    with edge.client() as client:
        assert client.get("/", headers={"host": "evil.example"}).status_code == 421


def test_edge_name_that_the_certificate_does_not_have_is_refused_by_the_client(edge: Edge):
    with edge.client("other.test") as client, pytest.raises(httpx.ConnectError, match="certificate"):
        client.get("/")


def test_edge_body_above_the_bound_is_refused_before_the_api_has_it(edge: Edge):
    with edge.client() as client:
        assert client.post("/api/v1/auth/login", content=b"x" * 200_000).status_code == 413


def test_edge_log_has_no_query_and_no_token(edge: Edge):
    with edge.client() as client:
        client.get("/api/v1/auth/me?secret=hunter2", headers={"authorization": "Bearer hunter3"})
        client.get("/api/v1/exports/hunter4")
    assert edge.program is not None
    log = edge.program.log
    for path in ("/api/v1/auth/me", "/api/v1/exports/..."):
        until(lambda path=path: path in log.read_text(), within_s=5, what="the request is in the log")
    assert "hunter" not in log.read_text()


def test_edge_takes_a_new_certificate_without_being_started_anew(edge: Edge):
    assert edge.program is not None
    before, process = edge.serial(), edge.program.process
    (edge.folder / "edge" / "public.pem").unlink()
    edge.certify()
    until(lambda: edge.serial() != before, within_s=10, what="a client meets the new certificate")
    assert edge.program.process is process
    assert edge.program.running


def make_chain(folder: Path, intermediates: int) -> ssl.SSLContext:
    """Return a server's context for ``localhost`` whose certificate is that many steps from the root in ca.pem."""
    now, issuer, issuer_key, given = datetime.now(UTC), None, None, []
    for number in range(intermediates + 1):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {number}")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        )
        issuer, issuer_key = made.sign(issuer_key or key, hashes.SHA256()), key
        given.append(issuer.public_bytes(Encoding.PEM))
    assert issuer is not None
    assert issuer_key is not None
    files = ServerFiles(folder / "server.pem", folder / "server-key.pem")
    make_server(files, (issuer, issuer_key), subject_names(["localhost"]), now, common_name="localhost")
    (folder / "ca.pem").write_bytes(given[0])
    files.certificate.write_bytes(b"".join([files.certificate.read_bytes(), *reversed(given[1:])]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.mark.parametrize("intermediates", [0, 2])
def test_edge_finds_the_broker_behind_a_certificate_of_several_intermediates(tmp_path: Path, intermediates: int):
    tls = make_chain(tmp_path, intermediates)
    with made_edge() as edge, ThreadingHTTPServer(("127.0.0.1", 0), Echo) as broker:
        broker.socket = tls.wrap_socket(broker.socket, server_side=True)
        threading.Thread(target=broker.serve_forever, args=(0.05,), daemon=True).start()
        (nobody,) = free_ports(1)
        edge.start(api_port=nobody, broker_port=broker.server_address[1], broker_ca=tmp_path / "ca.pem")
        with edge.client() as client:
            assert client.get("/mqtt").status_code == 200
        broker.shutdown()
