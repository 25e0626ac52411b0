"""
People, roles and settings on both sides: three real desktops and the whole server, with cuts and kills between.

Each test states one promise; none depends on another's records.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.desktops import Desktop
from support.stack import ADMIN_PASSWORD, Stack, running_stack
from support.waiting import until
from support.watcher import Watcher

PASSWORD = "a-fine-password-12"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api") as made:
        yield made


@pytest.fixture(scope="module")
def desktops(stack: Stack) -> Iterator[list[Desktop]]:
    with contextlib.ExitStack() as closing:
        made = [Desktop(stack, f"D{number}") for number in (1, 2, 3)]
        for one in made:
            closing.callback(one.close)
            one.enroll().start()
        for one in made:
            one.wait_for_records()
        yield made


@pytest.fixture(autouse=True)
def mended(desktops: list[Desktop]) -> Iterator[None]:
    yield
    for one in desktops:
        one.mend()


def new_user(stack: Stack, *roles: str) -> dict[str, Any]:
    answer = stack.admin.post(
        "/users", json={"username": f"person{next(NUMBERS)}", "password": PASSWORD, "roles": list(roles)}
    )
    assert answer.is_success, answer.text
    return answer.json()


def patch(stack: Stack, path: str, body: dict[str, Any]) -> None:
    tag = stack.admin.get(path).headers["etag"]
    answer = stack.admin.patch(path, json=body, headers={"if-match": tag})
    assert answer.is_success, answer.text


def new_role(stack: Stack) -> dict[str, Any]:
    answer = stack.admin.post("/roles", json={"name": f"ROLE{next(NUMBERS)}", "description": "as made"})
    assert answer.is_success, answer.text
    return answer.json()


def has_hash(desktop: Desktop, user_id: str) -> str | None:
    return desktop.sql("SELECT password_hash FROM users WHERE id = ?", user_id)


def admin(desktop: Desktop) -> list[str]:
    """Sign the administrator in and return the options that a change needs."""
    assert desktop.can_login("admin", ADMIN_PASSWORD)
    return ["--password-file", desktop.secret(ADMIN_PASSWORD)]


def description(desktop: Desktop, role_id: str) -> str | None:
    return desktop.sql("SELECT description FROM roles WHERE id = ?", role_id)


def sync_log(stack: Stack, entity_id: str) -> list[dict[str, Any]]:
    return stack.admin.get("/logs/sync", params={"entity_id": entity_id}).json()["items"]


def test_user_made_on_the_web_can_sign_in_on_every_desktop_and_then_without_a_cable(
    stack: Stack, desktops: list[Desktop]
):
    user = new_user(stack, "VIEWER")
    for one in desktops:
        until(lambda one=one: has_hash(one, user["id"]), within_s=10, what=f"{one.client_id} has the hash")
    for one in desktops:
        assert one.login(user["username"], PASSWORD).stdout.startswith(f"signed in as {user['username']}.")
        one.cut()
    for one in desktops:
        done = one.login(user["username"], PASSWORD)
        assert done.stdout.startswith(f"signed in as {user['username']} from cache, last checked 2"), done
        wrong, nobody = one.login(user["username"], "not-the-password"), one.login("nobody", PASSWORD)
        assert (wrong.returncode, nobody.returncode) == (2, 2)
        assert wrong.stderr == nobody.stderr == "pulse-desktop: the name or the password is wrong.\n"


def test_role_changed_on_a_cut_desktop_reaches_the_server_and_everybody(stack: Stack, desktops: list[Desktop]):
    role, (first, *others) = new_role(stack), desktops
    until(lambda: description(first, role["id"]) == "as made", within_s=10, what="the role arrives")
    option = admin(first)
    first.cut()
    first.does("roles", "describe", role["name"], "from the desk", *option)
    shown = {one["name"]: one for one in first.reads("roles", "list")}
    assert shown[role["name"]]["description"] == "from the desk", "its own change is shown at once"
    assert stack.admin.get(f"/roles/{role['id']}").json()["description"] == "as made"
    first.mend()
    until(
        lambda: stack.admin.get(f"/roles/{role['id']}").json()["description"] == "from the desk",
        within_s=30,
        what="the server has it",
    )
    for one in others:
        until(lambda one=one: description(one, role["id"]) == "from the desk", within_s=10, what="others have it")
    (row,) = [row for row in sync_log(stack, role["id"]) if row["source"] == "desktop:D1"]
    assert (row["status"], row["action"]) == ("APPLIED", "update")


def test_value_changed_on_both_sides_ends_as_a_conflict_in_both_logs(stack: Stack, desktops: list[Desktop]):
    role, (first, *_) = new_role(stack), desktops
    until(lambda: description(first, role["id"]) == "as made", within_s=10, what="the role arrives")
    option = admin(first)
    first.cut()
    first.does("roles", "describe", role["name"], "from the desk", *option)
    patch(stack, f"/roles/{role['id']}", {"description": "later, from the web"})
    first.mend()
    entries = until(
        lambda: [one for one in first.reads("sync", "review") if one["entity_id"] == role["id"]],
        within_s=30,
        what="the change is on the review list",
    )
    assert [(one["status"], one["reason"]) for one in entries] == [("CONFLICT", "LATER_VALUE")]
    assert json.loads(entries[0]["old_value"]) == {"description": "later, from the web"}
    assert json.loads(entries[0]["new_value"]) == {"description": "from the desk"}
    until(lambda: description(first, role["id"]) == "later, from the web", within_s=10, what="it falls back")
    (row,) = [row for row in sync_log(stack, role["id"]) if row["status"] == "CONFLICT"]
    assert row["old_value"] == {"description": "later, from the web"}
    assert row["new_value"] == {"description": "from the desk"}
    first.does("sync", "review", "--done", str(entries[0]["id"]))
    assert role["id"] not in {one["entity_id"] for one in first.reads("sync", "review")}


def test_deactivated_person_is_signed_out_everywhere_and_no_byte_of_the_hash_stays(
    stack: Stack, desktops: list[Desktop]
):
    user = new_user(stack, "OPERATOR")
    hashes = set()
    for one in desktops:
        hashes.add(until(lambda one=one: has_hash(one, user["id"]), within_s=10, what="the hash arrives").encode())
        assert one.can_login(user["username"], PASSWORD)
    (found,) = hashes
    marks = [found, found.rpartition(b"$")[2]]
    assert all(mark in desktops[0].bytes_on_disk() for mark in marks), "the search would find it"
    desktops[2].cut()
    patch(stack, f"/users/{user['id']}", {"is_active": False})
    for one in desktops[:2]:
        until(lambda one=one: one.run("whoami").returncode == 2, within_s=10, what="the sign-in has ended")
        assert "has ended: the account is gone" in one.run("whoami").stderr
    assert desktops[2].can_login(user["username"], PASSWORD), "the one that is cut off cannot know"
    desktops[2].mend()
    for one in desktops:
        until(
            lambda one=one: not any(mark in one.bytes_on_disk() for mark in marks),
            within_s=30,
            what=f"the hash is erased on {one.client_id}",
        )
        assert not one.can_login(user["username"], PASSWORD)
        assert one.users()[user["username"]]["is_active"] is False, "the name stays"
    assert "has ended: the account is gone" in desktops[2].run("whoami").stderr


def test_right_taken_while_cut_off_refuses_the_change_with_its_reason_and_what_was_shown_falls_back(
    stack: Stack, desktops: list[Desktop]
):
    second = desktops[1]
    user, role = new_user(stack, "ADMIN"), new_role(stack)
    with contextlib.closing(stack.client(user["username"], PASSWORD)) as own:
        assert own.post("/auth/password", json={"current": PASSWORD, "new": f"{PASSWORD}-2"}).is_success
    until(lambda: description(second, role["id"]) == "as made", within_s=10, what="the role arrives")
    until(lambda: second.can_login(user["username"], f"{PASSWORD}-2"), within_s=20, what="sign in with the new one")
    second.cut()
    option = ["--password-file", second.secret(f"{PASSWORD}-2")]
    second.does("roles", "describe", role["name"], "not mine to say", *option)
    second.does("users", "create", "follower", "--role", role["name"], "--new-password-file",
                second.secret("another-password-3"), *option)  # fmt: skip
    patch(stack, f"/users/{user['id']}", {"roles": ["VIEWER"]})
    second.mend()
    entries = until(lambda: second.reads("sync", "review"), within_s=30, what="it is on the review list")
    until(lambda: second.reads("sync", "status")["waiting"] == 0, within_s=20, what="nothing waits behind it")
    entries = second.reads("sync", "review")
    assert {one["status"] for one in entries} == {"REFUSED"}
    assert {one["reason"] for one in entries} == {"NOT_ALLOWED"}
    assert [one["with_it"] for one in entries if one["action"] == "create"] == [1], "as one entry"
    assert description(second, role["id"]) == "as made"
    assert "follower" not in second.users()
    assert stack.admin.get(f"/roles/{role['id']}").json()["description"] == "as made"
    for one in entries:
        second.does("sync", "review", "--done", str(one["id"]))


def test_own_password_changed_on_a_desktop_holds_everywhere_and_the_key_there_goes_on(
    stack: Stack, desktops: list[Desktop]
):
    (first, second, _), user, role = desktops, new_user(stack, "ADMIN"), new_role(stack)
    fresh, last = f"{PASSWORD}-2", f"{PASSWORD}-3"
    with contextlib.closing(stack.client(user["username"], PASSWORD)) as own:
        assert own.post("/auth/password", json={"current": PASSWORD, "new": fresh}).is_success
    until(lambda: description(first, role["id"]) == "as made", within_s=10, what="the role arrives")
    assert first.can_login(user["username"], fresh)
    assert second.can_login(user["username"], fresh)
    before = has_hash(first, user["id"])
    first.does("users", "password", user["username"], "--password-file", first.secret(fresh),
               "--new-password-file", first.secret(last))  # fmt: skip
    for one in desktops:
        until(lambda one=one: has_hash(one, user["id"]) != before, within_s=15, what="the new hash arrives")
    assert [one["status"] for one in first.reads("sync", "log")[:1]] == ["APPLIED"]
    stack.client(user["username"], last).close()
    until(lambda: "the password was changed" in second.run("whoami").stderr, within_s=10, what="it ends elsewhere")
    first.does("roles", "describe", role["name"], "with the same key", "--password-file", first.secret(last))
    until(
        lambda: stack.admin.get(f"/roles/{role['id']}").json()["description"] == "with the same key",
        within_s=15,
        what="the server takes it",
    )


def test_desktops_killed_and_the_api_restarted_all_converge_and_apply_each_change_once(
    stack: Stack, desktops: list[Desktop]
):
    roles = [new_role(stack) for _ in desktops]
    for one, role in zip(desktops, roles, strict=True):
        until(lambda one=one, role=role: description(one, role["id"]), within_s=10, what="the role arrives")
        option = admin(one)
        one.cut()
        one.does("roles", "describe", role["name"], f"by {one.client_id}", *option)
        one.kill9()
    new_user(stack, "VIEWER")
    stack["auth-api"].kill9()
    for one in desktops:
        one.mend()
        one.start()
    stack["auth-api"].start()
    stack.wait_ready()
    desktops[0].kill9()
    desktops[0].start()
    for one, role in zip(desktops, roles, strict=True):
        until(
            lambda one=one, role=role: (
                stack.admin.get(f"/roles/{role['id']}").json()["description"] == f"by {one.client_id}"
            ),
            within_s=40,
            what=f"the change of {one.client_id} is applied",
        )
    until(lambda: len({json.dumps(shown(one)) for one in desktops}) == 1, within_s=30, what="all show the same")
    for role in roles:
        assert len([row for row in sync_log(stack, role["id"]) if row["status"] == "APPLIED"]) <= 2
        assert [row["status"] for row in sync_log(stack, role["id"]) if row["source"] != "web"] == ["APPLIED"]


def shown(desktop: Desktop) -> list[Any]:
    return [desktop.reads(noun, "list") for noun in ("users", "roles", "settings")]


def test_setting_made_on_either_side_is_in_force_without_a_restart_and_reported(stack: Stack, desktops: list[Desktop]):
    answer = stack.admin.put("/config/heartbeat_interval", json={"value": 2})
    assert answer.is_success, answer.text
    for one in desktops:
        beat = until(lambda one=one: beat_with(stack, one, "heartbeat_interval_s", 2), within_s=15, what="it beats")
        assert beat["config_version"] > 0
        assert beat["identity_version"] >= beat["config_version"]
    option = admin(desktops[0])
    desktops[0].does("settings", "set", "sampling_interval", "0.5", "--for", "D2", *option)
    until(lambda: beat_with(stack, desktops[1], "sampling_interval_s", 0.5), within_s=15, what="the other one samples")
    assert beat_with(stack, desktops[2], "sampling_interval_s", 0.5) is None
    refused = desktops[0].run("settings", "set", "sampling_interval", "0.001", *option)
    assert refused.returncode == 2
    assert "from 0.05 to 3600" in refused.stderr


def beat_with(stack: Stack, desktop: Desktop, figure: str, value: object) -> dict[str, Any] | None:
    with Watcher(stack, [f"heartbeat/{desktop.client_id}"]) as watcher:
        until(watcher.messages, within_s=5, what="the kept heartbeat")
        beats = [beat for _, beat, _ in watcher.messages()]
    return next((beat for beat in beats if beat.get(figure) == value), None)


def test_command_is_carried_out_once_and_answered(stack: Stack, desktops: list[Desktop]):
    first = desktops[0]
    with Watcher(stack, ["command/+/result"]) as watcher:
        for command in ("FORCE_SYNC", "UPDATE_CONFIG", "RELOAD"):
            answer = stack.admin.post(f"/devices/{first.client_id}/commands",
                                      json={"command": command, "args": {}, "expires_in_s": 30})  # fmt: skip
            assert answer.is_success, answer.text
            wanted = answer.json()["command_id"]
            (result,) = until(
                lambda wanted=wanted: [one for _, one, _ in watcher.messages() if one["command_id"] == wanted],
                within_s=15,
                what=f"{command} is answered",
            )
            assert (result["status"], result["command"]) == ("DONE", command), result
