"""The command line front end, beside a file that the sync keeps; the server is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulse_desktop.cli.commands import run
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.errors import ChangeError, SignInError
from pulse_desktop.core.identity import store
from pulse_desktop.core.sync.change_queue import ChangeQueue
from pulse_desktop.program import _parser
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_sync.records import Key, Kind
from support.sync_bench import PASSWORD, ROLE, USER, SyncBench, people

Cli = Callable[..., str]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    folder = tmp_path / "devices" / "D1"
    folder.mkdir(parents=True, mode=0o700)
    identity = store.Identity(
        client_id="D1", api_url="http://127.0.0.1:1", mqtts_url="mqtts://127.0.0.1:1", ca_pem="x", signing_key="s.pem",
        encryption_key="e.pem", enrolled_at="2026-01-01T00:00:00.000Z",
    )  # fmt: skip
    store.save(folder, identity, b"s", b"e")
    made = SyncBench(folder)
    made.clock.wall = SystemClock().now()
    made.server.put(*people())
    made.connect()
    made.keep_key()
    yield made
    made.close()


@pytest.fixture
def cli(bench: SyncBench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    (tmp_path / "new-password").write_text("another-fine-one-3")

    def do(*words: str) -> str:
        filled = [word.replace("PASSWORD", str(file)).replace("NEW", str(tmp_path / "new-password")) for word in words]
        asked = _parser().parse_args(["--device", "D1", *filled])
        capsys.readouterr()
        run(Environment({"PULSE_HOME": str(tmp_path)}), asked)
        return capsys.readouterr().out

    return do


def login(cli: Cli) -> str:
    return cli("login", "--username", "ann", "--password-file", "PASSWORD")


def test_cli_login_whoami_logout(cli: Cli):
    with pytest.raises(SignInError, match="nobody is signed in here"):
        cli("whoami")
    assert login(cli).startswith("signed in as ann from cache, last checked 2")
    assert json.loads(cli("whoami", "--json"))["permissions"] == [
        "DESKTOP_LOGIN", "EDIT_CONFIG", "MANAGE_ROLES", "MANAGE_USERS",
    ]  # fmt: skip
    assert "from_cache: yes" in cli("whoami")
    assert cli("logout") == "signed out.\n"
    with pytest.raises(SignInError, match="nobody is signed in here"):
        cli("whoami")


def test_cli_changes_need_a_sign_in_and_the_password_again(cli: Cli):
    with pytest.raises(SignInError, match="nobody is signed in here"):
        cli("users", "delete", "ann", "--password-file", "PASSWORD")
    login(cli)
    with pytest.raises(SignInError, match="the password is wrong"):
        cli("users", "delete", "ann", "--password-file", "NEW")


def test_cli_without_a_terminal_asks_for_the_file(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(ConfigError, match="give --password-file"):
        cli("login", "--username", "ann")


def test_cli_users_from_creation_to_restoring(cli: Cli, bench: SyncBench):
    login(cli)
    mine = ("--password-file", "PASSWORD")
    assert "queued: bob" in cli("users", "create", "bob", "--role", "boss", "--new-password-file", "NEW", *mine)
    cli("users", "rename", "bob", "robert", *mine)
    cli("users", "deactivate", "robert", *mine)
    listed = {one["username"]: one for one in json.loads(cli("users", "list", "--json"))}
    assert (listed["robert"]["is_active"], listed["robert"]["roles"]) == (False, ["BOSS"])
    cli("users", "activate", "robert", *mine)
    cli("users", "password", "robert", "--new-password-file", "NEW", *mine)
    cli("users", "delete", "robert", *mine)
    assert {row["username"] for row in json.loads(cli("users", "list", "--json"))} == {"ann"}
    cli("users", "restore", "robert", *mine)
    assert "robert" in cli("users", "list")
    bench.engine.look()
    sent = [change.field for _, change in bench.changes()]
    assert sent == ["*", "present", "username", "is_active", "is_active", "password_hash", "deleted_at", "deleted_at"]
    assert len(json.loads(cli("sync", "waiting", "--json"))) == 8
    with pytest.raises(ChangeError, match="there is no user nobody"):
        cli("users", "delete", "nobody", *mine)


def test_cli_creation_that_fails_half_way_queues_nothing(cli: Cli, bench: SyncBench):
    login(cli)
    with pytest.raises(ChangeError, match="there is no role NONE"):
        cli("users", "create", "bob", "--role", "NONE", "--new-password-file", "NEW", "--password-file", "PASSWORD")
    assert cli("sync", "waiting") == "none\n"


def test_cli_roles_and_their_permissions(cli: Cli):
    login(cli)
    mine = ("--password-file", "PASSWORD")
    cli("roles", "create", "CREW", "--description", "sails", *mine)
    cli("roles", "allow", "CREW", "DESKTOP_LOGIN", *mine)
    cli("roles", "grant", "ann", "CREW", *mine)
    cli("roles", "rename", "CREW", "SAILORS", *mine)
    roles = {one["name"]: one for one in json.loads(cli("roles", "list", "--json"))}
    assert (roles["SAILORS"]["permissions"], roles["SAILORS"]["members"]) == (["DESKTOP_LOGIN"], ["ann"])
    cli("roles", "forbid", "SAILORS", "DESKTOP_LOGIN", *mine)
    cli("roles", "revoke", "ann", "SAILORS", *mine)
    cli("roles", "describe", "SAILORS", "ashore", *mine)
    roles = {one["name"]: one for one in json.loads(cli("roles", "list", "--json"))}
    assert (roles["SAILORS"]["permissions"], roles["SAILORS"]["members"]) == ([], [])
    cli("roles", "delete", "SAILORS", *mine)
    assert "SAILORS" not in cli("roles", "list")


def test_cli_settings_for_all_and_for_one_device(cli: Cli, bench: SyncBench):
    login(cli)
    mine = ("--password-file", "PASSWORD")
    cli("settings", "set", "sampling_interval", "0.5", *mine)
    cli("settings", "set", "sampling_interval", "2", "--for", "D1", *mine)
    cli("settings", "set", "flush_order", "live_first", *mine)
    cli("settings", "set", "shop/name", "plain words", *mine)
    assert bench.shown().settings("D1") == {
        "flush_order": "live_first", "sampling_interval": 2, "shop/name": "plain words",
    }  # fmt: skip
    assert bench.shown().settings("D2")["sampling_interval"] == 0.5
    cli("settings", "unset", "sampling_interval", "--for", "D1", *mine)
    assert bench.shown().settings("D1")["sampling_interval"] == 0.5
    assert "sampling_interval" in (shown := cli("settings", "list"))
    assert "desktop:D1" in shown
    with pytest.raises(ChangeError, match=r"from 0\.05 to 3600"):
        cli("settings", "set", "sampling_interval", "0", *mine)


def test_cli_sync_status_review_and_log(cli: Cli, bench: SyncBench):
    login(cli)
    status = json.loads(cli("sync", "status", "--json"))
    assert (status["version"], status["waiting"], status["to_review"]) == (bench.server.version, 0, 0)
    assert status["connection"] == "STOPPED", "the program does not run"
    assert cli("sync", "now") == "asked.\n"
    assert bench.store.state()["ask_wanted"] == 1
    change = bench.author().edit(bench.shown().named(Kind.ROLE, "BOSS").key, "description", "x")
    bench.deliver(bench.outcome(change, "REFUSED", reason="NOT_ALLOWED", message="No."))
    (entry,) = json.loads(cli("sync", "review", "--json"))
    assert (entry["reason"], entry["error_message"], entry["with_it"]) == ("NOT_ALLOWED", "No.", 0)
    assert cli("sync", "review", "--done", str(entry["id"])) == "reviewed.\n"
    assert cli("sync", "review") == "none\n"
    assert "NOT_ALLOWED" in cli("sync", "log")
    assert entry["name"] == "BOSS"
    with pytest.raises(ChangeError, match="no entry 99"):
        cli("sync", "review", "--done", "99")


def test_cli_sync_review_names_what_was_not_applied(cli: Cli, bench: SyncBench):
    login(cli)
    by = bench.author()
    made = by.create(Kind.ROLE, {"name": "NIGHT", "description": ""})
    of_device = by.edit(Key.setting("flush_order", "D1"), "config_value", "live_first")
    joined = by.edit(Key.user_role(USER, ROLE), "present", False)
    waiting = json.loads(cli("sync", "waiting", "--json"))
    assert [one["name"] for one in waiting] == ["NIGHT", "flush_order (D1)", "ann / BOSS"]
    creation = next(one.change for one in ChangeQueue(bench.db).all() if one.change.key == made)
    for change in (creation, of_device, joined):
        bench.deliver(bench.outcome(change, "REFUSED", reason="NOT_ALLOWED", message="No."))
    entries = json.loads(cli("sync", "review", "--json"))
    assert [one["name"] for one in entries] == ["NIGHT", "flush_order (D1)", "ann / BOSS"]
