"""What browsers meet: pages, caching, headers on every answer, and paths that lead out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
async def api(start: Any, tmp_path: Path) -> Any:
    # Nobody listens on port 1: the tests must not meet a system that runs beside them.
    return await start(
        mqtts_url="mqtts://127.0.0.1:1",
        broker_api_url="http://127.0.0.1:1/api/v5",
        dashboard_dir=tmp_path / "out",
        public_url="https://pulse.example",
        ws_url="wss://pulse.example/mqtt",
    )


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    for name, content in {
        "index.html": "<h1>start</h1>",
        "live/index.html": "<h1>live</h1>" + " " * 2_000,
        "404.html": "<h1>nothing here</h1>",
        "_next/static/a-1b2c.js": "let x",
        "csp-hashes.json": '{"script-src": ["\'sha256-AAAA\'"]}',
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


async def test_pages_before_the_dashboard_is_built_say_how_to_build_it(api: Any) -> None:
    answer = await api.client.get("/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_pages_of_the_build_are_served_with_their_caching(api: Any, build: Path) -> None:
    for path in ("/live", "/live/"):
        page = await api.client.get(path)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-cache")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["content-encoding"] == "gzip"
        assert page.text.startswith("<h1>live</h1>")
    script = await api.client.get("/_next/static/a-1b2c.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_page_that_the_browser_has_is_not_sent_again(api: Any, build: Path) -> None:
    first = await api.client.get("/")
    again = await api.client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_head_of_a_page_is_answered_like_its_get(api: Any, build: Path) -> None:
    assert (await api.client.head("/live/")).status_code == 200


async def test_unknown_page_gets_the_builds_own_404(api: Any, build: Path) -> None:
    answer = await api.client.get("/nowhere")
    assert (answer.status_code, answer.text) == (404, "<h1>nothing here</h1>")


async def test_unknown_call_of_the_api_gets_a_problem_document(api: Any, build: Path) -> None:
    for path in ("/api/v1/nothing", "/api/nothing/at/all", "/.well-known/nothing"):
        answer = await api.client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json", path


async def test_paths_that_lead_out_of_the_build_find_nothing(api: Any, build: Path) -> None:
    for path in (
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/live/..%2f..%2fsecret.txt",
        "/.//secret.txt",
        "/csp-hashes.json",
    ):
        answer = await api.client.get(path)
        assert answer.status_code == 404, path
        assert "secret" not in answer.text


async def test_every_answer_carries_the_security_headers(api: Any, build: Path) -> None:
    for path in ("/", "/nowhere", "/api/v1/auth/me", "/api/v1/nothing", "/healthz", "/api/docs"):
        headers = (await api.client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self' 'sha256-AAAA';" in policy, path
        assert "connect-src 'self' wss://pulse.example;" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"] == "max-age=31536000"
    assert (await api.client.get("/api/v1/auth/me")).headers["cache-control"] == "no-store"
