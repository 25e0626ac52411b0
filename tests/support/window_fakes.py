"""What windows are tested with: a bridge that answers at once from what a test has set, and snapshots of states."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission
from pulse_desktop.core.errors import DesktopError, Link
from pulse_desktop.core.identity.sessions import SignedIn
from pulse_desktop.core.identity.sign_in import Welcome
from pulse_desktop.core.operation import Operator
from pulse_desktop.core.recent import Point, WaitingRow
from pulse_desktop.core.settings_shown import SettingShown
from pulse_desktop.core.status import ADVICE
from pulse_desktop.ui.snapshot import Buffer, Lamp, LogLine, Snapshot

EVERYTHING = frozenset(str(one) for one in Permission)
LARGEST = 9223372036854775807
REVOKED = "the API gives no token: This device was revoked; enroll it again with a code made for its id"
SETTINGS = [
    SettingShown("sampling_interval", 0.5, "device", "user:ann", "web"),
    SettingShown("buffer_limit", 10_000_000, "default"),
    SettingShown("buffer_full_policy", "refuse_new", "default"),
    SettingShown("confirmed_keep_h", 48.0, "device", "user:olga", "desktop:DESKTOP-001"),
    SettingShown("heartbeat_interval", 5.0, "default"),
    SettingShown("flush_batch_size", 200, "default"),
    SettingShown("flush_order", "buffer_first", "all", "user:bo", "web"),
    SettingShown("offline_login_days", 14, "all", "user:ann", "desktop:PRESS-2"),
]


def operator(*permissions: str, from_cache: bool = False, name: str = "olga") -> Operator:
    who = SignedIn("u1", name, "2026-11-22T02:00:00.000Z", is_from_cache=from_cache, hash_at=None)
    return Operator(who, frozenset(permissions), "2026-11-20T08:30:00.000Z")


@dataclass
class FakeOperation:
    """Notes what is asked; ``refusal``: raised by whatever is asked next; ``refusals``: by the call of that name."""

    refusal: Exception | None = None
    refusals: dict[str, Exception] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    welcome: Welcome = field(default_factory=lambda: Welcome(operator().who, None))  # type: ignore[arg-type]

    def sign_in(self, username: str, password: str) -> Welcome:
        self._note("sign_in", username, password)
        return self.welcome

    def sign_out(self) -> None:
        self._note("sign_out")

    def sync_now(self) -> None:
        self._note("sync_now")

    def settings(self) -> list[SettingShown]:
        return []

    def set_settings(self, password: str, values: Mapping[str, Any], seen: Iterable[SettingShown]) -> None:
        assert values.keys() <= {one.key for one in seen}
        self._note("set_settings", password, dict(values))

    def check_addresses(self, api_url: str, broker_url: str | None) -> None:
        self._note("check_addresses", api_url, broker_url)

    def set_addresses(self, api_url: str, broker_url: str | None) -> None:
        self._note("set_addresses", api_url, broker_url)

    def set_sources(self, entries: list[dict[str, Any]]) -> None:
        self._note("set_sources", entries)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        refusal = self.refusals.get(call[0], self.refusal)
        if refusal is not None:
            raise refusal


class FakeBridge:
    """
    See ``ui.bridge.Asking``; everything happens at once, in the caller's thread.

    ``held``: what was asked waits here until ``answer``, when a test has set it to a list.
    """

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] | None = None
        self.operation: Any = FakeOperation()
        self.shown: list[tuple[str, float]] = []
        self.looks = 0
        self.opened: list[str] = []

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[str], None]) -> None:
        def answer() -> None:
            try:
                answered = work()
            except DesktopError as error:
                failed(str(error))
                return
            done(answered)

        if self.held is None:
            answer()
        else:
            self.held.append(answer)

    def look_again(self) -> None:
        self.looks += 1

    def show(self, metric: str, span_s: float) -> None:
        self.shown.append((metric, span_s))


def rows(count: int, state: str = "pending", at: str = "") -> tuple[WaitingRow, ...]:
    at = at or format_time(datetime.now(UTC))
    return tuple(
        WaitingRow("s1", number, at, {"temperature": 70.0 + number, "rpm": LARGEST}, state, None)
        for number in range(1, count + 1)
    )


def online(**changes: Any) -> Snapshot:
    """A device that is well, with a curve."""
    now = time.time()
    points = tuple(Point(now - 300 + step, 72 + 4 * math.sin(step / 23) + math.sin(step / 3)) for step in range(300))
    here = format_time(datetime.now(UTC))
    latest = {"door/is_open": False, "motor/rpm": LARGEST, "pressure/bar": 6.25, "temperature": 72.45}
    made = Snapshot(
        "DESKTOP-001",
        lamp=Lamp.ONLINE,
        link=Link.UP,
        buffer=Buffer(held=1, sent=1, room_h=2777.7, used_pct=0.0),
        last_sync_at=here,
        latest=latest,
        recorded_at=dict.fromkeys(latest, here),
        metric="temperature",
        points=points,
        log=(LogLine(here, "info", "desktop.started", "client_id=DESKTOP-001"),
             LogLine(here, "warning", "desktop.connection_lost", "reason=the broker is gone  lived_s=12.5")),
    )  # fmt: skip
    return replace(made, **changes)


def syncing(**changes: Any) -> Snapshot:
    """The same, back after an outage."""
    buffer = Buffer(held=61_234, sent=400, room_h=2760.0, used_pct=0.6, progress=0.38, left_s=94)
    return replace(online(), **{"lamp": Lamp.SYNCING, "buffer": buffer, "waiting": rows(60), **changes})


def everything_wrong(**changes: Any) -> Snapshot:
    """A device of which as much is wrong as can be at once: a banner for each, some of them long."""
    problems = {
        "recording": "nothing can be recorded: the disk is full; when that is put right, recording goes on by itself",
        "notice": "the buffer is filling (8012345 of 10000000 readings); when it is full, new readings are given up",
        "source": "the source press has failed: press.csv cannot be read: [Errno 2] No such file or directory; what "
        "has failed is tried again by itself; see Settings, Sources or `pulse-desktop sources`",
        "refused": f"the server refuses this device: {REVOKED}; {ADVICE[Link.REFUSED]}",
        "rejected": "the archive has rejected 12 readings; they are kept here, see the waiting rows",
        "ended": "a part has ended by itself (sync); the device is started anew",
    }
    who = operator(*EVERYTHING, from_cache=True)
    return disconnected(Link.REFUSED, REVOKED, problems=problems, operator=who, **changes)


def disconnected(link: Link = Link.NO_NETWORK, detail: str = "no route to the host", **changes: Any) -> Snapshot:
    """The same, cut off since some days."""
    since = format_time(datetime.now(UTC) - timedelta(days=3, hours=2))
    buffer = Buffer(held=4_321, room_h=46.5, used_pct=2.4)
    fields = {"lamp": Lamp.DISCONNECTED, "link": link, "link_detail": detail, "buffer": buffer,
              "waiting": rows(60, at=since), "last_sync_at": since}  # fmt: skip
    return replace(online(), **{**fields, **changes})
