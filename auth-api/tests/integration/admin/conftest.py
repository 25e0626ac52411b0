"""A signed-in administrator, other people, and what a problem document says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

API = "/api/v1"
PASSWORD = "correct-horse-battery-1"


@pytest.fixture
async def api(start: Any) -> Any:
    # Nobody listens on port 1: the tests must not meet a system that runs beside them.
    started = await start(mqtts_url="mqtts://127.0.0.1:1", broker_api_url="http://127.0.0.1:1/api/v5")
    await started.sign_in()
    return started


@pytest.fixture
def problem() -> Any:
    """Return status and the end of the type of a problem document."""

    def read(answer: Any) -> tuple[int, str]:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert answer.json()["status"] == answer.status_code
        assert len(answer.json()["detail"]) > 5
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    return read


@pytest.fixture
async def execute(api: Any) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    connection = await asyncpg.connect(api.database.dsn())

    async def run(statement: str, *values: Any) -> Any:
        return await connection.fetchval(statement, *values)

    yield run
    await connection.close()


class Someone:
    """A signed-in person beside the administrator; sends through the same client with a token of their own."""

    def __init__(self, api: Any, username: str, token: str) -> None:
        self.api, self.username = api, username
        self.headers = {"authorization": f"Bearer {token}"}

    async def request(self, method: str, path: str, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        return await self.api.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Any:
        return await self.request("GET", path, **more)

    async def post(self, path: str, **more: Any) -> Any:
        return await self.request("POST", path, **more)


@pytest.fixture
def person(api: Any) -> Callable[..., Awaitable[Someone]]:
    """Add a user with *roles* and sign them in."""

    async def enter(username: str, *roles: str) -> Someone:
        await api.add_user(username, *roles)
        answer = await api.client.post(f"{API}/auth/login", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Someone(api, username, answer.json()["access_token"])

    return enter
