"""Signing in: the server decides while it is there, else the cache for some days; guessing locks one account only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pulse_acl.payloads import format_time
from pulse_desktop.core.errors import ChangeError, SignInError
from pulse_desktop.core.identity import sessions
from pulse_desktop.core.identity.lockout import LockedError, lock_s
from pulse_desktop.core.identity.online import ApiUnreachableError, Person, RefusalError
from pulse_desktop.core.identity.operator_keys import OperatorKeys
from pulse_desktop.core.identity.operators import author, set_password
from pulse_desktop.core.identity.sign_in import SignIn
from pulse_desktop.core.sync.corrected_time import CorrectedTime
from pulse_desktop.core.sync.schema import open_identity
from pulse_sync.records import Key, Kind
from support.sync_bench import HASH, PASSWORD, ROLE, USER, SyncBench, bench_with_people, record, user

WRONG = "the name or the password is wrong"


class FakeServer:
    """The server's calls: ``is_there``, ``refusal``; ``registered`` keys."""

    def __init__(self) -> None:
        self.is_there, self.refusal, self.must_change = False, None, False
        self.password, self.permissions = PASSWORD, frozenset({"DESKTOP_LOGIN"})
        self.registered: list[dict[str, str]] = []

    def sign_in(self, username: str, password: str) -> Person:
        self._require()
        if password != self.password:
            raise RefusalError(401, "sign-in-refused", "The name or the password is wrong.", None)
        return Person(USER, username, self.permissions, self.must_change, "token")

    def change_password(self, person: Person, current: str, new: str) -> Person:
        self._require()
        self.password, self.must_change = new, False
        return Person(person.user_id, person.username, self.permissions, must_change_password=False, access_token="t")

    def register_key(self, _person: Person, public_jwk: dict[str, str]) -> None:
        self._require()
        self.registered.append(public_jwk)

    def sign_out(self, _person: Person) -> None:
        self._require()

    def _require(self) -> None:
        if not self.is_there:
            raise ApiUnreachableError("no network")
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SyncBench]:
    made = bench_with_people(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def desk(bench: SyncBench, server: FakeServer) -> SignIn:
    return SignIn(bench.db, "D1", server, bench.clock)


def refused(desk: SignIn, name: str, password: str) -> str:
    with pytest.raises(SignInError) as raised:
        desk.sign_in(name, password)
    return str(raised.value)


def test_sign_in_without_the_server_is_decided_by_the_cache_and_says_so(bench: SyncBench, desk: SignIn):
    checked = bench.clock.now()
    bench.clock.advance(3600)
    welcome = desk.sign_in("Ann", PASSWORD)
    assert (welcome.who.username, welcome.who.is_from_cache, welcome.last_checked) == ("ann", True, checked)
    assert "sign in once while the server is there" in welcome.notice
    assert sessions.current(bench.db).user_id == USER


def test_sign_in_unknown_wrong_inactive_and_not_allowed_get_the_same_answer_after_the_same_work(
    bench: SyncBench, desk: SignIn, monkeypatch: pytest.MonkeyPatch
):
    from pulse_desktop.core.identity import sign_in

    work: list[bool] = []
    real = sign_in.PasswordHasher.verify
    monkeypatch.setattr(sign_in.PasswordHasher, "verify", lambda self, *given: work.append(True) or real(self, *given))
    other = "018f0000-0000-7000-8000-0000000000ff"
    bench.deliver(*bench.server.put(user(other, "bo")))  # no role, but say a hash is still here
    answers = {refused(desk, "nobody", PASSWORD), refused(desk, "ann", "guess"), refused(desk, "bo", PASSWORD)}
    bench.deliver(*bench.server.put(user(is_active=False)))
    answers.add(refused(desk, "ann", PASSWORD))
    assert (answers, len(work)) == ({WRONG}, 4)


def test_sign_in_from_the_cache_ends_offline_login_days_after_the_last_contact_case_28(bench: SyncBench, desk: SignIn):
    bench.clock.advance(7 * 86_400 - 1)
    assert desk.sign_in("ann", PASSWORD).who.is_from_cache
    bench.clock.advance(2)
    assert "more than 7 days ago" in refused(desk, "ann", PASSWORD)
    bench.connect()
    assert desk.sign_in("ann", PASSWORD).who.is_from_cache, "a contact renews it"


def test_change_after_offline_login_days_without_a_contact_is_refused_too(
    bench: SyncBench, desk: SignIn, server: FakeServer
):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    bench.clock.advance(7 * 86_400 + 1)
    with pytest.raises(SignInError, match="more than 7 days ago"):
        author(bench.db, "D1", bench.clock, PASSWORD)


def test_sign_in_clock_set_back_gives_no_further_days(bench: SyncBench, desk: SignIn):
    bench.clock.advance(7 * 86_400 + 1)
    refused(desk, "ann", PASSWORD)
    bench.clock.jump(-6 * 86_400)
    assert "more than 7 days ago" in refused(desk, "ann", PASSWORD)
    bench.die()
    assert "more than 7 days ago" in refused(SignIn(bench.db, "D1", FakeServer(), bench.clock), "ann", PASSWORD)


def test_sign_in_offline_login_days_is_a_setting_and_0_means_never(bench: SyncBench, desk: SignIn):
    bench.deliver(*bench.server.put(record(Key.setting("offline_login_days"), config_value=0, deleted_at=None)))
    bench.clock.advance(1)
    assert "more than 0 days ago" in refused(desk, "ann", PASSWORD)


def test_sign_in_device_that_never_met_its_server_says_so_case_29(tmp_path: Path):
    made = SyncBench(tmp_path)
    assert "never had contact" in refused(SignIn(made.db, "D1", FakeServer(), made.clock), "ann", PASSWORD)
    made.close()


def test_lock_grows_from_1_minute_to_1_hour():
    assert [lock_s(failures) for failures in range(1, 12)] == [0, 0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert lock_s(10_000) == 3600


def test_sign_in_failures_lock_that_account_only_also_after_a_restart_case_28(bench: SyncBench, desk: SignIn):
    other = "018f0000-0000-7000-8000-0000000000ff"
    bench.deliver(*bench.server.put(user(other, "bo"), record(Key.user_role(other, ROLE), present=True)))
    for _ in range(4):
        assert refused(desk, "ann", "guess") == WRONG
    assert "try again in 60 s" in refused(desk, "ANN", PASSWORD), "even with the right password"
    bench.die()
    again = SignIn(bench.db, "D1", FakeServer(), bench.clock)
    bench.clock.advance(30)
    with pytest.raises(LockedError) as raised:
        again.sign_in("ann", PASSWORD)
    assert raised.value.wait_s == 30
    assert again.sign_in("bo", PASSWORD).who.username == "bo"
    bench.clock.advance(30)
    assert refused(again, "ann", "guess") == WRONG
    assert "try again in 120 s" in refused(again, "ann", PASSWORD), "it doubles"
    bench.clock.advance(120)
    assert again.sign_in("ann", PASSWORD).who.username == "ann"
    assert refused(again, "ann", "guess") == WRONG
    assert again.sign_in("ann", PASSWORD).who.username == "ann", "success begins anew"


def wait_s(desk: SignIn) -> int:
    with pytest.raises(LockedError) as raised:
        desk.sign_in("ann", PASSWORD)
    return raised.value.wait_s


def locked(bench: SyncBench, desk: SignIn, failures: int = 4) -> None:
    for _ in range(failures):
        assert refused(desk, "ann", "guess") == WRONG


def test_lock_ends_although_the_clock_was_a_day_ahead_once(bench: SyncBench, desk: SignIn):
    bench.clock.jump(86_400)
    CorrectedTime(bench.db, bench.clock).now()
    bench.clock.jump(-86_400)
    locked(bench, desk)
    assert wait_s(desk) == 60
    bench.clock.advance(59)
    assert wait_s(desk) == 1
    bench.clock.advance(1)
    assert desk.sign_in("ann", PASSWORD).who.username == "ann"


def test_lock_does_not_end_for_a_clock_set_back_or_a_machine_started_anew(bench: SyncBench, desk: SignIn):
    locked(bench, desk)
    bench.clock.jump(-3_600)
    assert wait_s(desk) == 60
    bench.clock.passed_s = 5.0  # of the monotonic clock, which begins with the machine
    assert wait_s(SignIn(bench.db, "D1", FakeServer(), bench.clock)) == 60, "nobody knows how long it was off"
    bench.clock.passed_s += 30.0
    assert wait_s(desk) == 30, "but it is counted from there"
    bench.clock.passed_s += 30.0
    assert desk.sign_in("ann", PASSWORD).who.username == "ann"


def test_lock_of_a_file_of_the_first_version_is_kept(bench: SyncBench, desk: SignIn):
    locked(bench, desk)
    path = Path(bench.db.execute("PRAGMA database_list").fetchone()[2])
    bench.db.execute("ALTER TABLE sign_in_failures DROP COLUMN locked_at_s")
    bench.db.execute("PRAGMA user_version = 1")
    again = open_identity(path)
    try:
        assert wait_s(SignIn(again, "D1", FakeServer(), bench.clock)) == 60
        bench.clock.advance(60)
        assert SignIn(again, "D1", FakeServer(), bench.clock).sign_in("ann", PASSWORD).who.username == "ann"
    finally:
        again.close()


def test_sign_in_unknown_name_is_locked_like_a_known_one(bench: SyncBench, desk: SignIn):
    for _ in range(4):
        assert refused(desk, "nobody", "guess") == WRONG
    assert "try again in 60 s" in refused(desk, "nobody", "guess")
    assert b"nobody" not in bench.bytes_on_disk(), "what is typed into the wrong field is not kept"


def test_sign_in_online_is_decided_by_the_server_alone(bench: SyncBench, desk: SignIn, server: FakeServer):
    server.is_there, server.password = True, "another-password"
    assert refused(desk, "ann", PASSWORD) == "The name or the password is wrong", "the cache is not asked"
    assert not desk.sign_in("ann", "another-password").who.is_from_cache
    server.refusal = RefusalError(503, "x", "Down.", None)
    assert desk.sign_in("ann", PASSWORD).who.is_from_cache, "a server that cannot decide is not there"


def test_sign_in_online_without_the_right_is_refused(desk: SignIn, server: FakeServer):
    server.is_there, server.permissions = True, frozenset({"VIEW_DASHBOARD"})
    assert "may not sign in on desktops" in refused(desk, "ann", PASSWORD)


def test_sign_in_online_makes_a_key_once_and_only_the_password_opens_it(
    bench: SyncBench, desk: SignIn, server: FakeServer
):
    server.is_there = True
    for _ in range(2):
        assert desk.sign_in("ann", PASSWORD).notice == ""
    assert len(server.registered) == 1
    assert author(bench.db, "D1", bench.clock, PASSWORD).edit(Key.role(ROLE), "description", "x").by == "user:ann"
    with pytest.raises(SignInError, match="password is wrong"):
        author(bench.db, "D1", bench.clock, "guess")
    (stored,) = bench.db.execute("SELECT wrapped FROM operator_keys").fetchone()
    private = OperatorKeys(bench.db).opened(USER, PASSWORD).private_bytes_raw()
    assert private not in bytes(stored)


def test_sign_in_guessing_at_a_change_is_locked_like_guessing_at_sign_in(
    bench: SyncBench, desk: SignIn, server: FakeServer
):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    for _ in range(4):
        with pytest.raises(SignInError, match="password is wrong"):
            author(bench.db, "D1", bench.clock, "guess")
    with pytest.raises(LockedError):
        author(bench.db, "D1", bench.clock, PASSWORD)


def test_sign_in_before_the_password_is_changed_can_look_but_not_change(
    bench: SyncBench, desk: SignIn, server: FakeServer
):
    server.is_there = server.must_change = True
    assert "use `pulse-desktop password`" in desk.sign_in("ann", PASSWORD).notice
    with pytest.raises(SignInError, match="not change anything here yet"):
        author(bench.db, "D1", bench.clock, PASSWORD)
    assert desk.change_password("ann", PASSWORD, "quite-another-1").notice == ""
    assert author(bench.db, "D1", bench.clock, "quite-another-1")


@pytest.mark.parametrize(
    ("news", "words"),
    [
        (user(is_active=False, password_hash=None), "the account is gone"),
        (user(deleted_at="2026-06-01T00:00:00.000Z", password_hash=None), "the account is gone"),
        (record(Key.user_role(USER, ROLE), present=False), "the account is gone"),
        (user(at="2026-05-01T00:00:00.000Z"), "the password was changed"),
    ],
)
def test_sign_in_ends_and_with_it_the_key_when_its_ground_is_gone_case_28(
    bench: SyncBench, desk: SignIn, server: FakeServer, news: Any, words: str
):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    bench.draw()
    assert sessions.current(bench.db).username == "ann"
    bench.deliver(*bench.server.put(news))
    bench.draw()
    with pytest.raises(SignInError, match=words):
        sessions.current(bench.db)
    assert words in str(OperatorKeys(bench.db).find(USER).ended_why)


def test_sign_in_that_ran_ahead_of_the_mirror_waits_for_the_next_contact(
    bench: SyncBench, desk: SignIn, server: FakeServer
):
    server.is_there, server.password = True, "set-on-the-web-1"
    desk.sign_in("ann", "set-on-the-web-1")
    bench.draw()
    assert sessions.current(bench.db).hash_at is None
    bench.clock.advance(1)
    bench.server.put(user(at="2026-06-01T11:00:00.000Z"))
    bench.engine.link_down()
    bench.connect()
    assert sessions.current(bench.db).hash_at == "2026-06-01T11:00:00.000Z"
    assert OperatorKeys(bench.db).find(USER).ended_why is None


def test_sign_in_that_the_first_contact_does_not_confirm_ends(bench: SyncBench, desk: SignIn, server: FakeServer):
    server.is_there, server.password = True, "set-on-the-web-1"
    desk.sign_in("ann", "set-on-the-web-1")
    bench.clock.advance(1)
    bench.server.put(user(is_active=False, password_hash=None))
    bench.engine.link_down()
    bench.connect()
    with pytest.raises(SignInError, match="the account is gone"):
        sessions.current(bench.db)


def test_sign_in_before_the_first_contact_on_a_clock_that_is_ahead_is_judged_at_that_contact(
    tmp_path: Path, server: FakeServer
):
    made = SyncBench(tmp_path)
    server.is_there = True
    SignIn(made.db, "D1", server, made.clock).sign_in("ann", PASSWORD)
    made.server.put(user(is_active=False, password_hash=None))
    made.connect(offset_ms=-86_400_000)
    with pytest.raises(SignInError, match="the account is gone"):
        sessions.current(made.db)
    made.close()


def test_own_password_changed_here_takes_the_key_along(bench: SyncBench, desk: SignIn, server: FakeServer):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    before = OperatorKeys(bench.db).find(USER)
    assert bench.store.erase()
    by = author(bench.db, "D1", bench.clock, PASSWORD)
    set_password(bench.db, bench.clock, by, Key.user(USER), password="brand-new-pass-1", own=PASSWORD)
    bench.draw()
    after = OperatorKeys(bench.db).find(USER)
    assert bench.store.erase()
    assert before.wrapped not in bench.bytes_on_disk()
    assert (after.kid, after.ended_why) == (before.kid, None)
    assert author(bench.db, "D1", bench.clock, "brand-new-pass-1")
    assert sessions.current(bench.db).username == "ann"
    server.is_there = False
    assert desk.sign_in("ann", "brand-new-pass-1").who.is_from_cache
    assert refused(desk, "ann", PASSWORD) == WRONG


def test_new_password_too_short_is_refused(bench: SyncBench, desk: SignIn, server: FakeServer):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    by = author(bench.db, "D1", bench.clock, PASSWORD)
    with pytest.raises(ChangeError, match="10 to 256"):
        set_password(bench.db, bench.clock, by, Key.user(USER), password="short", own=PASSWORD)


def test_deactivating_oneself_here_ends_the_sign_in_at_once(bench: SyncBench, desk: SignIn, server: FakeServer):
    server.is_there = True
    desk.sign_in("ann", PASSWORD)
    author(bench.db, "D1", bench.clock, PASSWORD).edit(Key.user(USER), "is_active", value=False)
    bench.draw()
    with pytest.raises(SignInError, match="the account is gone"):
        sessions.current(bench.db)


def test_user_made_here_can_sign_in_here_at_once(bench: SyncBench, desk: SignIn):
    by = bench.author()
    bob = by.create(Kind.USER, {"username": "bob", "password_hash": HASH})
    by.edit(Key.user_role(bob.id, ROLE), "present", value=True)
    assert desk.sign_in("bob", PASSWORD).who.user_id == bob.id


def test_time_on_the_servers_scale_never_runs_back_between_contacts(bench: SyncBench):
    time = CorrectedTime(bench.db, bench.clock)
    time.contact(5_000)
    start = time.now()
    assert start == bench.clock.now() + timedelta(seconds=5)
    bench.clock.jump(-3600)
    assert time.now() == start
    bench.clock.jump(3600)
    bench.clock.advance(1)
    assert time.now() == start + timedelta(seconds=1)
    time.contact(-60_000)
    assert format_time(time.now()) < format_time(start), "a contact sets it to the server's time"
