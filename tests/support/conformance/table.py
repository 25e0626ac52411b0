"""
The recorded table (``broker-config/conformance``), and what of it is comparable on a broker of MQTT 3.1.1.

A case of MQTT 5 that was recorded with 3.1.1 as well is played as the latter (its twin); the others are played with
3.1.1, and their reason codes are read as what 3.1.1 says in their place. ``embedded.yaml`` lists where the embedded
broker answers otherwise, each with its reason, and which cases have no counterpart.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[3] / "broker-config" / "conformance"
RECORDED, LISTED = FOLDER / "emqx-5.8.9.json", FOLDER / "embedded.yaml"
_CONNACKS = {134: 4, 135: 5, 137: 3, 138: 5}
_REFUSED = {135, 143}
_DROPPED = {"puback_len", "pubrec_len", "ws_close", "props", "type", "socket_closed", "ms", "connect ms", "sp", "after"}


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded observation; ``number`` is its place in the file."""

    number: int
    group: str
    name: str
    version: str
    config: Any
    recorded: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """What the embedded broker answers to one case instead, and why."""

    answer: Any
    why: str


@dataclass(frozen=True, slots=True)
class Listed:
    """``embedded.yaml``, by the numbers of the cases."""

    differences: dict[int, Difference]
    without: dict[int, str]


def cases() -> list[Case]:
    """Return all cases in the file's order."""
    return [
        Case(number, row["group"], row["case"], row["mqtt_version"], row["config"], row["observed"])
        for number, row in enumerate(json.loads(RECORDED.read_text())["cases"])
    ]


def twins(of: list[Case]) -> set[int]:
    """Return the numbers of the MQTT 5 cases that were recorded with 3.1.1 as well."""
    older = {(case.group, case.name, repr(case.config)) for case in of if case.version == "3.1.1"}
    return {case.number for case in of if case.version == "5.0" and (case.group, case.name, repr(case.config)) in older}


def listed() -> Listed:
    """Read ``embedded.yaml``; a number that stands in it twice is an error."""
    found = yaml.safe_load(LISTED.read_text())
    differences = dict(
        _once((n, Difference(a, row["why"])) for row in found["differences"] for n, a in row["cases"].items())
    )
    without = dict(_once((number, row["why"]) for row in found["without"] for number in row["cases"]))
    return Listed(differences, without)


def _once(pairs: Iterator[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    seen: set[int] = set()
    for number, value in pairs:
        assert number not in seen, f"case {number} is listed twice"
        seen.add(number)
        yield number, value


def comparable(case: Case) -> Any:
    """Return what was recorded, as MQTT 3.1.1 says it and without times, texts and lengths of packets."""
    if case.number in _FORMS:
        return _FORMS[case.number](case.recorded)
    return _plain(case.recorded, refused=128 if case.group.startswith("acl matching") else None)


def _plain(found: Any, *, refused: int | None) -> Any:
    match found:
        case dict():
            return _plain_dict(found, refused=refused)
        case list():
            return [_plain(one, refused=refused) for one in found]
        case 143:
            return 128
        case 134 | 135 | 137 | 138:
            return refused or _CONNACKS[found]
    return found


def _plain_dict(found: dict[str, Any], *, refused: int | None) -> Any:
    answer: Any
    match sorted(found.keys() - _DROPPED):
        case ["disconnect"] | ["closed"]:
            answer = {"closed": True}
        case ["pubrec"] | ["pubcomp", "pubrec"]:
            answer = {"pubrec": 0, "pubcomp": 0}
        case ["rc"]:
            answer = _CONNACKS.get(found["rc"], found["rc"])
        case ["suback"] if isinstance(found["suback"], list):
            answer = {"suback": [128 if code in _REFUSED else code for code in found["suback"]]}
        case ["puback"]:
            answer = {"puback": 0}
        case ["body", "status"]:
            code = (found["body"] or {}).get("code")
            answer = {"status": found["status"]} | ({"code": code} if code else {})
        case keys:
            answer = {key: _plain(found[key], refused=refused) for key in keys}
    return answer


def _without(*keys: str) -> Callable[[Any], Any]:
    """Leave out what 3.1.1 cannot show, or what is a time."""
    return lambda found: _plain({key: value for key, value in found.items() if key not in keys}, refused=None)


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


CLIENT_FIELDS = {
    "clientid": str, "username": str, "connected": bool, "proto_name": str, "ip_address": str, "port": int,
    "keepalive": int, "connected_at": str, "created_at": str, "auth_expire_at": int, "mqueue_len": int,
    "mqueue_dropped": int, "inflight_cnt": int, "subscriptions_cnt": int, "clean_start": bool,
}  # fmt: skip


def client_fields(body: dict[str, Any]) -> dict[str, str]:
    """Return the types of those fields of a client that this project knows."""
    return {name: type(body[name]).__name__ for name in CLIENT_FIELDS if name in body}


def _served(found: Any) -> Any:
    return {"status": found["http"]["status"] if "http" in found else found["status"]}


def _ban(found: dict[str, Any]) -> Any:
    body = found["http"]["body"]
    http = {"status": found["http"]["status"], **{name: body[name] for name in ("as", "who", "by", "reason")}}
    rest = {key: value for key, value in found.items() if key != "http"}
    return {"http": http, **_plain(rest, refused=None)}


_FORMS: dict[int, Callable[[Any], Any]] = {
    # the observer had not been read out since the case before
    161: lambda found: _plain({**found, "routed": []}, refused=None),
    179: _without("strategy"),
    195: _without("routed (retain-as-published observer)"),
    225: _without("connack 5", "status api"),
    226: _always("accepted"),
    229: _always("accepted"),
    230: _always("refused"),
    258: _always({"status": 200}),
    259: _without("will routed (will topic is not in the acl)"),
    262: lambda found: {"status": found["status"], "fields": client_fields(found["body"])},
    263: lambda found: found,
    264: _served,
    265: _served,
    271: _ban,
    273: _ban,
    275: _ban,
    277: lambda found: {"status": 200, "until": found["body"]["until"]},
    279: lambda found: {"status": 200, "meta": found["body"]["meta"]},
    281: lambda found: {"status": 200, "delivered": found["delivered"]},
    282: lambda found: {"status": 200, "delivered": found["delivered"]},
    283: lambda found: {"status": 200, "delivered": found["delivered"]},
    284: lambda found: {"status": 202, **found["body"]},
    285: lambda found: {"status": 400, **found["body"]},
    286: _served,
    287: _served,
    288: _served,
    289: _served,
    290: _always({"status": 200}),
    291: _served,
    292: _served,
    293: lambda found: {"status": found[0], "says that it runs": "is running" in found[1]},
    294: _served,
    295: _served,
    303: _without("in the next 36 s"),
    334: lambda found: {name: found[name] for name in ("v4", "retained", "banned")},
    337: lambda found: {"all stored": found["retained.count afterwards (before: 4)"] >= 4_000},
    348: _without("topics within 35 s"),
}
