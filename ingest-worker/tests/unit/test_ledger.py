"""The ledger's rules against a model that keeps one fate for each number."""

from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.ranges import Ranges, from_numbers, intersection, union
from pulse_ingest.ledger import Account, Claim, settle

RANK = {None: 0, "lost": 1, "rejected": 2, "archived": 3}
number = st.integers(1, 12)
claims = st.builds(
    Claim,
    valid=st.lists(number, max_size=6),
    faulty=st.lists(number, max_size=6),
    lost=st.sets(number, max_size=6).map(from_numbers),
)


def members(found: Ranges) -> set[int]:
    return {n for first, last in found for n in range(first, last + 1)}


def fates(account: Account) -> dict[int, str]:
    made = dict.fromkeys(members(account.archived), "archived")
    made.update(dict.fromkeys(members(account.rejected), "rejected"))
    made.update(dict.fromkeys(members(account.lost), "lost"))
    return made


def raise_fate(model: dict[int, str], numbers: set[int], fate: str) -> None:
    for n in numbers:
        if RANK[fate] > RANK[model.get(n)]:
            model[n] = fate


@given(st.lists(claims, max_size=6))
def test_settle_any_history_gives_each_number_its_best_fate(history: list[Claim]) -> None:
    account, model = Account(), {}
    stored: list[int] = []
    for claim in history:
        before = dict(model)
        raise_fate(model, members(claim.lost), "lost")
        raise_fate(model, set(claim.faulty), "rejected")
        raise_fate(model, set(claim.valid), "archived")
        done = settle(account, claim)
        assert fates(done.after) == model
        assert members(done.after.settled) == set(model)
        assert members(intersection(done.after.rejected, done.after.lost)) == set()
        assert members(done.superseded) == {n for n in done.archive if before.get(n) == "rejected"}
        assert len(claim.valid) + len(claim.faulty) == len(done.archive) + len(done.reject) + done.duplicates
        stored.extend(done.archive)
        account = done.after
    assert len(stored) == len(set(stored)), "a number was archived twice"


@given(st.lists(claims, max_size=4), claims)
def test_settle_deltas_applied_to_the_row_give_the_account_after(history: list[Claim], claim: Claim) -> None:
    account = Account()
    for earlier in history:
        account = settle(account, earlier).after
    done = settle(account, claim)
    # What the UPDATE of the ledger row does, on sets.
    settled = members(account.settled) | members(done.settled_added)
    rejected = members(account.rejected) - members(done.superseded) | done.reject
    lost = members(account.lost) - members(done.lost_removed) | members(done.lost_added)
    assert (settled, rejected, lost) == tuple(
        members(part) for part in (done.after.settled, done.after.rejected, done.after.lost)
    )


@given(claims)
def test_settle_same_claim_again_changes_nothing(claim: Claim) -> None:
    first = settle(Account(), claim)
    again = settle(first.after, claim)
    assert again.after == first.after
    assert not again.archive | again.reject
    assert again.duplicates == len(claim.valid) + len(claim.faulty)


@given(claims)
def test_named_every_number_of_the_claim_is_in_the_account_after(claim: Claim) -> None:
    done = settle(Account(), claim)
    assert done.after.within(claim.named).settled == claim.named
    assert claim.highest == (claim.named[-1][1] if claim.named else 0)


def test_settle_valid_copy_of_rejected_number_is_archived_and_supersedes() -> None:
    rejected = settle(Account(), Claim(faulty=[5]))
    done = settle(rejected.after, Claim(valid=[5]))
    assert done.archive == {5}
    assert done.superseded == [(5, 5)]
    assert done.after == Account(settled=[(5, 5)])
    assert done.duplicates == 0


def test_settle_valid_copy_of_lost_number_leaves_lost() -> None:
    lost = settle(Account(), Claim(lost=[(1, 10)]))
    done = settle(lost.after, Claim(valid=[4]))
    assert done.after.archived == [(4, 4)]
    assert done.after.lost == [(1, 3), (5, 10)]


def test_settle_loss_declared_over_archived_numbers_takes_only_the_others() -> None:
    archived = settle(Account(), Claim(valid=[2, 3]))
    done = settle(archived.after, Claim(lost=[(1, 4)]))
    assert done.after.lost == [(1, 1), (4, 4)]
    assert done.after.archived == [(2, 3)]
    assert union(done.settled_added) == [(1, 1), (4, 4)]
