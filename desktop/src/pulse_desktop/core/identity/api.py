"""
The HTTP calls of a device.

Every answer is checked; a refusal keeps the server's problem type and sentence. TLS trusts the CA that was named at
enrollment and nothing else; fetching that CA is the one request without verification, because its fingerprint is
compared before it is used. Read next: ``exchange`` (what bounds each of them).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from .exchange import Answer, ApiUnreachableError, exchange

__all__ = ["ApiUnreachableError", "RefusalError", "call", "fetch_ca", "post"]


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
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    return _successful(exchange("GET", f"{api_url}/.well-known/pulse-ca.pem", None, unverified)).content


def call(
    method: str, api_url: str, path: str, body: dict[str, Any] | None, ca_pem: str, *, bearer: str = ""
) -> dict[str, Any]:
    """
    Make one call below ``/api/v1``, as the person whose access token *bearer* is; an empty answer is ``{}``.

    Raises:
        ApiUnreachableError: No answer, or none that can be read.
        RefusalError: The server said no.
    """
    context = ssl.create_default_context(cadata=ca_pem) if api_url.startswith("https:") else None
    answer = _successful(exchange(method, f"{api_url}/api/v1{path}", body, context, bearer=bearer))
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


def _successful(answer: Answer) -> Answer:
    if not 200 <= answer.status < 300:
        raise _refusal(answer)
    return answer


def _refusal(answer: Answer) -> RefusalError:
    try:
        problem = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        problem = {}
    kind = str(problem.get("type", "")).rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    detail = str(problem.get("detail") or problem.get("title") or answer.reason)[:300]
    if "not_before" in problem:
        detail = f"{detail} (until {str(problem['not_before'])[:35]})"
    return RefusalError(answer.status, kind, detail, _server_time(answer, problem))


def _server_time(answer: Answer, problem: dict[str, Any]) -> datetime | None:
    try:
        if isinstance(problem.get("server_time"), str):
            return datetime.fromisoformat(problem["server_time"]).astimezone(UTC)
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
