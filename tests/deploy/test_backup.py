"""The scripts of the jobs ``backup`` and ``restore`` on a PostgreSQL like the deployment's, with nobody connected."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path

import asyncpg
import pytest

from support.database import run_apart
from support.own_postgres import ROLES, OwnPostgres
from support.site import Site

RIGHTS = """SELECT relname, relowner::regrole, relacl FROM pg_class WHERE relnamespace = 'public'::regnamespace
    ORDER BY relname"""


@pytest.fixture
def site(server: OwnPostgres, tmp_path: Path) -> Site:
    keys = {"auth-api-keys": tmp_path / "keys", "authority": tmp_path / "tls"}
    for folder, file in zip(keys.values(), ("access-1.pem", "ca-key.pem"), strict=True):
        folder.mkdir()
        (folder / file).write_text(f"secret of {file}")
        (folder / file).chmod(0o600)
    return Site(server, keys, tmp_path / "backups")


def test_restore_puts_back_what_was_there_under_another_history_and_keeps_the_present_database(site: Site):
    site.server.ask("INSERT INTO audit_log (actor, action) VALUES ('test', 'before')")
    history = site.history()
    site.backup()
    site.server.ask("INSERT INTO audit_log (actor, action) VALUES ('test', 'after')")
    earlier = site.databases()
    said = site.restore("newest").stdout
    assert site.server.ask("SELECT action FROM audit_log WHERE actor = 'test'") == ["before"]
    assert site.history() != history
    (former,) = site.databases() - earlier
    assert former.startswith("pulse_before_")
    assert former in said
    kept = site.server.ask("SELECT action FROM audit_log WHERE actor = 'test' ORDER BY id", database=former)
    assert kept == ["before", "after"]


def test_restore_says_from_when_on_devices_are_to_be_asked_five_minutes_before_the_backup(site: Site):
    site.backup()
    (site.newest() / "taken-at").write_text("2026-02-07T10:03:20Z\n")
    (site.newest() / "SHA256SUMS").write_text(
        "".join(
            line for line in (site.newest() / "SHA256SUMS").read_text().splitlines(keepends=True) if "taken" not in line
        )
    )
    said = site.restore("newest").stdout
    assert (site.folder / "reconcile-since").read_text() == "2026-02-07T09:58:20Z\n"
    assert "pulse-ingest reconcile --since 2026-02-07T09:58:20Z" in said


def test_restored_database_is_closed_to_others_and_open_to_the_worker_as_before(site: Site):
    rights = "SELECT datacl FROM pg_database WHERE datname = 'pulse'"
    before = site.server.ask(rights), site.server.ask(RIGHTS)
    site.backup()
    site.restore("newest")
    assert (site.server.ask(rights), site.server.ask(RIGHTS)) == before
    assert "pulse_ingest" in str(before[1])


def test_restore_while_somebody_uses_the_database_changes_nothing(site: Site):
    async def connected() -> None:
        password = (site.server.secrets / ROLES["pulse_ingest"]).read_text().strip()
        connection = await asyncpg.connect(site.server.dsn("pulse_ingest"), password=password)
        try:
            refused = await asyncio.to_thread(site.restore, "newest", check=False)
        finally:
            await connection.close()
        assert refused.returncode == 1
        assert "stop the API and the workers first" in refused.stderr

    site.backup()
    history, databases = site.history(), site.databases()
    run_apart(connected())
    assert (site.history(), site.databases()) == (history, databases)


def test_restore_of_a_damaged_backup_is_refused_before_anything_is_done(site: Site):
    site.backup()
    dump = site.newest() / "database.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    before = site.databases()
    assert site.restore("newest", check=False).returncode != 0
    assert site.databases() == before


def test_restore_that_fails_half_way_leaves_no_database(site: Site):
    site.backup()
    before, history = site.databases(), site.history()
    # The database is back when this archive of keys turns out to be missing.
    refused = site.restore("newest", "--with-keys", check=False, PULSE_KEYS=f"none={site.folder / 'keys'}")
    assert refused.returncode != 0
    assert "none.tar" in refused.stderr
    assert (site.databases(), site.history()) == (before, history)


def test_restore_names_the_rights_that_were_changed_after_the_backup_and_nothing_else(site: Site):
    site.audit("user:ann", "device.revoked", "device", "PRESS-1")
    site.backup()
    site.audit("user:ann", "device.revoked", "device", "PRESS-2")
    site.audit("user:ann", "user.deactivated", "user", "5d0c", after={"username": "b\x1bob"})
    site.audit("user:ann", "user_role.removed", "user_role", "5d0c/77", detail={"user": "carl", "role": "Operators"})
    site.audit("user:ann", "session.started", "", "")
    said = site.restore("newest").stdout
    told = [line for line in said.splitlines() if line.startswith(" ")]
    assert [line.split("  ")[2:] for line in told] == [
        ["user:ann", "device.revoked", "device PRESS-2"],
        ["user:ann", "user.deactivated", "user b?ob 5d0c"],
        ["user:ann", "user_role.removed", "user_role carl Operators 5d0c/77"],
    ]
    assert all(line.startswith("  20") for line in told)


def test_restore_names_the_newest_changes_of_very_many(site: Site):
    site.backup()
    site.server.ask(
        "INSERT INTO audit_log (actor, action, entity_id) SELECT 'test', 'device.revoked', 'P' || n"
        " FROM generate_series(1, 250) AS n"
    )
    said = site.restore("newest").stdout.splitlines()
    assert [line.split()[-1] for line in said if "device.revoked" in line] == [f"P{n}" for n in range(51, 251)]


def test_restore_says_when_no_rights_were_changed_after_the_backup(site: Site):
    site.backup()
    assert "the former database knows of no right that was changed after the backup" in site.restore("newest").stdout


def test_restore_names_the_databases_in_which_stands_what_earlier_restores_forgot(site: Site):
    site.backup()
    site.audit("user:ann", "device.revoked", "device", "PRESS-3")
    earlier = site.databases()
    first = site.restore("newest").stdout
    (replaced,) = site.databases() - earlier
    assert "PRESS-3" in first
    between = site.databases()
    second = site.restore("newest").stdout
    assert "PRESS-3" not in second, "the database that it replaced had forgotten that too"
    (named,) = (line for line in second.splitlines() if "see the lists of those restores" in line)
    (latest,) = site.databases() - between
    assert replaced in named
    assert latest not in named, "that one was asked"


def test_restore_on_a_new_server_says_that_nothing_is_known_of_rights(site: Site):
    site.backup()
    site.server.ask("DROP DATABASE pulse", database="postgres")
    site.server.ask("CREATE DATABASE pulse OWNER pulse_auth", database="postgres")
    assert "the former database held nothing" in site.restore("newest").stdout
    assert site.history()


def test_restore_of_an_unknown_backup_lists_those_that_are_there(site: Site):
    site.backup()
    for name in ("20010101T000000Z", "list", ".."):
        refused = site.restore(name, check=False)
        assert refused.returncode == 2
        assert site.newest().name in refused.stderr


def test_restore_with_keys_puts_them_where_a_new_server_has_none(site: Site, tmp_path: Path):
    site.backup()
    new = {name: tmp_path / "new" / name / "keys" for name in site.keys}
    told = " ".join(f"{name}={folder}" for name, folder in new.items())
    site.restore("newest", PULSE_KEYS=told)
    assert not (tmp_path / "new").exists()
    site.restore("newest", "--with-keys", PULSE_KEYS=told)
    for name, old in site.keys.items():
        for one in old.iterdir():
            assert (new[name] / one.name).read_bytes() == one.read_bytes()
            assert (new[name] / one.name).stat().st_mode == one.stat().st_mode


def test_backup_holds_the_keys_for_its_owner_alone_and_only_so_many_are_kept(site: Site):
    for name in ("20200101T000000Z", "20210101T000000Z", "something-else"):
        (site.folder / name).mkdir()
    (site.folder / ".20220101T000000Z.unfinished").mkdir()
    site.backup()
    site.backup()  # in the same second, perhaps
    made = max(one for one in site.folder.iterdir() if one.name.startswith("20"))
    (other,) = {one.name for one in site.folder.iterdir()} - {"something-else", made.name}
    assert other.startswith(made.name[:8]), "the two newest are kept"
    assert made.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in made.iterdir()} == {0o600}
    with tarfile.open(made / "auth-api-keys.tar") as packed:
        assert "./access-1.pem" in packed.getnames()
    with tarfile.open(made / "authority.tar") as packed:
        assert "./ca-key.pem" in packed.getnames()


def test_backup_is_noted_in_the_audit_log_by_its_name_when_it_is_complete(site: Site):
    asked = "SELECT entity_id FROM audit_log WHERE action = 'backup.made' ORDER BY id DESC LIMIT 1"
    site.backup()
    assert site.server.ask(asked) == [site.newest().name]
    site.backup(check=False, PULSE_KEYS="keys=/nowhere")
    assert site.server.ask(asked) == [site.newest().name]


@pytest.mark.parametrize("broken", [{"PULSE_DATABASE_PASSWORD_FILE": "/dev/null"}, {"PULSE_KEYS": "keys=/nowhere"}])
def test_backup_that_fails_leaves_nothing(site: Site, broken: dict[str, str]):
    assert site.backup(check=False, **broken).returncode != 0
    assert list(site.folder.iterdir()) == []


@pytest.mark.parametrize("kept", ["0", "-1", "many"])
def test_backup_number_to_keep_that_makes_no_sense_is_refused(site: Site, kept: str):
    done = site.backup(check=False, PULSE_BACKUPS_KEPT=kept)
    assert done.returncode == 2
    assert "PULSE_BACKUPS_KEPT" in done.stderr
    assert list(site.folder.iterdir()) == []
