"""S5 with real programs: a spy inside the broker hears everything under ``sync/`` and understands nothing of it."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator

import pytest

from support import spied
from support.desktops import Desktop
from support.processes import ROOT
from support.stack import ADMIN_PASSWORD, Stack, running_stack
from support.waiting import until

PASSWORD, MADE_PASSWORD = "a-planted-password-12", "another-planted-password-34"
SPOKEN = {"planted-role", "planted-words", "planted-person", "planted-made-person", "planted-value", "argon2id"}


@contextlib.contextmanager
def spied_desktops(**variables: str) -> Iterator[tuple[Stack, list[Desktop]]]:
    """Run the system, with a spy in the broker, and three real desktops."""

    def prepare(stack: Stack) -> None:
        for name, arguments in (("broker", []), ("auth-api", ["serve"])):
            stack.add(name, [*spied.command(name), *arguments])

    about = {"PYTHONPATH": str(ROOT / "tests"), **variables}
    programs = ("postgres", "broker", "auth-api")
    with running_stack(*programs, variables=about, prepare=prepare) as stack, contextlib.ExitStack() as closing:
        desktops = [Desktop(stack, f"D{number}", spied.command("desktop")) for number in (1, 2, 3)]
        for one in desktops:
            closing.callback(one.close)
            one.enroll().start()
        for one in desktops:
            one.wait_for_records()
        yield stack, desktops


def plant(stack: Stack, desktops: list[Desktop]) -> str:
    """Write recognizable values on both sides until everybody has all; return a hash that was mirrored."""
    person = {"username": "planted-person", "password": PASSWORD, "roles": ["VIEWER"]}
    assert stack.admin.post("/users", json=person).is_success
    made = stack.admin.post("/roles", json={"name": "planted-role"})
    assert made.is_success, made.text
    for number in range(30):
        address, tag = f"/roles/{made.json()['id']}", {"If-Match": made.headers["etag"]}
        made = stack.admin.patch(address, json={"description": f"planted-words {number}"}, headers=tag)
        assert made.is_success, made.text
    first = desktops[0]
    assert first.can_login("admin", ADMIN_PASSWORD)
    option = ["--password-file", first.secret(ADMIN_PASSWORD)]
    first.does("settings", "set", "line", "planted-value", *option)
    first.does("users", "create", "planted-made-person", "--role", "VIEWER", "--new-password-file",
               first.secret(MADE_PASSWORD), *option)  # fmt: skip
    for one in desktops:
        until(
            lambda one=one: (
                one.sql("SELECT count(*) FROM users WHERE username LIKE 'planted-%'") == 2
                and one.sql("SELECT count(*) FROM system_config WHERE config_value LIKE '%planted-value%'")
                and one.sql("SELECT description FROM roles WHERE name = 'planted-role'") == "planted-words 29"
            ),
            within_s=30,
            what=f"{one.client_id} has what was planted",
        )
    return str(first.sql("SELECT password_hash FROM users WHERE username = 'planted-person'"))


@pytest.mark.timeout(180)
def test_spy_at_the_broker_counts_a_hundred_messages_and_reads_none_S5():  # noqa: N802
    with spied_desktops() as (stack, desktops):
        mirrored = plant(stack, desktops)
        wire = spied.heard(stack.home)
    assert len(wire) >= 100
    assert {topic.split("/")[1] for topic, _ in wire} == {"user", "rbac", "config", "device"}
    assert any(topic.endswith("/changes") for topic, _ in wire)
    assert not marks_in(wire, {*SPOKEN, mirrored, PASSWORD, MADE_PASSWORD})


@pytest.mark.timeout(180)
def test_spy_at_the_broker_reads_every_planted_mark_where_encryption_is_off_but_no_password_S5():  # noqa: N802
    with spied_desktops(**{spied.IN_CLEAR: "yes"}) as (stack, desktops):
        mirrored = plant(stack, desktops)
        wire = spied.heard(stack.home)
    assert marks_in(wire, {*SPOKEN, mirrored, PASSWORD, MADE_PASSWORD}) == {*SPOKEN, mirrored}


def marks_in(wire: list[tuple[str, str]], marks: set[str]) -> set[str]:
    """Return the marks that can be read in *wire* without a key, layers of base64 within layers."""
    shown = b"\n".join(topic.encode() + readable(payload) for topic, payload in wire)
    return {mark for mark in marks if mark.encode() in shown}


def readable(text: str) -> bytes:
    parts = [part for part in re.split(r"[^A-Za-z0-9_-]", text) if len(part) > 20]
    decoded = [base64.urlsafe_b64decode(part[: len(part) - (len(part) % 4 == 1)] + "===") for part in parts]
    inner = [readable(one.decode(errors="replace")) for one in decoded if b"." in one or b"{" in one]
    return text.encode() + b"".join(inner)
