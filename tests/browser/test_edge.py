"""
The TLS edge, a real nginx with the deployment's own configuration, in front of the embedded parts.

One origin for the dashboard, the API and MQTT over WebSockets, as browsers and programs meet it. What the edge does by
itself: ``tests/deploy/test_edge.py``.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from pulse_auth.doctor import network
from pulse_auth.doctor.findings import Finding, Level
from pulse_auth.settings import Settings, default_paths
from support.chromium import FLAGS, chromium
from support.dashboard import first_reading, sign_in
from support.edge import HOST, Edge, made_edge
from support.processes import ROOT
from support.stack import Stack, running_stack
from support.waiting import until

MOVING = "system/uptime_s"


@pytest.fixture(scope="module")
def stack_and_edge() -> Iterator[tuple[Stack, Edge]]:
    assert (ROOT / "dashboard" / "out" / "index.html").exists(), "the dashboard is not built: make test builds it"
    with ExitStack() as ending:
        edge = ending.enter_context(made_edge())
        wss = edge.origin.replace("https", "wss") + "/mqtt"
        variables = {"PULSE_PUBLIC_URL": edge.origin, "PULSE_BROKER_WS_URL": wss, "PULSE_BROKER_WSS_URL": wss}
        stack = ending.enter_context(running_stack(variables=variables))
        ports = stack.ports
        ca = stack.home / "ca.pem"
        edge.start(api_port=ports["PULSE_HTTP_PORT"], broker_port=ports["PULSE_MQTT_WSS_PORT"], broker_ca=ca)
        first_reading(stack)
        yield stack, edge


@pytest.fixture
def edge(stack_and_edge: tuple[Stack, Edge]) -> Edge:
    return stack_and_edge[1]


@pytest.fixture
def secure_page(browser: Browser, edge: Edge) -> Iterator[tuple[Page, list[str]]]:
    """A page of a browser that knows the name and this one key, and the addresses of its WebSockets."""
    known = [f"--host-resolver-rules=MAP {HOST} 127.0.0.1", f"--ignore-certificate-errors-spki-list={edge.key_hash()}"]
    made = browser.browser_type.launch(executable_path=chromium(), args=[*FLAGS, *known])
    page = made.new_page()
    faults: list[str] = []
    sockets: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("websocket", lambda socket: sockets.append(socket.url))
    yield page, sockets
    made.close()
    assert faults == []


def test_person_signs_in_over_https_and_sees_a_value_move_over_wss(secure_page, edge: Edge):
    page, sockets = secure_page
    sign_in(page, SimpleNamespace(address=edge.origin))
    expect(page.get_by_test_id("connection-indicator").first).to_have_attribute("data-state", "online", timeout=15_000)
    tile = page.locator(f'[data-testid=tile][data-metric="{MOVING}"]').first
    expect(tile).to_be_visible(timeout=15_000)
    before = tile.get_attribute("data-value")
    until(lambda: tile.get_attribute("data-value") != before, within_s=15, what="the value moves")
    assert set(sockets) == {f"wss://{HOST}:{edge.https_port}/mqtt"}
    cookies = [(one["name"], one["secure"], one["httpOnly"], one["sameSite"]) for one in page.context.cookies()]
    assert [one[1:] for one in cookies] == [(True, True, "Strict")]
    assert cookies[0][0].startswith("__Host-")
    page.reload()
    expect(tile).to_be_visible(timeout=15_000)


@pytest.mark.parametrize("path", ["/", "/api/v1/auth/me", "/healthz", "/nowhere"])
def test_edge_answers_carry_the_security_headers_once_with_our_wss_alone_beside_our_origin(edge: Edge, path: str):
    with edge.client() as client:
        answer = client.get(path)
    headers = answer.headers
    policy = headers.get_list("content-security-policy")
    assert len(policy) == 1
    directives = dict(part.strip().split(" ", 1) for part in policy[0].split(";"))
    assert directives["connect-src"] == f"'self' wss://{HOST}:{edge.https_port}"
    assert re.fullmatch(r"'self'( 'sha\d+-[^']+')*", directives["script-src"])
    assert directives["frame-ancestors"] == "'none'"
    assert headers.get_list("strict-transport-security") == ["max-age=31536000"]
    assert headers.get_list("x-content-type-options") == ["nosniff"]
    assert headers.get_list("x-frame-options") == ["DENY"]
    assert headers["server"] == "nginx"  # no version


def test_edge_internal_way_is_open_for_the_workers_call_alone(edge: Edge):
    with edge.client("edge", port=edge.internal_port) as client:
        assert client.get("/").status_code == 404
        assert client.post("/api/v1/auth/login", json={}).status_code == 404
        assert client.post("/api/v1/services/token", json={"assertion": "x"}).status_code == 401
        assert client.get("/api/v1/services/token").status_code == 405


def test_edge_callers_address_is_the_one_that_the_edge_saw(edge: Edge, stack_and_edge: tuple[Stack, Edge]):
    body = {"username": "nobody-here", "password": "not-the-password"}
    with edge.client(source="127.0.0.7") as client:
        refused = client.post("/api/v1/auth/login", json=body, headers={"x-forwarded-for": "203.0.113.9"})
    assert refused.status_code == 401, refused.text
    rows = stack_and_edge[0].admin.get("/logs/audit", params={"limit": 20}).json()["items"]
    assert "127.0.0.7" in {one["address"] for one in rows}
    assert "203.0.113.9" not in {one["address"] for one in rows}


def test_edge_page_of_another_origin_opens_no_websocket(edge: Edge):
    assert _handshake(edge, "https://evil.example") == 403
    assert _handshake(edge, edge.origin) == 101
    assert _handshake(edge, None) == 101


def test_doctor_meets_the_edge_where_the_public_name_leads_elsewhere(edge: Edge, tmp_path: Path):
    wss = edge.origin.replace("https", "wss") + "/mqtt"
    made = default_paths(tmp_path) | {"ca_file": edge.folder / "authority" / "ca.pem"}
    led = Settings(**made, public_url=edge.origin, wss_url=wss, edge_address=("127.0.0.1", edge.https_port))
    public, passed_on = _examined(led)
    assert (public.level, passed_on.level) == (Level.WARNING, Level.OK), (public, passed_on)
    assert public.words.startswith(f"{edge.origin}, certificate good until")
    lost = _examined(replace(led, edge_address=None))
    assert [one.level for one in lost] == [Level.WRONG, Level.WRONG], "nobody knows the name here"


def _examined(settings: Settings) -> list[Finding]:
    """Return what the doctor finds of the edge; in a thread of its own, for this one has the browser's event loop."""

    async def ask() -> list[Finding]:
        now = datetime.now(UTC)
        return [
            await network.edge(settings, now),
            await network.websocket("broker wss", settings.wss_url, settings, now),
        ]

    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, ask()).result(30)


def _handshake(edge: Edge, origin: str | None) -> int:
    """Return the status of the answer to a WebSocket's beginning."""
    context = ssl.create_default_context(cafile=str(edge.folder / "authority" / "ca.pem"))
    address = f"wss://{HOST}:{edge.https_port}/mqtt"
    with socket.create_connection(("127.0.0.1", edge.https_port), 5) as plain:
        try:
            with connect(
                address,
                sock=plain,
                ssl=context,
                server_hostname=HOST,
                origin=None if origin is None else Origin(origin),
                subprotocols=[Subprotocol("mqtt")],
                proxy=None,
            ) as opened:
                assert opened.response is not None
                return opened.response.status_code
        except InvalidStatus as refused:
            return refused.response.status_code
