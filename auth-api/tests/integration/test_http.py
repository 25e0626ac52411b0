"""What all calls share: problem documents, bounds, request ids, health, metrics, the schema and its page."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
import structlog
from argon2 import PasswordHasher
from litestar import Request

from pulse_auth.http.problems import answer_error

LOGIN = "/api/v1/auth/login"
JSON = {"content-type": "application/json"}


def slug(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == answer.status_code
    return str(body["type"].removeprefix("urn:precisionpulse:problem:"))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe", b"[" * 30_000),
        b'{"username": "a"}',
        b'{"username": "", "password": "x"}',
        b'{"username": 7, "password": "x"}',
        b'{"username": "a", "password": null}',
    ],
)
async def test_malformed_body_is_a_problem_document(api: Any, content: bytes) -> None:
    answer = await api.client.post(LOGIN, content=content, headers=JSON)
    assert (answer.status_code, slug(answer)) == (400, "invalid-request")


async def test_malformed_body_reasons_do_not_repeat_what_was_sent(api: Any) -> None:
    answer = await api.client.post(LOGIN, json={"username": "a" * 300, "password": "typed-secret" * 100})
    assert answer.status_code == 400
    assert "typed-secret" not in answer.text
    assert answer.json()["errors"]


@pytest.mark.parametrize("password", ["\x00", "a\x00b", "\ud800", "😀"])
@pytest.mark.parametrize("username", ["admin", "a\x00b", "\ud800"])
async def test_login_any_text_is_answered_like_a_wrong_password(api: Any, username: str, password: str) -> None:
    content = json.dumps({"username": username, "password": password}).encode()
    answer = await api.client.post(LOGIN, content=content, headers=JSON)
    assert answer.status_code in {400, 401}
    assert slug(answer) in {"wrong-credentials", "invalid-request"}


async def test_oversize_body_that_says_its_size_is_refused(api: Any) -> None:
    answer = await api.client.post(LOGIN, content=b"x" * 70_000, headers=JSON)
    assert (answer.status_code, slug(answer)) == (413, "body-too-large")


async def test_oversize_body_that_comes_in_pieces_is_refused_before_its_end(api: Any) -> None:
    sent: list[Any] = []
    pieces = 0

    async def receive() -> dict[str, Any]:
        nonlocal pieces
        pieces += 1
        assert pieces < 20, "the whole body was read"
        return {"type": "http.request", "body": b"x" * 10_000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1:8080")]
    scope = {"type": "http", "method": "POST", "path": LOGIN, "raw_path": LOGIN.encode(), "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "root_path": ""}
    await api.app({**scope, "server": ("127.0.0.1", 8080), "asgi": {"version": "3.0"}, "extensions": {}}, receive, send)
    assert sent[0]["status"] == 413


async def test_wrong_method_and_unknown_path_are_problem_documents(api: Any) -> None:
    wrong = await api.client.get(LOGIN)
    assert (wrong.status_code, slug(wrong)) == (405, "method-not-allowed")
    unknown = await api.client.post("/api/v1/nothing/here")
    assert unknown.status_code in {404, 405}
    assert slug(unknown)


async def test_options_of_every_path_are_answered_and_need_no_person(api: Any) -> None:
    paths = (await api.client.get("/api/schema")).json()["paths"]
    assert len(paths) > 30
    for path in paths:
        answer = await api.client.options(re.sub(r"{[^}]*}", "01a203ba-aeb7-7346-b9f8-f2ce75491c1b", path))
        assert (answer.status_code, "OPTIONS" in answer.headers["allow"]) == (204, True), path


async def test_fault_of_the_server_is_told_nothing_and_logged_with_its_trace(start: Callable[..., Any]) -> None:
    class Broken:
        def hash(self, password: str) -> str:
            return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)

        def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - argon2's own name
            raise ZeroDivisionError("internal detail")

    api = await start(hasher=Broken())
    with structlog.testing.capture_logs() as logs:
        answer = await api.client.post(LOGIN, json={"username": "admin", "password": "x"})
    assert (answer.status_code, slug(answer)) == (500, "internal-error")
    assert "internal detail" not in answer.text
    failed = next(entry for entry in logs if entry["event"] == "http.request_failed")
    assert isinstance(failed["exc_info"], ZeroDivisionError)


def test_fault_behind_a_path_that_is_a_secret_is_logged_by_its_route_alone() -> None:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/exports/s3cret",
        "path_template": "/exports/{link}",
        "headers": [],
    }
    with structlog.testing.capture_logs() as logs:
        answer = answer_error(Request({**scope, "query_string": b""}), ZeroDivisionError())  # type: ignore[typeddict-item]
    assert answer.status_code == 500
    assert [entry["route"] for entry in logs] == ["/exports/{link}"]
    assert "s3cret" not in str(logs)


async def test_answer_carries_a_request_id_that_its_log_line_carries_too(api: Any) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answer = await api.client.get("/api/v1/auth/me", headers={"x-request-id": "forged"})
    line = next(entry for entry in logs if entry["event"] == "http.request_answered")
    assert line["request_id"] == answer.headers["x-request-id"] != "forged"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/auth/me", 401)


async def test_signing_in_leaves_no_secret_in_the_log(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        body = await api.sign_in()
        token = (await api.client.post("/api/v1/broker/token", json={})).json()["password"]
    everything = repr(logs) + caplog.text
    for secret in ("correct-horse-battery-1", body["access_token"], token, api.client.cookies["pulse_refresh"]):
        assert secret not in everything


async def test_health_ready_and_metrics_answer_without_signing_in(api: Any) -> None:
    assert (await api.client.get("/healthz")).json() == {"status": "ok"}
    ready = await api.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"]["database"] == "ok"
    metrics = await api.client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    assert 'pulse_http_requests_total{method="GET",route="/readyz",status="200"} 1.0' in metrics.text


async def test_ready_with_the_database_gone_is_503_and_names_the_check(api: Any) -> None:
    connection = await asyncpg.connect(api.database.layout.dsn(database="postgres"))
    await connection.execute(f'ALTER DATABASE "{api.database.name}" ALLOW_CONNECTIONS false')
    await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", api.database.name
    )
    answer = await api.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] != "ok"
    assert (await api.client.get("/healthz")).status_code == 200
    login = await api.client.post(LOGIN, json={"username": "admin", "password": "x"})
    assert (login.status_code, slug(login)) == (503, "database-unavailable")
    await connection.execute(f'ALTER DATABASE "{api.database.name}" ALLOW_CONNECTIONS true')
    await api.sign_in()
    await connection.close()


async def test_schema_describes_the_calls_and_who_may_use_them(api: Any) -> None:
    document = (await api.client.get("/api/schema")).json()
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/broker/token"} <= document["paths"].keys()
    assert [tag["name"] for tag in document["tags"]] == ["Auth", "Admin", "Devices", "Telemetry"]
    tags = {tag for path in document["paths"].values() for call in path.values() for tag in call.get("tags", [])}
    assert tags <= {"Auth", "Admin", "Devices", "Telemetry"}


async def test_schema_says_of_each_call_how_it_fails_and_whether_it_needs_a_token_or_a_tag(api: Any) -> None:
    document = (await api.client.get("/api/schema")).json()
    calls = {(path, name): call for path, item in document["paths"].items() for name, call in item.items()}
    names = [call["operationId"] for call in calls.values()]
    assert len(names) == len(set(names)) > 40
    for place, call in calls.items():
        failed = call["responses"]["default"]["content"]["application/problem+json"]
        assert failed["schema"] == {"$ref": "#/components/schemas/Problem"}, place
        assert "400" not in call["responses"], place
        assert call["description"], place
        assert len(call["tags"]) == 1, place
    assert calls["/api/v1/auth/login", "post"]["security"] == []
    assert "security" not in calls["/api/v1/users", "get"]
    headers = {place for place, call in calls.items() for one in call.get("parameters", []) if one["in"] == "header"}
    assert {name for path, name in headers if path == "/api/v1/roles/{role_id}"} == {"patch", "delete"}
    assert ("/api/v1/config/{key}", "put") in headers


async def test_docs_page_shows_every_call_and_loads_nothing_from_elsewhere(api: Any) -> None:
    page = await api.client.get("/api/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.text)
    document = (await api.client.get("/api/schema")).json()
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page.text
