"""
A small client of the broker's management API: EMQX's REST paths, which the embedded broker serves too.

Knows bans and kicks, not why. Its key is read anew at each call, so that it may be made or changed while we
run. Read next: ``enforcement`` (which bans, and when).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx

BanKind = Literal["clientid", "username"]
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
LISTED_AT_ONCE, MOST_PAGES, KICKED_AT_ONCE = 1_000, 100, 1_000
_TIMEOUT_S = 3.0


class BrokerUnavailableError(Exception):
    """The management API did not do what was asked; the same call later can succeed."""


@dataclass(frozen=True, slots=True)
class BrokerBan:
    """A ban as the broker is told it; until *until* (aware) nobody connects as *who*."""

    banned_as: BanKind
    who: str
    reason: str
    by: str
    until: datetime


class BrokerAdmin:
    """Calls of the management API; ``close`` ends its connections."""

    def __init__(self, url: str, key_file: Path, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Talk to *url* (``…/api/v5``) with the ``key:secret`` in *key_file*; *transport* is for tests."""
        self._key_file = key_file
        self._http = httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, transport=transport, trust_env=False)

    async def close(self) -> None:
        """End all connections; no call may follow."""
        await self._http.aclose()

    async def ban(self, ban: BrokerBan) -> bool:
        """
        Make *ban* stand on the broker; one that stands there already is left as it is, and ``False`` returned.

        Raises:
            BrokerUnavailableError: The broker is away or refused.
        """
        body = {
            "as": ban.banned_as,
            "who": ban.who,
            "reason": ban.reason,
            "by": ban.by,
            "until": ban.until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        answer = await self._call("POST", "/banned", body, expected={200, 400})
        if answer.status_code == 400 and _code(answer) != "ALREADY_EXISTS":
            raise BrokerUnavailableError(f"the broker refused a ban: {_code(answer)}")
        return answer.status_code == 200

    async def banned_client_ids(self) -> dict[str, datetime]:
        """
        Return the client ids that the broker holds off, each with the end of its ban.

        Raises:
            BrokerUnavailableError: The broker is away, refused, or answers something else.
        """
        found: dict[str, datetime] = {}
        page = 0
        while page < MOST_PAGES:
            page += 1
            answer = await self._call("GET", f"/banned?limit={LISTED_AT_ONCE}&page={page}", expected={200})
            try:
                body = answer.json()
                found |= {one["who"]: _end(one["until"]) for one in body["data"] if one["as"] == "clientid"}
                if not _goes_on(body["meta"], len(body["data"])):
                    break
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise BrokerUnavailableError("the broker's list of bans cannot be read") from error
        return found

    async def unban(self, banned_as: BanKind, who: str) -> None:
        """
        Lift a ban; one that does not stand is no error.

        Raises:
            BrokerUnavailableError: The broker is away or refused.
        """
        await self._call("DELETE", f"/banned/{banned_as}/{quote(who, safe='')}", expected={204, 404})

    async def kick(self, client_ids: Sequence[str]) -> None:
        """
        End the sessions of *client_ids*; those that are not there are no error.

        Raises:
            BrokerUnavailableError: The broker is away or refused.
        """
        for first in range(0, len(client_ids), KICKED_AT_ONCE):
            part = list(client_ids[first : first + KICKED_AT_ONCE])
            await self._call("POST", "/clients/kickout/bulk", part, expected={204, 404})

    async def _call(self, method: str, path: str, body: object = None, *, expected: set[int]) -> httpx.Response:
        try:
            answer = await self._http.request(method, path, json=body, auth=self._credentials())
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise BrokerUnavailableError(f"the broker's management API is away: {type(error).__name__}") from error
        if answer.status_code == 401:
            raise BrokerUnavailableError(
                f"the broker's management API answered 401 ({_code(answer)}): the key in {self._key_file} has to be"
                " the one that the broker was given"
            )
        if answer.status_code not in expected:
            told = f"{answer.status_code} ({_code(answer)}) to {method} {path.partition('?')[0]}"
            raise BrokerUnavailableError(f"the broker's management API answered {told}")
        return answer

    def _credentials(self) -> tuple[str, str]:
        key, found, secret = self._key_file.read_text(encoding="utf-8").strip().partition(":")
        if not found:
            raise ValueError("the management key's file does not hold key:secret")
        return key, secret


def _goes_on(meta: dict[str, Any], entries: int) -> bool:
    """Tell whether another page follows; EMQX 5.8 says so in some lists, in that of bans only how many there are."""
    if "hasnext" in meta:
        return bool(meta["hasnext"])
    return entries > 0 and int(meta["page"]) * int(meta["limit"]) < int(meta["count"])


def _end(until: str) -> datetime:
    return FOREVER if until == "infinity" else datetime.fromisoformat(until).astimezone(UTC)


def _code(answer: httpx.Response) -> str:
    try:
        found = answer.json()
    except ValueError:
        return "no JSON"
    return str(found.get("code")) if isinstance(found, dict) else "no JSON object"
