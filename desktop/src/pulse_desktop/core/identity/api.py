"""
The HTTP calls of a device. The only module that imports httpx.

Every answer is checked and bounded; a refusal keeps the server's problem type and sentence. TLS trusts the CA that
was named at enrollment and nothing else; fetching that CA is the one request without verification, because its
fingerprint is compared before it is used.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 1024 * 1024


class ApiUnreachableError(Exception):
    """No answer; ``cause`` is what the network said."""


@dataclass(frozen=True, slots=True)
class RefusalError(Exception):
    """
    The server said no.

    HTTP ``status``, last part of the problem ``type``, ``detail`` for people, the server's time if it told it.
    """

    status: int
    type: str
    detail: str
    server_time: datetime | None


def fetch_ca(api_url: str) -> bytes:
    """
    Return the server's CA certificate (PEM), unverified: compare its fingerprint before using it.

    Raises:
        ApiUnreachableError: No answer.
        RefusalError: The server has none.
    """
    return _request("GET", f"{api_url}/.well-known/pulse-ca.pem", None, verify=False).content


def call(
    method: str, api_url: str, path: str, body: dict[str, Any] | None, ca_pem: str, *, bearer: str = ""
) -> dict[str, Any]:
    """
    Make one call below ``/api/v1``, as the person whose access token *bearer* is; an empty answer is ``{}``.

    Raises:
        ApiUnreachableError: No answer, or none that can be read.
        RefusalError: The server said no.
    """
    verify = ssl.create_default_context(cadata=ca_pem) if api_url.startswith("https:") else False
    answer = _request(method, f"{api_url}/api/v1{path}", body, verify=verify, bearer=bearer)
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any]) if answer.content else {}
    except msgspec.MsgspecError as error:
        raise ApiUnreachableError(f"{api_url} answered with something that is not ours") from error


def post(api_url: str, path: str, body: dict[str, Any], ca_pem: str) -> dict[str, Any]:
    """
    Post JSON to ``/api/v1`` and return the JSON object that comes back.

    Raises:
        ApiUnreachableError: No answer, or none that can be read.
        RefusalError: The server said no.
    """
    return call("POST", api_url, path, body, ca_pem)


def _request(
    method: str, url: str, body: dict[str, Any] | None, *, verify: ssl.SSLContext | bool, bearer: str = ""
) -> httpx.Response:
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    try:
        with httpx.Client(verify=verify, timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as client:
            answer = client.request(method, url, json=body, headers=headers)
    except (httpx.HTTPError, OSError) as error:
        raise ApiUnreachableError(str(error) or type(error).__name__) from error
    if len(answer.content) > MAX_ANSWER_BYTES:
        raise ApiUnreachableError(f"{url} answered with {len(answer.content)} bytes")
    if not answer.is_success:
        raise _refusal(answer)
    return answer


def _refusal(answer: httpx.Response) -> RefusalError:
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    kind = str(problem.get("type", "")).rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    detail = str(problem.get("detail") or problem.get("title") or answer.reason_phrase)[:300]
    if "not_before" in problem:
        detail = f"{detail} (until {str(problem['not_before'])[:35]})"
    return RefusalError(answer.status_code, kind, detail, _server_time(answer, problem))


def _server_time(answer: httpx.Response, problem: dict[str, Any]) -> datetime | None:
    try:
        if isinstance(problem.get("server_time"), str):
            return datetime.fromisoformat(problem["server_time"]).astimezone(UTC)
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
