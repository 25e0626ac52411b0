"""
People on real desktops: how soon a change on the web is on a hundred of them, and how long a fresh one needs for all.

What a desktop has is read from its ``identity.db``, which is what signing in there reads. The desktops take a sample
an hour, so that what is measured is the sync alone. The bars are those of the identity document.
"""

from __future__ import annotations

import itertools
import sqlite3
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Limit, percentile
from pulse_desktop.core.identity.enrollment import enroll
from pulse_runtime.private_files import ensure_private_dir
from support.accounts import psql
from support.stack import Stack, running_stack
from support.sync_device import create_user, wait_published
from support.waiting import until

DESKTOPS, AT_ONCE, START_WITHIN_S = 100, 10, 60.0
CHANGES, CHANGE_WITHIN_S = 10, 30.0
PEOPLE, MIRROR_WITHIN_S = 10_000, 120.0
MOST_CHANGE_S, MOST_MIRROR_S = 2.0, 30.0
PASSWORD = "correct-horse-battery-88"
PROGRAMS = ("postgres", "broker", "auth-api")
# People with the same rights and stamps as one whom the API made, who differ in id and name, each with an event.
_COPY_PATTERN = """
WITH people AS (SELECT gen_random_uuid() AS id, n, 'person-' || n AS name FROM generate_series(1, $1) AS n),
pattern AS (SELECT id FROM users WHERE username = 'pattern'),
users_added AS (
    INSERT INTO users
    SELECT (jsonb_populate_record(u, jsonb_build_object(
        'id', people.id, 'username', people.name, 'username_key', people.name))).*
    FROM users AS u JOIN pattern USING (id), people),
memberships_added AS (
    INSERT INTO user_roles
    SELECT (jsonb_populate_record(m, jsonb_build_object('user_id', people.id))).*
    FROM user_roles AS m JOIN pattern ON m.user_id = pattern.id, people),
events_added AS (
    INSERT INTO change_log
    SELECT (jsonb_populate_record(c, jsonb_build_object(
        'record_id', people.id, 'version', counter.version + people.n))).*
    FROM change_log AS c JOIN pattern ON c.record_id = pattern.id::text AND c.event = 'USER_CREATE', people,
        record_version AS counter)
UPDATE record_version SET version = version + $1 RETURNING version
"""


def measure() -> list[Limit]:
    """Return the p95 of a change's way to the desktops, and the time in which a fresh desktop has everybody."""
    with running_stack(*PROGRAMS) as stack:
        changes = _changes(stack)
    with running_stack(*PROGRAMS) as stack:
        return [changes, _fresh(stack)]


def _changes(stack: Stack) -> Limit:
    _start_desktops(stack)
    with ExitStack() as opened:
        desktops = [opened.enter_context(_identity(stack, name)) for name in _names()]
        made, renamed = zip(
            *(_made_and_renamed(stack, desktops, number) for number in range(CHANGES // 2)), strict=True
        )
    every = list(itertools.chain(*made, *renamed))
    beside = "; ".join(_told(name, times) for name, times in (("new person", made), ("new name", renamed)))
    return Limit(f"a change on {DESKTOPS} desktops, p95", percentile(every, 0.95), "s", MOST_CHANGE_S, beside)


def _told(name: str, times: Sequence[list[float]]) -> str:
    every = list(itertools.chain(*times))
    return f"{name}: median {statistics.median(every):.2f}, most {max(every):.2f} s of {len(every)}"


def _made_and_renamed(stack: Stack, desktops: list[sqlite3.Connection], number: int) -> tuple[list[float], list[float]]:
    """Make a person and give another name; return the seconds after which each desktop had it."""
    begun = time.monotonic()
    person = create_user(stack, f"person-{number}", "VIEWER", password=PASSWORD)
    made = _seen(desktops, "password_hash IS NOT NULL AND username", f"person-{number}", begun)
    tag = stack.admin.get(f"/users/{person}").headers["etag"]
    begun = time.monotonic()
    answer = stack.admin.patch(f"/users/{person}", json={"username": f"renamed-{number}"}, headers={"If-Match": tag})
    assert answer.is_success, answer.text
    return made, _seen(desktops, "username", f"renamed-{number}", begun)


def _seen(desktops: list[sqlite3.Connection], column: str, value: str, begun: float) -> list[float]:
    """Look at all *desktops* again and again; return how long after *begun* each had the user."""
    taken: list[float] = []
    waiting = list(desktops)

    def all_have_it() -> bool:
        for desktop in list(waiting):
            if desktop.execute(f"SELECT count(*) FROM users WHERE {column} = ?", (value,)).fetchone()[0]:
                taken.append(time.monotonic() - begun)
                waiting.remove(desktop)
        return not waiting

    until(all_have_it, within_s=CHANGE_WITHIN_S, what=f"every desktop has {value}", every_s=0.01)
    return taken


def _fresh(stack: Stack) -> Limit:
    create_user(stack, "pattern", "VIEWER", password=PASSWORD)
    assert psql(stack, _COPY_PATTERN, PEOPLE - 2)  # the administrator and the pattern are people, too
    version = wait_published(stack, within_s=60)
    _enroll(stack, "fresh")
    begun = time.monotonic()
    stack["fresh"].start()
    until(lambda: _has_records(stack, "fresh"), within_s=MIRROR_WITHIN_S, what="the fresh desktop has the records")
    taken = time.monotonic() - begun
    with _identity(stack, "fresh") as desktop:
        query = "SELECT version, (SELECT count(password_hash) FROM users) FROM sync_state"
        assert desktop.execute(query).fetchone() == (version, PEOPLE)
    return Limit(f"{PEOPLE:,} people on a fresh desktop", taken, "s", MOST_MIRROR_S, "from the start of its process")


def _names() -> list[str]:
    return [f"desk-{number:03}" for number in range(DESKTOPS)]


def _start_desktops(stack: Stack) -> None:
    """Start all of them, a few at a time, and wait until they have the records."""
    for name in _names():
        _enroll(stack, name)
    for first in range(0, DESKTOPS, AT_ONCE):
        group = _names()[first : first + AT_ONCE]
        for name in group:
            stack[name].start()
        until(
            lambda group=group: all(_has_records(stack, name) for name in group),
            within_s=START_WITHIN_S,
            what=f"{group[0]} to {group[-1]} have the records",
        )


def _enroll(stack: Stack, client_id: str) -> None:
    answer = stack.admin.post("/devices/enrollment-codes", json={"client_id": client_id})
    assert answer.is_success, answer.text
    folder = ensure_private_dir(stack.home / "devices" / client_id, "PULSE_HOME")
    code = answer.json()["code"]
    enroll(folder, client_id, api_url=stack.address, code=code, broker_url=None, now=lambda: datetime.now(UTC))
    command = ["pulse-desktop", "--headless", "--client-id", client_id, "--source", "simulator", "--interval", "3600"]
    stack.add(client_id, command)


def _has_records(stack: Stack, client_id: str) -> bool:
    if not _file(stack, client_id).exists():
        return False
    with _identity(stack, client_id) as desktop:
        try:
            return desktop.execute("SELECT last_contact_at FROM sync_state").fetchone() not in {None, (None,)}
        except sqlite3.OperationalError:
            return False  # it is just being made


@contextmanager
def _identity(stack: Stack, client_id: str) -> Iterator[sqlite3.Connection]:
    """Give a connection that only reads the desktop's records."""
    address = f"file:{_file(stack, client_id)}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5, isolation_level=None)) as desktop:
        yield desktop


def _file(stack: Stack, client_id: str) -> Path:
    return stack.home / "devices" / client_id / "identity.db"
