"""
The whole system as real processes in a folder of its own, on free ports, for tests of what spans parts.

Tests speak to it from outside only: HTTP, MQTT, signals, and the files that the contract names.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import httpx

from support.processes import ROOT, Program, free_ports, program
from support.waiting import until

ADMIN_PASSWORD = "correct-horse-battery-77"
PORT_NAMES = (
    "PULSE_HTTP_PORT",
    "PULSE_MQTT_WS_PORT",
    "PULSE_MQTTS_PORT",
    "PULSE_MQTT_WSS_PORT",
    "PULSE_BROKER_API_PORT",
    "PULSE_LINK_PORT",
    "PULSE_METRICS_PORT",
)
PROGRAMS = {
    "postgres": ["pulse-auth-api", "postgres"],
    "broker": ["pulse-broker"],
    "auth-api": ["pulse-auth-api", "serve"],
    "ingest": ["pulse-ingest"],
    "link": ["pulse-local", "link"],
    "device": ["pulse-local", "device"],
}


class Stack:
    """Programs by name, the environment they share, and an administrator's HTTP client."""

    def __init__(self, home: Path, variables: dict[str, str] | None = None) -> None:
        self.home = home
        self.ports = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES)), strict=True))
        self.variables = {
            "PULSE_HOME": str(home),
            "PULSE_ADMIN_PASSWORD": ADMIN_PASSWORD,
            "PULSE_DASHBOARD_DIR": str(ROOT / "dashboard" / "out"),
            **{name: str(port) for name, port in self.ports.items()},
            **(variables or {}),
        }
        self.address = f"http://127.0.0.1:{self.ports['PULSE_HTTP_PORT']}"
        self.programs: dict[str, Program] = {}
        self._admin: httpx.Client | None = None

    def __getitem__(self, name: str) -> Program:
        return self.programs[name]

    def add(self, name: str, command: list[str], variables: dict[str, str] | None = None) -> Program:
        """Make a further program of this system known, not yet started."""
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        full = [program(command[0]), *command[1:]]
        self.programs[name] = Program(name, full, {**self.variables, **(variables or {})}, logs / f"{name}.log")
        return self.programs[name]

    def start(self, *names: str) -> None:
        """Start the named programs of ``PROGRAMS`` (all of them when none is named)."""
        for name in names or PROGRAMS:
            if name not in self.programs:
                self.add(name, PROGRAMS[name])
            self.programs[name].start()

    def wait_ready(self, within_s: float = 60) -> None:
        """Wait until the API, and the worker where there is one, say that they are ready."""
        ports = [self.ports["PULSE_HTTP_PORT"]] + [self.ports["PULSE_METRICS_PORT"]] * ("ingest" in self.programs)

        def ready() -> bool:
            for one in self.programs.values():
                assert one.running, f"{one.name} ended:\n{one.tail()}"
            with contextlib.suppress(httpx.TransportError):
                return all(httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).is_success for port in ports)
            return False

        until(ready, within_s=within_s, what="the API and the worker are ready")

    def wait_joined(self, within_s: float = 60) -> None:
        """Wait until the API has joined the broker, where there is one: it is ready without, and hears nobody."""
        if "broker" in self.programs:
            answer = f"http://127.0.0.1:{self.ports['PULSE_HTTP_PORT']}/readyz"
            until(
                lambda: httpx.get(answer, timeout=10).json()["checks"].get("broker") == "ok",
                within_s=within_s,
                what="the API has joined the broker",
            )

    @property
    def admin(self) -> httpx.Client:
        """A client of the API signed in as the first administrator, for as long as the stack runs."""
        if self._admin is None:
            self._admin = self.client("admin", ADMIN_PASSWORD)
            self._admin.auth = _SignedInAgain(self._admin, "admin", ADMIN_PASSWORD)
        return self._admin

    def client(self, username: str, password: str) -> httpx.Client:
        """Return a client of the API signed in as *username*."""
        client = httpx.Client(base_url=f"{self.address}/api/v1", timeout=10)
        try:
            answer = client.post("/auth/login", json={"username": username, "password": password})
            assert answer.is_success, answer.text
        except BaseException:
            client.close()
            raise
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        return client

    def stop(self) -> None:
        """End everything in the order in which nothing is left waiting, the others also when one does not end."""
        if self._admin is not None:
            self._admin.close()
        with contextlib.ExitStack() as ending:
            for one in self.programs.values():
                if one.running:
                    ending.callback(one.stop)

    def logs(self) -> str:
        """Return the end of every log, for the report of a failed test."""
        return "\n".join(f"--- {one.name}\n{one.tail()}" for one in self.programs.values())


class _SignedInAgain(httpx.Auth):
    """Signs in again when the access token has run out: a stack may be in use for longer than a token is good."""

    requires_response_body = True

    def __init__(self, client: httpx.Client, username: str, password: str) -> None:
        self._client, self._person = client, {"username": username, "password": password}

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        answer = yield request
        if answer.status_code != 401 or not answer.json().get("expired"):
            return
        signed = yield self._client.build_request("POST", "/auth/login", json=self._person)
        assert signed.is_success, signed.text
        self._client.headers["authorization"] = f"Bearer {signed.json()['access_token']}"
        request.headers["authorization"] = self._client.headers["authorization"]
        yield request


@contextlib.contextmanager
def short_home() -> Iterator[Path]:
    """Yield a private folder whose path is short enough for sockets; gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="pulse-"))
    try:
        yield home
    finally:
        if os.environ.get("PULSE_KEEP_TEST_HOMES"):
            print(f"kept {home}")
        else:
            shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def running_stack(
    *names: str, variables: dict[str, str] | None = None, prepare: Callable[[Stack], None] = lambda _: None
) -> Iterator[Stack]:
    """Yield a system whose programs *names* (default: all) run and whose API is ready; *prepare* may replace some."""
    with short_home() as home:
        stack = Stack(home, variables)
        prepare(stack)
        try:
            stack.start(*names)
            stack.wait_ready()
            stack.wait_joined()
            yield stack
        except BaseException:
            print(stack.logs())
            raise
        finally:
            stack.stop()
